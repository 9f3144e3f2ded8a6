"""In which folder a Go package is, in repositories of one module and of many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qwenagent.checks.reports import read_go
from qwenagent.checks.reports.gomodules import GoModules
from qwenagent.checks.reports.places import Places

WORK = 'go 1.22\n\nuse (\n\t./services/api // the api\n\t"./a b"\n\t../out\n)\nuse ./tools\n'


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("files", "cwd", "package", "folder"),
    [
        ({"go.mod": "module ex.com/a\n"}, ".", "ex.com/a/calc", "calc"),
        ({"go.mod": "module ex.com/a\n"}, "calc", "ex.com/a", "."),
        ({"go.mod": "module ex.com/a\n"}, ".", "ex.com/ab", "ex.com/ab"),
        ({"api/go.mod": "module `ex.com/api`\n"}, ".", "ex.com/api/calc", "api/calc"),
        ({"go.work": WORK, "services/api/go.mod": "module ex.com/api\n"}, ".",
         "ex.com/api/calc", "services/api/calc"),
        ({"go.work": WORK, "services/api/go.mod": "module ex.com/api\n"}, "services/api",
         "ex.com/api", "services/api"),
        ({"go.work": WORK, "a b/go.mod": "module ex.com/b\r\n"}, ".", "ex.com/b/c", "a b/c"),
        ({"go.work": WORK, "tools/go.mod": "module ex.com/t"}, ".", "ex.com/t", "tools"),
        # Without go.work, as where a Makefile enters each.
        ({"services/api/v2/go.mod": "module ex.com/api/v2\n"}, ".",
         "ex.com/api/v2/calc", "services/api/v2/calc"),
        ({"a/x/go.mod": "module ex.com/a\n", "b/y/go.mod": "module ex.com/b\n"}, "a/x",
         "ex.com/b", "b/y"),
        # The longest name, and the nearest folder.
        ({"go.mod": "module ex.com/a\n", "x/y/go.mod": "module ex.com/a/y\n", "go.work":
          "use ./x/y\nuse .\n"}, ".", "ex.com/a/y/z", "x/y/z"),
        ({"a/go.mod": "module ex.com/a\n", "z/go.mod": "module ex.com/a\n"}, "z", "ex.com/a", "z"),
        # None of ours, and too deep.
        ({"x/vendor/a/go.mod": "module ex.com/a\n"}, ".", "ex.com/a", "ex.com/a"),
        ({"x/.cache/go.mod": "module ex.com/a\n"}, ".", "ex.com/a", "ex.com/a"),
        ({"1/2/3/4/5/go.mod": "module ex.com/a\n"}, ".", "ex.com/a", "ex.com/a"),
        ({"go.work": "use (\n\t./a\n", "go.mod": ""}, ".", "ex.com/a", "ex.com/a"),
    ],
)  # fmt: skip
def test_the_folder_of_a_package(files, cwd, package, folder, tmp_path):
    write(tmp_path / "out", {"go.mod": f"module {package}\n"})
    root = write(tmp_path / "my repo", files).resolve()
    (root / cwd).mkdir(parents=True, exist_ok=True)
    assert GoModules((root / cwd).resolve(), root).folder(package) == folder


def test_tests_of_a_workspace_have_the_paths_of_their_files(tmp_path):
    test = "package calc\n\nfunc TestA(t *testing.T) {\n}\n"
    files = {"go.work": "use ./services/api\n", "services/api/calc/calc_test.go": test}
    root = write(tmp_path, {**files, "services/api/go.mod": "module ex.com/api\n"}).resolve()
    events = [
        {"Action": action, "Package": "ex.com/api/calc", "Test": "TestA"}
        for action in ("run", "pass")
    ]
    output = "".join(f"{json.dumps(event)}\n" for event in events)
    found = read_go(output, Places(root, root))
    assert found.report.statuses == {"services/api/calc/calc_test.go::TestA": "passed"}
