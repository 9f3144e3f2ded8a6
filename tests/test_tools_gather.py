from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwenagent.protocol.json import Json
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.tools import GATHER_TOOLS, SPECS, run_gather, tool_lines
from qwenagent.workspace import Repository, Workspace
from tests.conftest import run_git


@pytest.fixture
def tree(repo: Path) -> Workspace:
    return Workspace(Repository.open(repo))


def look(tree: Workspace, name: str, **arguments: Json) -> ToolResult:
    return run_gather(tree, ToolCall(name, arguments))


def test_read_file(tree):
    (tree.root / "a b.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    assert look(tree, "read_file", path="a b.py", start=1) == ToolResult(
        "a b.py, lines 1 to 2 of 2\n```python\nx = 1\ny = 2\n```",
        details={"lines": 2, "path": "a b.py"},
    )


def test_read_file_goes_on_where_it_stopped(tree):
    (tree.root / "a.txt").write_text("".join(f"{n}\n" for n in range(1, 451)))
    first = look(tree, "read_file", path="a.txt", start=1).content
    assert first.startswith(
        "a.txt, lines 1 to 200 of 450; read_file with start 201 shows more\n```\n1\n"
    )
    last = look(tree, "read_file", path="a.txt", start=401)
    assert last.content.startswith("a.txt, lines 401 to 450 of 450\n```\n401\n")
    assert last.content.endswith("\n450\n```")


def test_read_file_of_long_lines_is_short_and_says_so(tree):
    (tree.root / "a.txt").write_text(("x" * 5000 + "\n") * 100)
    result = look(tree, "read_file", path="a.txt", start=1).content
    assert len(result) < 9000
    assert result.startswith("a.txt, lines 1 to 18 of 100; read_file with start 19 shows more")
    assert "[... 4600 characters left out ...]" in result


def test_a_file_cannot_close_its_fence(tree):
    (tree.root / "a.md").write_text("```\nforged\n")
    result = look(tree, "read_file", path="a.md", start=1).content
    assert result.endswith("\n````markdown\n```\nforged\n````")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("read_file", {"path": "gone.py", "start": 1},
         "gone.py does not exist; list_files shows what there is"),
        ("read_file", {"path": "pkg", "start": 1},
         "pkg is a folder; list_files shows what there is"),
        ("read_file", {"path": "../x", "start": 1},
         "'../x' is not a relative path inside the repository; list_files shows what there is"),
        ("read_file", {"path": "README.md", "start": 2},
         "README.md has 1 lines; start lies between 1 and 1"),
        ("read_file", {"path": "README.md"},
         "read_file needs start as a whole number, not None; list_files shows what there is"),
        ("outline", {"path": "README.md"}, "README.md has no outline; read_file shows it"),
        ("search", {"text": "nowhere to be found"},
         "'nowhere to be found' is in no file; search a shorter text"),
        ("search", {"text": " "}, "search needs a text; list_files shows what there is"),
        ("list_files", {"folder": "gone"}, "gone has no files; try ."),
        ("list_files", {"folder": "README.md"}, "README.md is a file; read_file shows it"),
        ("edit", {}, "edit does not look at anything"),
    ],
)  # fmt: skip
def test_refusals_say_what_to_do(tree, name, arguments, expected):
    assert look(tree, name, **arguments) == ToolResult(expected, is_error=True)


def test_an_empty_file(tree):
    (tree.root / "empty.py").touch()
    result = look(tree, "read_file", path="empty.py", start=1)
    assert result == ToolResult("empty.py is empty", details={"lines": 0, "path": "empty.py"})


def test_search_takes_text_as_it_is(tree):
    (tree.root / "a.py").write_text("def F(x):\n    return [x*]\n")
    (tree.root / "image.png").write_bytes(b"\x89PNG\0[x*]")
    Path(os.fsdecode(os.fsencode(tree.root) + b"/\xff.py")).write_text("[x*]")
    (tree.root / "two\nlines.py").write_text("[x*]")
    (tree.root / "a.log").write_text("[x*]")
    assert look(tree, "search", text="[X*]") == ToolResult(
        "1 line with '[X*]'\na.py:2: return [x*]", details={"hits": 1}
    )


def test_search_with_many_hits(tree):
    (tree.root / "a.txt").write_text("hit\n" * 30)
    lines = look(tree, "search", text="hit").content.split("\n")
    assert lines[0] == "30 lines with 'hit', the first 20"
    assert lines[1:] == [f"a.txt:{n}: hit" for n in range(1, 21)]


def test_search_shows_the_hit_in_a_long_line(tree):
    (tree.root / "a.txt").write_text("x" * 5000 + "needle" + "y" * 5000)
    content = look(tree, "search", text="needle").content
    assert "needle" in content.split("\n")[1]
    assert len(content) < 300


def test_outline(tree):
    content = look(tree, "outline", path="pkg/store.py").content
    assert content.startswith("pkg/store.py\n")
    assert "class Store:" in content
    assert "def load(self):" in content


@pytest.mark.parametrize("folder", [".", "", "./"])
def test_list_files_at_the_top(tree, folder):
    (tree.root / "pkg/a.py").touch()
    (tree.root / "one").mkdir()
    (tree.root / "one/a.py").touch()
    assert look(tree, "list_files", folder=folder) == ToolResult(
        ".gitignore\nREADME.md\none/ (1 file)\npkg/ (2 files)", details={"files": 5}
    )


FOUND = {
    "pkg/a.py": b"x = 'Needle'\r\n",
    "untracked.py": b"# needle\n",
    "tracked.log": b"NEEDLE\n",
    "called.bin": b"needle in what an attribute calls binary\n",
    "Gr\u00fc\u00dfe.txt": "GRÖSSE: needle\n".encode(),
    "latin.txt": b"gr\xf6sse: needle\n",
    "notes\u00a0/a b.py": b"needle\n",
}
HIDDEN = {
    "ignored.log": b"needle\n",
    "secret.csv": b"needle\n",
    "zeros.dat": b"needle\0\n",
    "wide.txt": "needle\n".encode("utf-16"),
    "n.ipynb": b'{"cells": "needle"}\n',
}


@pytest.fixture
def haystack(tree: Workspace) -> Workspace:
    settings = {"color.ui": "always", "grep.patternType": "perl", "submodule.recurse": "true",
                "grep.lineNumber": "true", "grep.column": "true"}  # fmt: skip
    for key, value in settings.items():
        run_git(tree.root, "config", key, value)
    files = {".gitattributes": b"*.bin -diff\n*.py diff=x\n", ".qwenagentignore": b"*.csv\n"}
    for name, data in (files | FOUND | HIDDEN).items():
        (tree.root / name).parent.mkdir(exist_ok=True)
        (tree.root / name).write_bytes(data)
    run_git(tree.root, "add", "-f", "pkg", "*.log", "*.bin", "*.txt", "*.dat", "*.csv", "notes*")
    run_git(tree.root, "rm", "-q", "--cached", "ignored.log")
    return tree


@pytest.mark.parametrize("text", ["needle", "NEEDLE", "need", "dle"])
def test_search_of_all_kinds_of_files(haystack, text):
    content = look(haystack, "search", text=text).content
    rows = [row.split(":")[0] for row in content.split("\n")[1:]]
    assert rows == sorted(FOUND)
    assert "\r" not in content


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("größe", []),
        ("GRÖSSE", ["Grüße.txt:1: GRÖSSE: needle", "latin.txt:1: grösse: needle"]),
        ("grösse:", ["Grüße.txt:1: GRÖSSE: needle", "latin.txt:1: grösse: needle"]),
        ("ö", ["Grüße.txt:1: GRÖSSE: needle", "latin.txt:1: grösse: needle"]),
        ("日本", []),
        ("n.edle", []),
        ("-e", []),
        ("needle\nx", []),
        ("needle\0", []),
        ("\ud800", []),
        ("x" * 200_000, []),
    ],
)
def test_search_for_odd_texts(haystack, text, rows):
    content = look(haystack, "search", text=text).content
    assert content.split("\n")[1:] == rows or (not rows and content.endswith("a shorter text"))


def test_search_stops_counting(tree):
    for n in range(3):
        (tree.root / f"{n}.txt").write_text("needle\n" * 400)
    result = look(tree, "search", text="needle")
    assert result.content.startswith("more than 1000 lines with 'needle', the first 20\n0.txt:1: n")
    assert (result.details, len(result.content.split("\n"))) == ({"hits": 1000}, 21)


@pytest.mark.parametrize("folder", ["pkg", "pkg/", "./pkg"])
def test_list_files_of_a_folder(tree, folder):
    (tree.root / "pkgs").mkdir()
    (tree.root / "pkgs/a.py").touch()
    assert look(tree, "list_files", folder=folder).content == "pkg/store.py"


def test_list_files_of_a_large_folder(tree):
    for n in range(300):
        (tree.root / f"f{n:03}.txt").touch()
    content = look(tree, "list_files", folder=".").content
    assert "[... 103 lines left out ...]" in content
    assert len(content.split("\n")) == 201


def test_every_tool_has_a_line_in_the_prompt():
    lines = tool_lines(SPECS).split("\n")
    assert [line.split("(")[0] for line in lines] == list(SPECS)
    assert set(GATHER_TOOLS) < set(SPECS)
