"""Rewrites that are but a part of their file."""

from __future__ import annotations

import pytest

from qwenagent.tools import with_the_rest
from qwenagent.workspace import Edit
from tests.loop_stage import Stage, body, make_repository

SUMS = '"""Sums."""\n\nLIMIT = 3\n\n\ndef add(a, b):\n    return a + b\n'
CLAMP = "def clamp(n, low, high):\n    return max(low, min(n, high))\n"
SCHOOL = (
    "class School:\n    def __init__(self):\n        self.names = []\n\n"
    "    def add(self, name):\n        pass\n\n    def names_of(self, n):\n        return []\n\n\n"
    "def school():\n    return School()\n"
)
DAY = (
    "package weigh\n\n// A Day is a day.\ntype Day struct {\n\tn int\n}\n\n"
    "// Add adds.\nfunc (d *Day) Add(n int) {\n\td.n += n\n}\n"
)


@pytest.mark.parametrize(
    ("path", "old", "part", "whole"),
    [
        ("a.py", SUMS, CLAMP, f"{SUMS}\n\n{CLAMP}"),
        ("a.py", SUMS, f"{CLAMP}\n\n# ... rest of the code ...\n", f"{SUMS}\n\n{CLAMP}"),
        (
            "a.py",
            SUMS,
            f"import math\n\nLIMIT = 4\n\n\n{CLAMP}",
            SUMS.replace("LIMIT = 3", "import math\n\nLIMIT = 4") + f"\n\n{CLAMP}",
        ),
        (
            "a.py",
            SCHOOL,
            "class School:\n    def add(self, name):\n        self.names.append(name)\n\n"
            "    def n(self):\n        return len(self.names)\n",
            SCHOOL.replace("pass", "self.names.append(name)").replace(
                "return []\n", "return []\n\n    def n(self):\n        return len(self.names)\n"
            ),
        ),
        (
            "a.go",
            DAY,
            'package weigh\n\nimport "fmt"\n\n// Text is a text.\n'
            "func (d *Day) Text() string {\n\treturn fmt.Sprint(d.n)\n}\n",
            DAY.replace("weigh\n", 'weigh\n\nimport "fmt"\n')
            + "\n// Text is a text.\nfunc (d *Day) Text() string {\n\treturn fmt.Sprint(d.n)\n}\n",
        ),
        (
            "a.js",
            "export function a() {\n  return 1;\n}\n\nexport function b() {\n  return 2;\n}\n",
            "export function b() {\n  return 3;\n}\n",
            "export function a() {\n  return 1;\n}\n\nexport function b() {\n  return 3;\n}\n",
        ),
    ],
)
def test_a_part_is_put_into_its_file(path, old, part, whole):
    edit = Edit(path, old, part)
    assert with_the_rest(edit, "Do it.").new == whole


@pytest.mark.parametrize(
    ("old", "new", "request_text"),
    [
        (SUMS, SUMS.replace("a + b", "b + a"), "Do it."),
        (SUMS, CLAMP, "Write `clamp` instead of `add` and `LIMIT`."),
        (SUMS, f"class Sums:\n    {CLAMP.replace('clamp', 'add')}", "Do it."),
        (SUMS, "print(1)\n", "Do it."),
        ("", CLAMP, "Do it."),
    ],
)
def test_what_is_whole_or_means_something_else_stays(old, new, request_text):
    edit = Edit("a.py", old, new)
    assert with_the_rest(edit, request_text) == edit


def test_a_step_that_adds_a_function_gets_it_where_the_model_wrote_no_more(tmp_path):
    root = make_repository(tmp_path / "repo", {"calc.py": SUMS})
    stage = Stage(root, [body(CLAMP)])
    assert stage.run_task("Add `clamp(n, low, high)` to `calc.py`.") == 0
    assert (root / "calc.py").read_text() == f"{SUMS}\n\n{CLAMP}"
