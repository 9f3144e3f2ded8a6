import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qwenagent.checks import detect, parse_command
from qwenagent.protocol.checks import TestCommand

CASE = "import unittest\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n"
PLAIN = "def test_a():\n    assert True\n"
NPM_DEFAULT = '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"README.md": "def test_a(): ..."}, None),
        ({"pytest.ini": "[pytest]\n"}, "python -m pytest"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "python -m pytest"),
        ({"pyproject.toml": "[tool.pytest]\n"}, "python -m pytest"),
        ({"pyproject.toml": "[tool.pytest-enabler]\n", "t.py": ""}, None),
        ({"tox.ini": "[pytest]\n"}, "python -m pytest"),
        ({"setup.cfg": "[tool:pytest]\n"}, "python -m pytest"),
        ({"tests/conftest.py": "", "tests/test_a.py": CASE}, "python -m pytest"),
        ({"test_a.py": PLAIN}, "python -m pytest"),
        ({"test_a.py": "class TestA:\n    def test_a(self): ...\n"}, "python -m pytest"),
        ({"test_a.py": CASE, "test_b.py": "import pytest\n" + CASE}, "python -m pytest"),
        ({"test_a.py": "def broken(:\ndef test_x(): ..."}, "python -m pytest"),
        ({"node_modules/x/test_a.py": PLAIN, ".hidden/test_a.py": PLAIN}, None),
        ({"my/pyvenv.cfg": "", "my/lib/test_a.py": PLAIN}, None),
        ({"package.json": '{"scripts": {"test": "vitest run"}}'}, "npm test"),
        ({"package.json": '{"scripts": {"test": "x"}}', "yarn.lock": ""}, "yarn test"),
        ({"package.json": '{"scripts": {"test": "x"}}', "pnpm-lock.yaml": ""}, "pnpm test"),
        ({"package.json": NPM_DEFAULT}, None),
        ({"package.json": NPM_DEFAULT, "a.test.js": "import t from 'node:test'"}, "node --test"),
        ({"package.json": "{not json"}, None),
        ({"package.json": "[1]"}, None),
        ({"package.json": '{"scripts": []}'}, None),
        ({"package.json": '{"scripts": {"test": "x"}}', "tools/test_a.py": PLAIN}, "npm test"),
        (
            {"package.json": '{"scripts": {"test": "x"}}', "test_a.py": PLAIN, "setup.py": ""},
            "python -m pytest",
        ),
        ({"Cargo.toml": "[package]\n"}, "cargo test"),
        ({"go.mod": "module x\n", "Makefile": "test:\n\tgo test\n"}, "go test ./..."),
        ({"Makefile": "all:\n\ncheck: all\n\ttrue\n"}, "make check"),
        ({"Makefile": "check test: all\n\ttrue\n"}, "make test"),
        ({"Makefile": "test := 1\n.PHONY: test\ntests:\n"}, None),
        ({"t.mjs": 'const t = require("node:test")'}, "node --test"),
    ],
)
def test_detect(tmp_path, files, expected):
    write(tmp_path, files)
    found = detect(tmp_path)
    assert found == (expected and parse_command(expected, "detected"))


UNITTEST = [
    ({"test_a.py": CASE}, "discover -v -s ."),
    ({"tests/test_a.py": CASE}, "discover -v -s tests"),
    ({"tests/__init__.py": "", "tests/test_a.py": CASE}, "discover -v -s tests -t ."),
    ({"tests/a_test.py": CASE}, "discover -v -s tests -p *_test.py"),
    ({"tests/a_test.py": CASE, "tests/test_b.py": CASE}, "discover -v -s tests -p *test*.py"),
    ({"a b/test_a.py": CASE}, "discover -v -s 'a b'"),
    (
        {"tests/__init__.py": "", "tests/u/__init__.py": "", "tests/u/test_a.py": CASE},
        "discover -v -s tests/u -t .",
    ),
    (
        {"tests/test_a.py": CASE, "tests/u/__init__.py": "", "tests/u/test_b.py": CASE},
        "discover -v -s tests",
    ),
    ({"a/test_a.py": CASE, "b/test_b.py": CASE}, "-v a/test_a.py b/test_b.py"),
]


@pytest.mark.parametrize(("files", "arguments"), UNITTEST)
def test_unittest_commands_find_the_tests(tmp_path, files, arguments):
    write(tmp_path, {**files, "app.py": "X = 1\n"})
    for name in files:
        if name.endswith(("test.py", "test_a.py", "test_b.py")):
            write(tmp_path, {name: "import app\n" + CASE})
    found = detect(tmp_path)
    assert found is not None
    assert found.shown.replace("'*", "*").replace(".py'", ".py") == (
        f"python -m unittest {arguments}"
    )
    ran = subprocess.run(
        [sys.executable, *found.argv[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    n_cases = sum(text == CASE for text in files.values())
    assert f"Ran {n_cases} test" in ran.stderr
    assert ran.returncode == 0


def test_a_src_folder_is_put_on_the_path(tmp_path):
    write(tmp_path, {"src/app.py": "X = 1\n", "tests/test_a.py": "import app\n" + CASE})
    assert detect(tmp_path) == TestCommand(
        ("env", "PYTHONPATH=src", "python", "-m", "unittest", "discover", "-v", "-s", "tests"),
        "PYTHONPATH=src python -m unittest discover -v -s tests",
        "detected",
    )


def test_links_and_folders_with_file_names_are_no_hints(tmp_path):
    (tmp_path / "Makefile").mkdir()
    (tmp_path / "test_gone.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert detect(tmp_path) is None


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_make_target_that_is_found_runs(tmp_path):
    write(tmp_path, {"Makefile": "test: prepare\n\t@echo tested\n\nprepare:\n\t@true\n"})
    found = detect(tmp_path)
    assert found is not None
    ran = subprocess.run(found.argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == "tested\n"
