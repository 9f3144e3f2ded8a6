"""A bug: its report has what is needed, and no secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.cli import wiring
from qwenagent.cli.app import cli
from qwenagent.cli.boundary import guarded
from qwenagent.engine import ScriptedEngine
from tests import bad_input_stage
from tests.bad_input_stage import assert_in_order, home, model
from tests.loop_stage import MODULE

# Fixtures, by the names that they have here.
assets, first_project = bad_input_stage.assets, bad_input_stage.first_project
root, stand_in = bad_input_stage.root, bad_input_stage.stand_in


def broken(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run into a bug of the engine's in the middle of a run; return the report."""
    bug = ZeroDivisionError("https://me:hidden-1@example.org/ ü")
    monkeypatch.setattr(wiring, "_engine", lambda *_: ScriptedEngine([bug]))
    model()(root)
    assert guarded(["run", "plan.md", "--model", "0.5b", "--yes"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("error: this is a bug in qwenagent (ZeroDivisionError)\n  please report")
    (path,) = (home() / "state").glob("bug-*.txt")
    assert str(path) in said
    return path.read_text(encoding="utf-8")


def test_a_report_names_the_transcript_of_its_own_run(root, monkeypatch, capsys):
    text = broken(root, monkeypatch, capsys)
    (transcript,) = (home() / "state" / "runs").glob("*.jsonl")
    assert f"\ntranscript: {transcript}\n" in text
    assert (root / "calc.py").read_text() == MODULE


def test_a_report_has_settings_and_no_secrets(root, monkeypatch, capsys):
    monkeypatch.setenv("QWENAGENT_TESTS_COMMAND", "API_KEY=hidden-2 python3 -m unittest")
    text = broken(root, monkeypatch, capsys)
    assert "setting tests.command = 'API_KEY=(hidden) python3 -m unittest'" in text
    assert "setting loop.repairs = 2" in text
    assert "ZeroDivisionError: https://(hidden)@example.org/ ü" in text
    assert "hidden-" not in text


def test_a_report_without_a_run_names_no_transcript(root, stand_in, monkeypatch, capsys):
    assert guarded(["run", "plan.md", "--model", "0.5b", "--yes"]) == 0

    @cli.command("boom")
    def boom() -> int:
        raise ZeroDivisionError

    try:
        assert guarded(["boom"]) == 3
        (report,) = (home() / "state").glob("bug-*.txt")
        assert "\ntranscript: none\n" in report.read_text(encoding="utf-8")
        monkeypatch.setenv("QWENAGENT_HOME", str(root / "plan.md"))
        capsys.readouterr()
        assert guarded(["boom"]) == 3
    finally:
        del cli.commands["boom"]
    assert_in_order(
        capsys.readouterr().err,
        ("please report this:\nqwenagent ", "transcript: none", "Traceback"),
    )
