"""What llama.cpp would answer with an abort never reaches it: each group in a process of its own.

A process that aborts ends with a signal instead of with code 0; its output then says over what.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import abort_groups

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[1]
LIMIT_S = 300


@pytest.fixture
def survive(test_gguf: Path, tmp_path: Path) -> Callable[[str], Any]:
    """Return a function that runs a group and returns what it found."""

    def run(group: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "tests.abort_groups", group, str(test_gguf), str(tmp_path)],
            cwd=ROOT,
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
        last = "\n".join(line[:300] for line in done.stdout.splitlines()[-3:])
        assert done.returncode == 0, f"ended over:\n{last}\n{done.stderr[-2000:]}"
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_ten_thousand_random_tokens_abort_nothing(survive):
    seen = survive("random_tokens")
    assert seen["offered"] == abort_groups.N_TOKENS
    assert seen["accepted"] + seen["refused"] + seen["ends"] == seen["offered"]
    # Seeded, so these are no guesses: each kind of thing was done many times.
    assert seen["accepted"] > 1000
    assert seen["clones"] > 200
    assert seen["refused"] > 1000
    assert seen["ends"] > 10


def test_what_is_no_grammar_is_refused(survive):
    assert len(abort_groups.MALFORMED) >= 30
    assert survive("malformed") == {"refused": list(abort_groups.MALFORMED), "read": []}


def test_large_grammars_are_followed(survive):
    assert survive("readable") == {
        "a million characters of text": 20,
        "a million characters of a class": 1,
        "a million characters of a comment": 1,
        "repetition of repetition": 20,
        "brackets in brackets": 1,
        "stars of stars": 20,
        "a long chain": 20,
        "3,000 alternatives": 1,
    }


def test_ends_of_turn_and_numbers_that_are_no_tokens_are_not_allowed(survive):
    answers = survive("not_allowed")
    assert len(answers) == 7
    assert not any(answers.values())


def test_batches_that_cannot_be_are_errors_and_the_context_goes_on(survive):
    found = survive("batches")
    right = {
        "keep less than nothing": "returned False, works",
        "keep more than there is": "returned True, works",
        "as many rows as may be": "returned None, works",
        "eight forks in one token": "returned None, works",
    }
    assert {name: found.pop(name) for name in right} == right
    assert found == dict.fromkeys(found, "error, works")
    assert len(found) == 20


def test_states_of_others_are_not_loaded_and_the_context_goes_on(survive):
    found = survive("states")
    assert found.pop("good") == "returned (True, True), works"
    assert found == dict.fromkeys(found, "returned False, works")
    assert len(found) == 14


@pytest.mark.slow
def test_answers_fill_a_cache_to_its_last_place(survive):
    assert survive("answers") == {
        "1 in 1 parts": [True],
        "8 in 8 parts": [True] * 8,
        "8 in 3 parts": [True] * 8,
        "3 in 1 parts": [True] * 3,
    }
