"""Whole documents in the shapes that models and people write, and the whole values they become."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from qwenagent.plan import Plan, parse_plan, read_plan
from tests.plan_tables import EXPECTED, step

PLANS = Path(__file__).parent / "data" / "plans"
# Read here: the settings of the person who runs the tests are taken away from each test.
UPDATE = bool(os.environ.get("QWENAGENT_UPDATE_SNAPSHOTS"))


def _bare(plan: Plan) -> Plan:
    """Take away what the tests of digests are about, and the path of this checkout."""
    steps = tuple(replace(step, digest="") for step in plan.steps)
    return replace(plan, path="", steps=steps, digest="")


SNAPSHOTS = sorted({path.name for path in PLANS.glob("*.md")} - set(EXPECTED))
"""Longer documents, whose values stand beside them; QWENAGENT_UPDATE_SNAPSHOTS=1 rewrites these."""


def test_every_document_has_its_expected_values():
    assert set(EXPECTED) <= {path.name for path in PLANS.glob("*.md")}
    assert {Path(name).stem for name in SNAPSHOTS} == {p.stem for p in PLANS.glob("*.json")}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_long_document(name):
    snapshot = PLANS / Path(name).with_suffix(".json").name
    # As JSON has it: lists for tuples.
    read = json.loads(json.dumps(asdict(_bare(read_plan(PLANS / name)))))
    if UPDATE:
        text = json.dumps(read, indent=1, ensure_ascii=False)
        snapshot.write_text(text + "\n", encoding="utf-8", newline="\n")
    assert read == json.loads(snapshot.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_document(name):
    assert _bare(read_plan(PLANS / name)) == EXPECTED[name]


@pytest.mark.parametrize("name", [*EXPECTED, *SNAPSHOTS])
@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_and_a_bom_change_nothing(name, line_end):
    text = (PLANS / name).read_text(encoding="utf-8")
    assert parse_plan("\ufeff" + text.replace("\n", line_end)) == parse_plan(text)


def test_sixty_steps_keep_order_and_numbers():
    text = "# Long\n\n" + "".join(f"- [ ] Step {n}: change `m{n}.py`\n" for n in range(1, 61))
    assert _bare(parse_plan(text)).steps == tuple(
        step(n, n + 2, f"change m{n}.py", f"Step {n}: change `m{n}.py`", mentions=(f"m{n}.py",))
        for n in range(1, 61)
    )
