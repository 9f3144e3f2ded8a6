"""Secrets of every class all around a run that asks a model elsewhere: none in any request."""

from __future__ import annotations

import base64
import json
import random
import re
import string
from pathlib import Path

import pytest

from qwenagent.escalate.secrets import CLASSES
from qwenagent.protocol.events import Escalated
from tests.conftest import run_git
from tests.escalate_servers import ENVIRON, KEY, Handler, answering
from tests.escalate_stage import asked_of, for_stage, settings_for
from tests.loop_stage import BROKEN, COMMAND, FIXED, MODULE, Stage, body, make_repository
from tests.test_escalate_secrets import SAMPLES, last_word, pem

_DRAW = random.Random(7_2026)
PLAN = f"1. Fix `add` in `calc.py`.\n   Files: `calc.py`\n   Test: `{COMMAND}`\n"
LOCAL = [body(BROKEN), "The sign is wrong.", body(MODULE.replace("a - b", "b - a"))]


def word(n: int = 24) -> str:
    return "k7" + "".join(_DRAW.choices(string.ascii_letters + string.digits, k=n))


ENVIRONMENT, DOTENV, REMOTE, HEADER, HELPER, NETRC = (word() for _ in range(6))
PEM = pem()
BY_CLASS = {f"{tag} {n}": (text, secret) for n, (tag, text, secret) in enumerate(SAMPLES)}
PRIVATE = """RATES = {'acme': 17, 'globex': 23}


def price_for_customer(name):
    return RATES[name] * 3
"""
TEST = """import os
import unittest

from calc import add, twice
from private.core import price_for_customer


class Add(unittest.TestCase):
    def test_add(self):
        with open("notes.txt", encoding="utf-8") as notes:
            print(notes.read()[-3000:])
        self.assertEqual(add(2, 3), 5, open(".env").read() + open("private/core.py").read())

    def test_price(self):
        if add(2, 3) != 5:
            price_for_customer("nobody")
"""


def commented(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.split("\n"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    samples = "".join(commented(text) for text, _ in BY_CLASS.values()) + commented(PEM)
    files = {
        "calc.py": f"{MODULE}\n\n{samples}",
        "notes.txt": "\n".join([text for text, _ in BY_CLASS.values()] + [ENVIRONMENT, REMOTE]),
        "test_calc.py": TEST,
        "private/__init__.py": "",
        "private/core.py": PRIVATE,
        ".env": f"SERVICE_TOKEN={DOTENV}\n",
        ".gitignore": "",
    }
    root = make_repository(tmp_path / "a repo", files)
    run_git(root, "remote", "add", "origin", f"https://me:{REMOTE}@git.example.org/x.git")
    basic = base64.b64encode(f"me:{HEADER}".encode()).decode()
    run_git(root, "config", "http.extraheader", f"Authorization: Basic {basic}")
    return root


def patch_with_what_it_saw(handler: Handler) -> None:
    """Answer with a patch whose lines hold a placeholder, as it was shown."""
    shown = handler.body["messages"][-1]["content"]
    found = re.search(r"^(?P<line># x REDACTED_\w+)$", shown, re.MULTILINE)
    assert found is not None
    line = found["line"]
    block = f"<<<<<<< SEARCH\n{line}\n=======\n# kept: {line[2:]}\n>>>>>>> REPLACE\n"
    fix = "<<<<<<< SEARCH\n    return a - b\n=======\n    return a + b\n>>>>>>> REPLACE\n"
    answering(f"calc.py\n{fix}{block}")(handler)


def test_none_is_in_any_request(root, tmp_path):
    """Files, environment, git's configuration, home folder and what tests print hold them."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text(f"machine example.org login me password {NETRC}\n")
    environ = ENVIRON | {"DEPLOY_TOKEN": ENVIRONMENT, "DATABASE_URL": f"mysql://a:{HELPER}@h/d"}
    local = [*LOCAL, *["Think.", body(MODULE.replace("a - b", "a"))], body(BROKEN)]
    before = (root / "calc.py").read_text()
    rest = before.removeprefix(MODULE)
    local = [f"{r.removesuffix('```')}{rest}```" if r.endswith("```") else r for r in local]
    with asked_of([answering(f"Use {ENVIRONMENT[:3]}"), patch_with_what_it_saw]) as standins:
        settings = settings_for(*standins, local_only=("private/",), payload_tokens=90_000)
        made = for_stage(tmp_path / "ledger", settings, environ=environ, home=home)
        stage = Stage(root, local, frontier=made)
        stage.run_plan(PLAN + f"   Careful: {HELPER} and {NETRC}\n")
        bodies = [asked.raw.decode() for asked in standins[0].asked]
        headers = [asked.headers for asked in standins[0].asked]
    assert [e.kind for e in stage.events(Escalated)] == ["advice", "patch"]
    assert len(bodies) == 2
    texts = [*bodies, *(json.loads(b)["messages"][0]["content"] for b in bodies)]
    canaries = {name: secret or last_word(text) for name, (text, secret) in BY_CLASS.items()}
    known = (ENVIRONMENT, DOTENV, REMOTE, HEADER, HELPER, NETRC, KEY)
    canaries |= {f"known {n}": value for n, value in enumerate(known)}
    canaries |= {f"pem {n}": row for n, row in enumerate(PEM.split("\n")[1:-1])}
    assert [name for name, canary in canaries.items() if any(canary in t for t in texts)] == []
    assert [
        row for row in PRIVATE.split("\n") if row.strip() and any(row in t for t in texts)
    ] == []
    for told in headers:
        own = {name: value for name, value in told.items() if name.lower() != "authorization"}
        assert not any(canary in json.dumps(own) for canary in canaries.values())
    tags = set(re.findall(r"REDACTED_[0-9a-f]+_\d+_([A-Z0-9]+)_", "".join(texts)))
    # Samples of these three hold the password of another class, whose name it has from then on.
    assert {kind.tag for kind in CLASSES} - tags <= {"BASE64", "NETRC", "PASSWORD"}


def test_what_was_redacted_is_back_in_the_file(root, tmp_path):
    before = (root / "calc.py").read_text()
    with asked_of([patch_with_what_it_saw]) as standins:
        settings = settings_for(
            *standins, up_front="patch", local_only=("private/",), payload_tokens=90_000
        )
        stage = Stage(root, [], frontier=for_stage(tmp_path / "ledger", settings))
        stage.run_plan(PLAN)
    [line] = [row for row in before.split("\n") if row.startswith("# x ghp_")]
    fixed = before.replace("a - b", "a + b").replace(line, f"# kept: {line[2:]}")
    assert stage.git("show", "HEAD:calc.py") == fixed.strip()
    assert fixed.startswith(FIXED)


def test_no_record_of_the_run_holds_one(root, tmp_path):
    """What the transcript keeps of a request, and of the question before it, is redacted too."""
    from qwenagent.protocol import wire
    from qwenagent.protocol.events import ApprovalAsked

    with asked_of([answering("no patch")]) as standins:
        settings = settings_for(
            *standins,
            policy="ask",
            up_front="patch",
            local_only=("private/",),
            payload_tokens=90_000,
        )
        stage = Stage(root, [], frontier=for_stage(tmp_path / "ledger", settings))
        stage.run_plan(PLAN)
    kinds = (Escalated, ApprovalAsked)
    lines = [wire.encode(record) for record in stage.records if isinstance(record.event, kinds)]
    secrets = [secret or last_word(text) for text, secret in BY_CLASS.values()]
    assert len(lines) == 3
    assert [s for s in secrets if any(s in line for line in lines)] == []
