from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from qwenagent.tools import cut_lines

NOTE = re.compile(r"\[\.\.\. (\d+) lines left out \.\.\.\]")


def test_what_fits_stays():
    assert cut_lines("a\n\nb\n", 3, 100) == "a\n\nb"


def test_the_middle_goes():
    text = "\n".join(map(str, range(10)))
    assert cut_lines(text, 5, 100) == "0\n1\n2\n[... 5 lines left out ...]\n8\n9"
    assert cut_lines(text, 1, 100) == "0\n[... 9 lines left out ...]"
    assert cut_lines(text, 10, 7) == "0\n1\n[... 7 lines left out ...]\n9"


def test_a_long_line_says_so():
    cut = "x" * 400 + "[... 100 characters left out ...]"
    assert cut_lines("x" * 500, 5, 1000) == cut


@given(
    st.lists(st.text(alphabet="ab\u2028\r ", max_size=12), min_size=1, max_size=30),
    st.integers(1, 20),
    st.integers(1, 120),
)
def test_whole_lines_and_true_counts(lines, max_lines, max_chars):
    out = cut_lines("\n".join([*lines, ""]), max_lines, max_chars).split("\n")
    notes = [(i, found) for i, line in enumerate(out) if (found := NOTE.fullmatch(line))]
    if not notes:
        assert out == lines
        return
    ((at, note),) = notes
    n_left_out = int(note[1])
    head, tail = out[:at], out[at + 1 :]
    assert head + lines[at : at + n_left_out] + tail == lines
    assert n_left_out > 0
    assert len(head + tail) <= max_lines
    assert len(head + tail) == 1 or sum(len(x) + 1 for x in head + tail) <= max_chars
