"""What a repository tells those who work on it: which lines count, and how many of them fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.engine import ScriptedEngine
from qwenagent.loop.editing.context import Background, Brief, build
from qwenagent.loop.editing.houserules import NO_RULES, RULES_HEAD, RULES_TOKENS, Rules, read_rules
from qwenagent.loop.editing.rulelines import rule_lines
from qwenagent.loop.editing.targets import Targets
from qwenagent.plan import task_plan
from qwenagent.protocol.events import ContextBuilt, ContextItem
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import Stage, body, make_repository

AGENTS = """---
description: all of it
---
# The project

[![build](https://ci/badge.svg)](https://ci)
A lovely program for bees. It is fast.

<!-- - Never told -->
- [The docs](https://example.org)
- Bees are insects

## Code style

Style matters to us.

- Use type hints
  everywhere, please
* [ ] No wildcard imports

Always run the linter.

| a | b |
|---|---|

## Commands

```sh
# everything
$ make check
pytest -x
```

```python
x = 1
```

## Releasing

- Tag it, then `git push`
"""
CONTRIBUTING = """# Contributing

- Be nice

## Code of Conduct

- Use kind words

## Coding conventions

1. Two blank lines between functions
2. Use type hints everywhere, please

We prefer tabs.

### Names

- Nouns for classes
"""


def texts(text: str, *, for_agents: bool) -> list[str]:
    return [line.text for line in rule_lines(text, for_agents=for_agents)]


def repository(folder: Path, files: dict[str, str]) -> Workspace:
    root = make_repository(folder / "r", {"a.py": "A = 1\n", **files})
    return Workspace(Repository.open(root))


def words(text: str) -> int:
    return len(text.split())


def prompt(tree: Workspace, rules: Rules, budget: int = 4000) -> tuple[str, ContextBuilt]:
    step = task_plan("Change `a.py`").steps[0]
    background = Background("Sums.", "a.py\n    A", rules)
    brief = Brief(step, Targets(change=("a.py",)), background, "", None, 50, budget)
    messages, event = build(brief, tree, ScriptedEngine([]), "Write it.")
    return messages[-1].text, event


# -- which lines ----------------------------------------------------------------------------------


def test_bullets_and_commands_count_and_prose_does_not():
    assert texts(AGENTS, for_agents=True) == [
        "- Bees are insects",
        "- Use type hints everywhere, please",
        "- No wildcard imports",
        "- Always run the linter.",
        "- `make check`",
        "- `pytest -x`",
    ]
    about_code = [line.is_about_code for line in rule_lines(AGENTS, for_agents=True)]
    assert about_code == [False, True, True, True, True, True]


def test_for_people_the_bullets_about_code_alone_count():
    assert texts(CONTRIBUTING, for_agents=False) == [
        "- Two blank lines between functions",
        "- Use type hints everywhere, please",
        "- Nouns for classes",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("Be kind.\n", []),
        ("Use tabs.\n", ["- Use tabs."]),
        ("- a\r\n- b\r\n", ["- a", "- b"]),
        ("\ufeff# Rules\n- größer ist besser\n", ["- größer ist besser"]),
        ("- a\n- a\n", ["- a"]),
        ("# Tests\n```sh\nnever closed\n", ["- `never closed`"]),
        ("# Tests\n~~~bash\n```\nls\n~~~\n- b\n", ["- `ls`", "- b"]),
        (f"- {'x' * 300}\n", [f"- {'x' * 200}[... 100 characters left out ...]"]),
        ("- ![badge](x)\n- <img src=x>\n- https://example.org\n", []),
        ("<!-- - open to the end\n- b\n", []),
        ("- a\x1b[2J\x07\u202eb\u200b\n", ["- ab"]),
    ],
)
def test_odd_texts(text, found):
    assert texts(text, for_agents=True) == found


# -- which files, and how much --------------------------------------------------------------------


def test_rules_about_code_come_first_and_each_once(tmp_path):
    files = {
        "AGENTS.md": AGENTS,
        "CONTRIBUTING.md": CONTRIBUTING,
        ".cursor/rules/b.mdc": "---\nglobs: x\n---\n# Tests\n- b\n",
        ".cursor/rules/a.md": "# Tests\n- a\n- Use type hints everywhere, please\n",
        ".github/copilot-instructions.md": "# Style\n- copilot\n",
        "sub/AGENTS.md": "- not here\n",
        "README.md": "# Style\n- nor here\n",
    }
    rules = read_rules(repository(tmp_path, files), 1000, words)
    assert rules.text.split("\n") == [
        "- Use type hints everywhere, please",
        "- No wildcard imports",
        "- Always run the linter.",
        "- `make check`",
        "- `pytest -x`",
        "- copilot",
        "- a",
        "- b",
        "- Two blank lines between functions",
        "- Nouns for classes",
        "- Bees are insects",
    ]
    assert rules.cut == ()


def test_what_there_is_no_room_for_is_told_by_file(tmp_path):
    files = {
        "AGENTS.md": "# Style\n" + "".join(f"- rule number {i}\n" for i in range(10)),
        "CONTRIBUTING.md": "# Style\n- short\n",
    }
    rules = read_rules(repository(tmp_path, files), 30 + 12, words)
    assert rules.text == "- rule number 0\n- rule number 1\n- rule number 2"
    why = "only 42 tokens for rules"
    assert rules.cut == (
        ContextItem("rules AGENTS.md", 28, why),
        ContextItem("rules CONTRIBUTING.md", 2, why),
    )


def test_links_ignored_and_odd_files_are_not_read(tmp_path):
    outside = tmp_path / "outside.md"
    outside.write_text("- secret\n")
    files = {".gitignore": "CLAUDE.md\n", ".qwenagentignore": "QWEN.md\n", "QWEN.md": "- hidden\n"}
    tree = repository(tmp_path, files)
    (tree.root / "AGENTS.md").symlink_to(outside)
    (tree.root / "CLAUDE.md").write_text("- ignored\n")
    (tree.root / ".cursor").mkdir()
    (tree.root / ".cursor" / "rules").symlink_to(tmp_path)
    (tree.root / "CONTRIBUTING.md").write_bytes(b"# Style\n- binary\0\n")
    tree.refresh()
    assert read_rules(tree, 1000, words).text == ""
    (tree.root / "CONTRIBUTING.md").write_text("# Style\n" + "- long\n" * 20_000)
    assert read_rules(tree, 1000, words).text == ""


# -- in the prompt --------------------------------------------------------------------------------


def test_they_stand_behind_the_plan(tmp_path):
    tree = repository(tmp_path, {"AGENTS.md": "# Style\n- Use tabs\n"})
    text, event = prompt(tree, read_rules(tree, 250, words))
    section = f"{RULES_HEAD}\n```\n- Use tabs\n```"
    assert f"The plan:\nSums.\n\n{section}\n\nWhat the files" in text
    assert "rules" in [item.what for item in event.included]


def test_they_stay_the_same_for_all_steps_of_a_plan(tmp_path):
    files = {"a.py": "A = 1\n", "CONTRIBUTING.md": "# Style\n- Use tabs\n"}
    root = make_repository(tmp_path / "r", files)
    stage = Stage(root, ["# Style\n- Use blanks\n`````", body("A = 2\n")])
    plan = "1. Change `CONTRIBUTING.md` to blanks.\n2. Set `A` in `a.py` to 2.\n"
    assert stage.run_plan(plan) == 0
    assert stage.git("show", "HEAD:CONTRIBUTING.md") == "# Style\n- Use blanks"
    section = f"{RULES_HEAD}\n```\n- Use tabs\n```"
    assert [section in asked.messages[1].text for asked in stage.engine.prompts] == [True, True]


@pytest.mark.parametrize("most", RULES_TOKENS.values())
def test_the_section_keeps_its_budget(most, tmp_path):
    files = {"AGENTS.md": "# Style\n" + "".join(f"- Keep to rule {i}\n" for i in range(400))}
    tree = repository(tmp_path, files)
    _, event = prompt(tree, read_rules(tree, most, ScriptedEngine([]).count))
    [rules] = [item for item in event.included if item.what == "rules"]
    assert most * 0.8 < rules.n_tokens <= most
    [cut] = [item for item in event.left_out if item.what == "rules AGENTS.md"]
    assert cut.how == f"only {most} tokens for rules"


def test_the_plan_comes_before_the_rules(tmp_path):
    tree = repository(tmp_path, {"AGENTS.md": "# Style\n- Use tabs\n"})
    rules = read_rules(tree, 250, words)
    whole = prompt(tree, rules)[1].n_tokens
    events = (prompt(tree, rules, budget)[1] for budget in range(whole, 0, -1))
    tight = next(event for event in events if "rules" in [i.what for i in event.left_out])
    assert "plan" in [item.what for item in tight.included]


def test_without_such_files_there_are_no_rules(tmp_path):
    tree = repository(tmp_path, {"README.md": "# Style\n- Use tabs\n", "AGENTS.md": "Be kind.\n"})
    assert read_rules(tree, 250, words) == NO_RULES
    assert RULES_HEAD not in prompt(tree, NO_RULES)[0]
