"""A text file as bytes and as text, so that an edit changes nothing that it did not name."""

from __future__ import annotations

from dataclasses import dataclass

from qwenagent.errors import EditRefused

MAX_BYTES = 2_000_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class TextFile:
    """The text with `\\n` line ends, and how it is written down."""

    text: str
    newline: str = "\n"
    bom: bool = False

    @classmethod
    def decode(cls, data: bytes, path: str) -> TextFile:
        """Read bytes.

        Raises:
            EditRefused: not UTF-8 text, or line ends of both kinds, which could not be kept.
        """
        if b"\0" in data:
            raise EditRefused(f"{path} is not a text file")
        bom = data.startswith(_BOM)
        try:
            text = data.removeprefix(_BOM).decode("utf-8")
        except UnicodeDecodeError as error:
            raise EditRefused(f"{path} is not UTF-8 text (byte {error.start})") from None
        n_crlf, n_lf = text.count("\r\n"), text.count("\n")
        if n_crlf not in (0, n_lf):
            raise EditRefused(f"{path} has both \\n and \\r\\n line ends; edit it by hand")
        return cls(text.replace("\r\n", "\n"), "\r\n" if n_crlf else "\n", bom)

    def encode(self, text: str) -> bytes:
        """Write another text the way this one was written."""
        data = text.replace("\n", self.newline).encode("utf-8")
        return _BOM + data if self.bom else data
