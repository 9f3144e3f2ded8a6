import subprocess
import sys
from pathlib import Path

import pytest

from qwenagent.checks import parse_command
from qwenagent.checks.detect import Found, detect, detect_found
from qwenagent.protocol.checks import TestCommand
from tests.needs import needs

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
        ({"t.mjs": 'const t = require("node:test")'}, "node --test t.mjs"),
    ],
)
def test_detect(tmp_path, files, expected):
    write(tmp_path, files)
    found = detect(tmp_path)
    assert found == (expected and parse_command(expected, "detected"))


PYTEST = "python -m pytest"
IN_SRC = "PYTHONPATH=src python -m pytest"
DJANGO = "from django.core.management import execute_from_command_line\n"
DJANGO_CASE = "from django.test import TestCase\n\nclass T(TestCase):\n    pass\n"
NOX = (
    "import nox\n\n@nox.session\ndef lint(s): ...\n\n@nox.session(py=['3.12'])\ndef tests(s): ...\n"
)


@pytest.mark.parametrize(
    ("files", "manifest", "command", "why"),
    [
        # what the project's own files say of pytest
        ({"pytest.ini": ""}, "pytest.ini", PYTEST, "pytest.ini"),
        (
            {"setup.cfg": "[tool:pytest]\r\naddopts = -q\r\n"},
            "setup.cfg",
            PYTEST,
            "pytest section in setup.cfg",
        ),
        (
            {"pyproject.toml": "\ufeff[tool.pytest.ini_options]\n"},
            "pyproject.toml",
            PYTEST,
            "pytest section in pyproject.toml",
        ),
        (
            {"pyproject.toml": "dev = ['pytest>=8']\n", "tests/test_a.py": CASE},
            "pyproject.toml",
            PYTEST,
            "pytest in pyproject.toml",
        ),
        (
            {"setup.py": "", "requirements/dev.txt": "pytest-cov\n", "test_a.py": CASE},
            "setup.py",
            PYTEST,
            "pytest in requirements/dev.txt",
        ),
        (
            {"pyproject.toml": "select = ['flake8-pytest-style'] # pytest\n", "test_a.py": CASE},
            "pyproject.toml",
            "python -m unittest discover -v -s .",
            "unittest in test_a.py",
        ),
        # layouts
        (
            {"setup.py": "", "src/shop/__init__.py": "", "tests/test_a.py": PLAIN},
            "setup.py",
            IN_SRC,
            "tests/test_a.py needs pytest",
        ),
        (
            {"setup.py": "", "src/ns/shop/__init__.py": "", "tests/conftest.py": ""},
            "setup.py",
            IN_SRC,
            "tests/conftest.py",
        ),
        (
            {"pytest.ini": "[pytest]\npythonpath = src\n", "src/a.py": ""},
            "pytest.ini",
            PYTEST,
            "pytest.ini",
        ),
        (
            {"setup.py": "ext_modules=[]", "src/a/__init__.py": "", "test_a.py": PLAIN},
            "setup.py",
            PYTEST,
            "test_a.py needs pytest",
        ),
        (
            {"pyproject.toml": "", "src/index.js": "", "test_a.py": PLAIN},
            "pyproject.toml",
            PYTEST,
            "test_a.py needs pytest",
        ),
        (
            {"pyproject.toml": "", "shop/cart.py": "", "shop/cart_test.py": PLAIN},
            "pyproject.toml",
            PYTEST,
            "shop/cart_test.py needs pytest",
        ),
        (
            {"requirements.txt": "", "a/tests.py": PLAIN},
            "requirements.txt",
            "python -m pytest a/tests.py",
            "a/tests.py needs pytest",
        ),
        (
            {"tests/requirements.txt": "", "tests/test_a.py": PLAIN},
            "",
            PYTEST,
            "tests/test_a.py needs pytest",
        ),
        (
            {"setup.py": "", "test.py": CASE},
            "setup.py",
            "python -m unittest discover -v -s .",
            "unittest in test.py",
        ),
        (
            {"setup.py": "pytest", "test.py": CASE},
            "setup.py",
            "python -m pytest test.py",
            "pytest in setup.py",
        ),
        # Django
        (
            {"manage.py": DJANGO, "polls/tests.py": DJANGO_CASE},
            "manage.py",
            "python manage.py test",
            "Django's manage.py",
        ),
        (
            {"manage.py": DJANGO, "polls/test_a.py": "import pytest\n" + DJANGO_CASE},
            "manage.py",
            PYTEST,
            "polls/test_a.py needs pytest",
        ),
        (
            {"manage.py": "import fire\n", "test_a.py": CASE},
            "manage.py",
            "python -m unittest discover -v -s .",
            "unittest in test_a.py",
        ),
        # tox and nox
        (
            {"tox.ini": "[testenv]\ncommands = pytest {posargs}\n"},
            "tox.ini",
            PYTEST,
            "pytest in tox.ini",
        ),
        ({"tox.ini": "[testenv]\ncommands = zope-testrunner\n"}, "tox.ini", "tox -e py", "tox.ini"),
        ({"tox.ini": "[testenv:unit]\ncommands = x\n"}, "tox.ini", "tox", "tox.ini"),
        (
            {"tox.ini": "[testenv]\n", "tests/test_a.py": CASE},
            "tox.ini",
            "python -m unittest discover -v -s tests",
            "unittest in tests/test_a.py",
        ),
        ({"noxfile.py": NOX}, "noxfile.py", "nox -s tests", "session tests in noxfile.py"),
        (
            {"noxfile.py": NOX + "    s.run('pytest')\n"},
            "noxfile.py",
            PYTEST,
            "pytest in noxfile.py",
        ),
        (
            {"tox.ini": "[testenv]\n", "Makefile": "test:\n"},
            "Makefile",
            "make test",
            "target test in Makefile",
        ),
    ],
)
def test_python_projects(tmp_path, files, manifest, command, why):
    write(tmp_path, files)
    expected = Found(".", manifest, parse_command(command, "detected"), why)
    assert detect_found(tmp_path) == expected
    assert detect_found(tmp_path, files=sorted(files)) == expected


@pytest.mark.parametrize(
    "files",
    [
        {"noxfile.py": "import nox\n\n@nox.session\ndef lint(session): ...\n"},
        {"setup.py": "", "manage.py": DJANGO, "polls/models.py": ""},
        {"setup.py": "", "nn/test.py": "def test(model): ...\n"},
        {"tools/x/__init__.py": "", "notes/test.txt": "pytest"},
    ],
)
def test_python_without_tests(tmp_path, files):
    write(tmp_path, files)
    assert detect_found(tmp_path) is None


@pytest.mark.parametrize(
    "files",
    [
        {"src/app.py": "X = 1\n", "tests/test_a.py": "import app\n\ndef test_a(): ...\n"},
        {"a b/tests.py": PLAIN},
        {"src/ns/app/__init__.py": "", "t/app_test.py": "import ns.app\ndef test_a(): ...\n"},
    ],
)
def test_the_pytest_command_that_is_found_runs(tmp_path, files):
    write(tmp_path, files)
    found = detect(tmp_path)
    assert found is not None
    argv = [sys.executable if word == "python" else word for word in found.argv]
    ran = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in ran.stdout


def test_many_cases_that_discovery_does_not_reach_are_left_to_pytest(tmp_path):
    write(tmp_path, {f"d{i}/test_a.py": CASE for i in range(60)})
    assert detect_found(tmp_path) == Found(
        ".",
        "",
        parse_command(PYTEST, "detected"),
        "60 files that unittest does not find by itself",
    )


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


@needs("make")
def test_the_make_target_that_is_found_runs(tmp_path):
    write(tmp_path, {"Makefile": "test: prepare\n\t@echo tested\n\nprepare:\n\t@true\n"})
    found = detect(tmp_path)
    assert found is not None
    ran = subprocess.run(found.argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == "tested\n"
