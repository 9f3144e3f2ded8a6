"""Imports that an edit of Python forgot."""

from __future__ import annotations

import pytest

from qwenagent.tools import with_forgotten_imports
from qwenagent.workspace import Edit

OLD = '"""Counts."""\n\nimport sys\n\n\ndef count(words):\n    return len(words)\n'


def new_text(new: str, old: str | None = OLD, path: str = "a.py") -> str | None:
    return with_forgotten_imports(Edit(path, old, new)).new


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("    return defaultdict(int, words)\n", "from collections import defaultdict"),
        ("    return re.findall('a', words)\n", "import re"),
        ("    found: Any = words\n    return found\n", "from typing import Any"),
        ("    return json.dumps(json.loads(words))\n", "import json"),
        ("    return datetime.now()\n", "from datetime import datetime"),
        ("    return datetime.date.today()\n", "import datetime"),
        ("    with threading.Lock():\n        return 1\n", "import threading"),
    ],
)
def test_what_can_mean_but_one_thing_is_imported(code, line):
    new = OLD.replace("    return len(words)\n", code)
    assert new_text(new) == new.replace("import sys\n", f"import sys\n{line}\n")


def test_it_joins_its_siblings():
    old = "from typing import List, Dict\n\nA: List[Dict[int, int]] = []\n"
    new = f"{old}B: Optional[Any] = None\n"
    assert new_text(new, old) == new.replace("List, Dict\n", "List, Dict, Optional, Any\n")


def test_a_file_without_imports():
    new = "def f():\n    return math.pi\n"
    assert new_text(new, None) == f"import math\n\n\n{new}"


@pytest.mark.parametrize(
    "code",
    [
        "    return helper(words)\n",
        "    return re\n",
        "    return random(re.sub, re)\n",
        "    return time.split(words)\n",
        "    return io.open(words), io . nothing\n",
        "    return math.pi if (\n",
        "    return len(words) + 1\n",
    ],
)
def test_what_may_mean_anything_is_left(code):
    new = OLD.replace("    return len(words)\n", code)
    assert new_text(new) == new


def test_what_was_undefined_before_is_left():
    old = "def f():\n    return defaultdict(int)\n"
    assert new_text(f"{old}\n\nA = 1\n", old) == f"{old}\n\nA = 1\n"


def test_other_languages_and_other_edits_are_left():
    assert new_text("f(defaultdict)\n", None, "a.js") == "f(defaultdict)\n"
    assert with_forgotten_imports(Edit("a.py", OLD, None)).new is None


PACKAGE = {
    "todo/__init__.py": "",
    "todo/model.py": "class Task:\n    pass\n\n\ndef make(title):\n    return Task()\n",
    "flat.py": "def lonely():\n    return 1\n",
    "src/box/__init__.py": "from box.lid import Lid\n",
    "src/box/lid.py": "class Lid:\n    pass\n",
    "scripts/run.py": "def start():\n    return 1\n",
    "a/__init__.py": "",
    "a/one.py": "def twin():\n    return 1\n\n\ndef back():\n    return 2\n\n\nimport store\n",
    "a/two.py": "def twin():\n    return 2\n",
}


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("def f(t: Task):\n    return t\n", "from todo.model import Task"),
        ("A = make(1)\n", "from todo.model import make"),
        ("A = lonely()\n", "from flat import lonely"),
        ("A = Lid()\n", "from box.lid import Lid"),
    ],
)
def test_what_one_file_of_the_repository_has(code, line):
    edit = with_forgotten_imports(Edit("todo/store.py", None, code), lambda: PACKAGE)
    assert edit.new is not None
    assert edit.new.startswith(f"{line}\n")
    assert edit.new.endswith(f"\n\n{code}")


def test_a_package_that_is_called_src():
    package = {**PACKAGE, "src/__init__.py": ""}
    edit = with_forgotten_imports(Edit("todo/store.py", None, "A = Lid()\n"), lambda: package)
    assert edit.new is not None
    assert edit.new.startswith("from src.box.lid import Lid\n")


@pytest.mark.parametrize(
    "code",
    [
        "A = make\n",  # may be a variable that is missing
        "A = start()\n",  # in no package
        "A = twin()\n",  # in two files
        "A = back()\n",  # in a file that imports this one
        "A = Nothing()\n",
    ],
)
def test_what_the_repository_has_not_for_sure(code):
    edit = Edit("todo/store.py", None, code)
    assert with_forgotten_imports(edit, lambda: PACKAGE) == edit
