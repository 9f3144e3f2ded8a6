"""Secrets of every claimed class, in every claimed form, and texts that hold none."""

from __future__ import annotations

import base64
import html
import json
import re
import textwrap
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.escalate.known import collect, is_key_file, key_files
from qwenagent.escalate.placeholders import Placeholders, Restored
from qwenagent.escalate.secrets import CLASSES, Known, is_distinct, merged
from qwenagent.escalate.spelling import FORMS
from tests.conftest import run_git
from tests.escalate_canaries import LETTERS, PASSWORD, SAMPLES, drawn, last_word, pem


@pytest.mark.parametrize(("tag", "text", "secret"), SAMPLES)
def test_every_class_is_found_in_context(tag, text, secret):
    around = f"def f():\n    return 1  # {text}\n\nrest of it\n"
    placeholders = Placeholders()
    redacted = placeholders.redact(around)
    assert f"_{tag}_" in redacted.text
    assert (secret or last_word(text)) not in redacted.text
    assert redacted.text.startswith("def f():\n    return 1  # ")
    assert redacted.text.endswith("\n\nrest of it\n")
    assert placeholders.restore(redacted.text) == Restored(around)


def test_every_class_has_a_sample():
    tags = {kind.tag for kind in CLASSES} - {"KNOWN", "PEM"}  # these have tests of their own
    assert tags == {tag for tag, _, _ in SAMPLES}
    assert len({kind.tag for kind in CLASSES}) == len({kind.name for kind in CLASSES})


@pytest.mark.parametrize(
    "kind", ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
)
@pytest.mark.parametrize(
    "shown",
    [
        str,
        lambda key: textwrap.indent(key, "E       "),
        lambda key: textwrap.indent(key, "+"),
        lambda key: textwrap.indent(key, "    | "),
        json.dumps,
        lambda key: json.dumps(json.dumps({"private_key": key})),
        lambda key: key.replace("\n", "\r\n"),
        lambda key: key[: len(key) // 2],  # cut off
        lambda key: key[len(key) // 2 :],
        lambda key: "\n".join(f'    "{line}\\n"' for line in key.split("\n")),
    ],
)
def test_private_keys(kind, shown):
    key = pem(kind)
    text = f"before\n{shown(key)}\nafter"
    placeholders = Placeholders()
    redacted = placeholders.redact(text)
    lines = key.split("\n")[1:-1]
    # Of a key cut in the middle of a line, that line's rest is no line of a key.
    assert [line for line in lines if line in redacted.text] == []
    assert redacted.text.startswith("before\n")
    assert redacted.text.endswith("after")
    assert placeholders.restore(redacted.text) == Restored(text)


INNOCENT = """\
import os
from getpass import getpass

def login(user: str, password: str, token: Token | None = None) -> bool:
    password = password or getpass("Password: ")
    secret = settings.SECRET_KEY
    api_key = os.environ["API_KEY"]
    client.connect(user=user, password=password, token=token)
    tokens = tokenizer.encode(text)
    max_tokens = 1024
    author = {"name": "A. Tester", "auth": None}
    raise ValueError("the password is wrong, the token has expired")

interface Login { password: string; token?: string; readonly secret: boolean }
env: { GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}, DB_PASSWORD: $DB_PASSWORD }
https://example.org:8080/a/b@2x.png http://localhost:3000/@scope/name git@github.com:a/b.git
commit 3ed7308fc1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f
sha512-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC
task-force-of-the-long-word-with-dashes disk-usage-report compass=north
-----BEGIN CERTIFICATE-----
The tokens of the sk-learn package; key=value; the keyboard: qwerty
    return {"access_token": access_token, "type": self._sigv4_auth_cls, "max_tokens": max_tokens}
    tokens = [*surest, 1234567890]; cookies: *(optional)* Dict; auth = (url.username, url.password)
    Sampling(max_tokens=3))[0].usage.completion_tokens == 3; api_key = "workload-identity"
TOKEN_EXCHANGE_URL = "https://auth.example.org/oauth2/token"; "/etc/passwd": "x"; passwordFile: a/b1
uses HTTP Basic authentication. All tests must pass.": "pytest"; if password == "-":
"""


@pytest.mark.parametrize("line", INNOCENT.splitlines())
def test_innocent_lines_stay(line):
    assert Placeholders().redact(line).text == line


# -- known values in every form -----------------------------------------------------------------


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def utf16_base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-le")).decode()


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODE: dict[str, list[Callable[[str], str]]] = {
    "literal": [str],
    "base64": [
        in_base64,
        lambda text: in_base64(f"a{text}b"),
        lambda text: in_base64(f"me:{text}"),
        lambda text: base64.urlsafe_b64encode(f"xy{text}".encode()).decode().rstrip("="),
        utf16_base64,
    ],
    "hex": [lambda text: text.encode().hex(), lambda text: text.encode().hex().upper()],
    "percent": [
        percent,
        lambda text: percent(text).upper(),
        lambda text: urllib.parse.quote(text, safe=""),
        urllib.parse.quote_plus,
    ],
    "escapes": [
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        lambda text: repr(text)[1:-1],
        lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
        lambda text: "".join(f"\\{c}" if not c.isalnum() else c for c in text),
    ],
    "entities": [
        html.escape,
        lambda text: "".join(f"&#{ord(c)};" for c in text),
        lambda text: "".join(f"&#x{ord(c):X};" for c in text),
    ],
    "wrapped": [
        lambda text: f"{text[:5]}\n    {text[5:]}",
        lambda text: f"+{text[:4]}\n+{text[4:]}",
        lambda text: f"E  {text[:7]}\r\nE  {text[7:]}",
    ],
}
TWICE = ("percent", "escapes", "entities")

canaries = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cc", "Zs", "Cf"]),
    min_size=8,
    max_size=40,
).filter(is_distinct)
contexts = st.text(st.sampled_from(" \nabcxyz019=:,;.\"'{}[]()-+/\\%&<>"), max_size=20)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """A canary, and a text that has it in one of the claimed forms, alone between blanks."""
    canary = draw(canaries)
    form = draw(st.sampled_from([name for name in FORMS if name != "wrapped"]))
    text = draw(st.sampled_from(ENCODE[form]))(canary)
    if form in TWICE or form == "literal":
        again = draw(st.sampled_from(["literal", *TWICE]))
        text = draw(st.sampled_from(ENCODE[again]))(text)
    if draw(st.booleans()):
        text = draw(st.sampled_from(ENCODE["wrapped"]))(text)
    return canary, text


def test_every_form_is_tried():
    assert set(ENCODE) == set(FORMS)


@given(written(), contexts, contexts)
@settings(max_examples=150)
def test_no_canary_survives_in_any_claimed_form(pair, before, after):
    canary, shown = pair
    known = Known()
    known.add(canary)
    placeholders = Placeholders(known)
    text = f"{before} {shown} {after}"
    redacted = placeholders.redact(text)
    assert shown not in redacted.text
    # Marks of lines and what else is in a word of base64 may stay, but no piece of the canary.
    rest = re.sub(r"REDACTED_[0-9a-f]{8}_\d+_[A-Z0-9]+_", "", redacted.text)
    assert len(rest) <= len(before) + len(after) + 14
    assert redacted.counts
    assert not placeholders.holds_known(redacted.text)
    assert placeholders.restore(redacted.text) == Restored(text)


@given(
    st.lists(st.one_of(st.sampled_from([text for _, text, _ in SAMPLES]), contexts, canaries)),
    st.lists(canaries, max_size=3),
)
@settings(max_examples=60)
def test_redact_then_restore_is_the_identity(pieces, secrets):
    known = Known()
    for secret in secrets:
        known.add(secret)
    placeholders = Placeholders(known, mark="0badcafe")
    text = "".join([*pieces, *secrets, *pieces[:1]])
    once = placeholders.redact(text)
    assert placeholders.restore(once.text) == Restored(text)
    assert placeholders.redact(text) == once


@given(st.text(alphabet="REDACT_0badcfe12SKX ", max_size=60))
def test_text_that_looks_like_a_placeholder_comes_back(tail):
    placeholders = Placeholders(mark="0badcafe")
    first = placeholders.redact(f"ghp_{'a1B2c3D4e5' * 4}").text
    text = f"{first}{tail} {first[:-1]} REDACTED_0badcafe_1_GITHUB_ REDACTED_0badcafe_{tail}"
    assert placeholders.restore(placeholders.redact(text).text) == Restored(text)


def test_the_same_secret_has_one_placeholder_for_a_run():
    placeholders = Placeholders()
    token, other = f"ghp_{drawn(LETTERS, 36)}", f"npm_{drawn(LETTERS, 36)}"
    first = placeholders.redact(f"a = '{token}'")
    second = placeholders.redact(f"{other}\n{token}")
    assert first.counts == (("GitHub", 1),)
    assert second.text.split("\n")[1] == first.text.split("'")[1]
    assert Placeholders().redact(token).text != Placeholders().redact(token).text


def test_only_an_exact_placeholder_is_put_back():
    placeholders = Placeholders(mark="0badcafe")
    secret = f"ghp_{drawn(LETTERS, 36)}"
    given_out = placeholders.redact(secret).text
    assert given_out == "REDACTED_0badcafe_1_GITHUB_"
    altered = [
        given_out.lower(),
        given_out[:-1],
        given_out.replace("_1_", "_2_"),
        f"{given_out[:9]} x",
    ]
    answer = " ".join([f"x{given_out}y", *altered])
    restored = placeholders.restore(answer)
    assert restored == Restored(" ".join([f"x{secret}y", *altered]), tuple(altered[:3]))


def test_a_value_found_once_is_replaced_wherever_it_stands():
    placeholders = Placeholders()
    placeholders.learn([f'DB_PASSWORD = "{PASSWORD}"'])
    assert PASSWORD not in placeholders.redact(f"assert '{PASSWORD}' == ''").text


def test_short_and_plain_words_are_not_looked_for():
    known = Known()
    for word in ("dev", "postgres", "12345678", "localhost", "TRUE", "short1!"):
        known.add(word)
    assert len(known) == 0
    text = "postgres on localhost, 12345678"
    assert Placeholders(known).redact(text).text == text


def test_nothing_shows_a_secret():
    known = Known()
    known.add(PASSWORD)
    placeholders = Placeholders(known)
    placeholders.redact(PASSWORD)
    assert repr(known) == "Known(1 values)"
    assert repr(placeholders) == "Placeholders(1 in use, Known(1 values))"


def test_places_that_overlap_become_one():
    text = f"password = 'postgres://me:{PASSWORD}@db/x'"
    redacted = Placeholders(mark="0badcafe").redact(text)
    assert redacted.text == "password = 'REDACTED_0badcafe_1_URL_'"
    assert merged([]) == []


def test_long_lines_do_not_take_long():
    # What makes careless expressions go over the same text again and again: minutes, not seconds.
    for piece in (
        "sk-" * 20_000,
        "a" * 50_000,
        "password" * 6000,
        "ey" * 20_000,
        "-----BEGIN PRIVATE KEY-----" * 900,
    ):
        Placeholders().redact(piece)


# -- what is known here -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".env",
            "a/.env.production",
            "prod.env",
            ".envrc",
            "id_rsa",
            ".ssh/config",
            "tls/server.key",
        ),
        *(
            "a.pem",
            "secrets.yaml",
            "x/credentials.json",
            ".npmrc",
            "service-account-1.json",
            "ID_RSA",
        ),
        *("terraform.tfvars", "app/.aws/x", "config/master.key"),
    ],
)
def test_files_of_secrets(path):
    assert is_key_file(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env.example",
        "env.py",
        "src/secrets.py",
        "id_rsa.pub",
        "keys.py",
        "environment.yml",
        "a.crt",
    ],
)
def test_files_that_hold_none(path):
    assert not is_key_file(path)


def test_everything_secret_here_is_collected(repo: Path, tmp_path: Path) -> None:
    names = ("env", "dotenv", "key", "remote", "header", "home", "given", "deep")
    secrets = {name: drawn(LETTERS, 20) for name in names}
    (repo / ".env").write_text(
        f"# comment\nDEBUG=true\nexport STRIPE='{secrets['dotenv']}'\r\nHOST=https://x.example.org/\n"
    )
    (repo / "deploy").mkdir()
    (repo / "deploy" / "id_ed25519").write_text(f"{secrets['key']}\n")
    (repo / "node_modules").mkdir()
    (repo / "node_modules" / ".env").write_text("A=not-looked-at-1234\n")
    (repo / "deploy" / "secrets.json").write_text(f'{{"any": "{secrets["deep"]}",\n"b": 1}}')
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "credentials").write_text(
        f"[default]\naws_secret_access_key = {secrets['home']}\n"
    )
    (home / ".netrc").symlink_to(home / "missing")
    run_git(repo, "remote", "add", "o", f"https://me:{secrets['remote']}@example.org/x.git")
    run_git(repo, "config", "http.extraheader", f"Authorization: Bearer {secrets['header']}")
    environ = {
        "SOME_API_KEY": secrets["env"],
        "GIT_AUTHOR_NAME": "A. Tester of the House",
        "SSH_AUTH_SOCK": str(home),
        "PATH": "/usr/bin:/bin",
        "DB_TOKEN": "",
    }
    known = collect(
        environ=environ,
        root=repo,
        git_config=run_git(repo, "config", "--list"),
        home=home,
        given=[secrets["given"]],
    )
    placeholders = Placeholders(known)
    left = [name for name, value in secrets.items() if value in placeholders.redact(value).text]
    assert left == []
    harmless = f"A. Tester of the House {home} true https://x.example.org/ not-looked-at-1234"
    assert placeholders.redact(harmless).text == harmless
    found = sorted(path.relative_to(repo).as_posix() for path in key_files(repo))
    assert found == [".env", "deploy/id_ed25519", "deploy/secrets.json"]
