import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.sandbox import clean_output
from qwenagent.sandbox.output import Capped


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred\x9b0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]never closed\nnext line", "\nnext line"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("a\x1b(Bb\x1b=c\x1b", "abc"),
        ("one\r\ntwo\r\r\nthree", "one\ntwo\nthree"),
        ("one\n\r\r\ntwo\n\r\r", "one\n\ntwo\n\n"),
        ("a 10% [=>  ]\ra 20% [==> ]\ra 100% [====]\nb", "a 100% [====]\nb"),
        ("error: no disk\r10%\r20%\r\n", "error: no disk\n20%\n"),
        ("nul\0bell\x07del\x7f", "nulbelldel"),
        ("if \u202eadmin\u2066", "if admin"),
        ("日本語 äöü 🙂", "日本語 äöü 🙂"),
    ],
)
def test_clean_output(raw, clean):
    assert clean_output(raw) == clean


@given(st.text())
def test_cleaned_text_has_no_control_character_and_stays_as_it_is(text):
    cleaned = clean_output(text)
    controls = {chr(c) for c in (*range(32), *range(0x7F, 0xA0))} - {"\t", "\n"}
    assert not controls & set(cleaned)
    assert clean_output(cleaned) == cleaned


@given(st.lists(st.binary(max_size=40)), st.integers(0, 60))
def test_the_cap_keeps_both_ends_and_counts_the_rest(chunks, max_bytes):
    kept = Capped(max_bytes)
    for chunk in chunks:
        kept.add(chunk)
    size = sum(map(len, chunks))
    assert kept.cut_bytes == max(0, size - max_bytes)
    kept.text()
    assert kept.cut_bytes == max(0, size - max_bytes)


def test_what_is_cut_is_said_in_the_middle():
    kept = Capped(8)
    for letter in b"abcdefghijkl":
        kept.add(bytes([letter]))
    assert kept.text() == "abcd\n[... 4 bytes cut ...]\nijkl"
