"""What a repository tells those who work on it: `AGENTS.md` and its like, as data for the prompt.

Read once for a plan, so that the beginning of its prompts stays the same, whatever a step does to
these files. Nothing here is obeyed by this program: no command is approved and no limit moved.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from qwenagent.errors import PathEscapes
from qwenagent.loop.editing.rulelines import RuleLine, rule_lines
from qwenagent.protocol.events import ContextItem
from qwenagent.workspace import Workspace
from qwenagent.workspace.root import Root

RULES_HEAD = "Rules of this repository, where the plan and the step do not say otherwise:"
RULES_TOKENS = {"small": 250, "large": 600}
"""By profile, head and fence included."""
_FRAME_TOKENS = 30
"""For the head and the fence."""
_MAX_BYTES = 100_000
"""Of one file; a longer one is no set of rules that anybody reads."""
_FOR_AGENTS = re.compile(
    r"AGENTS\.md|CLAUDE\.md|QWEN\.md|\.github/copilot-instructions\.md|\.cursor/rules/.+\.mdc?"
)
_FOR_PEOPLE = re.compile(r"(?:\.github/|docs/)?CONTRIBUTING\.md")


@dataclass(frozen=True, slots=True)
class Rules:
    """What goes into every prompt of a plan."""

    text: str = ""
    """A rule a line, empty if there are none."""
    cut: tuple[ContextItem, ...] = ()
    """What there was no room for, by file."""


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    line: RuleLine


def read_rules(tree: Workspace, max_tokens: int, count: Callable[[str], int]) -> Rules:
    """Return the rules of a tree: those about code, style and tests first, within a budget.

    `count` tells the tokens of a text.
    """
    found = _ranked(list(_read(tree)))
    left = max_tokens - _FRAME_TOKENS
    kept: list[str] = []
    cut: dict[str, int] = {}
    for rule in found:
        n_tokens = count(f"{rule.line.text}\n")
        if n_tokens <= left and not cut:
            left -= n_tokens
            kept.append(rule.line.text)
        else:
            cut[rule.path] = cut.get(rule.path, 0) + n_tokens
    why = f"only {max_tokens} tokens for rules"
    items = (ContextItem(f"rules {path}", n_tokens, why) for path, n_tokens in cut.items())
    return Rules("\n".join(kept), tuple(items))


def _ranked(found: Sequence[_Found]) -> list[_Found]:
    """Return each rule once: those about code first, then in the order of the files."""
    once = {rule.line.text: rule for rule in reversed(found)}
    return sorted(
        sorted(once.values(), key=found.index), key=lambda rule: not rule.line.is_about_code
    )


def _read(tree: Workspace) -> Iterator[_Found]:
    files = tree.files()
    # Links and ignored files are not among them; those of editors are not reached as others are.
    disk = Root(tree.root)
    for pattern in (_FOR_AGENTS, _FOR_PEOPLE):
        for path in sorted(filter(pattern.fullmatch, files), key=lambda p: (p.count("/"), p)):
            text = _text(disk, path)
            for line in rule_lines(text, for_agents=pattern is _FOR_AGENTS):
                yield _Found(path, line)


def _text(disk: Root, path: str) -> str:
    try:
        data = disk.load(path, _MAX_BYTES + 1).data
    except (OSError, PathEscapes):
        return ""
    is_text = len(data) <= _MAX_BYTES and b"\0" not in data
    return data.decode("utf-8-sig", errors="replace") if is_text else ""
