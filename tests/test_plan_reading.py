"""Errors, digests, hostile input, and the rules for fields, commands and names, one by one."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.errors import PlanError
from qwenagent.plan import Plan, parse_plan, read_plan
from qwenagent.plan.reading import SIZE_LIMIT_BYTES, STEP_LIMIT

PLANS = sorted((Path(__file__).parent / "data" / "plans").glob("*.md"))
HINT = (
    "a step may be an item `- [ ] ...`, a heading `## Step 1: ...`, or an item of a numbered list "
    "below a heading such as `## Steps`"
)
PIECES = st.sampled_from(
    [
        *("# ", "## Step 1: ", "## Steps", "- ", "- [ ] ", "- [x]", "1. ", "12) ", "> ", "  "),
        *("      ", "\t", "\n", "\n\n", "```", "```sh\n", "~~~", "---\n", "| a |\n|---|\n", "**"),
        *("`", "`pytest -q`", "Test: ", "**Files:** ", "Depends on: 1-", "Done when:", "a.py"),
        *("src/a.py", "](", "[x]", "<!--", "Verification:", "Phase 2", "\r", "\0", "\ufeff"),
        *("\u2028", "\u00e9", "\ud800"),
    ]
)


def _error(action: Callable[..., Plan], *given: object) -> tuple[str, str]:
    with pytest.raises(PlanError) as caught:
        action(*given)
    return caught.value.message, caught.value.hint


# Reading a file


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.name)
def test_a_file_reads_like_its_text(path):
    plan = read_plan(path)
    assert plan == parse_plan(path.read_text(encoding="utf-8"), str(path))


def test_a_path_with_spaces_and_a_bom(tmp_path):
    path = tmp_path / "my plan é.md"
    path.write_bytes(b"\xef\xbb\xbf- [ ] do it\r\n")
    plan = read_plan(path)
    assert (plan.path, plan.title) == (str(path), "my plan é")
    assert [step.text for step in plan.steps] == ["do it"]


def test_what_cannot_be_read_is_a_plan_error(tmp_path):
    missing, latin, big = tmp_path / "no.md", tmp_path / "latin.md", tmp_path / "big.md"
    latin.write_bytes("- [ ] a\n- [ ] größer".encode("latin-1"))
    big.write_bytes(b"x" * (SIZE_LIMIT_BYTES + 1))
    assert _error(read_plan, missing)[0] == f"there is no plan at {missing}"
    assert _error(read_plan, tmp_path)[0] == (
        f"{tmp_path} is a folder; give the plan's file, e.g. {tmp_path / 'plan.md'}"
    )
    assert _error(read_plan, latin)[0] == (
        f"{latin} is not UTF-8: byte 0xf6 in line 2; save it as UTF-8"
    )
    assert _error(read_plan, big)[0] == (
        f"{big} has 1,048,577 bytes, the limit for a plan is 1,048,576; split it"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "{} is empty, so there is no step in it"),
        (b"\xef\xbb\xbf \r\n\t\n", "{} is empty, so there is no step in it"),
        (b"# Title\n\nprose\n", "no step found in {} (3 lines)"),
        (b"prose", "no step found in {} (1 line)"),
        (
            b"\x7fELF\x02\x00\x00",
            "{} is a binary file, byte 5 of 7 is 0; give a Markdown file, e.g. "
            "`qwenagent run plan.md`",
        ),
        (b"\x89PNG", "{} is not UTF-8: byte 0x89 in line 1; save it as UTF-8"),
        (
            "- [ ] a".encode("utf-16"),
            "{} is UTF-16, and a plan is read as UTF-8; save it as UTF-8",
        ),
        (
            b"- [ ] a\n" * 1_310_720,
            "{} has 10,485,760 bytes, the limit for a plan is 1,048,576; split it",
        ),
    ],
    ids=["nothing", "blank", "prose", "line", "binary", "png", "utf16", "10MB"],
)
def test_files_that_are_no_plan(tmp_path, data, message):
    path = tmp_path / "plan.md"
    path.write_bytes(data)
    assert _error(read_plan, path)[0] == message.format(path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    pipe = tmp_path / "plan.md"
    os.mkfifo(pipe)
    assert _error(read_plan, pipe)[0] == f"{pipe} is not a regular file; give a Markdown file"


# What is no plan


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# Title\n\nOnly prose.\n",
        "```\n- [ ] code\n1. code\n```\n",
        "> - [ ] quoted\n",
        "---\ntodos:\n  - [ ] a\n---\n",
        "# T\n\n## Verification\n\n1. run it\n- [ ] look\n",
        "# T\n\n## Context\n\n1. old\n2. older\n",
        "- [ ]\n- [x]\n",
    ],
)
def test_without_a_step_the_error_says_what_a_step_is(text):
    message, hint = _error(parse_plan, text, "p.md")
    assert (message.startswith("no step found in p.md (") or not text.strip(), hint) == (True, HINT)


def test_too_many_steps_are_refused():
    text = "- [ ] a\n" * (STEP_LIMIT + 1)
    assert _error(parse_plan, text)[0] == "plan.md has 1,001 steps, the limit is 1,000; split it"


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
def test_any_text_is_a_plan_or_a_plan_error(text):
    try:
        plan = parse_plan(text)
    except PlanError:
        return
    n_lines = text.count("\n") + text.count("\r") + 1
    assert [step.number for step in plan.steps] == list(range(1, len(plan.steps) + 1))
    for step in plan.steps:
        assert 0 < len(step.title) <= 100
        assert 1 <= step.line <= n_lines
        assert step.text.strip()
        assert all(0 < number < step.number for number in step.depends_on)
        assert set(step.files) <= set(step.mentions)
        assert not any(path.startswith(("/", "../")) for path in step.mentions)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join("  " * depth + "- [ ] deep" for depth in range(20)),
        "- [ ] " + "[" * 20000,
        "- [ ] " + "*a_" * 5000,
        "- [ ] Files: " + "(" * 20000,
        "- [ ] " + "".join("`" * length + "x" for length in range(200)),
    ],
    ids=["items", "brackets", "emphasis", "parentheses", "backticks"],
)
def test_deep_nesting_and_endless_marks_are_read(text):
    text += "\n\n## Steps\n\n- [ ] last\n"
    assert parse_plan(text).steps[-1].title == "last"


@pytest.mark.parametrize(
    "text",
    [
        "\n".join("  " * depth + "- [ ] deep" for depth in range(400)),
        "- " * 4000 + "[ ] deep",
        ">" * 20000 + "deep",
    ],
    ids=["items", "markers", "quotes"],
)
def test_nesting_too_deep_to_read_on_is_an_error_and_loses_no_step_silently(text):
    message, _ = _error(parse_plan, f"- [ ] first\n\n{text}\n\n- [ ] last\n")
    assert message.startswith("lists and quotations are too deep in line ")


# Digests


def _digests(plan: Plan) -> tuple[str, ...]:
    return plan.digest, *(step.digest for step in plan.steps)


def _numbered(n_steps: int, first: int = 1, changed: int = 0, box: str = "[ ]") -> str:
    lines = [
        f"- {box} Step {n + first}: do {n}{' well' if n == changed else ''}\n      and check it\n"
        for n in range(1, n_steps + 1)
    ]
    return "# P\n\nGoal.\n\n" + "".join(lines)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.name)
def test_ticking_all_boxes_keeps_every_digest(path):
    # Boxes in code and quotations are text: ticking those is a change.
    text = path.read_text(encoding="utf-8")
    text = text.replace("> - [ ]", "> -").replace("- [ ] no step either", "no step either")
    if path.name == "tricky_code.md":
        text = text.replace("[ ] no step", "no step").replace("> - [ ]", "> -")
        text = text.replace("[ ] indented", "indented").replace("- [ ] a comment", "")
    ticked = text.replace("[ ]", "[x]")
    unticked = text.replace("[x]", "[ ]")
    assert _digests(parse_plan(ticked)) == _digests(parse_plan(unticked))


def test_ticking_one_box_changes_only_that():
    plan, ticked = (parse_plan(f"- [{box}] a\n- [ ] b\n") for box in " x")
    assert ticked == replace(plan, steps=(replace(plan.steps[0], checked=True), plan.steps[1]))


def test_a_box_in_code_is_text():
    texts = (f"- [ ] a\n\n  ```\n  - [{box}] b\n  ```" for box in " x")
    one, other = (parse_plan(text).steps[0] for text in texts)
    assert one.digest != other.digest


def test_only_the_digest_of_the_changed_step_changes():
    before, after = _digests(parse_plan(_numbered(9))), _digests(
        parse_plan(_numbered(9, changed=7))
    )  # fmt: skip
    assert [old != new for old, new in zip(before, after, strict=True)] == [
        n in (0, 7) for n in range(10)
    ]


def test_renumbering_and_white_space_at_the_ends_change_no_digest():
    text = _numbered(4)
    spaced = text.replace("check it\n", "check it  \t\n\n")
    digests = _digests(parse_plan(text))
    assert _digests(parse_plan(_numbered(4, first=20))) == digests
    assert _digests(parse_plan(spaced)) == digests


@pytest.mark.parametrize(
    "shape", ["## Step {}: a\n\nb\n", "**Step {}: a**\n\nb\n", "{}. a\n\n   b\n"]
)
def test_the_number_is_not_in_the_digest(shape):
    digests = {parse_plan(shape.format(n)).steps[0].digest for n in (1, 7)}
    assert len(digests) == 1


def test_the_plan_digest_covers_preamble_and_commands():
    texts = ["- [ ] a", "Goal.\n\n- [ ] a", "- [ ] a\n\n## Verification\n\n`pytest -q`"]
    assert len({parse_plan(text).digest for text in texts}) == 3


# Other shapes of steps


def _titles(text: str) -> list[tuple[str, bool, tuple[int, ...]]]:
    return [(step.title, step.checked, step.depends_on) for step in parse_plan(text).steps]


FRONT = """\
---
name: "A plan"
todos:
- id: one
  content: 'it''s one'   # a remark
  status: completed
-   id: two
    content: |
      second
      Depends on: nothing
    dependencies:
      - one
      - gone
- id: three
  status: pending
- content: "fourth: \\"quoted\\""
  dependencies: [one, "two"]
- just text
other: x
---
"""


def test_todos_of_front_matter_are_the_steps_of_a_body_without_any():
    plan = parse_plan(f"{FRONT}\nSome words.\n\n- a remark\n")
    assert (plan.title, plan.preamble) == ("A plan", "Some words.\n\n- a remark")
    assert [(s.title, s.checked, s.depends_on, s.line) for s in plan.steps] == [
        ("it's one", True, (), 4),
        ("second", False, (1,), 7),
        ('fourth: "quoted"', False, (1, 2), 16),
    ]


def test_dependencies_of_todos_go_by_id():
    todos = "".join(
        f"  - id: {name}\n    content: do {name}\n    dependencies: {needs}\n"
        for name, needs in [("a", "[]"), ("b", "[a]"), ("c", "[a, b, z]")]
    )
    plan = parse_plan(f"---\ntodos:\n{todos}---\n")
    assert [step.depends_on for step in plan.steps] == [(), (1,), (1, 2)]
    assert plan.warnings == ("step 3: depends on step z, which does not exist; ignored",)


def test_a_body_with_steps_wins_over_the_todos():
    assert _titles(f"{FRONT}\n## Steps\n\n1. body\n") == [("body", False, ())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "| Step | Status |\n|---|---|\n| a | done |\n| b | open |\n",
            [("a", True, ()), ("b", False, ())],
        ),
        (
            "| No. | Task | After |\n|---|---|---|\n| 10 | a | - |\n| 20 | b | 10 |\n| 30 | | |\n",
            [("a", False, ()), ("b", False, (1,))],
        ),
        (
            "## Context\n\n| # | Step |\n|---|---|\n| 1 | no |\n\n## Steps\n\n1. yes\n",
            [("yes", False, ())],
        ),
        (
            "## Changes\n\n| File | Change |\n|---|---|\n| `a.py` | one |\n\n- two\n",
            [("two", False, ())],
        ),
        (
            "## Phase 1\n\n1. a\n2. b\n\n## Phase 2\n\n1. c\n   Depends on: 1.2\n",
            [("a", False, ()), ("b", False, ()), ("c", False, (2,))],
        ),
        (
            "## Phase 1\n\n1. a\n\n## Phase 2\n\n2. b\n   Depends on: 1\n\n## Phase 3\n\nc\n",
            [("a", False, ()), ("b", False, (1,)), ("c", False, ())],
        ),
        (
            "## Phase 1\n\n- a\n- b\n\n## Phase 2\n\n- c\n",
            [("a", False, ()), ("c", False, ())],
        ),
        ("### 1. a\n\n- [ ] x\n\n### 2. b\n", [("a", False, ()), ("b", False, ())]),
        ("### 1. a\n\n- [ ] x\n\n### 2. b\n\n- [ ] y\n", [("x", False, ()), ("y", False, ())]),
        ("```md\n- [x] a\n```\n", [("a", True, ())]),
        ("第一步\uff1aa\n\n", []),
        ("## 第二步\uff1ab\n\n## 1단계 c\n", [("b", False, ()), ("c", False, ())]),
        ("## ✅ Step 1: a\n\n## 🚀 Step 2: b\n", [("a", False, ()), ("b", False, ())]),
        ("## Files to modify\n\n### `a.py`\n\nx\n\n### `b.py`\n\ny\n",
         [("a.py", False, ()), ("b.py", False, ())]),
    ],
)  # fmt: skip
def test_shapes_of_steps(text, expected):
    try:
        assert _titles(text) == expected
    except PlanError:
        assert not expected


# Speed


NASTY = [
    "- [ ] Run `pytest` " + "all pass and all " * 50,
    "- [ ] `make " + "a;" * 400 + "`",
    "- [ ] Install " + "the new " * 100,
    "- [ ] " + "`a b` and " * 90,
    "- [ ] " + "Test (" * 150,
    "- [ ] Test: " + "[" * 900,
    "| # | Step |\n|---|---|\n| 1 | " + "a<br>" * 200 + " |",
    "## Phase 1\n\n1. a\n2. b\n",
    "> a\n" * 100,
    "- [ ] a\n  Test:\n\n  ```py\n  x\n  ```\n",
    "- [ ] " + "を" * 290,
    "**" * 400,
]


@pytest.mark.parametrize("part", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_a_mebibyte_of_nasty_input_is_read_in_seconds(part):
    text = "".join(f"{NASTY[n % len(NASTY)]}\n\n" for n in range(900 // part))
    text += ("`a` (b) *c* [d " * 60 + "\n\n") * 1200
    text = text[: SIZE_LIMIT_BYTES // part - 4]
    started = time.process_time()
    parse_plan(text)
    assert time.process_time() - started < 5 / part


def test_a_mebibyte_of_blanks_in_todos_is_read_in_seconds():
    todos = "".join(f"  - id: a{n}\n    content: a{' ' * 19_000}b\n" for n in range(50))
    started = time.process_time()
    plan = parse_plan(f"---\nname: x\ntodos:\n{todos}---\n")
    assert time.process_time() - started < 5
    assert [step.title for step in plan.steps] == ["a"] * 50
