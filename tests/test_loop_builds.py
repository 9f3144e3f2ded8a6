"""Projects whose test command builds them and finds no tests: whole runs with a scripted engine."""

from __future__ import annotations

import re

import pytest

from qwenagent.config import LoopSettings, Settings, TestSettings
from qwenagent.protocol.events import CandidateScored
from tests.loop_stage import Stage, body, make_repository
from tests.needs import needs

GO = {
    "go.mod": "module example.org/fee\n",
    "fee.go": "package fee\n\nfunc Fee() int {\n\treturn 1\n}\n",
}
RUST = {
    "Cargo.toml": '[package]\nname = "fee"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": "pub fn fee() -> i32 {\n    1\n}\n",
    ".gitignore": "target/\nCargo.lock\n",
}
BOTH = [
    pytest.param(GO, "fee.go", id="go", marks=needs("go")),
    pytest.param(RUST, "src/lib.rs", id="rust", marks=needs("cargo")),
]
THOUGHT = "It has to return a number."


def returning(what: str, text: str) -> str:
    return re.sub(r"\b1\n", f"{what}\n", text)


@pytest.mark.parametrize(("files", "path"), BOTH)
def test_what_does_not_build_any_more_is_not_done(files, path, tmp_path):
    root = make_repository(tmp_path / "repo", files)
    worse, mended = (returning(what, files[path]) for what in ("two", "2"))
    stage = Stage(root, [body(worse), THOUGHT, body(mended)])
    assert stage.run_task(f"Have the fee in `{path}` be 2.") == 0
    assert stage.states == ["unverified"]
    assert (root / path).read_text() == mended
    assert "two" in stage.engine.prompts[1].messages[-1].text
    assert [score.failed for score in stage.events(CandidateScored)] == [1, 0]


@pytest.mark.parametrize(("files", "path"), BOTH)
@pytest.mark.parametrize("task", ["Have the fee in `{}` be 2.", "Tests fail. Mend `{}`."])
def test_what_did_not_build_is_done_but_not_proven(files, path, task, tmp_path):
    broken, mended = (returning(what, files[path]) for what in ("two", "2"))
    root = make_repository(tmp_path / "repo", files | {path: broken})
    worse = body(returning("three", files[path]))
    stage = Stage(root, [worse, THOUGHT, body(mended)])
    stage.run_task(task.format(path))
    assert stage.states == ["unverified"]
    assert (root / path).read_text() == mended


@needs("go")
def test_what_does_not_build_is_mended_with_its_error_in_sight(tmp_path):
    test = (
        'package fee\n\nimport "testing"\n\nfunc TestFee(t *testing.T) {\n'
        "\tif Fee() != 1 {\n\t\tt.Fatal(Fee())\n\t}\n}\n"
    )
    root = make_repository(tmp_path / "repo", GO | {"fee_test.go": test})
    worse = GO["fee.go"].replace("return 1", "n := 2\n\treturn 1")
    better = GO["fee.go"] + "\nfunc Double() int {\n\treturn 2 * Fee()\n}\n"
    stage = Stage(root, [body(worse), THOUGHT, body(better)])
    assert stage.run_task("Write `Double() int` in `fee.go`, twice the fee.") == 0
    assert (root / "fee.go").read_text() == better
    assert "declared" in stage.engine.prompts[1].messages[-1].text


@needs("go")
def test_what_never_builds_is_left_as_it_was(tmp_path):
    root = make_repository(tmp_path / "repo", GO)
    worse = [returning(f"no{n}", GO["fee.go"]) for n in range(9)]
    stage = Stage(root, [reply for text in worse for reply in (body(text), THOUGHT)])
    assert stage.run_task("Have the fee in `fee.go` be 2.") == 1
    assert stage.states == ["blocked"]
    assert (root / "fee.go").read_text() == GO["fee.go"]


@needs("go")
def test_where_a_step_gives_the_first_test_that_judges_and_not_what_builds(tmp_path):
    plan = (
        "- [ ] Have the fee in `fee.go` be 2.\n      Test:\n\n      ```go fee_test.go\n"
        '      package fee\n\n      import "testing"\n\n      func TestFee(t *testing.T) {\n'
        "      \tif Fee() != 2 {\n      \t\tt.Fatal(Fee())\n      \t}\n      }\n      ```\n"
    )
    settings = Settings(loop=LoopSettings(repairs=0), tests=TestSettings(command="go test ."))
    root = make_repository(tmp_path / "repo", GO)
    stage = Stage(root, [body(returning("3", GO["fee.go"]))], settings=settings)
    assert stage.run_plan(plan) == 1
    [line] = stage.finished.steps
    assert (line.state, line.tests_before) == ("blocked", "0 of 1 passed")
    assert "TestFee fails" in line.reason
    assert "does not build" not in line.reason
