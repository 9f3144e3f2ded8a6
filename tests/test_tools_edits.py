from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.protocol.json import Json
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import EDIT_TOOLS, make_edit
from qwenagent.workspace import Edit, Repository, Workspace
from tests.conftest import run_git

STORE = '''import os

LIMIT = 3


class Store:
    """Keeps."""

    def __init__(self):
        self.rows = []

    @property
    def size(self):
        return len(self.rows)


def load(path):
    return path


if __name__ == "__main__":
    load(".")
'''


@pytest.fixture
def tree(repo: Path) -> Workspace:
    (repo / "a.py").write_text(STORE, encoding="utf-8")
    return Workspace(Repository.open(repo))


def edited(tree: Workspace, name: str, body: str, **arguments: Json) -> str:
    """The file's text after the call, applied."""
    arguments.setdefault("path", "a.py")
    edit = make_edit(tree, ToolCall(name, arguments, body))
    tree.apply(edit)
    return tree.read(edit.path).text


def with_text(tree: Workspace, text: str, path: str = "a.py") -> Workspace:
    (tree.root / path).write_bytes(text.encode())
    return tree


# -- whole files --------------------------------------------------------------------------------


def test_write_file(tree):
    call = ToolCall("write_file", {"path": "pkg/new.py"}, "\nx = 1\n\n")
    assert make_edit(tree, call) == Edit("pkg/new.py", None, "x = 1\n")
    assert make_edit(tree, ToolCall("write_file", {"path": "__init__.py"}, "\n")).new == ""


def test_write_file_does_not_replace(tree):
    with pytest.raises(EditRefused, match=r"a\.py exists; rewrite_file replaces it"):
        make_edit(tree, ToolCall("write_file", {"path": "a.py"}, "x"))


@pytest.mark.parametrize("name", EDIT_TOOLS)
@pytest.mark.parametrize("path", ["../x.py", "/etc/passwd", ".git/config"])
def test_no_edit_outside(tree, name, path):
    with pytest.raises(PathEscapes):
        make_edit(tree, ToolCall(name, {"path": path, "symbol": "f", "after": "f"}, "x"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\n", b"x = 1\ny = 2\n"),
        (b"a", b"x = 1\ny = 2"),
        (b"", b"x = 1\ny = 2\n"),
        (b"a\r\nb\r\n", b"x = 1\r\ny = 2\r\n"),
        (b"\xef\xbb\xbfa\n", b"\xef\xbb\xbfx = 1\ny = 2\n"),
    ],
)
def test_rewrite_file_keeps_how_it_was_written(tree, before, after):
    (tree.root / "a.py").write_bytes(before)
    edited(tree, "rewrite_file", "x = 1\r\ny = 2\r\n")
    assert (tree.root / "a.py").read_bytes() == after


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("rewrite_file", {}, "x"),
        ToolCall("replace_lines", {"path": "a.py", "start": "1", "end": 2}, "x"),
        ToolCall("replace_lines", {"path": "a.py", "start": True, "end": 2}, "x"),
        ToolCall("replace_symbol", {"path": "a.py", "symbol": 1}, "x"),
        ToolCall("search", {"path": "a.py"}, "x"),
        ToolCall("rewrite_file", {"path": "gone.py"}, "x"),
        ToolCall("replace_symbol", {"path": "a.py", "symbol": "load"}, ""),
        ToolCall("insert_symbol", {"path": "a.py", "after": "load"}, "\n\n"),
    ],
)
def test_calls_that_cannot_be_carried_out(tree, call):
    with pytest.raises(EditRefused):
        make_edit(tree, call)


# -- replace_symbol -----------------------------------------------------------------------------

SIZE = "    @property\n    def size(self):\n        return len(self.rows)\n"
NEW_SIZE = "    def size(self) -> int:\n        return 0\n"


@pytest.mark.parametrize(
    "body",
    [
        "def size(self) -> int:\n    return 0",
        "    def size(self) -> int:\n        return 0",
        "class Store:\n    def size(self) -> int:\n        return 0",
        "class Store:\n    def __init__(self):\n        pass\n\n"
        "    def size(self) -> int:\n        return 0",
        "import os\n\ndef size(self) -> int:\n    return 0",
        "\tdef size(self) -> int:\n\t    return 0",
    ],
)
def test_a_method_however_it_is_indented_or_wrapped(tree, body):
    text = edited(tree, "replace_symbol", body, symbol="Store.size")
    assert text == STORE.replace(SIZE, NEW_SIZE)


@pytest.mark.parametrize(
    ("symbol", "old", "body", "new"),
    [
        ("load", "def load(path):\n    return path\n", "@cache\ndef load(p):\n    return p", None),
        ("load", "def load(path):\n    return path\n", "import os\n\ndef load(p):\n    return p",
         "def load(p):\n    return p\n"),
        ("load", "def load(path):\n    return path\n",
         "def load(p):\n    return _it(p)\n\n\ndef _it(p):\n    return p", None),
    ],
)  # fmt: skip
def test_a_function(tree, symbol, old, body, new):
    text = edited(tree, "replace_symbol", body, symbol=symbol)
    assert text == STORE.replace(old, new if new is not None else f"{body}\n")


def test_a_new_import_goes_to_the_others(tree):
    text = edited(tree, "replace_symbol", "import re\n\ndef load(p):\n    return p", symbol="load")
    new = STORE.replace("import os\n", "import os\nimport re\n")
    assert text == new.replace("load(path):\n    return path", "load(p):\n    return p")


def test_a_class(tree):
    first, last = STORE.index("class Store"), STORE.index("\n\ndef load")
    text = edited(tree, "replace_symbol", "class Store:\n    pass", symbol="Store")
    assert text == STORE[:first] + "class Store:\n    pass\n" + STORE[last:]


def test_the_second_of_two(tree):
    with_text(tree, "def f():\n    return 1\n\n\ndef f():\n    return 2")
    text = edited(tree, "replace_symbol", "def f():\n    return 3\n", symbol="f#2")
    assert text == "def f():\n    return 1\n\n\ndef f():\n    return 3"


def test_texts_in_the_code_keep_their_margin(tree):
    body = 'def size(self):\n    """Say.\n\n    More.\n    """\n    return """\nSELECT\n  x\n"""'
    text = edited(tree, "replace_symbol", body, symbol="Store.size")
    expected = (
        '    def size(self):\n        """Say.\n\n        More.\n        """\n'
        '        return """\nSELECT\n  x\n"""\n'
    )
    assert text == STORE.replace(SIZE, expected)


def test_tabs(tree):
    with_text(tree, "class A:\n\tdef f(self):\n\t\treturn 1\n\n\tdef g(self):\n\t\tpass\n")
    text = edited(tree, "replace_symbol", "    def f(self):\n        return 2\n", symbol="A.f")
    assert text == "class A:\n\tdef f(self):\n\t\treturn 2\n\n\tdef g(self):\n\t\tpass\n"
    text = edited(tree, "replace_lines", "    def g(self):\n        return 3", start=5, end=6)
    assert text == "class A:\n\tdef f(self):\n\t\treturn 2\n\n\tdef g(self):\n\t\treturn 3\n"


def test_a_name_that_is_not_there(tree):
    with pytest.raises(EditRefused, match=r"a\.py has no save; it has .*Store, Store\.__init__"):
        edited(tree, "replace_symbol", "def save(): ...", symbol="save")
    with_text(tree, "text\n", "a.txt")
    with pytest.raises(EditRefused, match=r"a\.txt has no save; read_file shows it"):
        edited(tree, "replace_symbol", "def save(): ...", symbol="save", path="a.txt")


# -- insert_symbol ------------------------------------------------------------------------------

CLEAR = "    def clear(self):\n        self.rows = []\n"


@pytest.mark.parametrize(
    "body",
    [
        "def clear(self):\n    self.rows = []",
        CLEAR,
        "class Store:\n" + CLEAR,
        "class Store:\n    def __init__(self):\n        self.rows = []\n\n" + CLEAR,
        "def __init__(self):\n    self.rows = []\n\ndef clear(self):\n    self.rows = []",
    ],
)
def test_after_a_method(tree, body):
    expected = STORE.replace("        self.rows = []\n", f"        self.rows = []\n\n{CLEAR}")
    assert edited(tree, "insert_symbol", body, after="Store.__init__") == expected


def test_after_the_last_method_of_a_class(tree):
    expected = STORE.replace(SIZE, f"{SIZE}\n{CLEAR}")
    assert edited(tree, "insert_symbol", CLEAR, after="Store.size") == expected


@pytest.mark.parametrize("after", ["load", "Store"])
@pytest.mark.parametrize("body", ["def save(x):\n    pass", "\n\ndef save(x):\n    pass\n\n\n"])
def test_after_a_function_or_a_class(tree, after, body):
    end = "    return path\n" if after == "load" else SIZE
    expected = STORE.replace(end, f"{end}\n\ndef save(x):\n    pass\n")
    assert edited(tree, "insert_symbol", body, after=after) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def f():\n    pass", "f", "def f():\n    pass\n\n\ndef g():\n    pass"),
        ("def f():\n    pass\n", "f", "def f():\n    pass\n\n\ndef g():\n    pass\n"),
        ("def f():\n    pass\nx = 1\n", "f",
         "def f():\n    pass\n\n\ndef g():\n    pass\n\n\nx = 1\n"),
        ("def f():\n    pass\n\nx = 1\n", "f",
         "def f():\n    pass\n\n\ndef g():\n    pass\n\n\nx = 1\n"),
        ("class A:\n    def f(self):\n        pass\n    x = 1\n", "A.f",
         "class A:\n    def f(self):\n        pass\n\n    def g():\n        pass\n\n    x = 1\n"),
    ],
)  # fmt: skip
def test_blank_lines_around_what_is_inserted(tree, before, after, expected):
    with_text(tree, before)
    assert edited(tree, "insert_symbol", "def g():\n    pass", after=after) == expected


def test_values_of_a_module(tree):
    text = edited(tree, "insert_symbol", "DEPTH = 4", after="LIMIT")
    assert text == STORE.replace("LIMIT = 3\n", "LIMIT = 3\nDEPTH = 4\n")
    text = edited(tree, "replace_symbol", "LIMIT = 5", symbol="LIMIT")
    assert text == STORE.replace("LIMIT = 3\n", "LIMIT = 5\nDEPTH = 4\n")
    text = edited(tree, "insert_symbol", "def f():\n    pass", after="DEPTH")
    assert text == STORE.replace("LIMIT = 3\n", "LIMIT = 5\nDEPTH = 4\n\n\ndef f():\n    pass\n")


def test_in_a_language_with_braces(tree):
    with_text(tree, "class A {\n  f() {\n    return 1;\n  }\n}\n", "a.js")
    body = "class A {\n  g() {\n    return 2;\n  }\n}"
    text = edited(tree, "insert_symbol", body, after="A.f", path="a.js")
    assert text == ("class A {\n  f() {\n    return 1;\n  }\n\n  g() {\n    return 2;\n  }\n}\n")


def test_what_is_there_is_not_inserted_again(tree):
    with pytest.raises(EditRefused, match=r"has load already; replace_symbol changes it"):
        edited(tree, "insert_symbol", "def load(path):\n    return 1", after="load")
    with pytest.raises(EditRefused, match=r"has Store\.size already"):
        edited(tree, "insert_symbol", "def size(self):\n    return 1", after="Store.__init__")


# -- replace_lines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "start", "end", "body", "after"),
    [
        ("a\nb\nc\n", 1, 1, "x\n", "x\nb\nc\n"),
        ("a\nb\nc\n", 3, 3, "x\n", "a\nb\nx\n"),
        ("a\nb\nc\n", 3, 4, "x\n", "a\nb\nx\n"),
        ("a\nb\nc\n", 4, 4, "x\n", "a\nb\nc\nx\n"),
        ("a\n\n", 3, 3, "", "a\n\n"),
        ("a\nb\nc\n", 1, 3, "x\ny\n", "x\ny\n"),
        ("a\nb\nc", 3, 3, "x\n", "a\nb\nx"),
        ("a\nb\nc\n", 2, 2, "", "a\nc\n"),
        ("a\n", 1, 1, "", ""),
        ("", 1, 1, "x\n", "x"),
    ],
)
def test_replace_lines(tree, before, start, end, body, after):
    with_text(tree, before, "a.txt")
    assert edited(tree, "replace_lines", body, start=start, end=end, path="a.txt") == after


@pytest.mark.parametrize(("start", "end"), [(0, 1), (2, 1), (1, 5), (4, 4), (9, 9)])
def test_no_range_of_the_file(tree, start, end):
    with_text(tree, "a\nb", "a.txt")
    with pytest.raises(EditRefused, match="has 2 lines"):
        edited(tree, "replace_lines", "x", start=start, end=end, path="a.txt")


LINES = st.lists(st.sampled_from(["a", "", "  b", "ü", "\x0c", "#"]), min_size=1, max_size=8)


@settings(max_examples=40)
@given(LINES, st.booleans(), st.sampled_from(["\n", "\r\n"]), LINES, st.data())
def test_no_line_outside_of_the_named_ones_changes(
    tmp_path_factory, rows, ended, newline, new, data
):
    root = tmp_path_factory.getbasetemp() / "lines"
    if not root.exists():
        root.mkdir()
        (root / "kept.txt").write_text("x")
        run_git(root, "init", "-q")
    tree = Workspace(Repository.open(root))
    before = newline.join(rows) + (newline if ended else "")
    (root / "a.txt").write_bytes(before.encode())
    if not ended and len(rows) > 1 and not rows[-1]:  # that is a line end
        rows, ended = rows[:-1], True
    n = len(rows)
    first = data.draw(st.integers(1, n))
    last = data.draw(st.integers(first, n))
    body = "\n".join(["new", *new, "new"])
    edited(tree, "replace_lines", body, start=first, end=last, path="a.txt")
    newline = newline if newline in before else "\n"
    expected = [*rows[: first - 1], "new", *new, "new", *rows[last:]]
    end = newline if ended else ""
    assert (root / "a.txt").read_bytes() == (newline.join(expected) + end).encode()


@settings(max_examples=40)
@given(st.sampled_from(["f0", "f1", "f2", "f3"]), st.integers(0, 3), st.booleans())
def test_only_the_named_symbol_changes(tmp_path_factory, name, n_blank, ended):
    root = tmp_path_factory.getbasetemp() / "symbols"
    if not root.exists():
        root.mkdir()
        run_git(root, "init", "-q")
    tree = Workspace(Repository.open(root))
    parts = {f"f{i}": f"def f{i}():\n    return {i}" for i in range(4)}
    between = "\n" * (n_blank + 1)
    end = "\n" if ended else ""
    (root / "a.py").write_text(between.join(parts.values()) + end, encoding="utf-8")
    body = f"def {name}():\n    return 'new'"
    text = edited(tree, "replace_symbol", body, symbol=name)
    assert text == between.join((parts | {name: body}).values()) + end
