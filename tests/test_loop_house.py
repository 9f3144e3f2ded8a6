"""The project's own formatters and linters on what a step has changed, with the real tools."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qwenagent.config import LoopSettings, Settings, TestSettings
from qwenagent.loop.editing.asker import header_text
from qwenagent.protocol.events import (
    ApprovalAnswered,
    ApprovalAsked,
    EditApplied,
    Record,
    TestsStarted,
    Warned,
)
from qwenagent.protocol.tools import ToolCall
from qwenagent.ui import NobodyApprover, RememberingApprover
from tests.kinds_stage import GIVEN, GIVEN_FILE
from tests.loop_stage import COMMAND, FIXED, MODULE, TEST, Stage, body, make_repository
from tests.needs import program

UGLY = FIXED.replace("return a + b", "return (a+b)")
RUFF = "[tool.ruff]\nline-length = 90\n"
PLAN = f"# Plan\n\n- [ ] Fix `add` in `calc.py`: it subtracts.\n      Test: `{COMMAND}`\n"
PICKY = f"""{TEST}
    def test_text(self):
        with open("calc.py") as file:
            self.assertNotIn("a + b", file.read())
"""
FILES = {
    "calc.py": MODULE,
    "test_calc.py": TEST,
    "pyproject.toml": RUFF,
    ".gitignore": "__pycache__/\n",
}
HOUSE = "May the project's own formatters and linters run on the files that steps change?"


def suite_of(command: str) -> Settings:
    """Settings with a suite, and a limit that a machine with much to do keeps, too."""
    return replace(Settings(), tests=TestSettings(command, timeout_s=300))


SETTINGS = suite_of("")
UNTESTED = suite_of("true")
"""No test speaks, and none is looked for."""


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    return folder


def require(name: str, folder: Path) -> None:
    """Put a real tool on PATH, of the tests' own environment or of the machine; else skip."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else program(name)
    # Not a link: node's programs look for their packages from where they are.
    (folder / name).write_text(f'#!/bin/sh\nexec "{found}" "$@"\n')
    (folder / name).chmod(0o755)


@pytest.fixture
def ruff(bin_folder: Path) -> None:
    require("ruff", bin_folder)


def stand_in(folder: Path, name: str, script: str) -> None:
    """Put a program of a formatter's name on PATH."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def stage_of(tmp_path: Path, written: str, files: dict[str, str] = FILES, **more: Any) -> Stage:
    root = make_repository(tmp_path / "my repo", files)
    return Stage(root, [body(written)], **{"settings": SETTINGS, **more})


def text(stage: Stage, path: str = "calc.py") -> str:
    return (stage.root / path).read_text()


def warnings(stage: Stage) -> list[str]:
    return [event.message for event in stage.events(Warned)]


# -- what is laid out -----------------------------------------------------------------------------


def test_what_a_step_wrote_is_laid_out_before_it_is_committed(tmp_path, ruff):
    stage = stage_of(tmp_path, UGLY)
    assert stage.run_plan(PLAN) == 0
    assert stage.states == ["solved"]
    assert text(stage) == FIXED
    assert stage.git("show", "HEAD:calc.py") + "\n" == FIXED
    assert stage.git("status", "--porcelain") == ""
    last = stage.events(EditApplied)[-1]
    assert (last.path, last.kind, last.added, last.removed) == ("calc.py", "changed", 1, 1)
    assert "-    return (a+b)\n+    return a + b\n" in last.diff
    # The step's own test has run again behind it.
    place = [record.event for record in stage.records].index(last)
    kinds = [type(record.event).__name__ for record in stage.records[place - 2 : place]]
    assert kinds == ["TestsStarted", "TestsRan"]
    assert warnings(stage) == []


def test_it_is_asked_for_once_and_apart(tmp_path, ruff):
    stage = stage_of(tmp_path, UGLY)
    stage.run_plan(PLAN)
    commands, house = stage.events(ApprovalAsked)
    assert COMMAND in commands.items
    assert house.question == HOUSE
    assert house.items == (
        "ruff check --fix --no-unsafe-fixes --no-cache --force-exclude --output-format=concise",
        "ruff format --no-cache --force-exclude",
    )
    assert all(house.digests)


def test_a_file_that_was_not_laid_out_before_is_left_alone(tmp_path, ruff):
    before = MODULE.replace("def twice(a):", "def twice( a ):")
    after = UGLY.replace("def twice(a):", "def twice( a ):")
    stage = stage_of(tmp_path, after, FILES | {"calc.py": before})
    assert stage.run_plan(PLAN) == 0
    assert text(stage) == after
    assert len(stage.events(EditApplied)) == 1


def test_a_new_file_is_laid_out(tmp_path, ruff):
    stage = stage_of(tmp_path, "X = {'a':1}\n", FILES | {"calc.py": FIXED})
    assert stage.run_task("Create `new.py` with a dict `X`.") == 0
    assert text(stage, "new.py") == 'X = {"a": 1}\n'
    assert stage.git("status", "--porcelain") == "?? new.py"


def test_windows_line_ends_and_accents_stay(tmp_path, ruff):
    stage = stage_of(tmp_path, UGLY.replace("twice", "größer"))
    path = stage.root / "calc.py"
    path.write_bytes(MODULE.replace("twice", "größer").replace("\n", "\r\n").encode())
    stage.git("commit", "-qam", "crlf")
    test = TEST.replace("add, twice", "add")
    (stage.root / "test_calc.py").write_text(test)
    stage.git("commit", "-qam", "less")
    assert stage.run_plan(PLAN) == 0
    assert path.read_bytes() == FIXED.replace("twice", "größer").replace("\n", "\r\n").encode()


def test_what_was_changed_only_in_its_layout_stays(tmp_path, ruff):
    written = FIXED.replace("(a, b)", "(a,b)")
    stage = stage_of(tmp_path, written, FILES | {"calc.py": FIXED})
    assert stage.run_task("Touch `calc.py`.") == 0
    assert text(stage) == written


def test_a_file_that_was_moved_is_no_new_one(tmp_path, ruff):
    files = FILES | {
        "calc.py": MODULE.replace("twice(a)", "twice( a )"),
        "test_calc.py": TEST.replace("from calc", "from sums"),
    }
    written = UGLY.replace("twice(a)", "twice( a )")
    stage = stage_of(tmp_path, written, files)
    call = header_text(ToolCall("rewrite_file", {"path": "sums.py"}))
    stage.replies = [call.removeprefix('{"name": "'), body(written)]
    step = "Rename `calc.py` to `sums.py`; `add` has to add."
    assert stage.run_plan(f"- [ ] {step}\n      Test: `{COMMAND}`\n") == 0
    assert text(stage, "sums.py") == written


def test_a_test_that_the_plan_gives_stays_as_the_plan_has_it(tmp_path, ruff):
    files = {name: content for name, content in FILES.items() if name != "test_calc.py"}
    stage = stage_of(tmp_path, UGLY, files)
    given = GIVEN.replace("add(2, 3), 5", "add( 2,3 ),5")
    assert stage.run_plan(given) == 0
    assert text(stage) == FIXED
    assert text(stage, "test_calc.py") == GIVEN_FILE.replace("add(2, 3), 5", "add( 2,3 ),5")


# -- what is not ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "settings"),
    [
        (FILES | {"pyproject.toml": "[project]\nname = 'x'\n"}, SETTINGS),
        (FILES, replace(SETTINGS, loop=LoopSettings(format=False))),
    ],
    ids=["not configured", "switched off"],
)
def test_nothing_runs_and_nothing_is_asked(files, settings, tmp_path, ruff):
    stage = stage_of(tmp_path, UGLY, files, settings=settings)
    assert stage.run_plan(PLAN) == 0
    assert text(stage) == UGLY
    [asked] = stage.events(ApprovalAsked)
    assert asked.question != HOUSE


def test_without_a_yes_nothing_runs_which_is_said_once(tmp_path, ruff):
    store = tmp_path / "approvals.json"
    nobody = RememberingApprover(NobodyApprover(), store)
    stage = stage_of(tmp_path, UGLY, approver=nobody, settings=suite_of(COMMAND))
    assert stage.run_plan("- [ ] Fix `add` in `calc.py`: it subtracts.\n") == 0
    assert text(stage) == UGLY
    [refused] = stage.events(ApprovalAnswered)
    assert (refused.granted, refused.by) == (False, "nobody")
    [told] = warnings(stage)
    assert told.startswith("`ruff check --fix")
    assert told.endswith("not approved, so nothing is formatted in this run")


def test_a_step_without_edits_asks_nothing(tmp_path, ruff):
    stage = stage_of(tmp_path, UGLY)
    assert stage.run_plan("- [ ] Run `python3 -m unittest --help`.\n") == 0
    assert HOUSE not in [request.question for request in stage.events(ApprovalAsked)]


def test_formatting_that_turns_a_test_red_is_taken_back(tmp_path, ruff):
    stage = stage_of(tmp_path, UGLY, FILES | {"test_calc.py": PICKY})
    assert stage.run_plan(PLAN) == 0
    assert stage.states == ["solved"]
    assert text(stage) == UGLY
    [told] = warnings(stage)
    assert told.startswith(f"formatting calc.py is taken back: `{COMMAND}`")


def test_the_suite_counts_where_the_step_has_no_test(tmp_path, ruff):
    files = FILES | {"test_calc.py": PICKY}
    stage = stage_of(tmp_path, UGLY, files, settings=suite_of(COMMAND))
    assert stage.run_plan("- [ ] Fix `add` in `calc.py`: it subtracts.\n") == 0
    assert text(stage) == UGLY
    assert warnings(stage)[-1].startswith("formatting calc.py is taken back: ")


class Stopping(list[Record]):
    """Ends the run at the first test behind the formatting."""

    stage: Stage

    def append(self, record: Record, /) -> None:
        super().append(record)
        laid_out = (self.stage.root / "calc.py").read_text() == FIXED
        if isinstance(record.event, TestsStarted) and laid_out:
            self.stage.stop.set("interrupted")


def test_a_run_that_is_stopped_behind_the_formatting_keeps_the_step(tmp_path, ruff):
    stage = stage_of(tmp_path, UGLY, records=(records := Stopping()))
    records.stage = stage
    assert stage.run_plan(PLAN) in (0, 130)
    assert stage.states == ["solved"]
    assert stage.git("show", "HEAD:calc.py") + "\n" == UGLY == text(stage)


# -- linters --------------------------------------------------------------------------------------


def test_only_new_complaints_are_told_and_safe_fixes_made(tmp_path, ruff):
    before = "def old():\n    x = 1\n\n\n" + MODULE
    new = "\n\ndef new():\n    y = 2\n    return old() == None\n"
    after = "# A line more.\ndef old():\n    x = 1\n\n\n" + FIXED + new
    lints = RUFF + "[tool.ruff.lint]\nselect = ['F', 'E7']\n"
    files = FILES | {"calc.py": before, "pyproject.toml": lints}
    stage = stage_of(tmp_path, f"import os\n\n\n{after}", files)
    assert stage.run_plan(PLAN) == 0
    # The unused import is gone; what is no safe fix stays.
    assert text(stage) == after
    assert warnings(stage) == [
        "2 new complaint(s) of the linter: calc.py: F841 Local variable `y` is assigned to but "
        "never used; calc.py: E711 Comparison to `None` should be `cond is None`"
    ]


def test_a_file_that_the_linter_would_have_changed_is_left_alone(tmp_path, ruff):
    before = "import os\n\n\n" + MODULE
    after = "import sys\nimport os\n\n\n" + FIXED
    stage = stage_of(tmp_path, after, FILES | {"calc.py": before})
    assert stage.run_plan(PLAN) == 0
    assert text(stage) == after


# -- tools that do other things -------------------------------------------------------------------

GO = {"go.mod": "module calc\n", "calc.go": "package calc\n", "notes.txt": "as committed\n"}
_MEDDLE = """for f in "$@"; do [ -f "$f" ] && printf '// more\\n' >> "$f"; done
[ -f go.sum ] || { printf 'x' > notes.txt; printf 'x' > go.sum; ln -s notes.txt link; }
rm -f gone.txt"""


def test_what_a_tool_changes_elsewhere_is_put_back(tmp_path, bin_folder):
    stand_in(bin_folder, "gofmt", _MEDDLE.replace("; ln -s notes.txt link", ""))
    stage = stage_of(
        tmp_path, "package calc\n\nvar X = 1\n", GO | {"gone.txt": "."}, settings=UNTESTED
    )
    (stage.root / "notes.txt").write_text("the user's own\n")
    assert stage.run_task("Create `new.go` with a variable `X`.") == 0
    assert text(stage, "new.go") == "package calc\n\nvar X = 1\n// more\n"
    assert text(stage, "notes.txt") == "the user's own\n"
    assert text(stage, "gone.txt") == "."
    assert stage.git("status", "--porcelain") == "M notes.txt\n?? new.go"


def test_what_cannot_be_put_back_is_told(tmp_path, bin_folder):
    stand_in(bin_folder, "gofmt", _MEDDLE)
    stage = stage_of(tmp_path, "package calc\n\nvar X = 1\n", GO, settings=UNTESTED)
    assert stage.run_task("Create `new.go` with a variable `X`.") == 0
    assert "`gofmt -w` changed link, which is left as it is: link is a link or a submodule" in (
        warnings(stage)
    )


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo no such flag >&2; exit 2", "`gofmt -w` ended with exit code 2: no such flag"),
        ("printf x >> new.go; kill -9 $$", "`gofmt -w` was killed by SIGKILL"),
    ],
    ids=["refuses", "is killed"],
)
def test_a_tool_that_fails_costs_nothing(script, told, tmp_path, bin_folder):
    stand_in(bin_folder, "gofmt", script)
    stage = stage_of(tmp_path, "package calc\n\nvar X = 1\n", GO, settings=UNTESTED)
    assert stage.run_task("Create `new.go` with a variable `X`.") == 0
    assert text(stage, "new.go") == "package calc\n\nvar X = 1\n"
    assert [message for message in warnings(stage) if message.startswith(told)] != []


# -- other languages ------------------------------------------------------------------------------

CARGO = '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n'
LIB = "mod other;\n\npub fn one() -> u32 {\n    1\n}\n"
BIOME = '{"linter": {"rules": {"correctness": {"noUndeclaredVariables": "error"}}}}\n'
NODE = {"package.json": "{}\n"}
JS_BEFORE = "export const one = 1;\n"
JS_UGLY = "export const one = 1;\nexport const two = [ 2 ]\n"
JS_DONE = "export const one = 1;\nexport const two = [2];\n"


@pytest.mark.parametrize(
    ("tool", "files", "path", "written", "done"),
    [
        (
            "gofmt",
            GO | {"calc.go": "package calc\n\nvar X = 1\n"},
            "calc.go",
            "package calc\n\nvar X   = 2\n",
            "package calc\n\nvar X = 2\n",
        ),
        (
            "rustfmt",
            {
                "Cargo.toml": CARGO,
                "src/lib.rs": LIB,
                "src/other.rs": "pub fn  two()->u32{2}\n",
            },
            "src/lib.rs",
            LIB.replace("one() -> u32 {\n    1\n", "one()->u32{ 2 \n").replace("fn", "async fn"),
            LIB.replace("    1\n", "    2\n").replace("fn", "async fn"),
        ),
        (
            "black",
            {"calc.py": "X = 1\n", "pyproject.toml": "[tool.black]\n"},
            "calc.py",
            "X = {'a':1}\n",
            'X = {"a": 1}\n',
        ),
        (
            "isort",
            {"calc.py": "import os\n", "setup.cfg": "[isort]\n"},
            "calc.py",
            "import sys\nimport os\n",
            "import os\nimport sys\n",
        ),
        (
            "clang-format",
            {"calc.c": "int x;\n", ".clang-format": "BasedOnStyle: LLVM\n"},
            "calc.c",
            "int   x = 1;\n",
            "int x = 1;\n",
        ),
        ("prettier", NODE | {".prettierrc": "{}\n"}, "a.js", JS_UGLY, JS_DONE),
        (
            "eslint",
            NODE | {"eslint.config.mjs": "export default [{ rules: { semi: 'error' } }];\n"},
            "a.js",
            JS_UGLY,
            JS_UGLY.replace("]\n", "];\n"),
        ),
        (
            "biome",
            NODE | {"biome.json": '{"formatter": {"indentStyle": "space"}}\n'},
            "a.js",
            JS_UGLY,
            JS_DONE,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isprintable() else "",
)
def test_each_tool_lays_out_its_own_files(tool, files, path, written, done, tmp_path, bin_folder):
    require(tool, bin_folder)
    files = {"a.js": JS_BEFORE} | files if path == "a.js" else files
    stage = stage_of(tmp_path, written, files, settings=UNTESTED)
    assert stage.run_task(f"Change `{path}`.") == 0
    assert (text(stage, path), [w for w in warnings(stage) if tool in w]) == (done, [])
    assert stage.git("status", "--porcelain") == f"M {path}"


@pytest.mark.parametrize(
    ("tool", "files", "complaint"),
    [
        (
            "eslint",
            {"eslint.config.mjs": "export default [{ rules: { 'no-undef': 'error' } }];\n"},
            "a.js: no-undef 'dos' is not defined.",
        ),
        (
            "biome",
            {"biome.json": BIOME},
            "a.js: lint/correctness/noUndeclaredVariables The dos variable is undeclared.",
        ),
    ],
)
def test_each_linter_complains(tool, files, complaint, tmp_path, bin_folder):
    require(tool, bin_folder)
    before = "export const one = uno;\n"
    after = f"{before}export const two = dos;\n"
    stage = stage_of(tmp_path, after, NODE | files | {"a.js": before}, settings=UNTESTED)
    assert stage.run_task("Change `a.js`.") == 0
    assert warnings(stage)[-1] == f"1 new complaint(s) of the linter: {complaint}"
