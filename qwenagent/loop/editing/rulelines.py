"""The rules and commands in a file that tells people and agents how to work on a repository.

Badges, links, comments and prose about the project are left out. Reads no files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from qwenagent.sandbox import clean_output
from qwenagent.tools.truncate import cut_line

LINE_CHARS = 200
"""Of one rule; what is longer is more of an explanation."""
_ABOUT_CODE = re.compile(
    r"styl|convention|\bcod(?:e|ing)\b|guideline|\brules?\b|\btest|\blint|format|\bnam(?:e|ing)"
    r"|\bcommands?\b|\bbuild|\bcheck|\btyp(?:e|es|ing)\b|\bimport|\berrors?\b|docstring|\bmust\b"
    r"|\bnever\b|\balways\b|\bdon'?ts?\b|\bdo\b|instruction|practice|principle|standard|quality",
    re.IGNORECASE,
)
_NOT_ABOUT_CODE = re.compile(
    r"code of conduct|licen[cs]e|contact|communit|sponsor|releas|changelog|acknowledg|contents"
    r"|pull request|\bissues?\b|report|security",
    re.IGNORECASE,
)
_DEMANDS = re.compile(
    r"\b(?:always|never|must|do not|don't|only|use|prefer|avoid|should|keep|run|write)\b",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_BULLET = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.*)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*([\w-]*)")
_SHELL = frozenset({"sh", "bash", "shell", "console", "zsh", "shell-session"})
_NO_RULE = re.compile(r"!\[|\[!\[|\[[^\]]*\]\([^)]*\)[.,;]?$|<\w|https?://\S+$|\|")


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule or command."""

    text: str
    is_about_code: bool
    """Whether it stands under a heading about code, style or tests; commands do."""


def rule_lines(text: str, *, for_agents: bool) -> list[RuleLine]:
    """Return the rules in a Markdown text, in its order.

    In a file that is written `for_agents` every bullet is one, and every paragraph that demands
    something; elsewhere the bullets under headings about code alone.
    """
    shown = _COMMENT.sub("", _FRONT.sub("", _visible(text.replace("\r\n", "\n"))))
    return list(dict.fromkeys(_Reader(for_agents).read(clean_output(shown).split("\n"))))


def _visible(text: str) -> str:
    """Leave out what people do not see and a model reads: zero-width signs, letters of tags."""
    return "".join(char for char in text if unicodedata.category(char) != "Cf")


@dataclass(slots=True)
class _Reader:
    for_agents: bool
    headings: dict[int, str] = field(default_factory=dict)
    fence: str = ""
    is_shell: bool = False
    rows: list[str] = field(default_factory=list)
    """Of the bullet or paragraph that is being read."""
    is_bullet: bool = False

    def read(self, lines: list[str]) -> Iterator[RuleLine]:
        for line in lines:
            if self.fence:
                yield from self._in_fence(line)
            elif fence := _FENCE.match(line):
                yield from self._flush()
                self.fence, self.is_shell = fence[1], fence[2].lower() in _SHELL
            elif heading := _HEADING.match(line):
                yield from self._flush()
                self._enter(len(heading[1]), heading[2])
            elif bullet := _BULLET.match(line):
                yield from self._flush()
                self.rows, self.is_bullet = [bullet[1]], True
            elif line.strip():
                self.rows.append(line.strip())
            else:
                yield from self._flush()
        yield from self._flush()

    def _enter(self, level: int, title: str) -> None:
        self.headings = {n: above for n, above in self.headings.items() if n < level}
        self.headings[level] = title

    def _in_fence(self, line: str) -> Iterator[RuleLine]:
        if line.strip().startswith(self.fence) and not line.strip().strip(self.fence[0]):
            self.fence = ""
            return
        command = line.strip().removeprefix("$ ").strip()
        is_command = self.is_shell and command and not command.startswith(("#", "`"))
        if is_command and self._is_about_code() and len(command) <= LINE_CHARS:
            yield RuleLine(f"- `{command}`", True)

    def _flush(self) -> Iterator[RuleLine]:
        text, is_bullet = " ".join(" ".join(self.rows).split()), self.is_bullet
        self.rows, self.is_bullet = [], False
        if not text or _NO_RULE.match(text) or self._is_about_others():
            return
        is_about_code = self._is_about_code()
        is_rule = is_bullet if is_about_code else is_bullet and self.for_agents
        if is_rule or (self.for_agents and _DEMANDS.search(text)):
            yield RuleLine(f"- {cut_line(text, LINE_CHARS)}", is_about_code)

    def _is_about_code(self) -> bool:
        return not self._is_about_others() and any(
            _ABOUT_CODE.search(title) for title in self.headings.values()
        )

    def _is_about_others(self) -> bool:
        return any(_NOT_ABOUT_CODE.search(title) for title in self.headings.values())
