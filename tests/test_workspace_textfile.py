from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.errors import EditRefused
from qwenagent.workspace import TextFile

BOM = b"\xef\xbb\xbf"


MIXED = ("\r\n", "\n", "\r\n")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", TextFile("")),
        (b"a\nb", TextFile("a\nb")),
        (b"a\r\nb\r\n", TextFile("a\nb\n", "\r\n")),
        (BOM + b"a\n", TextFile("a\n", bom=True)),
        (BOM + b"a\r\n", TextFile("a\n", "\r\n", bom=True)),
        ("ü\u2028\x0c\n".encode(), TextFile("ü\u2028\x0c\n")),
        (b"a\r\nb\nc\r\n", TextFile("a\nb\nc\n", "\r\n", ends=MIXED)),
        (b"a\r\nb\n", TextFile("a\nb\n", "\n", ends=("\r\n", "\n"))),
        (b"gr\xfc\xdfe\n", TextFile("grüße\n", encoding="latin-1")),
        (b"\x93a\x94 \x80\r\n", TextFile("“a” €\n", "\r\n", encoding="cp1252")),
    ],
)
def test_decode(data, expected):
    file = TextFile.decode(data, "a.txt")
    assert file == expected
    assert file.encode(file.text) == data


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\0\1", "a.txt is not a text file: it has zero bytes"),
        (b"x" * 9000 + b"\0", "a.txt is not a text file: it has zero bytes"),
        (b"\x1f\x8b\x08ab\xff", "a.txt is not a text file; `iconv -t UTF-8` converts text"),
        ("ü".encode() + b"\xff",
         "a.txt is neither UTF-8 text (byte 2) nor Latin-1; `iconv -t UTF-8` converts text"),
        ("😀".encode() + b"\xfc",
         "a.txt is neither UTF-8 text (byte 4) nor Latin-1; `iconv -t UTF-8` converts text"),
        (b"\x81\x8d",
         "a.txt is neither UTF-8 text (byte 0) nor Latin-1; `iconv -t UTF-8` converts text"),
        ("ab".encode("utf-16"), "a.txt is UTF-16 text; `iconv -f UTF-16 -t UTF-8` converts it"),
        ("abc".encode("utf-16-be"), "a.txt is UTF-16 text; `iconv -f UTF-16 -t UTF-8` converts it"),
        ("ab".encode("utf-32"), "a.txt is UTF-32 text; `iconv -f UTF-32 -t UTF-8` converts it"),
        (POINTER, "a.txt is a Git LFS pointer; `git lfs pull` fetches the file"),
    ],
)  # fmt: skip
def test_refused(data, message):
    with pytest.raises(EditRefused) as caught:
        TextFile.decode(data, "a.txt")
    assert caught.value.message == message


def test_a_text_about_pointers_is_none():
    assert TextFile.decode(POINTER + b"x" * 1024, "a.md").text.startswith("version https")


@pytest.mark.parametrize(
    ("data", "text", "message"),
    [
        (b"\xfc\n", "ü → x\n",
         "a.py is Latin-1 text and cannot hold '→'; write it in ASCII "
         "(`iconv -f LATIN-1 -t UTF-8` converts the file)"),
        (b"\x93\n", "“ → x\n",
         "a.py is Windows-1252 text and cannot hold '→'; write it in ASCII "
         "(`iconv -f WINDOWS-1252 -t UTF-8` converts the file)"),
        (b"a", "\udc80", "the text for a.py cannot be written as UTF-8: '\\udc80'"),
    ],
)  # fmt: skip
def test_a_character_that_does_not_fit(data, text, message):
    with pytest.raises(EditRefused) as caught:
        TextFile.decode(data, "a.py").encode(text, "a.py")
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (b"a\r\nb\nc\r\n", "a\nB\nc\n", b"a\r\nB\r\nc\r\n"),
        (b"a\r\nb\nc\r\n", "a\nnew\nb\nc\n", b"a\r\nnew\r\nb\nc\r\n"),
        (b"a\r\nb\nc\n", "b\nx\nc\n", b"b\nx\nc\n"),
        (b"a\r\nb\nc\r\n", "c\n", b"c\r\n"),
        (b"a\r\nb\nc", "a\nb\nc\nd\n", b"a\r\nb\nc\nd\n"),
        (b"a\nb\r\nb\n", "b\nb\na", b"b\r\nb\na"),
        (b"a\r\nb\n", "", b""),
    ],
)
def test_of_mixed_line_ends_unchanged_lines_keep_theirs(before, text, after):
    assert TextFile.decode(before, "a.txt").encode(text) == after


def test_mixed_line_ends_of_a_long_file():
    # Comparing each line with each takes hours.
    ends = ("\r\n", "\n") * 20_000
    before = "".join(f"x{end}" for end in ends)
    after = TextFile.decode(f"a\r\n{before}b\n".encode(), "a.txt").encode(
        "A\n" + "x\n" * 40_000 + "B"
    )
    assert after == f"A\n{before}B".encode()


BYTES = [b"a", b"\xfc", b"\x93", "ü".encode(), b"\r\n", b"\n", b"\r", b"\0"]


@given(st.lists(st.sampled_from(BYTES), max_size=8).map(b"".join))
def test_any_bytes_are_refused_or_written_back(data):
    try:
        file = TextFile.decode(data, "a.txt")
    except EditRefused:
        return
    assert file.encode(file.text) == data


@given(st.text(alphabet="ab\r\n\u2028\ufeffü", max_size=12), st.booleans(), st.booleans())
def test_what_is_read_is_written_back(text, bom, crlf):
    data = (BOM if bom else b"") + (text.replace("\n", "\r\n") if crlf else text).encode()
    try:
        file = TextFile.decode(data, "a.txt")
    except EditRefused:
        return
    assert file.encode(file.text) == data
