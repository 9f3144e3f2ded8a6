from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.errors import EditRefused
from qwenagent.workspace import TextFile

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", TextFile("")),
        (b"a\nb", TextFile("a\nb")),
        (b"a\r\nb\r\n", TextFile("a\nb\n", "\r\n")),
        (BOM + b"a\n", TextFile("a\n", bom=True)),
        (BOM + b"a\r\n", TextFile("a\n", "\r\n", bom=True)),
        ("ü\u2028\x0c\n".encode(), TextFile("ü\u2028\x0c\n")),
    ],
)
def test_decode(data, expected):
    assert TextFile.decode(data, "a.txt") == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a\nb\r\n", "line ends"),
        (b"ab\xff", "not UTF-8 text \\(byte 2\\)"),
        (b"PK\0\1", "not a text file"),
        (b"x" * 9000 + b"\0", "not a text file"),
    ],
)
def test_refused(data, message):
    with pytest.raises(EditRefused, match=message):
        TextFile.decode(data, "a.txt")


@given(st.text(alphabet="ab\r\n\u2028\ufeffü", max_size=12), st.booleans(), st.booleans())
def test_what_is_read_is_written_back(text, bom, crlf):
    data = (BOM if bom else b"") + (text.replace("\n", "\r\n") if crlf else text).encode()
    try:
        file = TextFile.decode(data, "a.txt")
    except EditRefused:
        return
    assert file.encode(file.text) == data
