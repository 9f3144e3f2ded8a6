"""The benchmark of two tiers with a scripted one elsewhere: what it reports and compares."""

from __future__ import annotations

import json
import sys
import types
import unittest
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.two_tiers import TASKS, Ran, Relay, main, report, usage_of
from tests.escalate_servers import Handler, Standin, serving, whole
from tests.tiny_card import ship_tiny_model

SOLUTION = """def roman(n):
    parts = ""
    for value, text in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
    ):
        parts += text * (n // value)
        n %= value
    return parts
"""


def helping(handler: Handler) -> None:
    """Advise, then solve it; each answer is said to have cost something else."""
    shown = handler.body["messages"][-1]["content"]
    n = len(handler.standin.asked)
    text = f"roman.py\n```python\n{SOLUTION}```\n" if "in one fence" in shown else "Count down."
    usage = {"prompt_tokens": 200 + n, "completion_tokens": 10 * n, "total_tokens": 200 + 11 * n}
    answer = whole("chat", text, "stop") | {"usage": usage}
    handler.page(json.dumps(answer), "application/json")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "model").mkdir()
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path / "model"))
    return ship_tiny_model(tmp_path / "model")


def test_a_step_is_helped_and_the_ledger_is_the_servers(model, tmp_path, capsys):
    with serving(Standin("chat", False, [helping])) as standin:
        url = f"http://127.0.0.1:{standin.port}"
        flags = ["--frontier-url", url, "--only", "roman", "--keep", str(tmp_path / "kept")]
        code = main(["--local", str(model), *flags])
        assert [asked.path for asked in standin.asked] == ["/v1/chat/completions"] * 2
    told = capsys.readouterr().out
    assert "step 1, Write roman(n) in roman.py: solved by patch: test_roman.Cases" in told
    assert "  advice: answered, 201 read, 10 written\n  patch: answered, 202 read, 20" in told
    assert "server: 2 answers, 403 tokens read, 30 written\nledger: 2 requests, 403 tokens" in told
    assert "equal, request by request\n1 of 1 steps solved with help" in told
    assert code == 0


def test_the_ledger_is_what_the_real_server_counts(model, tmp_path, capsys):
    """Both tiers are a model that can do nothing; what they take is counted all the same."""
    flags = ["--only", "roman", "--keep", str(tmp_path / "kept")]
    code = main(["--local", str(model), "--frontier", str(model), *flags])
    told = capsys.readouterr()
    if code == 4 and "pip install" in told.err:
        pytest.skip(told.err)
    assert "equal, request by request\n0 of 1 steps solved with help" in told.out, told.err
    assert "server: 2 answers" in told.out
    assert code == 1


def stats(*tokens: tuple[int, int], exact: bool = True) -> dict[str, object]:
    ledger = [
        {"state": "settled", "fresh": read, "cached": 0, "out": out, "exact": exact}
        for read, out in tokens
    ]
    fresh, out = (sum(both[n] for both in tokens) for n in (0, 1))
    return {"ledger": ledger, "fresh_tokens": fresh, "cached_tokens": 0, "out_tokens": out}


HELPED: list[dict[str, Any]] = [
    {
        "type": "escalated", "step": "s1", "kind": "advice", "outcome": "answered",
        "fresh": 3, "cached": 0, "out": 4, "sentence": "",
    },
    {"type": "step_ended", "step": "s1", "line": {
        "number": 1, "title": "t", "state": "solved", "reason": "",
    }},
]  # fmt: skip


@pytest.mark.parametrize(
    ("booked", "counted", "code"),
    [
        (stats((3, 4)), [(3, 4)], 0),
        (stats((3, 4)), [(3, 5)], 1),
        (stats((3, 4)), [(3, 4), (1, 1)], 1),
        (stats((3, 4), (1, 1)), [(1, 1), (3, 4)], 1),
        (stats((3, 4), exact=False), [(3, 4)], 1),
    ],
)
def test_unequal_counts_are_seen(booked, counted, code):
    assert report(Ran(HELPED, booked), Relay("", counted=counted)) == code
    assert report(Ran([], booked), Relay("", counted=counted)) == 1


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        (b'{"usage": {"prompt_tokens": 3, "completion_tokens": 4}}', (3, 4)),
        (b'data: {"choices": []}\n\ndata: {"usage": {"prompt_tokens": 3, '
         b'"completion_tokens": 4}}\n\ndata: [DONE]\n\n', (3, 4)),
        (b'data: {"choices": [{}]}\n\ndata: [DONE]\n\n', None),
        (b'{"error": {"message": "no"}}', None),
        (b"<html>", None),
    ],
)  # fmt: skip
def test_what_a_server_says_it_took(answer, usage):
    assert usage_of(answer) == usage


def test_tasks_are_red_and_can_be_done(tmp_path):
    """No step is solved before it begins, nor its test beyond all programs."""
    done = {
        "values": "def value(text):\n    n = {c: v for c, v in zip('IVXLCDM', "
        "(1, 5, 10, 50, 100, 500, 1000))}\n    pairs = zip(text, text[1:] + text[-1])\n"
        "    return sum(n[a] if n[a] >= n[b] else -n[a] for a, b in pairs)\n",
        "brackets": "def balanced(text):\n    open_ = []\n    for c in text:\n"
        "        if c in '([{':\n            open_.append(c)\n"
        "        elif c in ')]}' and (not open_ or open_.pop() + c not in ('()', '[]', '{}')):\n"
        "            return False\n    return not open_\n",
        "luhn": "def is_valid(number):\n    digits = number.replace(' ', '')\n"
        "    if len(digits) < 2 or not digits.isdigit():\n        return False\n"
        "    odd, even = digits[-1::-2], digits[-2::-2]\n"
        "    total = sum(map(int, odd)) + sum(sum(divmod(2 * int(d), 10)) for d in even)\n"
        "    return total % 10 == 0\n",
        "roman": SOLUTION,
        "runs": "from itertools import groupby\n\n\ndef encode(text):\n"
        "    runs = ((len([*run]), c) for c, run in groupby(text))\n"
        "    return ''.join(f'{n if n > 1 else \"\"}{c}' for n, c in runs)\n",
        "merging": "def merged(intervals):\n    found = []\n"
        "    for start, end in sorted(intervals):\n"
        "        if found and start <= found[-1][1]:\n"
        "            found[-1] = (found[-1][0], max(end, found[-1][1]))\n"
        "        else:\n            found.append((start, end))\n    return found\n",
    }
    for task in TASKS:
        stub, test = task.files.values()
        for module, is_green in ((stub, False), (done[task.name], True)):
            assert _passes(tmp_path, task.name, module, test) is is_green, task.name


def _passes(folder: Path, name: str, module: str, test: str) -> bool:
    """Whether the one case of a test passes on a module, both run in this process."""
    holder = types.ModuleType(name)
    exec(compile(module, f"{name}.py", "exec"), holder.__dict__)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, holder)
        space: dict[str, object] = {"__name__": f"test_{name}"}
        exec(compile(test, f"test_{name}.py", "exec"), space)
    cases = space["Cases"]
    assert isinstance(cases, type)
    assert issubclass(cases, unittest.TestCase)
    result = unittest.TestResult()
    cases("test_cases").run(result)
    return result.wasSuccessful()
