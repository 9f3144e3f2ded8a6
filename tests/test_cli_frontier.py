"""The commands around models elsewhere: config, stats, plan, review; and the flags."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest

from qwenagent.cli import wiring
from qwenagent.cli.boundary import guarded
from qwenagent.cli.flags import Budget
from qwenagent.config import user_file
from qwenagent.engine import ScriptedEngine
from qwenagent.errors import PlanError
from qwenagent.escalate import Errand, Ledger, Tokens
from qwenagent.escalate.ledger import Amount
from qwenagent.loop import Stop
from qwenagent.loop.writing import Desk, findings, review_here, write_plan
from qwenagent.plan import parse_plan, read_plan
from qwenagent.protocol.events import EventStream, Record, StepEnded
from qwenagent.registry import find_card, path_of
from qwenagent.transcript import TranscriptWriter, run_path, state_dir
from qwenagent.workspace import Repository, Workspace
from tests.conftest import run_git
from tests.escalate_canaries import plant
from tests.escalate_servers import ENVIRON, KEY, KEY_VARIABLE, Reply, Standin, answering
from tests.escalate_stage import COST, asked_of
from tests.loop_stage import BROKEN, FIXED, MODULE, TEST, body, make_repository
from tests.registry_standins import PAYLOAD, ship_tiny_card
from tests.sample_events import ESCALATED, records

PLAN = "# Add\n\nTest: `python3 -m unittest`\n\n- [ ] Fix `add` in `calc.py`\n  Files: `calc.py`\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = make_repository(tmp_path / "a repo", {"calc.py": MODULE, "test_calc.py": TEST})
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(tmp_path))
    return root


def configure(text: str) -> None:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(text, encoding="utf-8")


@contextmanager
def provider(monkeypatch: pytest.MonkeyPatch, *replies: Reply, more: str = "") -> Iterator[Standin]:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    plant(Path.cwd())
    with asked_of(list(replies)) as [standin]:
        configure(
            f'[escalate]\npolicy = "auto"\n{more}\n[escalate.providers.shop]\nmodel = "large"\n'
            f'base_url = "http://127.0.0.1:{standin.port}/v1"\nkey_variable = "{KEY_VARIABLE}"\n'
            'models.large.price = { fresh = 3, cached = 0.3, out = 15, as_of = "2026-08-05" }\n'
        )
        yield standin


def says(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    got = guarded(args)
    out, err = capsys.readouterr()
    assert got == code, out + err
    return err if code else out


# -- config -------------------------------------------------------------------------------------


def test_config_shows_values_and_places(root, capsys, monkeypatch):
    with provider(monkeypatch, answering("x"), more='local_only = ["private/"]'):
        (root / ".qwenagent.toml").write_text("[escalate]\nrun_dollars = 1\n", encoding="utf-8")
        text = says(capsys, "config", "escalate")
        lines = {row.split()[0]: row.split()[1:] for row in text.splitlines() if row.strip()}
        assert lines["escalate.policy"][0] == '"auto"'
        assert lines["escalate.policy"][1] == str(user_file())
        assert lines["escalate.run_dollars"][0] == "1.0"
        assert lines["escalate.run_dollars"][-1].endswith(".qwenagent.toml")
        assert lines["escalate.local_only"][0] == '["private/"]'
        assert f"{KEY_VARIABLE} (set)" in text
        assert "3 in, 0.3 cached, 15 out (2026-08-05)" in text
        assert KEY not in text
        found = [json.loads(row) for row in says(capsys, "config", "--json").splitlines()]
    names = [one["name"] for one in found if one["type"] == "setting"]
    assert {"loop.repairs", "escalate.policy", "sandbox.off"} <= set(names)
    assert KEY not in json.dumps(found)


def test_config_says_the_day_of_a_price_and_a_users_own_goes_over_it(root, capsys):
    configure('[escalate]\norder = ["anthropic"]\n')
    assert "3 in, 0.30 cached, 15 out (2025-10-15)" in says(capsys, "config", "escalate")
    configure(
        '[escalate]\norder = ["anthropic"]\n'
        "[escalate.providers.anthropic.models.claude-sonnet-4-5]\n"
        'price = { fresh = 2, cached = 0.2, out = 8, as_of = "2026-11-20" }\n'
    )
    assert "2 in, 0.2 cached, 8 out (2026-11-20)" in says(capsys, "config", "escalate")


def test_config_of_what_is_not_there(root, capsys):
    assert "there is no setting 'escalat'" in says(capsys, "config", "escalat", code=2)


# -- flags --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("0.50", ("escalate.run_dollars", 0.5)),
        ("$2", ("escalate.run_dollars", 2.0)),
        (".5", ("escalate.run_dollars", 0.5)),
        ("0", ("escalate.run_dollars", 0.0)),
        ("50000t", ("escalate.run_tokens", 50_000)),
        ("50,000 tokens", ("escalate.run_tokens", 50_000)),
    ],
)
def test_a_budget_is_dollars_or_tokens(text, setting):
    assert Budget().convert(text, None, None) == setting


@pytest.mark.parametrize("text", ["", "-1", "a lot", "1e9", "nan", "inf", "5 euros", "\uff11"])
def test_what_is_no_budget(text):
    with pytest.raises(click.BadParameter):
        Budget().convert(text, None, None)


def test_flags_that_exclude_each_other(root, capsys):
    told = says(capsys, "--offline", "do", "x", "--allow-network", code=2)
    assert "--offline and --allow-network exclude each other" in told


# -- stats --------------------------------------------------------------------------------------


def reserve(run: str, step: str, cost: int) -> tuple[Ledger, int]:
    ledger = Ledger(state_dir() / "escalations.sqlite3")
    errand = Errand(run, "/home/ada/src/shop with spaces", step, "shop", "large", "advice", "red")
    held = ledger.reserve(errand, Amount(cost, 100), lambda _: None)
    assert held is not None
    return ledger, held.id


def spend(run: str, step: str, cost: int) -> None:
    ledger, held = reserve(run, step, cost)
    ledger.settle(held, Tokens(20, 5, 7), cost, "answered")


def test_stats_add_up(root, capsys):
    told = records()
    with TranscriptWriter(run_path(told[0].run)) as writer:
        for record in told:
            writer(record)
    spend(told[0].run, ESCALATED.step_key, 1830)
    spend("another", "0badcafe", 170)
    found = json.loads(says(capsys, "stats", "--all", "--json"))
    ledger = found.pop("ledger")
    assert [(one["step"], one["micro_dollars"]) for one in ledger] == [
        (ESCALATED.step_key, 1830),
        ("0badcafe", 170),
    ]
    usage = [r.event.usage for r in told if isinstance(r.event, StepEnded)]
    assert found | {"local_seconds": 0, "frontier_micro_dollars": 0, "saved_micro_dollars": 0} == {
        "type": "stats",
        "repository": "",
        "runs": 1,
        "steps": 3,
        "solved": 1,
        "solved_locally": 1,
        "local_share": 1.0,
        "local_prompt_tokens": sum(u.prompt_tokens for u in usage),
        "local_written_tokens": sum(u.completion_tokens for u in usage),
        "local_seconds": 0,
        "requests": 2,
        "unpriced": 0,
        "fresh_tokens": 40,
        "cached_tokens": 10,
        "out_tokens": 14,
        "micro_dollars": 2000,
        "lost_micro_dollars": 0,
        "micro_dollars_per_solved_step": 2000,
        "compared_with": "anthropic/claude-sonnet-4-5",
        "frontier_micro_dollars": 0,
        "saved_micro_dollars": 0,
    }
    text = " ".join(says(capsys, "stats", "--all").split())
    assert "solved locally 1 of 1 (100 %)" in text
    assert "$0.0020" in text


def test_stats_count_what_a_killed_run_has_reserved(root, capsys):
    code = "from tests.test_cli_frontier import reserve; reserve('r', 's', 300)"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=True)
    found = json.loads(says(capsys, "stats", "--all", "--json"))
    assert (found["requests"], found["micro_dollars"], found["lost_micro_dollars"]) == (1, 300, 300)
    assert [entry["state"] for entry in found["ledger"]] == ["lost"]


def test_stats_of_nothing(root, capsys):
    found = json.loads(says(capsys, "stats", "--json"))
    assert (found["steps"], found["requests"], found["ledger"]) == (0, 0, [])
    assert found["repository"] == str(root)
    assert "money spent" in says(capsys, "stats")


# -- plan ---------------------------------------------------------------------------------------


def desk(*replies: Any) -> tuple[Desk, list[Record]]:
    told: list[Record] = []
    return Desk(ScriptedEngine(list(replies)), EventStream("run", (told.append,)), Stop()), told


@pytest.fixture
def tree(root: Path) -> Iterator[Workspace]:
    repository = Repository.open(root)
    yield Workspace(repository)
    repository.close()


def test_the_local_model_writes_a_plan(tree):
    answer = (
        "```markdown\n# Sums\n\n- [ ] Fix `add` in `calc.py`\n  Files: `calc.py`\n  It adds.\n```"
    )
    at, told = desk("I cannot.", answer)
    text = write_plan(at, tree, "add has to add, in `calc.py`", "make test")
    plan = parse_plan(text)
    assert (plan.title, plan.test, [step.files for step in plan.steps]) == (
        "Sums",
        "make test",
        [("calc.py",)],
    )
    assert [type(r.event).__name__ for r in told if "Turn" in type(r.event).__name__] == [
        *("TurnStarted", "TurnEnded") * 2
    ]
    assert isinstance(at.engine, ScriptedEngine)
    prompt = at.engine.prompts[0].messages[0].text
    assert "def add(a, b)" in prompt


def test_a_local_model_without_a_plan_says_what_may_help(tree):
    at, _ = desk(*["No."] * 3)
    with pytest.raises(PlanError, match="wrote no plan in 3 answers") as told:
        write_plan(at, tree, "x")
    assert "--frontier" in told.value.hint


def test_a_plan_from_elsewhere(root, capsys, monkeypatch):
    with provider(monkeypatch, answering(f"````markdown\n{PLAN}````\n")) as standin:
        text = says(capsys, "plan", "--frontier", "add has to add, in `calc.py`", "-o", "work.md")
        [asked] = standin.asked
    assert "the plan is in work.md" in text
    assert (root / "work.md").read_text() == PLAN
    sent = asked.body["messages"][0]["content"]
    for part in ("add has to add", "def twice(a):", "Write the plan as one Markdown file."):
        assert part in sent
    [entry] = Ledger(state_dir() / "escalations.sqlite3").entries()
    assert (entry.errand.kind, entry.cost_micro) == ("plan", COST)
    [run] = logged(capsys)
    assert (run["run_id"], run["title"], run["model"], run["end"], run["repository"]) == (
        entry.errand.run,
        "plan: add has to add, in `calc.py`",
        "large of shop",
        "done",
        str(root),
    )
    shown = says(capsys, "show")
    assert "the plan is in work.md, exit code 0" in shown


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(row) for row in says(capsys, "log", "--json").splitlines()]


def test_a_plan_from_here_is_kept_as_a_run(root, stand_in, capsys):
    stand_in[:] = ["No plan.", PLAN]
    text = says(capsys, "plan", "add has to add", "--model", "0.5b")
    assert "the plan is in plan.md, exit code 0" in text
    [run] = logged(capsys)
    assert (run["title"], run["end"], run["usage"]["calls"]) == ("plan: add has to add", "done", 2)
    assert "turn 2" in says(capsys, "show")


def test_a_plan_that_nobody_can_write_is_kept_too(root, stand_in, capsys):
    stand_in[:] = ["No plan."] * 3
    assert guarded(["plan", "x", "--model", "0.5b"]) == 1
    told = capsys.readouterr().out
    assert "the local model wrote no plan in 3 answers" in told
    assert "--frontier has another model write it" in told
    [run] = logged(capsys)
    assert (run["end"], run["exit_code"]) == ("not solved", 1)
    assert not (root / "plan.md").exists()


def test_a_plan_is_not_written_over(root, capsys, monkeypatch):
    (root / "plan.md").write_text("mine", encoding="utf-8")
    assert "plan.md is there already" in says(capsys, "plan", "x", code=2)
    assert (root / "plan.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ((), "--frontier: no provider is set up"),
        (("--offline",), "--frontier: --offline: nothing leaves this machine"),
    ],
)
def test_nobody_to_ask(root, capsys, flags, why):
    assert why in says(capsys, "plan", "--frontier", "x", *flags, code=2)
    assert logged(capsys) == [], "nothing has begun"


def test_a_budget_holds_for_plans(root, capsys, monkeypatch):
    with provider(monkeypatch, answering(PLAN)) as standin:
        guarded(["plan", "--frontier", "x", "--budget", "0.01"])
        assert standin.asked == []
    assert "the cap of $0.01 for a run is reached" in " ".join(capsys.readouterr().out.split())


# -- review -------------------------------------------------------------------------------------


@pytest.fixture
def done(root: Path) -> Path:
    run_git(root, "switch", "-q", "-c", "work")
    (root / "calc.py").write_text(FIXED, encoding="utf-8")
    (root / "private.py").write_text("RATE = 17\n", encoding="utf-8")
    run_git(root, "add", "-A")
    run_git(root, "commit", "-q", "-m", "work")
    (root.parent / "plan.md").write_text(PLAN, encoding="utf-8")
    return root.parent / "plan.md"


FOUND = "# Found\n\n" + "".join(
    f"- [ ] Mend {n} in `calc.py`\n  Files: `calc.py`\n" for n in range(9)
)


def test_a_review_from_elsewhere(root, done, capsys, monkeypatch):
    with provider(monkeypatch, answering(FOUND), more='local_only = ["private.py"]') as standin:
        text = says(capsys, "review", str(done), "--frontier", "--against", "main")
        sent = standin.asked[0].body["messages"][0]["content"]
    assert "+    return a + b" in sent
    assert ("RATE" in sent, "private.py" in sent) == (False, False)
    assert "8 finding(s) are in" in text
    written = read_plan(done.with_name("plan-review.md"))
    assert (written.title, written.test, len(written.steps)) == (
        "Review of Add",
        "python3 -m unittest",
        8,
    )
    [run] = logged(capsys)
    assert (run["title"], run["end"], run["branch"]) == ("review of Add", "done", "work")


def test_a_review_that_finds_nothing(root, done, capsys, monkeypatch):
    with provider(monkeypatch, answering("**No findings.**")):
        assert "no findings" in says(capsys, "review", str(done), "--frontier", "--against", "main")
    assert not done.with_name("plan-review.md").exists()


def test_a_review_here(tree):
    from qwenagent.escalate import FileText

    at, _ = desk("- [ ] Mend `calc.py`\n  Files: `calc.py`\n")
    text = review_here(at, parse_plan(PLAN), [FileText("calc.py", "+    return a + b\n")])
    assert parse_plan(text).title == "Review of Add"
    assert findings("No findings", parse_plan(PLAN)) == ""


def test_a_review_needs_to_know_where_the_work_began(root, done, capsys):
    assert "--against main says where it began" in says(capsys, "review", str(done), code=2)


# -- a whole run --------------------------------------------------------------------------------


@pytest.fixture
def stand_in(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An engine that answers from a list takes the place of the one with the model."""
    ship_tiny_card(tmp_path / "assets")
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("QWENAGENT_LOOP_CANDIDATES", "1")
    for name in ("REPAIRS", "RESAMPLES"):
        monkeypatch.setenv(f"QWENAGENT_LOOP_{name}", "0")
    file = path_of(find_card("0.5b"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(PAYLOAD)
    replies: list[Any] = [body(BROKEN), body(BROKEN.replace("*", "//"))]
    monkeypatch.setattr(wiring, "_engine", lambda *_: ScriptedEngine(replies))
    (tmp_path / "plan.md").write_text(PLAN, encoding="utf-8")
    return replies


PATCH = "calc.py\n```\n" + FIXED + "```\n"


def test_a_run_that_is_helped_and_billed(root, stand_in, capsys, monkeypatch):
    with provider(monkeypatch, answering("Add them."), answering(PATCH)) as standin:
        plan = str(root.parent / "plan.md")
        says(capsys, "run", plan, "--model", "0.5b", "--yes", "--json")
        assert len(standin.asked) == 2
    assert (root / "calc.py").read_text() == FIXED
    found = json.loads(says(capsys, "stats", "--json"))
    assert (found["solved"], found["solved_locally"], found["requests"]) == (1, 0, 2)
    assert (found["micro_dollars"], found["fresh_tokens"], found["out_tokens"]) == (
        2 * COST,
        40,
        14,
    )
    assert found["local_prompt_tokens"] > 0


def test_a_flag_asks_up_front(root, stand_in, capsys, monkeypatch):
    with provider(monkeypatch, answering(PATCH)) as standin:
        plan = str(root.parent / "plan.md")
        says(capsys, "run", plan, "--model", "0.5b", "--yes", "--json", "--up-front", "patch")
        assert len(standin.asked) == 1
    assert len(stand_in) == 2


@pytest.mark.parametrize(
    ("flags", "policy"),
    [(["--offline"], "auto"), (["--yes"], "ask"), (["--budget", "0"], "auto"), ([], "never")],
)
def test_a_run_that_sends_nothing(root, stand_in, capsys, monkeypatch, flags, policy):
    monkeypatch.setenv("QWENAGENT_ESCALATE_POLICY", policy)
    with provider(monkeypatch, answering(PATCH)) as standin:
        plan = str(root.parent / "plan.md")
        says(capsys, "run", plan, "--model", "0.5b", "--yes", "--json", *flags, code=1)
        assert standin.asked == []
    assert (root / "calc.py").read_text() == MODULE
