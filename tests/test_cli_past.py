"""`log`, `show`, `export` and `clean`: whole commands on real transcripts and repositories."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.cli.boundary import guarded
from qwenagent.plan.progress import PlanProgress, ProgressFile
from qwenagent.protocol.events import Event, Warned
from qwenagent.transcript import TranscriptWriter, look_at, run_path
from qwenagent.workspace import Repository
from qwenagent.workspace.unfinished import Unfinished
from tests.sample_events import SOLVED, records
from tests.test_transcript_runs import BEGUN, ENDED, keep

_IO = Path("/proc/self/io")
DAY_S = 24 * 3600.0
TASK = replace(BEGUN, kind="task", title="make it green", steps=(SOLVED,))
DONE = replace(ENDED, exit_code=0, steps=(SOLVED,))
SECRET = "ghp_" + "R3ptQ8kLm2Zx7VbN4cYw" + "J9sDfG6hTaEo15"


@pytest.fixture(autouse=True)
def in_repo(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(repo)
    return repo


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def runs(repo: Path) -> list[str]:
    """Two runs in this repository with one elsewhere between them."""
    keep("20261120-100000-aaaaaa", [TASK, DONE], str(repo))
    keep("20261120-100001-bbbbbb")
    keep("20261121-100000-cccccc", repository=str(repo))
    return ["20261121-100000-cccccc", "20261120-100001-bbbbbb", "20261120-100000-aaaaaa"]


def said(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> tuple[str, str]:
    assert guarded(args) == code, capsys.readouterr().err
    told = capsys.readouterr()
    return told.out, told.err


def ids(table: str) -> list[str]:
    return [line.split(" ", 1)[0] for line in table.splitlines()[1:]]


# -- log --------------------------------------------------------------------------------------


def test_log_lists_the_runs_of_this_repository(runs, capsys):
    out, err = said(capsys, "log")
    assert ids(out) == [runs[0], runs[2]]
    assert out.splitlines()[0].split() == ["run", "when", "asked", "end", "steps", "time", "tokens"]
    assert "make it green" in out.splitlines()[2]
    assert err == ""


def test_log_of_all_repositories(runs, capsys, repo):
    out, _ = said(capsys, "log", "--all")
    assert ids(out) == runs
    assert out.splitlines()[1].endswith(str(repo))


@pytest.mark.usefixtures("outside")
def test_outside_of_a_repository_all_are_listed(runs, capsys):
    assert ids(said(capsys, "log")[0]) == runs


def test_log_from_a_folder_below(runs, capsys, monkeypatch):
    assert ids(said(capsys, "log", "-C", "pkg")[0]) == [runs[0], runs[2]]


def test_log_says_what_it_does_not_list(runs, capsys):
    out, err = said(capsys, "log", "-n", "1")
    assert ids(out) == [runs[0]]
    assert err == "1 of 2 runs; -n 2 lists them all\n"


def test_log_of_nothing(capsys):
    assert said(capsys, "log") == ("", "no runs of this repository; --all lists those of others\n")
    assert said(capsys, "log", "--all") == ("", "no runs yet\n")
    assert said(capsys, "log", "--json") == ("", "")


def test_log_as_json(runs, capsys):
    out, err = said(capsys, "log", "--json", "-n", "1", "--all")
    assert json.loads(out)["run_id"] == runs[0]
    assert err == ""


@pytest.mark.skipif(not _IO.exists(), reason="only Linux tells what a process has read")
def test_log_does_not_read_what_is_between_the_ends(runs, capsys):
    for run_id in runs:
        first, *_, last = run_path(run_id).read_bytes().splitlines(keepends=True)
        with run_path(run_id).open("wb") as file:
            file.write(first)
            file.seek(50_000_000, os.SEEK_CUR)  # a hole: takes no room on the disk
            file.write(b"\n" + last)
    said(capsys, "log", "--all")  # imports are read once
    before = n_read()
    assert ids(said(capsys, "log", "--all")[0]) == runs
    assert n_read() - before < 1_000_000


def n_read() -> int:
    return int(_IO.read_text(encoding="ascii").split()[1])


# -- show -------------------------------------------------------------------------------------


def test_show_is_of_the_last_run_here(runs, capsys):
    keep("20261122-000000-dddddd")
    out, _ = said(capsys, "show")
    assert out.startswith("qwenagent 0.1.0: Money that adds up\n")
    assert said(capsys, "show", "last")[0] == out
    assert said(capsys, "show", "20261120")[0].startswith("qwenagent 0.1.0: make it green\n")


def test_show_in_full_and_as_json(runs, capsys):
    part, whole = said(capsys, "show", runs[1])[0], said(capsys, "show", runs[1], "--full")[0]
    assert "output of the tests:" in whole
    assert "output of the tests:" not in part
    told = said(capsys, "show", runs[1], "--json")[0].splitlines()
    assert told == run_path(runs[1]).read_text(encoding="utf-8").splitlines()


def test_show_of_a_run_that_was_killed(capsys, repo):
    keep("a", [TASK], str(repo))
    assert said(capsys, "show")[0].endswith(
        "\n\nthe transcript ends here: the run was killed, or ended by an error\n"
    )


def test_show_of_a_run_under_way(capsys):
    with TranscriptWriter(run_path("a")) as writer:
        writer(records([BEGUN])[0])
        assert said(capsys, "show")[0].endswith("\n\nthe run is still under way\n")


@pytest.mark.parametrize("command", ["show", "export"])
@pytest.mark.parametrize(
    ("data", "code", "error"),
    [
        (b"", 2, "error: run a ended before its first event: there is nothing to show\n"),
        (b'{"v":2}\n', 4, "a newer qwenagent wrote this: its events have version 2, this program "
            "reads up to 1\n  update qwenagent to read it\n"),
        (b"[]\n", 4, ", line 1: not an event record: "),
    ],
    ids=["empty", "newer", "malformed"],
)  # fmt: skip
def test_what_cannot_be_shown(command, data, code, error, capsys):
    run_path("a").parent.mkdir(parents=True)
    run_path("a").write_bytes(data)
    out, err = said(capsys, command, "a", code=code)
    assert out == ""
    assert error in err


def test_no_such_run(runs, capsys):
    assert said(capsys, "show", "x", code=2)[1] == (
        "error: no run's id begins with 'x'\n  `qwenagent log --all` lists them\n"
    )


# -- export -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "begins"), [("r.md", "# Money"), ("a b.html", "<!DOCTYPE html>")])
def test_export_to_a_file(name, begins, runs, capsys):
    assert said(capsys, "export", "-o", name) == (f"run {runs[0]} is in {name}\n", "")
    assert Path(name).read_text(encoding="utf-8").startswith(begins)


def test_export_without_a_file_is_markdown(runs, capsys):
    said(capsys, "export", "-o", "r.md")
    assert said(capsys, "export")[0] == Path("r.md").read_text(encoding="utf-8")


def test_export_is_utf8_on_any_stream(runs):
    code = "from qwenagent.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "export"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert "✗ tests red after 0.8 s" in done.stdout.decode("utf-8")


def test_export_replaces_nothing_unasked(runs, capsys):
    Path("r.md").write_text("mine", encoding="utf-8")
    assert said(capsys, "export", "-o", "r.md", code=2)[1] == (
        "error: r.md is there already\n  --force replaces it\n"
    )
    assert Path("r.md").read_text(encoding="utf-8") == "mine"
    said(capsys, "export", "-o", "r.md", "--force")
    assert Path("r.md").read_text(encoding="utf-8").startswith("# Money")


@pytest.mark.parametrize("name", ["r.pdf", "r", "none/r.md", "README.md/r.md"])
def test_export_to_what_cannot_be(name, runs, capsys):
    assert said(capsys, "export", "-o", name, code=2)[1].startswith(f"error: {name} ")


@pytest.mark.parametrize("name", ["r.md", "r.html"])
def test_export_hides_what_looks_like_a_secret(name, capsys, repo):
    events: list[Event] = [TASK, Warned(f"token {SECRET} was refused"), DONE]
    keep("a", events, str(repo))
    assert said(capsys, "export", "-o", name)[1] == (
        "1 value(s) that look like secrets are hidden\n"
    )
    text = Path(name).read_text(encoding="utf-8")
    assert SECRET not in text
    assert "hidden: " in text
    assert SECRET in run_path("a").read_text(encoding="utf-8")


# -- clean ------------------------------------------------------------------------------------


def age(run_id: str, days: float) -> None:
    then = time.time() - days * DAY_S
    os.utime(run_path(run_id), (then, then))


def left() -> list[str]:
    return sorted(path.stem for path in run_path("x").parent.iterdir())


def finished(*run_ids: str) -> None:
    for n, run_id in enumerate(run_ids):
        keep(run_id, [TASK, DONE])
        age(run_id, 10 + 30 * n)


@pytest.mark.parametrize(
    ("args", "stay"),
    [
        ([], "d"),
        (["--older-than", "50"], "cd"),
        (["--older-than", "0"], ""),
        (["--keep", "3"], "bcd"),
        (["--keep", "0"], ""),
        (["--keep", "2", "--older-than", "90"], "bcd"),
    ],
)
def test_clean_by_age_and_number(args, stay, capsys):
    finished("d", "c", "b", "a")
    n_bytes = look_at(run_path("a")).size_bytes * (4 - len(stay))
    out, _ = said(capsys, "clean", "--dry-run", *args)
    assert left() == list("abcd")
    word = "transcript" if len(stay) == 3 else "transcripts"
    size = f"{n_bytes / 1000:.0f} kB"
    assert out == f"would remove {4 - len(stay)} {word}, {size}\n"
    assert said(capsys, "clean", *args)[0] == f"removed {4 - len(stay)} {word}, {size}\n"
    assert left() == list(stay)


def test_clean_of_nothing(capsys):
    assert said(capsys, "clean")[0] == "removed 0 transcripts, 0 B\n"


def test_a_run_under_way_is_not_removed(capsys):
    finished("a")
    with TranscriptWriter(run_path("b")) as writer:
        writer(records([BEGUN])[0])
        out, _ = said(capsys, "clean", "--older-than", "0")
    assert out.endswith("kept 1 transcript under way, or cut short less than a day ago\n")
    assert left() == ["b"]


def test_the_runs_of_a_plan_stay_while_its_progress_is_kept(capsys, repo):
    keep("b", repository=str(repo))
    keep("a", repository=str(repo))
    age("a", 60)
    age("b", 40)
    progress = ProgressFile(repo)
    progress.write("plan.md", PlanProgress(branch="qwenagent-plan"))
    assert said(capsys, "clean")[0] == (
        "removed 0 transcripts, 0 B\n"
        "kept 2 transcripts of plans that are not done, or of runs with work to be put back\n"
    )
    progress.path.unlink()
    said(capsys, "clean")
    assert left() == []


def test_a_killed_run_stays_while_its_work_is_to_be_put_back(capsys, repo):
    keep("a", [TASK], str(repo))
    age("a", 60)
    repository = Repository.open(repo)
    notes = Unfinished(repository)
    notes.note(repo / "pkg" / "store.py", b"before", 0o644, b"after")
    said(capsys, "clean")
    assert left() == ["a"]
    notes.forget()
    said(capsys, "clean")
    assert left() == []


def test_runs_of_a_repository_that_is_gone_go(capsys, tmp_path):
    keep("a", repository=str(tmp_path / "gone"))
    age("a", 60)
    said(capsys, "clean")
    assert left() == []
