from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qwenagent.tools import PROBE, Importable, refusal, unresolved_imports
from qwenagent.workspace import Edit, Repository, Workspace

SITE = "site packages"
FILES = {
    "app/__init__.py": "",
    "app/store.py": "",
    "app/inner/__init__.py": "",
    "src/shop/__init__.py": "",
    "src/shop/basket.py": "",
    "tools/deep/helper.py": "",
    "stubs/native.pyi": "",
    "web/package.json": json.dumps(
        {"name": "web", "dependencies": {"react": "1", "@scope/kit": "1"}, "scripts": {"x": "jest"}}
    ),
    "web/tsconfig.json": '{"compilerOptions": {"paths": {"lib/*": ["./src/lib/*"]}}} // x',
    "web/src/a.ts": "",
    "web/src/parts/index.tsx": "",
    "web/src/data.json": "{}",
    "web/src/lib/b.js": "",
    "plain/c.js": "",
}


@pytest.fixture
def tree(repo: Path) -> Workspace:
    for name, text in FILES.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)
    (repo / ".gitignore").write_text("node_modules/\n_version.py\n")
    (repo / "app/_version.py").write_text("")
    (repo / "node_modules/lodash").mkdir(parents=True)
    (repo / "web/node_modules/@types/ws").mkdir(parents=True)
    return Workspace(Repository.open(repo))


@pytest.fixture
def importable(tmp_path: Path) -> Importable:
    site = tmp_path / SITE
    (site / "namespace").mkdir(parents=True)
    (site / "late.py").write_text("")
    return Importable(frozenset({"os", "json", "requests", "sys", "typing"}), (site,))


def unresolved(
    tree: Workspace, importable: Importable | None, path: str, new: str, old: str | None = None
) -> tuple[str, ...]:
    return unresolved_imports(Edit(path, old, new), tree, importable, ("app/soon.py",))


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("app/a.py", "import os, json\nimport requests.adapters\nimport late, namespace.x\n", []),
        ("app/a.py", "import numpy as np, flask\nfrom fastapi.x import y\n",
         ["numpy", "flask", "fastapi.x"]),
        ("app/a.py", "import numpy\nimport numpy\n", ["numpy"]),
        ("app/a.py", "import app.store\nfrom app.inner import x\nimport app._version\n", []),
        ("app/a.py", "import app.gone\nfrom app.inner.gone import x\n",
         ["app.gone", "app.inner.gone"]),
        ("app/a.py", "import store, shop.basket, helper, native\n", []),
        ("app/a.py", "import app.soon\nfrom .soon import x\nimport app.a\n", []),
        ("tests/test_a.py", "from shop import x\nfrom shop.gone import y\n", ["shop.gone"]),
        ("app/inner/a.py", "from . import x\nfrom .. import store\nfrom ..store import y\n", []),
        ("app/inner/a.py", "from .gone import x\nfrom ..gone import y\nfrom ..... import z\n",
         [".gone", "..gone", ".....z"]),
        ("loose.py", "from . import gone\nfrom .app import store\n", [".gone"]),
        ("app/a.py",
         "try:\n    import numpy\nexcept ImportError:\n    import flask\nelse:\n    import x\n",
         []),
        ("app/a.py", "try:\n    import numpy\nexcept (KeyError, ModuleNotFoundError):\n    pass\n",
         []),
        ("app/a.py", "try:\n    import numpy\nexcept:\n    pass\nfinally:\n    import x\n", ["x"]),
        ("app/a.py", "try:\n    import numpy\nexcept KeyError:\n    import x\n", ["numpy", "x"]),
        ("app/a.py", "if TYPE_CHECKING:\n    import numpy\n", []),
        ("app/a.py", "if typing.TYPE_CHECKING:\n    import x\n", []),
        ("app/a.py", "if sys.version_info < (3, 11):\n    import tomli\nelse:\n    import x\n", []),
        ("app/a.py", "with suppress(ImportError):\n    import numpy\n", []),
        ("app/a.py", "def f():\n    if f:\n        import numpy\n", ["numpy"]),
        ("app/a.py", "import (\n", []),
        ("app/a.pyi", "import numpy\n", []),
        ("app/a.go", 'import "numpy"\n', []),
        ("app/a.txt", "import numpy\n", []),
    ],
)  # fmt: skip
def test_python(tree, importable, path, text, expected):
    assert unresolved(tree, importable, path, text) == tuple(expected)


def test_a_name_longer_than_a_file_s_is_no_module(tree, importable):
    name = "a" * 300
    assert unresolved(tree, importable, "app/a.py", f"import {name}\n") == (name,)


def test_only_what_is_new_counts(tree, importable):
    old = "import numpy\nfrom .gone import x\n"
    assert unresolved(tree, importable, "app/a.py", old + "import flask\n", old) == ("flask",)
    assert unresolved(tree, importable, "app/a.py", "import os\n" + old, old) == ()
    assert unresolved(tree, importable, "app/a.py", "from .gone import y, x\n", old) == ()
    assert unresolved_imports(Edit("app/a.py", old, None), tree, importable) == ()
    assert unresolved_imports(Edit("app/a.py", old, old, "b.py"), tree, importable) == ()


def test_an_environment_that_is_not_known_is_not_judged(tree):
    assert unresolved(tree, None, "app/a.py", "import numpy\n") == ()


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("web/src/x.ts", "import {a} from './a';\nimport b from './parts';\nimport './data.json'\n",
         []),
        ("web/src/x.ts", "import a from './a.js';\nexport * from './lib/b';\nimport c from './x'\n",
         []),
        ("web/src/x.ts", "import a from './gone';\nexport {b} from '../gone.js';\n",
         ["./gone", "../gone.js"]),
        ("web/src/x.ts", "import type {A} from './gone';\nconst b = await import('./gone2');\n",
         ["./gone", "./gone2"]),
        ("web/src/x.ts", "import fs = require('fs');\nimport x = require('./gone');\n", ["./gone"]),
        ("web/src/x.tsx", "import React from 'react';\nimport k from '@scope/kit/deep';\n", []),
        ("web/src/x.tsx", "import a from 'web/b';\nimport 'ws';\nimport 'lodash/fp';\n", []),
        ("web/src/x.js", "const a = require('axios');\nconst b = require('@scope/gone/x');\n",
         ["axios", "@scope/gone/x"]),
        ("web/src/x.js", "require('jest');\n", ["jest"]),
        ("web/src/x.js", "require('fs/promises'); require('node:test'); require(name);\n", []),
        ("web/src/x.js", "import a from '@/a';\nimport b from '~/b';\nimport c from '#c';\n", []),
        ("web/src/x.js", "import a from 'lib/b';\nimport b from 'lib/whatever';\n", []),
        ("web/src/x.js", "import a from 'https://x.test/a.js';\nimport b from './a?raw';\n", []),
        ("web/src/x.js", "try { require('axios') } catch {}\n// import 'gone'\n'require(\"x\")'\n",
         []),
        ("web/src/x.js", "import a from '../../../outside';\n", []),
        ("plain/d.js", "import a from 'axios';\nimport b from './c.js';\nimport c from './d2';\n",
         ["./d2"]),
    ],
)  # fmt: skip
def test_javascript(tree, path, text, expected):
    assert unresolved(tree, None, path, text) == tuple(expected)


def test_only_what_is_new_counts_in_javascript(tree):
    old = "import a from 'axios';\n"
    new = old + "import b from 'got';\n"
    assert unresolved(tree, None, "web/src/x.js", new, old) == ("got",)


def test_the_refusal_names_them():
    edit = Edit("a.py", None, "import numpy\nimport flask\n")
    assert refusal(edit, "", ("numpy", "flask")) == (
        "a.py imports numpy, flask: not installed here, not in the repository; do without"
    )


def test_the_interpreter_is_asked(tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('it ran')\n")
    done = subprocess.run(
        [sys.executable, *PROBE], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    found = Importable.parse(done.stdout)
    assert found is not None
    assert {"os", "sys", "json", "xml", "_thread", "pytest", "qwenagent"} <= found.names
    assert all(map(found.has, ("os", "pytest", "hypothesis")))
    assert all(folder.is_absolute() for folder in found.folders)
    assert not found.has("surely_no_module_of_this_name")


@pytest.mark.parametrize("out", ["", "x", "[]", '{"names": 1, "folders": []}', '{"names": ["a"]}',
                                 '{"names": [1], "folders": []}'])  # fmt: skip
def test_an_answer_of_another_kind(out):
    assert Importable.parse(out) is None
