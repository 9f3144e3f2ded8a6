"""Diffs on a terminal: which words of a changed line stand out."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from qwenagent.ui.diff import coloured_diff


def reversed_parts(old: str, new: str) -> list[str]:
    """Draw a diff of these lines; return what stands out."""
    rows = [f"-{line}" for line in old.splitlines()] + [f"+{line}" for line in new.splitlines()]
    head = f"@@ -1,{len(old.splitlines())} +1,{len(new.splitlines())} @@"
    diff = "\n".join(["diff --git a/a.py b/a.py", "--- a/a.py", "+++ b/a.py", head, *rows, ""])
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
    segments = console.render(coloured_diff(diff, "a.py"))
    found = [(s.text, bool(s.style and s.style.reverse)) for s in segments]
    merged: list[str] = []
    was = False
    for text, is_out in found:
        if is_out and was:
            merged[-1] += text
        elif is_out:
            merged.append(text)
        was = is_out
    return merged


@pytest.mark.parametrize(
    ("old", "new", "out"),
    [
        ("return sum(a for a in b)", "return sum(a * n for a in b)", [" * n"]),
        ("x = limit - 1", "x = limit + 1", ["-", "+"]),
        ("x = old_name(1)\ny = 2", "x = new_name(1)\ny = 3", ["old_name", "2", "new_name", "3"]),
        ("return None", "raise ValueError(f'{name} is no name')", []),
        ("x = 1", "", []),
        ("", "x = 1", []),
        ("x = 1\ny = 2", "x = 2", ["1", "2"]),
    ],
)
def test_words_that_differ_stand_out(old, new, out):
    assert reversed_parts(old, new) == out
