"""A body that closes more than it opened: what is too much is left out, if only then it parses."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.errors import EditRefused
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import syntax_error
from qwenagent.tools import make_edit
from qwenagent.workspace import Repository, Workspace

JS = """class Box {
  constructor(n) {
    this.n = n;
  }

  more() {
    return [1, 2].map((x) => {
      return x + this.n;
    });
  }
}
"""
RUST = """pub struct Box {
    n: i32,
}

impl Box {
    pub fn more(&self) -> i32 {
        self.n
    }
}
"""
METHOD = "  constructor(n) {\n    this.n = n + 1;\n  }\n"
MORE = "  more() {\n    return [3].map((x) => {\n      return x;\n    });\n  }\n"
FN = "pub fn more(&self) -> i32 {\n    self.n + 1\n}\n"


def written(repo: Path, path: str, old: str, name: str, body: str, **arguments: str) -> str:
    (repo / path).write_text(old)
    call = ToolCall(name, {"path": path, **arguments}, body)
    new = make_edit(Workspace(Repository.open(repo)), call).new
    assert new is not None
    return new


@pytest.mark.parametrize("surplus", ["", "}\n", "\n}\n", "}\n\n}\n", "}\n};\n"])
@pytest.mark.parametrize(
    ("path", "old", "symbol", "body"),
    [
        ("a.js", JS, "Box.constructor", METHOD),
        ("a.js", JS, "Box.more", MORE),
        ("a.rs", RUST, "Box.more", FN),
    ],
)
def test_what_closes_the_type_around_it_too_is_left_out(repo, path, old, symbol, body, surplus):
    new = written(repo, path, old, "replace_symbol", body + surplus, symbol=symbol)
    assert new == written(repo, path, old, "replace_symbol", body, symbol=symbol) != old
    assert not syntax_error(path, old, new)


def test_so_it_is_where_something_is_inserted(repo):
    new = written(
        repo, "a.js", JS, "insert_symbol", "twice() {\n  return 2;\n}\n}\n", after="Box.more"
    )
    assert new == JS.removesuffix("}\n") + "\n  twice() {\n    return 2;\n  }\n}\n"


@pytest.mark.parametrize(
    "body",
    [
        METHOD + "} else {\n  this.n++;\n}\n",
        METHOD.removesuffix("  }\n"),
        METHOD + "}\n" * 4,
        "}\n",
    ],
    ids=["more than brackets", "too few", "too many", "nothing else"],
)
def test_what_does_not_parse_without_them_either_stays_as_it_is(repo, body):
    try:
        new = written(repo, "a.js", JS, "replace_symbol", body, symbol="Box.constructor")
    except EditRefused:
        return
    assert body.strip().split("\n")[-1].strip() in new
    assert syntax_error("a.js", JS, new)
