"""Whether an edit broke the syntax of a file."""

from __future__ import annotations

import warnings
from itertools import zip_longest

from qwenagent.syntax.languages import is_known
from qwenagent.syntax.parsing import error_nodes, lacks_tag, parse


def syntax_error(path: str, before: str, after: str) -> str:
    """Return the first error of `after` that `before` did not have, empty if there is none.

    Python is read by Python itself as well: tree-sitter accepts some texts that it refuses. A
    file that Python could not read before either may be written for another version of it.
    """
    if path.endswith((".py", ".pyi")) and not _python_error(before):
        return _python_error(after)
    if not is_known(path):
        return ""
    if lacks_tag(path, after) and not lacks_tag(path, before):
        return "line 1: no `<?php` before the code"
    known, found = _errors(path, before), _errors(path, after)
    if len(found) <= len(known):
        return ""
    old = {line for _, line in known}
    row, line = next((error for error in found if error[1] not in old), found[0])
    # Where an "end" lacks, all of the file may be the error; its cause is not above the change.
    changed, there = _first_change(before, after)
    if there and changed > row:
        row, line = changed, there
    return f"line {row + 1}: syntax error at {line!r}"


def _first_change(before: str, after: str) -> tuple[int, str]:
    """Return the first line of `after` that is another than in `before`, as (row, its text)."""
    pairs = zip_longest(before.split("\n"), after.split("\n"))
    row, line = next(((row, new) for row, (old, new) in enumerate(pairs) if new != old), (0, ""))
    return row, (line or "").strip()[:80]


def _python_error(text: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Only compiled, never run: a "return" outside a function parses, but does not compile.
            compile(text, "<edit>", "exec", dont_inherit=True)
    except SyntaxError as error:
        line = (error.text or "").strip()[:80]
        return f"line {error.lineno or 1}: {error.msg}" + (f" at {line!r}" if line else "")
    except (ValueError, RecursionError, MemoryError) as error:
        return f"not readable as Python: {error or type(error).__name__}"
    return ""


def _errors(path: str, text: str) -> list[tuple[int, str]]:
    """Return the errors as (row, its text), in order."""
    lines = text.split("\n")
    rows = [node.start_point.row for node in error_nodes(parse(path, text).root_node)]
    return [(row, lines[row].strip()[:80]) for row in rows]
