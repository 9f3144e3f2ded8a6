"""Which files a step orders to be made, by its words."""

from __future__ import annotations

import pytest

from qwenagent.loop.words.creating import is_ordered, is_wanted

PATH = "src/parser.py"
NAMED = ("app/main.py", "src/a.py", PATH)


@pytest.mark.parametrize(
    "text",
    [
        "Update the imports of `src/parser.py` in `app/main.py`.",
        "Use the rate of src/parser.py in app/main.py",
        "Add an import of `src/parser.py` to `app/main.py`",
        "Add `src/parser.py` imports to app/main.py",
        "Write tests for `src/parser.py` in tests/test_a.py",
        "Make `src/parser.py` pass",
        "Use the new module `src/parser.py`.",
        "Import it from the new `src/parser.py`",
        "Move the parts of `src/parser.py` to `lib/x.py`",
        "Rename `src/parser.py` to `src/lexer.py`",
        "Do not create `src/parser.py`.",
        "Add a command that writes `src/parser.py`.",
        "See `src/parser.py`.",
        "Fix the parser in src/parser.py",
        "Create it.\n\n```\nwrite src/parser.py\n```",
    ],
)
def test_a_file_that_is_only_mentioned(text):
    assert not is_wanted(PATH, text, NAMED)
    assert not is_ordered(PATH, text, NAMED)


@pytest.mark.parametrize(
    "text",
    [
        "Step 1 - `src/parser.py`: a class `Parser` with `parse(text)`.",
        "`src/parser.py`: functions `parse(text)` and `tokens(text)`",
        "src/parser.py",
        "Create it.\n\n```python src/parser.py\ndef parse(): ...\n```",
        "Implement the parser in src/parser.py",
        "In `src/parser.py`, implement `parse`.",
        "`src/parser.py`: add `parse()`.",
        "`src/parser.py` should contain the parser.",
        "The new module `src/parser.py` holds the parser.",
        "New file: `src/parser.py`",
        "Create these files:\n- `src/a.py`\n- `src/parser.py`: the parser",
        "Add the parser\n\n- `src/parser.py`\n- app/main.py",
        "Write a parser. It belongs into `src/parser.py`.",
        "Move the helpers from `app/main.py` into `src/parser.py`",
        "Extract the parser to parser.py.",
        "Fix the long function: move its half into `src/parser.py`.",
        "Split app/main.py into `src/a.py` and `src/parser.py`",
        "Put the parser into a module of its own, src/parser.py.",
        "Add a parser and a lexer in src/parser.py",
        "Write a script to check the imports in src/parser.py",
        "Add a call of main to read the config in `src/parser.py`.",
        "Cover `main` with tests in `src/parser.py`.",
        "\u5728 `src/parser.py` \u4e2d\u5b9e\u73b0\u89e3\u6790\u5668",
    ],
)
def test_a_file_that_is_to_hold_what_is_made(text):
    assert is_wanted(PATH, text, NAMED)
    assert not is_ordered(PATH, text, NAMED)


@pytest.mark.parametrize(
    "text",
    [
        "Implement src/parser.py",
        "Write `src/parser.py` with `parse()`.",
        "Create a file called src/parser.py",
        "Create `src/a.py`, `src/b.py` and `src/parser.py`.",
        "Make a module `parser.py` with `parse`.",
    ],
)
def test_a_file_that_is_the_order_itself(text):
    assert is_wanted(PATH, text, NAMED)
    assert is_ordered(PATH, text, NAMED)


@pytest.mark.parametrize("unit", [".", "a.", "new file ", "`a.py`, ", "a.py and ", "the ", "a]"])
def test_a_long_run_of_anything_is_read_at_once(unit):
    text = f"{(unit * 1400)[:1400]} {PATH}"
    assert is_wanted(PATH, text, NAMED)
