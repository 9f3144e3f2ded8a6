import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qwenagent.checks import parse_command
from qwenagent.checks.detect import Found, detect, explain_none, projects
from qwenagent.checks.detect.choose import find
from qwenagent.checks.detect.tree import Tree
from qwenagent.protocol.checks import TestCommand
from tests.test_checks_detect import CASE, PLAIN, write

NPM = json.dumps({"scripts": {"test": "jest"}})
MIXED = {
    "README.md": "",
    "services/api/go.mod": "",
    "services/api/cmd/main.go": "",
    "services/billing/requirements.txt": "",
    "services/billing/app/core.py": "",
    "services/billing/tests/test_core.py": PLAIN,
    "services/billing/tests/requirements.txt": "",
    "services/engine/Cargo.toml": "[workspace]\n",
    "services/engine/crates/parse/Cargo.toml": "[package]\n",
    "services/engine/crates/parse/src/lib.rs": "",
    "web/package.json": NPM,
    "web/node_modules/jest/package.json": NPM,
    "web/fixtures/old/package.json": NPM,
    "docs/requirements.txt": "",
    "examples/hello/package.json": NPM,
}


def command(text: str, cwd: str = ".") -> TestCommand:
    return TestCommand(parse_command(text, "detected").argv, text, "detected", cwd)


def listed(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("services/api", command("go test ./...", "services/api")),
        ("services/api/cmd", command("go test ./...", "services/api")),
        ("services/billing/app", command("python -m pytest", "services/billing")),
        ("services/billing/tests", command("python -m pytest", "services/billing")),
        ("services/engine", command("cargo test", "services/engine")),
        ("services/engine/crates/parse/src", command("cargo test", "services/engine/crates/parse")),
        ("web", command("npm test", "web")),
        ("web/fixtures/old", command("npm test", "web/fixtures/old")),
        ("examples", command("npm test", "examples/hello")),
        ("services", None),
        ("docs", None),
        (".", None),
    ],
)
def test_the_nearest_project_decides(tmp_path, folder, expected):
    write(tmp_path, MIXED)
    assert detect(tmp_path, tmp_path / folder) == expected
    tracked = [name for name in MIXED if "node_modules" not in name]
    assert detect(tmp_path, tmp_path / folder, tracked) == expected


def test_projects_are_the_outermost_without_samples(tmp_path):
    write(tmp_path, MIXED)
    expected = (
        Found("services/api", "go.mod", command("go test ./...", "services/api"), "go.mod"),
        Found(
            "services/billing",
            "requirements.txt",
            command("python -m pytest", "services/billing"),
            "tests/test_core.py needs pytest",
        ),
        Found(
            "services/engine", "Cargo.toml", command("cargo test", "services/engine"), "Cargo.toml"
        ),
        Found("web", "package.json", command("npm test", "web"), "script test in package.json"),
    )
    assert projects(tmp_path) == expected
    assert projects(tmp_path, listed(tmp_path)) == expected


def test_several_projects_are_offered(tmp_path):
    write(tmp_path, MIXED)
    assert explain_none(tmp_path) == (
        "no test command was found for the whole repository, but for 4 projects in it: "
        "services/api (go test ./...), services/billing (python -m pytest), "
        "services/engine (cargo test), web (npm test); start in the folder of one, or name a "
        "command (--test-cmd)"
    )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "there is no project file"),
        ({"package.json": "{}", "Makefile": "all:\n"}, "Makefile, package.json tell of none"),
    ],
)
def test_why_nothing_is_found(tmp_path, files, expected):
    write(tmp_path, files)
    assert explain_none(tmp_path) == (
        f"no test command was found: {expected}, and no test file was found; name one (--test-cmd)"
    )


@pytest.mark.parametrize(
    ("files", "found"),
    [
        # a single project in a folder
        ({"app/package.json": NPM, "app/ui/package.json": NPM}, ("app", "npm test")),
        ({"a b/ü/go.mod": ""}, ("a b/ü", "go test ./...")),
        (
            {"pyproject.toml": "[tool.ruff]\n", "backend/setup.py": "", "backend/test_a.py": PLAIN},
            ("backend", "python -m pytest"),
        ),
        (
            {
                "requirements.txt": "django",
                "mysite/manage.py": "django",
                "mysite/polls/tests.py": "from django.test import TestCase\n",
            },
            ("mysite", "python manage.py test"),
        ),
        ({"examples/a/go.mod": ""}, ("examples/a", "go test ./...")),
        # what stands at the root goes before it
        ({"Makefile": "test:\n", "app/package.json": NPM, "b/go.mod": ""}, (".", "make test")),
        ({"test_a.py": PLAIN, "app/package.json": NPM}, (".", "python -m pytest")),
        ({"package.json": NPM, "src-tauri/Cargo.toml": "[package]"}, (".", "npm test")),
        # tests of the members of a uv workspace are run together
        (
            {
                "pyproject.toml": "[tool.uv.workspace]\nmembers = ['packages/*']\n",
                "packages/a/pyproject.toml": "",
                "packages/a/tests/test_a.py": PLAIN,
                "packages/b/pyproject.toml": "",
                "packages/b/tests/test_b.py": PLAIN,
            },
            (".", "python -m pytest"),
        ),
        # test files of a project below do not make the root one
        ({"a/setup.py": "", "a/test_a.py": PLAIN, "b/setup.py": "", "b/test_b.py": PLAIN}, None),
        ({"web/package.json": NPM, "web/tools/test_a.py": PLAIN}, ("web", "npm test")),
    ],
)
def test_the_root(tmp_path, files, found):
    write(tmp_path, files)
    expected = found and command(found[1], found[0])
    assert detect(tmp_path) == expected
    assert detect(tmp_path, files=files) == expected


@pytest.mark.parametrize("manifest", ["Makefile", "CMakeLists.txt", "requirements.txt"])
def test_the_tests_folder_of_a_project_is_none_itself(tmp_path, manifest):
    write(
        tmp_path,
        {"pyproject.toml": "", f"tests/{manifest}": "all:\n", "tests/test_a.py": "import pytest"},
    )
    assert detect(tmp_path, tmp_path / "tests") == command("python -m pytest")


def test_discovery_starts_in_the_project(tmp_path):
    write(
        tmp_path,
        {
            "libs/a/setup.py": "",
            "libs/a/tests/__init__.py": "",
            "libs/a/tests/test_a.py": CASE,
            "libs/b/setup.py": "",
        },
    )
    found = detect(tmp_path, tmp_path / "libs" / "a" / "tests")
    assert found == command("python -m unittest discover -v -s tests -t .", "libs/a")
    argv = [sys.executable, *found.argv[1:]]
    ran = subprocess.run(
        argv, cwd=tmp_path / found.cwd, capture_output=True, text=True, check=False
    )
    assert "Ran 1 test" in ran.stderr


def test_a_folder_is_found_through_links_and_dots(tmp_path, monkeypatch):
    write(tmp_path / "real", {"web/package.json": NPM, "api/go.mod": ""})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    root = tmp_path / "real"
    web = command("npm test", "web")
    assert detect(root, tmp_path / "link" / "web") == web
    assert detect(tmp_path / "link", root / "web") == web
    assert detect(root, root / "api" / ".." / "web") == web
    assert detect(root, tmp_path) is None
    monkeypatch.chdir(root / "web")
    assert detect(Path(".."), Path()) == web


def test_foreign_and_built_folders_are_not_looked_at(tmp_path):
    write(
        tmp_path,
        {
            "nested/.git": "gitdir: elsewhere\n",
            "nested/go.mod": "",
            "clone/.git/HEAD": "",
            "clone/test_a.py": PLAIN,
            "vendor/x/go.mod": "",
            ".cache/x/package.json": NPM,
            "build/lib/test_a.py": PLAIN,
        },
    )
    assert detect(tmp_path) is None
    assert projects(tmp_path) == ()
    # What git tracks is the project's own, but for what came from others.
    assert detect(tmp_path, files=["build/lib/test_a.py"]) == command("python -m pytest")
    assert detect(tmp_path, files=["vendor/x/go.mod", ".cache/x/package.json"]) is None


def test_files_that_git_does_not_list_are_no_hints(tmp_path):
    write(tmp_path, {"pytest.ini": "", "package.json": NPM, "scratch/test_a.py": PLAIN})
    assert detect(tmp_path, files=["package.json"]) == command("npm test")
    assert detect(tmp_path, files=[]) is None


def test_what_cannot_be_read_is_passed_over(tmp_path):
    write(tmp_path, {"a/go.mod": ""})
    os.mkfifo(tmp_path / "pyproject.toml")
    tracked = ["pyproject.toml", "package.json", "a/go.mod"]
    assert detect(tmp_path, files=tracked) == command("go test ./...", "a")
    assert detect(tmp_path / "gone") is None
    assert detect(tmp_path / "a/go.mod") is None


@pytest.mark.parametrize(
    ("files", "n_most"),
    [
        ({"pytest.ini": "[pytest]\n", "pyproject.toml": ""}, 2),
        ({"package.json": NPM}, 1),
        ({"Cargo.toml": "[package]\n"}, 1),
        ({"setup.py": "", **{f"tests/test_{i}.py": CASE for i in range(400)}}, 310),
        ({f"src/f{i}.js": "export {}\n" for i in range(400)}, 30),
        ({f"packages/p{i}/package.json": "{}" for i in range(300)}, 110),
    ],
)
def test_few_files_are_read(tmp_path, files, n_most):
    many = {f"lib/d{i}/f{j}.py": "x = 1\n" for i in range(5) for j in range(20)}
    write(tmp_path, {**files, **many})
    tree = Tree(tmp_path)
    find(tree, ".")
    assert 0 < tree.n_read <= n_most


def test_the_bound_on_a_tree_takes_away_what_lies_deepest(tmp_path):
    deep = "/".join("d" * 30)
    files = [f"{deep}/f{i}" for i in range(100_000)]
    assert detect(tmp_path, files=[f"{deep}/deeper/go.mod", *files]) is None
    assert detect(tmp_path, files=[f"{deep}/go.mod", *files]) == command("go test ./...", deep)
