"""The metrics file after a whole run, after a cut one, and where it cannot be."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from qwenagent.errors import UsageError
from qwenagent.protocol.events import Event
from qwenagent.ui import MetricsSink
from tests.sample_events import BEGIN, FIRST, SECOND, records

KEYS = ["prompt_tokens", "cached_tokens", "completion_tokens", "llm_calls", "seconds"]


def feed(path: Path, events: Sequence[Event] = ()) -> dict[str, Any]:
    with MetricsSink(path) as sink:
        for record in records(events):
            sink(record)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    numbers: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return numbers


def test_a_whole_run(tmp_path):
    assert feed(tmp_path / "m etrics.json") == {
        "prompt_tokens": 5 * 2310,
        "cached_tokens": 5 * 1804,
        "completion_tokens": 600,
        "llm_calls": 5,
        "seconds": 171.2,
        "exit_code": 1,
        "steps": {"solved": 1, "unverified": 0, "blocked": 1, "skipped": 1, "for_you": 0},
        "edits": {"applied": 2, "refused": 2, "overruled": 0},
        "approvals": 1,
        "escalated": {"requests": 1, "tokens": 1203, "micro_dollars": 1830, "unpriced": 0},
        "run": "20261122-051903-9f3a1c",
    }


def test_a_run_that_was_cut_short_has_numbers_too(tmp_path):
    events = (*BEGIN, *FIRST, *SECOND[:3])
    assert feed(tmp_path / "m.json", events) == {
        "prompt_tokens": 2 * 2310,
        "cached_tokens": 2 * 1804,
        "completion_tokens": 240,
        "llm_calls": 2,
        "seconds": round(1.5 * (len(events) - 1), 3),
        "exit_code": None,
        "steps": {"solved": 1, "unverified": 0, "blocked": 0, "skipped": 0, "for_you": 0},
        "edits": {"applied": 1, "refused": 0, "overruled": 0},
        "approvals": 1,
        "escalated": {"requests": 0, "tokens": 0, "micro_dollars": 0, "unpriced": 0},
        "run": "20261122-051903-9f3a1c",
    }


def test_nothing_happened(tmp_path):
    assert feed(tmp_path / "m.json", [BEGIN[0]])["llm_calls"] == 0


def test_a_file_from_before_is_replaced(tmp_path):
    (tmp_path / "m.json").write_text("old", encoding="utf-8")
    assert list(feed(tmp_path / "m.json"))[:5] == KEYS


def test_a_missing_folder_is_said_at_once(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        MetricsSink(tmp_path / "nowhere" / "m.json")
