"""Secrets that stand around tests, and the look for them into every request that was captured."""

from __future__ import annotations

import base64
import json
import random
import string
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
WORDY = LETTERS + "-_"
BASE64 = LETTERS + "+/"

# Scanners know look-alikes by heart; so these are drawn, the same ones every time.
_DRAW = random.Random(20261122)


def drawn(alphabet: str, n: int) -> str:
    """A random word that begins and ends with a letter and has a digit."""
    middle = "".join(_DRAW.choices(alphabet, k=n - 3))
    return f"{_DRAW.choice('abcdef')}7{middle}{_DRAW.choice('abcdef')}"


def segment(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def pem_body() -> list[str]:
    return textwrap.wrap(base64.b64encode(_DRAW.randbytes(700)).decode(), 64)


def pem(kind: str = "RSA PRIVATE KEY") -> str:
    return "\n".join([f"-----BEGIN {kind}-----", *pem_body(), f"-----END {kind}-----"])


AWS_SECRET = drawn(BASE64, 40)
PASSWORD = drawn(LETTERS, 14)
# (class, a text with a secret in it, what must not be left of it)
SAMPLES: list[tuple[str, str, str]] = [
    ("AWS", f"id = AKIA{drawn(HEX, 16).upper()[:16]}", ""),
    ("AWS", f"AKIA{drawn(HEX, 16).upper()[:16]},{AWS_SECRET}", AWS_SECRET),
    ("AWS", f"ABSK{drawn(BASE64, 120)}", ""),
    ("AZURE", f"AccountName=x;AccountKey={drawn(BASE64, 86)}==;Endpoint=y", ""),
    ("AZURE", f"'{drawn(LETTERS, 3)}8Q~{drawn(WORDY, 34)}'", ""),
    ("AZURE", f"?sv=2022&sig={drawn(LETTERS, 43)}%3D&se=1", ""),
    ("GOOGLE", f"key AIza{drawn(WORDY, 35)}", ""),
    ("GOOGLE", f"GOCSPX-{drawn(WORDY, 28)}", ""),
    ("GOOGLE", f"ya29.{drawn(WORDY, 80)}", ""),
    ("GITHUB", f"x ghp_{drawn(LETTERS, 36)}", ""),
    ("GITHUB", f"github_pat_{drawn(LETTERS, 22)}_{drawn(LETTERS, 59)}", ""),
    ("GITLAB", f"glpat-{drawn(WORDY, 20)}", ""),
    ("GITLAB", f"glrt-{drawn(WORDY, 27)}.01.{drawn(HEX, 9)}", ""),
    ("SLACK", f"xoxb-{drawn(string.digits, 12)}-{drawn(LETTERS, 24)}", ""),
    ("SLACK", f"https://hooks.slack.com/services/T{drawn(HEX, 8)}/{drawn(LETTERS, 24)}", ""),
    ("STRIPE", f"sk_live_{drawn(LETTERS, 24)}", ""),
    ("ANTHROPIC", f"sk-ant-api03-{drawn(WORDY, 95)}", ""),
    ("SK", f"sk-proj-{drawn(WORDY, 60)}", ""),
    ("SK", f"sk-or-v1-{drawn(HEX, 64)}", ""),
    ("HF", f"hf_{drawn(LETTERS, 34)}", ""),
    ("AI", f"gsk_{drawn(LETTERS, 52)}", ""),
    ("NPM", f"npm_{drawn(LETTERS, 36)}", ""),
    ("PYPI", f"pypi-AgEIcHlwaS5vcmc{drawn(WORDY, 120)}", ""),
    ("GEMS", f"rubygems_{drawn(HEX, 48)}", ""),
    ("MAIL", f"SG.{drawn(WORDY, 22)}.{drawn(WORDY, 43)}", ""),
    ("TWILIO", f"SK{drawn(HEX, 32)}", ""),
    ("DO", f"dop_v1_{drawn(HEX, 64)}", ""),
    ("DOCKER", f"dckr_pat_{drawn(WORDY, 27)}", ""),
    ("DATABRICKS", f"dapi{drawn(HEX, 32)}", ""),
    ("HASHICORP", f"hvs.{drawn(WORDY, 90)}", ""),
    ("HASHICORP", f"{drawn(LETTERS, 14)}.atlasv1.{drawn(WORDY, 67)}", ""),
    ("WATCH", f"glsa_{drawn(LETTERS, 32)}_{drawn(HEX, 8)}", ""),
    ("NEWRELIC", f"NRAK-{drawn(LETTERS, 27)}", ""),
    ("SHOPIFY", f"shpat_{drawn(HEX, 32)}", ""),
    ("SQUARE", f"sq0atp-{drawn(WORDY, 22)}", ""),
    ("TELEGRAM", f"1{_DRAW.randint(10**8, 10**9 - 1)}:AA{drawn(WORDY, 33)}", ""),
    ("DISCORD", f"M{drawn(LETTERS, 25)}.{drawn(LETTERS, 6)}.{drawn(WORDY, 38)}", ""),
    ("TOOL", f"lin_api_{drawn(LETTERS, 40)}", ""),
    ("TOOL", f"PMAK-{drawn(HEX, 24)}-{drawn(HEX, 34)}", ""),
    ("AGE", f"AGE-SECRET-KEY-1{drawn(LETTERS, 58).upper()}", ""),
    ("JWT", f"{segment({'alg': 'HS256'})}.{segment({'sub': 'me'})}.{drawn(WORDY, 43)}", ""),
    ("URL", f"postgres://app:{PASSWORD}@db.example.org/x", PASSWORD),
    ("URL", f"https://{PASSWORD}@git.example.org/x.git", PASSWORD),
    ("URL", f"redis://:{PASSWORD}/@b@cache:6379/0", PASSWORD),
    ("AUTH", f"Authorization: Basic {base64.b64encode(f'me:{PASSWORD}'.encode()).decode()}", ""),
    ("AUTH", f"-H 'Authorization: Bearer {drawn(WORDY, 30)}'", ""),
    ("AUTH", f"curl -s -u me:{PASSWORD} https://example.org", PASSWORD),
    ("NETRC", f"machine example.org\n  login me\n  password {PASSWORD}\n", PASSWORD),
    *(
        ("PASSWORD", line.replace("VALUE", PASSWORD), PASSWORD)
        for line in (
            "DB_PASSWORD=VALUE",
            "export MYSQL_PWD=VALUE;&x",
            "password: VALUE",
            '    password = "VALUE"',
            "    password: str = 'VALUE'",
            'connect(host="x", password="VALUE")',
            "client_secret => 'VALUE'",
            '{"clientSecret": "VALUE", "a": 1}',
            "{'api_key': 'VALUE'}",
            'const apiKey: string = "VALUE";',
            "config['secret_key'] = 'VALUE'",
            "dbname=x user=y password=VALUE host=z",
            "https://example.org/?user=me&access_token=VALUE&x=1",
            "mysqldump --password VALUE --all",
            "deploy --api-key=VALUE",
            "<db:password encrypted='no'>VALUE</db:password>",
            "X-Auth-Token: VALUE",
            "//registry.example.org/:_authToken=VALUE",
            'assert login(password="VALUE") == 1',
            'if secret == "VALUE":',
            "+    passphrase = `VALUE`",
        )
    ),
    ("BASE64", base64.b64encode(f'{{"password": "{PASSWORD}"}}'.encode()).decode(), ""),
]  # fmt: skip


def last_word(text: str) -> str:
    return max(text.replace("'", " ").split(), key=len)


AROUND = {name: drawn(LETTERS, 24) for name in ("environment", "dotenv", "header", "remote")}
"""Without any look of a secret: known only by where they are."""
ENVIRONMENT = {"DEPLOY_TOKEN": AROUND["environment"]}
AT_HOME = drawn(LETTERS, 24)
"""In every line of the files that a test keeps at home."""
CANARIES = {
    f"{tag} {n}": secret or last_word(text) for n, (tag, text, secret) in enumerate(SAMPLES)
}
CANARIES |= AROUND | {"a line that stays at home": AT_HOME}


def plant(root: Path) -> None:
    """Put secrets where a repository has them, so that git does not list them."""
    basic = base64.b64encode(f"me:{AROUND['header']}".encode()).decode()
    told = root / ".git" / "info" / "exclude"
    told.parent.mkdir(exist_ok=True)
    told.write_text(".env\n", encoding="utf-8")
    if not (root / ".env").exists():
        (root / ".env").write_text(f"SERVICE_TOKEN={AROUND['dotenv']}\n", encoding="utf-8")
    with (root / ".git" / "config").open("a", encoding="utf-8") as config:
        config.write(
            f'[remote "canary"]\n\turl = https://me:{AROUND["remote"]}@git.example.org/x.git\n'
            f"[http]\n\textraheader = Authorization: Basic {basic}\n"
        )


def leaks(bodies: Iterable[bytes]) -> list[str]:
    """Name the canaries that are in captured requests, as they went or as JSON means them."""
    texts = [text for body in bodies for text in _texts(body)]
    return [name for name, canary in CANARIES.items() if any(canary in text for text in texts)]


def _texts(body: bytes) -> Iterator[str]:
    text = body.decode("utf-8", "replace")
    yield text
    try:
        yield from _strings(json.loads(text))
    except ValueError:
        return


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.items():
                yield from _strings(list(item))
        case list():
            for item in value:
                yield from _strings(item)
