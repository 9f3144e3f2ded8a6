"""Makes text from outside safe to put on a terminal. Knows nothing of rich or of events."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"(?:\x1b[P\]X^_k]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS ...
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[ -/]*[0-~]?"  # two-character escapes
)
# C0 but tab and line feed, DEL, C1; bidirectional controls (CVE-2021-42574); zero-width
# characters that hide text; line separators; tags; halves of surrogate pairs.
_HIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_UNSAFE = re.compile(f"[{_HIDDEN}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSHOWN = re.compile(f"[{_HIDDEN}\ud800-\udfff]")
_NOT_VISIBLE = re.compile(f"[{_HIDDEN}\ud800-\udfff\t]")


def printable(text: str) -> str:
    """Drop escape sequences, control and bidi characters; tabs and line feeds stay.

    CRLF becomes LF; half a surrogate pair becomes U+FFFD. Meant for showing: the result may
    say less than `text`. Where the user decides on the text, use `visible`.
    """
    text = _SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return _SURROGATE.sub("\ufffd", _UNSAFE.sub("", text))


def revealed(text: str) -> str:
    r"""Return code or a message with what would not show spelt out (`\u202e`), lines and tabs kept.

    Nothing is dropped: a reviewer sees that a line does not read as it runs.
    """
    return _UNSHOWN.sub(_spell, text.replace("\r\n", "\n"))


def json_line(line: str) -> str:
    """Return a line of JSON of the same value, without characters that a terminal acts upon."""
    return _UNSAFE.sub(_escape, line)


def one_line(text: str, limit: int = 0) -> str:
    """Return `text` printable and on one line, cut to `limit` characters if that is not 0."""
    line = " ".join(printable(text).split())
    return line if not limit or len(line) <= limit else line[: limit - 3].rstrip() + "..."


def visible(text: str) -> str:
    r"""Return `text` with everything that would not show spelt out (`\x1b`); lines stay lines."""
    return _NOT_VISIBLE.sub(_spell, text)


def visible_line(text: str) -> str:
    r"""Return a command as it is, blanks kept, on one line: what would not show is spelt out."""
    return visible(text).replace("\n", "\\n")


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return {0x09: "\\t", 0x0D: "\\r"}.get(code, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
