"""Patches as a frontier model writes them: what they say, and what is none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.errors import PatchMalformed
from qwenagent.escalate import FilePatch, parse_patch
from qwenagent.escalate.patch import PatchBlock
from qwenagent.tools.search import search_replaced


def test_the_path_may_be_left_out_where_one_file_alone_may_change():
    whole = FilePatch("a.py", whole="x = 1\n")
    assert parse_patch("```python\nx = 1\n```", "a.py") == (whole,)
    assert parse_patch("a.py\n```\nx = 1\n```\n", "a.py") == (whole,)
    block = "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"
    [found] = parse_patch(f"{block}\n{block}", "a.py")
    assert (found.path, len(found.blocks)) == ("a.py", 2)
    with pytest.raises(PatchMalformed, match="is not the path of a file"):
        parse_patch("Here it is:\n```\nx = 1\n```", "a.py")
    with pytest.raises(PatchMalformed, match="once whole"):
        parse_patch("```\nx = 1\n```\n\n```\nx = 2\n```", "a.py")


def test_blocks_and_whole_files():
    text = """
pkg/store.py
<<<<<<< SEARCH
    def load(self):
        return 1
=======
    def load(self):

        return 2
>>>>>>> REPLACE

<<<<<<< SEARCH
LIMIT = 3
=======
>>>>>>> REPLACE

`my docs/notes.txt`
```text
one

two
```

pkg/__init__.py
````
````
"""
    assert parse_patch(text) == (
        FilePatch(
            "pkg/store.py",
            (
                PatchBlock(
                    ("    def load(self):", "        return 1"),
                    ("    def load(self):", "", "        return 2"),
                ),
                PatchBlock(("LIMIT = 3",), ()),
            ),
        ),
        FilePatch("my docs/notes.txt", whole="one\n\ntwo\n"),
        FilePatch("pkg/__init__.py", whole=""),
    )


def test_blocks_in_a_fence_and_a_file_named_twice():
    text = (
        "./a.py\n\n```python\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n\n```\n\n"
        "a.py\n<<<<<<<< SEARCH\n=======\n========\nz\n>>>>>>>> REPLACE\n"
    )
    blocks = (PatchBlock(("x",), ("y",)), PatchBlock(("=======",), ("z",)))
    assert parse_patch(text) == (FilePatch("a.py", blocks),)


def test_line_ends_of_a_network():
    text = "a.py\r\n<<<<<<< SEARCH\r\nx\r\n=======\r\ny\r\n>>>>>>> REPLACE\r\n"
    assert parse_patch(text) == (FilePatch("a.py", (PatchBlock(("x",), ("y",)),)),)


def test_unicode_and_form_feeds_are_text():
    text = "ü.py\n```\nx = '\u2028'\n\x0c\ny\n```"
    assert parse_patch(text) == (FilePatch("ü.py", whole="x = '\u2028'\n\x0c\ny\n"),)


def test_markdown_in_a_longer_fence():
    inside = "# Title\n\n```\nmake\n```\n\n````\nx\n````\n"
    text = f"README.md\n`````markdown\n{inside}`````\n"
    assert parse_patch(text) == (FilePatch("README.md", whole=inside),)


BLOCK = "<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n"
MALFORMED = [
    ("", "the patch: it is empty"),
    (" \n\t\n", "the patch: it is empty"),
    ("Here is the patch:\n\na.py\n```\nx\n```", "line 1 of the patch: 'Here is the patch:' is not"),
    (f"a.py\n{BLOCK}\nThat should do.", "line 8 of the patch: 'That should do.' is not the path"),
    (f"a.py\n{BLOCK}\nDone.", "line 8 of the patch: there is nothing below Done."),
    ("a.py\n", "line 1 of the patch: there is nothing below a.py"),
    ("a.py\nb.py\n```\n```", "line 2 of the patch: 'b.py' is neither a fence nor a SEARCH"),
    ("```\nx\n```", "line 1 of the patch: there is no path above '```'"),
    (BLOCK, "line 1 of the patch: there is no path above '<<<<<<< SEARCH'"),
    ("  a.py\n```\n```", "line 1 of the patch: '  a.py' is not the path"),
    ("my file.py\n```\n```", "line 1 of the patch: 'my file.py' is not the path"),
    ("pkg/\n```\n```", "line 1 of the patch: 'pkg/' is a folder"),
    ("../a.py\n```\n```", "line 1 of the patch: '../a.py' is not a relative path"),
    ("/etc/passwd\n```\n```", "line 1 of the patch: '/etc/passwd' is not a relative path"),
    (".git/config\n```\n```", "line 1 of the patch: .git/config belongs to git"),
    ("`../a.py`\n```\n```", "line 1 of the patch: '../a.py' is not a relative path"),
    ("a\\b.py\n```\n```", "line 1 of the patch: a\\b.py has a backslash"),
    ("a\u202e.py\n```\n```", "line 1 of the patch: 'a\\u202e.py' is not a name"),
    ("a.py\n```\nx\n", "line 2 of the patch: the fence of a.py is not closed"),
    ("a.py\n````\nx\n```\n", "line 2 of the patch: the fence of a.py is not closed"),
    ("a.py\n```\nx\n```\nmore\n```\n", "line 5 of the patch: 'more' follows without a blank line"),
    (f"a.py\n{BLOCK}more", "line 7 of the patch: 'more' follows without a blank line"),
    ("README.md\n```\n# A\n```", "line 2 of the patch: README.md can have fences itself"),
    (
        "a.py\n<<<<<<< SEARCH\nx\n=======\ny\n",
        "line 2 of the patch: a block of a.py has no '>>>>>>> REPLACE'",
    ),
    (
        f"a.py\n<<<<<<< SEARCH\nx\n=======\ny\n{BLOCK}",
        "line 2 of the patch: a block of a.py has no '>>>>>>> REPLACE'",
    ),
    (
        "a.py\n<<<<<<< SEARCH\nx\ny\n>>>>>>> REPLACE",
        "line 2 of the patch: a block of a.py has 0 lines '======='",
    ),
    (
        "a.py\n<<<<<<< SEARCH\nx\n=======\ny\n=======\nz\n>>>>>>> REPLACE",
        "line 2 of the patch: a block of a.py has 2 lines '======='",
    ),
    (
        "a.py\n<<<<<<< SEARCH\n=======\ny\n>>>>>>> REPLACE",
        "line 2 of the patch: a block of a.py searches for nothing",
    ),
    (
        "a.py\n<<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE",
        "line 2 of the patch: a block of a.py has no '>>>>>>>> REPLACE'",
    ),
    (
        f"a.py\n```\n{BLOCK}more\n```",
        "line 8 of the patch: 'more' is outside a block",
    ),
    (f"a.py\n```\nx\n```\n\na.py\n{BLOCK}", "line 6 of the patch: a.py is there twice"),
    (f"a.py\n{BLOCK * 9}", "the patch: 9 blocks for a.py, and a file takes 8"),
]


@pytest.mark.parametrize(("text", "complaint"), MALFORMED)
def test_what_is_no_patch_says_where(text, complaint):
    with pytest.raises(PatchMalformed) as caught:
        parse_patch(text)
    assert caught.value.message.startswith(complaint)
    assert "nothing else" in caught.value.hint


def test_blocks_as_the_body_of_a_search():
    old = "Title\n=======\n\nx = 1\n"
    [patch] = parse_patch("a.rst\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\ny = 3\n>>>>>>> REPLACE\n")
    new = search_replaced(patch.path, old, patch.body_for(old))
    assert new.text == "Title\n=======\n\nx = 2\ny = 3\n"


LINES = st.lists(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=12))


def marker_width(lines: list[str]) -> int:
    return max([len(line) for line in lines if line], default=0) + 7


@given(st.lists(LINES.filter(bool), min_size=1, max_size=4), LINES)
def test_what_is_written_in_the_form_is_read_as_it_was(searches, replace):
    width = marker_width([*(row for rows in searches for row in rows), *replace])
    rows = ["a.py"]
    for search in searches:
        rows += ["<" * width + " SEARCH", *search, "=" * width, *replace, ">" * width + " REPLACE"]
    blocks = tuple(PatchBlock(tuple(search), tuple(replace)) for search in searches)
    assert parse_patch("\n".join(rows)) == (FilePatch("a.py", blocks),)


@given(LINES)
def test_a_whole_file_is_read_as_it_was(lines):
    fence = "`" * (marker_width(lines) + 3)
    whole = "".join(f"{line}\n" for line in lines)
    [patch] = parse_patch(f"a.py\n{fence}\n{whole}{fence}")
    assert patch == FilePatch("a.py", whole=whole)


@given(st.text("a.py`<>=\n /SEARCHPL", max_size=200))
def test_whatever_comes_is_a_patch_or_an_error(text):
    with suppress(PatchMalformed):  # and nothing else
        assert parse_patch(text)
