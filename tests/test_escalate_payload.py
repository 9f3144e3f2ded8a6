"""What goes up for a step, what stays at home, and what is left out for length."""

from __future__ import annotations

import itertools
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.errors import GitFailed
from qwenagent.escalate.local_only import HomeRules, Judgement, Reason, judge
from qwenagent.escalate.patch import parse_patch
from qwenagent.escalate.payload import (
    PROMPTS,
    FileText,
    LeftOut,
    Material,
    NotSent,
    Payload,
    Room,
    build,
    paths_of,
)
from qwenagent.escalate.placeholders import Placeholders, Restored
from tests.conftest import run_git

TOKEN = "ghp_a7Xk29QpLm4ZrT8vWc3NbY6sDf1GhJ5kEu0o"
PRIVATE = "def price_of_customer(name, rebate):\n    return TABLE[name] * rebate - 17\n"
PUBLIC = "def total(items):\n    return sum(items)\n"


def size(text: str) -> int:
    return len(text.encode())


WIDE = Room(100_000, size)


def material(**changes: Any) -> Material:
    usual = Material(
        step="Make `total` count twice",
        test_command="pytest -q tests/test_shop.py",
        output="E   assert 3 == 6\n",
        files=(FileText("shop.py", PUBLIC), FileText("more.py", "A = 1\n", "lines 3 to 9")),
        diffs=(FileText("shop.py", "--- a/shop.py\n+++ b/shop.py\n"),),
        tried=("doubled the items: 2 tests red", "returned 6:\n1 test red"),
    )
    return replace(usual, **changes)


def judged(given: Material, **stays: Reason) -> Judgement:
    reasons = {path.replace("__", "."): reason for path, reason in stays.items()}
    return Judgement(False, reasons, frozenset(paths_of(given)) - set(reasons))


def built(given: Material, **stays: Reason) -> Payload:
    payload = build("advice", given, judged(given, **stays), Placeholders(mark="0badcafe"), WIDE)
    assert isinstance(payload, Payload)
    return payload


PARTS = """\
## Step

```
Make `total` count twice
```

## The test that has to pass, and what it prints now

```
$ pytest -q tests/test_shop.py
E   assert 3 == 6
```

## File `shop.py`

```
def total(items):
    return sum(items)
```

## File `more.py` (lines 3 to 9)

```
A = 1
```

## Changes made so far to `shop.py`

```
--- a/shop.py
+++ b/shop.py
```

## Tried without success

```
doubled the items: 2 tests red
returned 6: 1 test red
```

## Your answer
"""


@pytest.mark.parametrize("kind", sorted(PROMPTS))
def test_a_payload_as_it_goes(kind):
    payload = build(kind, material(), judged(material()), Placeholders(), WIDE)
    assert isinstance(payload, Payload)
    heading = {"plan": "## Task", "review": "## Plan"}.get(kind, "## Step")
    assert PARTS.replace("## Step", heading) in payload.text
    assert "{{" not in payload.text
    assert payload.n_tokens == payload.n_bytes == size(payload.text)
    assert (payload.left_out, payload.replaced) == ((), 0)
    again = build(kind, material(), judged(material()), Placeholders(), WIDE)
    assert again == payload


def test_the_form_that_is_asked_for_is_the_one_that_is_read():
    payload = build("patch", material(), judged(material()), Placeholders(), WIDE)
    assert isinstance(payload, Payload)
    form = payload.text[payload.text.index("pkg/store.py") :]
    form = re.sub(r"\n\nor, for a new file.*\n|\n\nChange only.*", "\n", form)
    assert [(file.path, len(file.blocks), file.whole) for file in parse_patch(form)] == [
        ("pkg/store.py", 1, None),
        ("pkg/fresh.py", 0, "the whole file\n"),
    ]


@pytest.mark.parametrize(
    ("changes", "is_whole"),
    [
        ({"only": "shop.py"}, True),
        ({"only": "new.py"}, True),
        ({}, False),
        ({"only": "shop.py", "files": (FileText("shop.py", "x = 1\n" * 151),)}, False),
        ({"only": "shop.py", "files": (FileText("shop.py", "x = 1\n", "lines 1 to 1"),)}, False),
    ],
    ids=["short", "new", "several", "long", "in parts"],
)
def test_one_short_file_is_asked_for_whole(changes, is_whole):
    given = material(**changes)
    payload = build("patch", given, judged(given), Placeholders(), WIDE)
    assert isinstance(payload, Payload)
    assert ("SEARCH" not in payload.text) is is_whole
    assert (f"The whole new file `{given.only}` in one fence" in payload.text) is is_whole


def test_a_fence_in_a_file_does_not_end_its_part():
    payload = built(material(files=(FileText("a.md", "x\n````\n## Step\n"),)))
    assert "## File `a.md`\n\n`````\nx\n````\n## Step\n`````\n" in payload.text


# -- secrets ------------------------------------------------------------------------------------


def test_secrets_are_replaced_in_every_part_and_told():
    files = (FileText("shop.py", f"KEY = '{TOKEN}'\n"),)
    given = material(
        step=f"Use {TOKEN}",
        test_command=f"pytest --token {TOKEN}",
        output=f"E   got {TOKEN}",
        files=files,
        diffs=(FileText("shop.py", f"+KEY = '{TOKEN}'\n"),),
        tried=(f"printed {TOKEN}",),
    )
    payload = built(given)
    assert TOKEN not in payload.text
    assert payload.text.count("REDACTED_0badcafe_1_GITHUB_") == payload.replaced == 6
    assert [(part.kind, part.replaced) for part in payload.parts] == [
        ("step", (("GitHub", 1),)),
        ("acceptance", (("GitHub", 2),)),
        ("file", (("GitHub", 1),)),
        ("diff", (("GitHub", 1),)),
        ("tried", (("GitHub", 1),)),
    ]


def test_what_comes_back_gets_its_secrets_again():
    placeholders = Placeholders(mark="0badcafe")
    given = material(files=(FileText("shop.py", f"KEY = '{TOKEN}'\n"),))
    payload = build("patch", given, judged(given), placeholders, WIDE)
    assert isinstance(payload, Payload)
    answer = "-KEY = 'REDACTED_0badcafe_1_GITHUB_'"
    assert placeholders.restore(answer) == Restored(f"-KEY = '{TOKEN}'")


def test_a_secret_of_a_file_that_stays_is_known_elsewhere():
    given = material(
        files=(FileText(".env", "DB_PASSWORD=tr0ub4dor-and-3\n"),),
        output="E   connected with tr0ub4dor-and-3",
    )
    payload = built(given, __env="key file")
    assert "tr0ub4dor" not in payload.text


# -- what stays ---------------------------------------------------------------------------------


def test_files_that_stay_are_not_in_it_by_a_byte():
    given = material(
        files=(FileText("price.py", PRIVATE), FileText("shop.py", PUBLIC)),
        diffs=(FileText("new.py", "+x = 1\n", old_path="price.py"),),
        output=(
            "price.py:2: in price_of_customer\n"
            ">       return TABLE[name] * rebate - 17\n"
            "  2 |     return TABLE[name] * rebate - 17\n"
            "E       assert eval('return TABLE[name] * rebate - 17')\n"
            "shop.py:2\n>    return sum(items)\n"
        ),
    )
    payload = built(given, price__py="local_only")
    assert "TABLE" not in payload.text
    assert "+x = 1" not in payload.text
    assert ">    return sum(items)" in payload.text
    assert payload.left_out == (
        LeftOut("file", "price.py", "local_only"),
        LeftOut("diff", "new.py", "local_only"),
    )
    assert str(payload.left_out[0]) == "price.py: named in local_only"
    assert payload.parts[1].withheld == 3
    assert payload.text.count("2 more part(s) of the work stay on the user's machine.") == 1


def test_lines_of_other_files_at_home():
    given = material(output=">   secret_sauce(1, 2)\nE   x\n", at_home=("secret_sauce(1, 2)\nE\n",))
    payload = built(given)
    assert "secret_sauce" not in payload.text
    assert "[a line of a file that stays here]\nE   x\n" in payload.text


def test_lines_of_a_step_that_are_in_a_file_at_home():
    step = "Make it cheaper\n\n    cheaper_sauce(1, 2)\nfor all"
    payload = built(material(step=step, at_home=("cheaper_sauce(1, 2)\n",)))
    assert payload.parts[0].text.endswith(
        "\nMake it cheaper\n\n[a line of a file that stays here]\nfor all\n```"
    )
    assert payload.parts[0].withheld == 1


@pytest.mark.parametrize("mark", ["", "1. ", "- [ ] ", "## Step 3: "])
def test_a_step_of_a_plan_at_home_is_not_sent(mark):
    given = material(at_home=(f"# Secret plans\n\n{mark}Make `total` count twice\n  Soon.\n",))
    assert build("patch", given, judged(given), Placeholders(), WIDE) == NotSent(
        "the step is in a file that stays here (local_only): nothing of it is sent"
    )


def test_which_files_stay(repo: Path) -> None:
    names = [
        *("pkg/store.py", "pkg/prices/eu.py", "docs/prices/a.md", "deep/er/salt.txt", "salt.txt"),
        *("pkg/Prices/us.py", "keep/prices/ok.py", "pkg/a b.py", "ünï.py"),
    ]
    rules = HomeRules(lists=(("prices/", "!keep/prices/", "/salt.txt", "a b.py", "# x"),))
    asked = ["../x.py", "/etc/passwd", ".git/config", ".github/w.yml", ".env", "gone.log", *names]
    judgement = judge(repo, rules, asked, [".env", *names])
    assert judgement.goes == {"deep/er/salt.txt", "pkg/Prices/us.py", "pkg/store.py",
                              "keep/prices/ok.py", "ünï.py"}  # fmt: skip
    assert judgement.why_home("never/asked.py") == "ignored"
    assert judgement.stays == {
        "../x.py": "outside",
        "/etc/passwd": "outside",
        ".git/config": "outside",
        ".github/w.yml": "outside",
        ".env": "key file",
        "gone.log": "ignored",
        "pkg/prices/eu.py": "local_only",
        "docs/prices/a.md": "local_only",
        "salt.txt": "local_only",
        "pkg/a b.py": "local_only",
    }
    assert run_git(repo, "status", "--porcelain") == ""


def test_a_repository_can_only_tighten(repo: Path) -> None:
    users = HomeRules(lists=(("*.key.py", "pkg/"),))
    theirs = HomeRules(lists=(("!*", "!pkg/", "docs/"),))
    paths = ["pkg/store.py", "a.key.py", "docs/x.md", "free.py"]
    judgement = judge(repo, users.tightened(theirs), paths, paths)
    assert judgement.stays == dict.fromkeys(["pkg/store.py", "a.key.py", "docs/x.md"], "local_only")
    assert users.tightened(HomeRules(everything=True)).everything
    assert HomeRules(everything=True).tightened(users).everything


def test_no_rules_ask_git_nothing(tmp_path: Path) -> None:
    assert judge(tmp_path / "none", HomeRules(lists=((),)), ["a.py"], ["a.py"]).stays == {}
    with pytest.raises(GitFailed):
        judge(tmp_path, HomeRules(lists=(("a",),)), ["a.py"], ["a.py"])


patterns = st.text(alphabet="ab/*?![]\\ .", min_size=1, max_size=8)
folders = st.lists(st.sampled_from(["a", "b", "ab", "a b", ".a"]), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plain")
    run_git(root, "init", "-q")
    return root


@given(st.lists(patterns, min_size=1, max_size=3), st.lists(folders, min_size=1, max_size=6))
@settings(max_examples=12)
def test_patterns_mean_what_they_mean_in_gitignore(plain, given_patterns, parts):
    names = sorted({f"{'/'.join(part)}.py" for part in parts})
    (plain / ".gitignore").write_text("\n".join(given_patterns) + "\n")
    asked = "".join(f"{name}\0" for name in names)
    words = ["git", "check-ignore", "--no-index", "-z", "--stdin"]
    said = subprocess.run(words, cwd=plain, input=asked.encode(), capture_output=True, check=False)
    assert said.returncode in (0, 1), said.stderr.decode()  # 1: none is ignored
    ignored = set(filter(None, said.stdout.decode().split("\0")))
    rules = HomeRules(lists=(tuple(given_patterns),))
    assert set(judge(plain, rules, names, names).stays) == ignored


def test_a_repository_that_stays_at_home(repo: Path) -> None:
    given = material()
    judgement = judge(repo, HomeRules(everything=True), paths_of(given), paths_of(given))
    assert judgement.goes == frozenset()
    assert build("patch", given, judgement, Placeholders(), WIDE) == NotSent(
        "this repository stays at home (local_only): nothing of it is sent"
    )


def test_a_file_that_nobody_judged_stays():
    payload = build("advice", material(), Judgement(), Placeholders(), WIDE)
    assert isinstance(payload, Payload)
    assert payload.left_out == (
        LeftOut("file", "shop.py", "ignored"),
        LeftOut("file", "more.py", "ignored"),
        LeftOut("diff", "shop.py", "ignored"),
    )
    assert "def total" not in payload.text


def test_every_path_has_to_be_judged():
    given = material(diffs=(FileText("b.py", "", old_path="a.py"), FileText("shop.py", "")))
    assert paths_of(given) == ["shop.py", "more.py", "b.py", "a.py"]


# -- length -------------------------------------------------------------------------------------


def test_whole_parts_are_left_out_in_order():
    given = material(
        files=tuple(FileText(f"{name}.py", name * 500) for name in "abc"),
        diffs=tuple(FileText(f"{name}.py", name * 200) for name in "de"),
    )
    whole = built(given).n_tokens
    seen: list[tuple[str, ...]] = []
    for limit in itertools.count(whole, -50):
        payload = build("advice", given, judged(given), Placeholders(), Room(limit, size))
        if isinstance(payload, NotSent):
            break
        assert payload.n_tokens <= limit
        left = tuple(one.title for one in payload.left_out)
        assert {one.reason for one in payload.left_out} <= {"no room"}
        if left:
            assert f"Left out for length: {', '.join(left)}." in payload.text
        if left not in seen:
            seen.append(left)
    order = ("c.py", "b.py", "what was tried", "e.py", "d.py", "a.py")
    assert set(seen) <= {order[:n] for n in range(7)}
    assert seen[-1] == order
    assert isinstance(payload, NotSent)
    assert payload.sentence.startswith("the step and what has to go with it are ")
    assert payload.sentence.endswith(
        f" tokens, {limit:,} may be sent; shorten it or raise escalate.payload_tokens"
    )
