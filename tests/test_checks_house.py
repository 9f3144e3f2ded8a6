"""Which formatters and linters a project has, on which files, and what they complain of."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner, definitions
from qwenagent.checks.house import (
    Complaint,
    HouseTool,
    assigned,
    find_tools,
    has_failed,
    new_ones,
    read_complaints,
)
from qwenagent.protocol.checks import TestRun

HOOKS = """repos:
  - repo: local
    hooks:
      - id: ruff-format
      # - id: black
      - id: "isort"
        args: [--profile, black]
"""


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def found(root: Path, files: dict[str, str]) -> list[tuple[str, str]]:
    write(root, files)
    return [(tool.name, tool.home) for tool in find_tools(root, list(files), lambda *_: True)]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"a.py": ""}, []),
        ({"pyproject.toml": "[project]\nname = 'a'\n"}, []),
        ({"pyproject.toml": "[tool.ruff]\n"}, ["ruff-check", "ruff-format"]),
        ({"ruff.toml": ""}, ["ruff-check", "ruff-format"]),
        ({".ruff.toml": ""}, ["ruff-check", "ruff-format"]),
        ({"pyproject.toml": "[tool.ruff.lint]\n[tool.black]\n"}, ["ruff-check", "black"]),
        ({"pyproject.toml": "[tool.isort]\n[tool.black]\n"}, ["isort", "black"]),
        ({"pyproject.toml": "[tool.ruff\n"}, []),
        ({"setup.cfg": "[metadata]\n[isort]\nprofile = black\n"}, ["isort"]),
        ({"tox.ini": "[tool:isort]\n"}, ["isort"]),
        ({".pre-commit-config.yaml": HOOKS}, ["isort", "ruff-format"]),
        ({".pre-commit-config.yaml": "- id: ruff\n", "ruff.toml": ""}, ["ruff-check"]),
        ({".prettierrc.json": "{}"}, ["prettier"]),
        ({"prettier.config.mjs": ""}, ["prettier"]),
        ({"package.json": '{"devDependencies": {"prettier": "^3"}}'}, ["prettier"]),
        ({"package.json": '{"scripts": {"fmt": "prettier --check src"}}'}, ["prettier"]),
        ({"package.json": '{"prettier": {}, "eslintConfig": {}}'}, ["eslint", "prettier"]),
        ({"package.json": '{"scripts": ["prettier"], "dependencies": 1}'}, []),
        ({"package.json": "[" * 100_000}, []),
        ({"package.json": '{"devDependencies": {"eslint": "^9"}}'}, []),
        ({"eslint.config.js": ""}, ["eslint"]),
        ({".eslintrc.yml": ""}, ["eslint"]),
        ({"biome.json": "{}"}, ["biome"]),
        ({"go.mod": "module a\n"}, ["gofmt"]),
        ({"go.mod": "", ".golangci.yml": "linters:\n  enable:\n    - goimports\n"}, ["goimports"]),
        ({"Cargo.toml": ""}, ["rustfmt"]),
        ({".clang-format": ""}, ["clang-format"]),
    ],
)
def test_what_is_configured(files, names, tmp_path):
    assert found(tmp_path, files) == [(name, ".") for name in names]


def test_a_pipe_in_the_place_of_settings_says_nothing(tmp_path):
    names = ("pyproject.toml", "setup.cfg", "package.json", "Cargo.toml")
    for name in names:
        os.mkfifo(tmp_path / name)
    tools = find_tools(tmp_path, names, lambda *_: True)
    assert [tool.name for tool in tools] == ["rustfmt"]
    assert HouseTool("rustfmt").on(["a.rs"], tmp_path).argv[1:3] == ("--edition", "2015")


def test_the_nearest_home_counts_and_some_tools_need_one_alone(tmp_path):
    files = {
        "Cargo.toml": "",
        "crates/one/Cargo.toml": "",
        "web/.prettierrc": "{}",
        "web/app/.prettierrc": "{}",
    }
    assert found(tmp_path, files) == [
        ("rustfmt", "."),
        ("prettier", "web"),
        ("prettier", "web/app"),
    ]
    tools = find_tools(tmp_path, files, lambda *_: True)
    touched = ["crates/one/src/lib.rs", "web/a.ts", "web/app/b.ts", "a.ts", "web/c.PY"]
    assert assigned(tools, touched) == [
        (HouseTool("prettier", "web"), ["web/a.ts"]),
        (HouseTool("prettier", "web/app"), ["web/app/b.ts"]),
        (HouseTool("rustfmt", "."), ["crates/one/src/lib.rs"]),
    ]


def test_a_repository_of_many_parts_asks_for_a_dozen_at_most(tmp_path):
    files = {f"part{n}/.prettierrc": "{}" for n in range(40)}
    assert len(found(tmp_path, files)) == 12


def test_linters_run_before_what_lays_out(tmp_path):
    tools = [HouseTool("ruff-format"), HouseTool("isort"), HouseTool("ruff-check")]
    order = [tool.name for tool, _ in assigned(tools, ["a.py"])]
    assert order == ["ruff-check", "isort", "ruff-format"]


def test_what_is_not_installed_does_not_count(tmp_path):
    write(tmp_path, {"web/.prettierrc": "{}", "web/node_modules/.bin/prettier": "#!/bin/sh\n"})
    (tmp_path / "web/node_modules/.bin/prettier").chmod(0o755)
    write(tmp_path, {"go.mod": "", "empty/x": ""})
    runner = TestRunner(tmp_path, {"PATH": str(tmp_path / "empty")})
    files = ["go.mod", "web/.prettierrc"]
    assert find_tools(tmp_path, files, runner.has_program) == (HouseTool("prettier", "web"),)


def test_a_command_runs_in_its_home_on_paths_from_there(tmp_path):
    command = HouseTool("prettier", "my web").on(["my web/a b.ts", "my web/-x.ts"], tmp_path)
    assert (command.argv, command.cwd, command.shown) == (
        ("prettier", "--write", "--ignore-unknown", "a b.ts", "./-x.ts"),
        "my web",
        "prettier --write --ignore-unknown 'a b.ts' ./-x.ts",
    )


@pytest.mark.parametrize(
    ("files", "edition"),
    [
        ({"Cargo.toml": '[package]\nedition = "2021"\n'}, "2021"),
        ({"Cargo.toml": "[package]\nname = 'a'\n"}, "2015"),
        ({"Cargo.toml": '[package]\nedition = "--help"\n'}, "2015"),
        ({"Cargo.toml": '[workspace.package]\nedition = "2024"\n', "one/x": ""}, "2015"),
        (
            {
                "Cargo.toml": '[workspace]\n[workspace.package]\nedition = "2024"\n',
                "one/Cargo.toml": "[package]\nedition.workspace = true\n",
            },
            "2024",
        ),
        ({}, "2015"),
    ],
)
def test_rustfmt_is_told_the_edition_of_the_package(files, edition, tmp_path):
    write(tmp_path, files)
    command = HouseTool("rustfmt").on(["one/src/lib.rs"], tmp_path)
    assert command.argv == ("rustfmt", "--edition", edition, "one/src/lib.rs")


RUFF = """src/a.py:3:5: F841 [*] Local variable `x` is assigned to but never used
src/b.py:1:1: invalid-syntax: Expected an expression
warning: something else: 1:2: no
Found 2 errors (1 fixed, 1 remaining).
"""
ESLINT = json.dumps(
    [
        {
            "filePath": "/r/web/a.js",
            "messages": [
                {"ruleId": "no-undef", "message": "'x' is not defined.", "line": 2},
                {"ruleId": None, "fatal": True, "message": "Parsing error: Unexpected token"},
                {"ruleId": None, "fatal": False, "message": "File ignored"},
            ],
        },
        {"filePath": "/elsewhere/b.js", "messages": [{"ruleId": "semi", "message": "Missing"}]},
    ]
)
BIOME = (
    "::error title=lint/style/useConst,file=a.ts,line=1,endLine=1,col=20,endColumn=23"
    "::This let declares a variable\n"
)


@pytest.mark.parametrize(
    ("tool", "output", "complaints"),
    [
        (
            HouseTool("ruff-check", "py"),
            RUFF,
            [
                ("py/src/a.py", "F841", "[*] Local variable `x` is assigned to but never used"),
                ("py/src/b.py", "invalid-syntax", "Expected an expression"),
            ],
        ),
        (
            HouseTool("eslint", "web"),
            f"(node:1) Warning: old\n{ESLINT}\n",
            [
                ("web/a.js", "no-undef", "'x' is not defined."),
                ("web/a.js", "", "Parsing error: Unexpected token"),
                ("/elsewhere/b.js", "semi", "Missing"),
            ],
        ),
        (HouseTool("eslint"), ESLINT[:80], []),
        (HouseTool("eslint"), '[{"filePath" is no report\n', []),
        (HouseTool("eslint"), '[{"filePath": "a.js"}, 3, {"messages": []}, {"filePath": 1}]', []),
        (HouseTool("eslint"), '[{"filePath": "a.js", "messages": null}]', []),
        (HouseTool("eslint"), '[{"filePath": "a.js", "messages": [3, {"ruleId": 4}]}]', []),
        (
            HouseTool("biome"),
            BIOME,
            [("a.ts", "lint/style/useConst", "This let declares a variable")],
        ),
        (HouseTool("black"), RUFF, []),
    ],
)
def test_what_linters_complain_of(tool, output, complaints):
    found = read_complaints(tool, output, Path("/r"))
    assert found == [Complaint(*complaint) for complaint in complaints]


def test_new_is_what_there_is_more_of_whatever_its_line():
    old = Complaint("a.py", "F811", "Redefinition of `x` from line 3")
    moved = Complaint("a.py", "F811", "Redefinition of `x` from line 17")
    other = Complaint("b.py", "F811", "Redefinition of `x` from line 3")
    assert new_ones([old], [moved]) == []
    assert new_ones([old], [moved, moved, other]) == [moved, other]
    assert new_ones([old, old], [moved]) == []


@pytest.mark.parametrize(
    ("name", "code", "failed"),
    [("black", 0, False), ("black", 1, True), ("eslint", 1, False), ("eslint", 2, True)],
)
def test_complaints_are_no_failure(name, code, failed):
    run = TestRun(name, code, 0.1, "")
    assert has_failed(HouseTool(name), run) is failed


@pytest.mark.parametrize(
    ("tool", "file", "before", "after"),
    [
        ("prettier", ".prettierrc", "{}", '{"plugins": ["./evil.js"]}'),
        ("prettier", "package.json", "{}", '{"prettier": {"plugins": ["./evil.js"]}}'),
        (
            "eslint",
            "package.json",
            '{"scripts": {"test": "x"}}',
            '{"scripts": {"test": "x"}, "eslintConfig": {"plugins": ["evil"]}}',
        ),
        ("eslint", "eslint.config.mjs", "export default [];", "evil();"),
        ("biome", "biome.json", "{}", '{"plugins": ["./evil.grit"]}'),
        ("rustfmt", "rust-toolchain.toml", "", '[toolchain]\npath = "./evil"\n'),
    ],
)
def test_settings_that_can_start_code_are_part_of_what_is_approved(
    tool, file, before, after, tmp_path
):
    write(tmp_path, {file: before})
    [then] = definitions(HouseTool(tool).command, tmp_path)
    write(tmp_path, {file: after})
    [now] = definitions(HouseTool(tool).command, tmp_path)
    assert then.path == now.path == file
    assert then.digest != now.digest


def test_settings_that_say_only_how_it_looks_are_not(tmp_path):
    write(tmp_path, {"pyproject.toml": "[tool.ruff]\n", ".clang-format": "", "go.mod": ""})
    tools = ("ruff-check", "ruff-format", "black", "isort", "clang-format", "gofmt")
    assert [definitions(HouseTool(name).command, tmp_path) for name in tools] == [()] * 6
