"""Secrets of every class all around a run that asks a model elsewhere: none in any request."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import string
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.escalate import CLASSES, FileText, Material, Subject, ask, rules_of
from qwenagent.protocol.events import Escalated, EventStream
from tests.conftest import run_git
from tests.escalate_canaries import AT_HOME, CANARIES, SAMPLES, last_word, pem
from tests.escalate_servers import ENVIRON, KEY, REQUEST, Handler, Standin, answering, serving
from tests.escalate_stage import asked_of, for_stage, settings_for, way
from tests.loop_stage import BROKEN, COMMAND, FIXED, MODULE, Stage, body, make_repository

_DRAW = random.Random(7_2026)
PLAN = f"1. Fix `add` in `calc.py`.\n   Files: `calc.py`\n   Test: `{COMMAND}`\n"
LOCAL = [body(BROKEN), "The sign is wrong.", body(MODULE.replace("a - b", "b - a"))]


def word(n: int = 24) -> str:
    return "k7" + "".join(_DRAW.choices(string.ascii_letters + string.digits, k=n))


ENVIRONMENT, DOTENV, REMOTE, HEADER, HELPER, NETRC = (word() for _ in range(6))
PEM = pem()
BY_CLASS = {f"{tag} {n}": (text, secret) for n, (tag, text, secret) in enumerate(SAMPLES)}
PRIVATE = f"""RATES = {{'acme': 17, 'globex': 23}}  # {AT_HOME}


def price_for_customer(name):  # {AT_HOME}
    return RATES[name] * 3  # {AT_HOME}
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
    canaries = dict(CANARIES)
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


def printed(*command: str, cwd: Path, **environ: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environ, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def in_a_file(root: Path) -> tuple[Material, dict[str, str]]:
    return Material(
        "Fix", "make", "red", (FileText("calc.py", (root / "calc.py").read_text()),)
    ), {}


def in_the_environment(root: Path) -> tuple[Material, dict[str, str]]:
    """Set under names that tell nothing, and printed without them."""
    environ = {f"CANARY_{n}": text for n, (text, _) in enumerate(BY_CLASS.values())}
    show = "import os; print(*(v for k, v in os.environ.items() if 'CANARY' in k), sep='\\n')"
    output = printed(sys.executable, "-c", show, cwd=root, **environ)
    return Material("Fix", "make", output), environ


def in_git_config(root: Path) -> tuple[Material, dict[str, str]]:
    for n, (text, _) in enumerate(BY_CLASS.values()):
        run_git(root, "config", f"canary.c{n}", text)
    output = printed("git", "config", "--list", cwd=root) + (root / ".git/config").read_text()
    return Material("Fix", "make", output), {}


def in_test_output(root: Path) -> tuple[Material, dict[str, str]]:
    wrong = "import unittest\n\n\nclass Red(unittest.TestCase):\n"
    for n, (text, _) in enumerate(BY_CLASS.values()):
        wrong += f"    def test_{n}(self):\n        self.assertEqual({text!r}, {n})\n\n"
    (root / "test_red.py").write_text(wrong, encoding="utf-8")
    output = printed(sys.executable, "-m", "unittest", "test_red", cwd=root)
    return Material("Fix", "make", output), {}


@pytest.mark.parametrize("place", [in_a_file, in_the_environment, in_git_config, in_test_output])
def test_no_class_goes_from_any_place(root, tmp_path, place):
    material, environ = place(root)
    shown = material.output + "".join(file.text for file in material.files)
    canaries = [secret or last_word(text) for text, secret in BY_CLASS.values()]
    assert [canary for canary in canaries if canary not in shown] == [], "it is not there at all"
    with asked_of([answering("ok")]) as standins:
        rules = rules_of(settings_for(*standins, payload_tokens=200_000, request_dollars=9))
        to = way(rules, root, EventStream("run"), tmp_path / "l", environ=ENVIRON | environ)
        assert to.advice("one", Subject("0badcafe", "red"), material, ["calc.py"]) == "ok"
        assert len(standins[0].asked[0].raw) > len(shown) / 2


def test_a_canary_in_a_request_would_be_seen():
    """Every server of the tests looks for them, so that no test can send one unseen."""
    with (
        pytest.raises(AssertionError, match="a line that stays at home"),
        serving(Standin("chat", True, [answering("ok")])) as standin,
    ):
        ask(standin.provider(), replace(REQUEST, system=f"See {AT_HOME}."), environ=ENVIRON)


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
