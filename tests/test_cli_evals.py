"""The `eval` commands: what is refused and how, and what comes out without a model."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.cli.boundary import guarded
from qwenagent.cli.evals import evals
from qwenagent.evals import append_row, read_rows, shipped_tasks
from tests.rows_stage import SETUP, row

TASK = "bird-hide-tally"
"""A shipped one in Python, of one file."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in an empty folder that is no repository."""
    place = tmp_path / "a folder"
    place.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(place)
    return place


def home() -> Path:
    return Path(os.environ["QWENAGENT_HOME"])


def fails(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """Run a command that is refused, and nothing printed or left; return what it says."""
    assert guarded(["eval", *args]) == 2, capsys.readouterr()
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert not (home() / "state").exists()
    return said.err


def works(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[str, str]:
    """Run a command; return what it prints on stdout and on stderr."""
    code = guarded(["eval", *args])
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out, said.err


@pytest.mark.parametrize("words", [[], *[[name] for name in evals.commands]], ids=" ".join)
def test_every_command_has_help(words, capsys):
    out, err = works(capsys, *words, "--help")
    assert out.startswith(f"Usage: {' '.join(['qwenagent', 'eval', *words])}")
    assert err == ""


@pytest.mark.parametrize("kind", ["edit", "fix", "plan"])
def test_the_list_of_tasks(kind, capsys):
    out, err = works(capsys, kind, "--list")
    title, head, *lines = out.splitlines()
    tasks = shipped_tasks(kind)
    assert title == f"{len(tasks)} tasks"
    assert head.split() == ["task", "language", "level", "files", "checks"]
    assert [line.split()[0] for line in lines] == [task.id for task in tasks]
    assert err == ""
    assert not home().exists()


def test_a_part_of_the_list(capsys):
    out, _ = works(capsys, "edit", "--list", "--tasks", f"tour-tablet, {TASK}")
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["tour-tablet", TASK]
    out, _ = works(capsys, "edit", "--list", "--tasks", "2", "--language", "rust")
    assert [line.split()[:2] for line in out.splitlines()[2:]] == [
        ["frost-log", "rust"],
        ["pallet-labels", "rust"],
    ]


IDLE = ("edit", "--arm", "idle", "--tasks", TASK)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("edit", "--tasks", "nosuch"), ("there is no task nosuch; there are ", TASK)),
        (("edit", "--tasks", "0"), ("there is no task 0; there are ",)),
        (("edit", "--tasks", "²"), ("there is no task ²; there are ",)),
        (
            ("edit", "--language", "cobol"),
            ("no task is in cobol; the languages are go, javascript, python, rust",),
        ),
        (
            (*IDLE, "--set", "nosuch.x=1"),
            ("--set nosuch.x: there is no such setting", "the sections are model, loop, tests"),
        ),
        (
            (*IDLE, "--set", "loop.nosuch=1"),
            ("there is no setting loop.nosuch", "loop has repairs"),
        ),
        (
            (*IDLE, "--set", "loop.repairs"),
            ("--set loop.repairs has no value", "--set loop.repairs=0"),
        ),
        (
            (*IDLE, "--set", "loop.repairs=-1"),
            ("loop.repairs is '-1': Expected `int` >= 0", "its default is 2"),
        ),
        (
            (*IDLE, "--set", "tests.command=true"),
            ("tests.command is 'true' in your settings", "take it out of config.toml"),
        ),
        (
            ("edit", "--data", "nofile"),
            ("--data nofile is no file of tasks or a checkout of exercism/python",),
        ),
        (("fix", "--data", "."), ("--data . is no file of tasks\n",)),
        (
            ("call",),
            ("no problems for single calls ship with qwenagent", "--data HumanEval.jsonl.gz"),
        ),
        (
            ("edit", "--command", "true"),
            ("--command 'true' has neither {prompt_file} nor {dir} in it", "for example:"),
        ),
        ((*IDLE, "--tries", "3"), ("invalid value for '--tries': 3 is not in the range 1<=x<=2",)),
        ((*IDLE, "--time-limit", "0"), ("'--time-limit'",)),
        ((*IDLE, "--out", "."), ("'--out'", "directory")),
        (("report",), ("argument 'FILES...'",)),
        (("report", "none.jsonl"), ("none.jsonl cannot be read: No such file or directory",)),
        (("compare", "none.jsonl", "none.jsonl"), ("none.jsonl cannot be read: No such",)),
        (("plot", "none.jsonl", "-o", "p.png"), ("none.jsonl cannot be read: No such",)),
    ],
    ids=lambda value: " ".join(value) if value and value[0] in evals.commands else "",
)
def test_what_is_refused(args, says, capsys):
    err = fails(capsys, *args)
    assert err.startswith("error: ")
    at = 0
    for words in says:
        assert words in err[at:], err
        at = err.index(words, at) + len(words)


def test_a_test_command_of_the_users_is_refused(capsys):
    home().mkdir(parents=True)
    (home() / "config.toml").write_text('[tests]\ncommand = "pytest"\n', encoding="utf-8")
    assert "tests.command is 'pytest' in your settings" in fails(capsys, *IDLE)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": "../../x"}, "tasks.jsonl, line 1: '../../x' cannot be the id of a task"),
        ({"id": ""}, "line 1: '' cannot be the id of a task"),
        ({"base": {"../x.py": ""}}, "line 1: '../x.py' is no path of a file in a repository"),
        ({"tests": {"/x.py": ""}}, "line 1: '/x.py' is no path of a file in a repository"),
        ({"base": {".git/hooks/post-commit": ""}}, "'.git/hooks/post-commit' is no path"),
        ({"editable": ["a/../../b"]}, "'a/../../b' is no path"),
    ],
    ids=str,
)
def test_names_that_lead_out_of_the_repository_are_refused(changes, says, folder, capsys):
    task = {
        "id": "x", "prompt": "x", "base": {"x.py": ""}, "tests": {}, "editable": ["x.py"],
        "checks": [["tests", ["test_x.py"]]], "visible": False, "seen_tests": [], **changes,
    }  # fmt: skip
    (folder / "tasks.jsonl").write_text(json.dumps(task), encoding="utf-8")
    assert says in fails(capsys, "edit", "--data", "tasks.jsonl", "--arm", "idle")


# -- runs -------------------------------------------------------------------------------------


def test_a_run_without_a_model_and_again(folder, capsys):
    oracle = ("edit", "--arm", "oracle", "--tasks", TASK)
    out, err = works(capsys, *oracle)
    path = home() / "state" / "evals" / "shipped-edit-oracle-hidden.jsonl"
    [done] = read_rows(path)
    assert (done.task, done.passed, done.setup.arm, done.setup.tries) == (TASK, True, "oracle", 2)
    first, *table = out.splitlines()
    assert first == (f"pass  edit/{TASK}  python  1  0.0  0  [1 of 1, 100.0 % passed (21-100 %)]")
    assert {line.split("  ")[0]: line.split()[-1] for line in table if line}["n"] == "1"
    assert table[-1] == f"results: {path}"
    assert err == ""

    out, err = works(capsys, *oracle)
    assert (out.splitlines(), err) == (table, "")
    assert read_rows(path) == [done]

    out, err = works(capsys, *oracle, "--again")
    assert err == f"the old results are in {path}.old\n"
    assert read_rows(Path(f"{path}.old")) == [done]
    [anew] = read_rows(path)
    assert (anew.key, anew.passed) == (done.key, True)
    assert out.splitlines() == [first, *table]
    assert list(folder.iterdir()) == []
    assert [path.name for path in (home() / "evals").iterdir() if path.is_dir()] == ["cache"]

    _, err = works(capsys, *oracle, "--again")
    assert err == f"the old results are in {path}.old1\n"
    assert read_rows(Path(f"{path}.old")) == [done]


def test_results_that_cannot_be_written_are_told_first(folder, capsys):
    (folder / "taken").write_text("", encoding="utf-8")
    message = fails(capsys, *IDLE, "--out", "taken/rows.jsonl")
    assert message.startswith("error: results cannot be written to taken/rows.jsonl: ")


def test_a_run_with_settings_and_a_file_of_its_own(folder, capsys):
    out, _ = works(
        capsys, *IDLE, "--out", "sub folder/ü.jsonl", "--tries", "1", "--seed", "7",
        "--set", "loop.repairs=0", "--keep",
    )  # fmt: skip
    assert out.splitlines()[-1] == f"results: {Path('sub folder/ü.jsonl')}"
    [done] = read_rows(folder / "sub folder" / "ü.jsonl")
    assert (done.passed, done.tries, done.setup.seed, done.changed) == (False, 1, 7, [])
    kept = home() / "evals" / f"edit-{TASK}" / "repository"
    assert (kept / ".git").is_dir()


# -- files of results -------------------------------------------------------------------------


@pytest.fixture
def results(folder: Path) -> Path:
    """The path of a file with two rows."""
    path = folder / "my results.jsonl"
    append_row(path, row("one"))
    append_row(path, row("two", False))
    return path


def test_a_report(results, capsys):
    out, err = works(capsys, "report", str(results))
    assert out.startswith("| suite | tests |")
    assert "Not passed (1 of 2), small edit (hidden tests): agent, Model 1B: two" in out
    assert out.endswith("600 s a try\n")
    assert err == ""


def test_a_report_of_an_empty_and_of_a_broken_file(folder, results, capsys):
    (folder / "empty.jsonl").write_text("", encoding="utf-8")
    assert fails(capsys, "report", "empty.jsonl") == "error: no results are in empty.jsonl\n"
    with results.open("a", encoding="utf-8") as file:
        file.write('{"suite": 3}\n')
    assert "my results.jsonl, line 3 is no row of results" in fails(capsys, "report", str(results))


def test_a_comparison(folder, results, capsys):
    plain = folder / "plain.jsonl"
    for name in ("one", "two"):
        append_row(plain, row(name, setup=replace(SETUP, arm="plain")))
    out, err = works(capsys, "compare", str(results), str(plain))
    assert out.startswith("edit: 2 tasks in both: 1 -> 2 passed (50.0 % -> 100.0 %); 1 won, 0 lost")
    assert "\nwon: edit/two\n" in out
    assert err == ""
    append_row(plain, row("one"))
    assert "the second file holds rows of 2 setups" in fails(
        capsys, "compare", str(results), str(plain)
    )


def test_a_plot(folder, results, capsys):
    pytest.importorskip("matplotlib")
    out, _ = works(capsys, "plot", str(results), "-o", "a plot.png")
    assert out == "a plot.png\n"
    assert (folder / "a plot.png").read_bytes()[:4] == b"\x89PNG"
    (folder / "empty").write_text("", encoding="utf-8")
    assert "no rows to be drawn" in fails(capsys, "plot", "empty", "-o", "p.png")
