"""Telling what a step asks for: an edit, a command to be run, or something left to the user.

What the plan says itself (`Kind: command`, "(manual)") wins; when unsure a step is an edit. Knows
the text of one step and its fields, no other step. Runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qwenagent.plan.command import command_in, commands_in_block, is_shell
from qwenagent.plan.fields import Fields
from qwenagent.plan.fields.rows import Row, outside_fields, rows_of
from qwenagent.plan.kinds.outside_work import asks_the_user, is_outside
from qwenagent.plan.kinds.run_requests import (
    LINE_LIMIT,
    commands_of,
    has_edit_word,
    is_headline,
    marked,
    only_runs,
    sentences_of,
)
from qwenagent.plan.labels import without_label
from qwenagent.plan.markdown.document import strip_marker
from qwenagent.plan.paths import mentioned
from qwenagent.plan.values import StepKind

_BOLD = re.compile(r"\*\*[^*]{1,300}\*\*[.:]?")
_YOU = (
    r"manual(?:\s+step)?|manually|for\s+you|you|by\s+hand|for\s+the\s+user"
    r"|manuell|von\s+hand|für\s+dich|manuel|à\s+la\s+main|pour\s+(?:vous|toi)|a\s+mano|para\s+ti"
    r"|вручную|手動|手作業|手动|수동"
)
_COMMAND = r"command|befehl|commande|comando|コマンド|命令"
_TAG = re.compile(
    rf"[(\[\uff08【]\s*(?:(?P<you>{_YOU})|(?P<command>{_COMMAND}))\s*[)\]\uff09】]"
    rf"|^[*_]{{0,3}}(?P<front>{_YOU})[*_]{{0,3}}\s*[:\uff1a]",
    re.IGNORECASE,
)
_ADD_BY_INSTALLING = re.compile(
    r"add\s+(?:the\s+|an?\s+)?[^§¤,;.]{1,60}?(?:\s(?:with|using|via|by\s+running)|:)\s*§\.?",
    re.IGNORECASE,
)
_NEXT_CLAUSE = re.compile(
    r"(?:\b(?:and|then|und|et|y|e)\b|[,;:、]|\.\s)(?P<rest>.*)$", re.IGNORECASE | re.DOTALL
)
_MANIFESTS = re.compile(
    r"(?:^|/)(?:requirements[\w.-]*\.(?:txt|in)|package(?:-lock)?\.json|pyproject\.toml|[\w.-]*\.lock"
    r"|pnpm-lock\.yaml|go\.(?:mod|sum)|cargo\.toml|gemfile|changelog\.md|\.env|dockerfile"
    r"|(?:docker-)?compose\.ya?ml)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a step asks for."""

    kind: StepKind = "edit"
    command: str | None = None
    problem: str = ""
    """What a person should know, the rest of a sentence that names the step; mostly empty."""


def asked_by(text: str, fields: Fields) -> Asked:
    """Tell what a step asks for, by its text and what its fields say."""
    rows = [row for row in outside_fields(rows_of(text)) if row.text.strip()]
    lines = _lines(rows)
    kind = fields.kind or (_tagged(lines[0]) if lines else None)
    if kind == "command":
        command = _any_command(rows) or fields.test
        missing = "is of the kind command, but names none; taken for an edit"
        return Asked("command", command) if command else Asked(problem=missing)
    if kind is not None:
        return Asked(kind)
    blocks = [row for row in rows if row.is_code]
    if not lines or fields.files or fields.test_code or not all(map(_is_shell, blocks)):
        return Asked()
    return _asked_by_words(lines, blocks, fields)


def _asked_by_words(lines: list[str], blocks: Sequence[Row], fields: Fields) -> Asked:
    in_blocks = [command for row in blocks for command in commands_in_block(row.info, row.text)]
    commands = [*(command for line in lines for command in commands_of(line)), *in_blocks]
    if all(map(only_runs, lines)) and _begins_a_run(lines[0], commands):
        commands = commands or [command for command in (fields.test,) if command]
        if not commands:
            return Asked()
        outside = any(map(is_outside, commands))
        return Asked("you") if outside else Asked("command", " && ".join(dict.fromkeys(commands)))
    return Asked("you") if _is_left_to_user(lines) else Asked()


def _begins_a_run(title: str, commands: list[str]) -> bool:
    """Tell whether a title names a command, or announces those that follow or the step's test."""
    if commands_of(title):
        return True
    says_run = re.match(r"(?:re-?)?run\b|execute\b", title, re.IGNORECASE) is not None
    return is_headline(title) and (bool(commands) or says_run)


def _lines(rows: Sequence[Row]) -> list[str]:
    """Return the text outside of fields and blocks, a line for each paragraph or list item."""
    paragraphs: dict[int, list[str]] = {}
    for row in rows:
        if not row.is_code:
            # A bold first line is a title; what follows it is not the same sentence.
            at = -1 if _is_title_line(row) else row.paragraph
            paragraphs.setdefault(at, []).append(row.text)
    lines = [strip_marker(" ".join(parts)) for parts in paragraphs.values()]
    if lines:
        lines[0] = without_label(lines[0])
    return [line for line in (line.strip().strip("*_").strip() for line in lines) if line]


def _is_title_line(row: Row) -> bool:
    return row.paragraph == 0 and _BOLD.fullmatch(strip_marker(row.text)) is not None


def _tagged(title: str) -> StepKind | None:
    found = _TAG.search(title[:LINE_LIMIT])
    if found is None:
        return None
    return "command" if found["command"] else "you"


def _is_shell(row: Row) -> bool:
    return is_shell(row.info) or bool(commands_in_block(row.info, row.text))


def _any_command(rows: Sequence[Row]) -> str | None:
    """Return all commands named anywhere in a step that is said to be one."""
    found: list[str] = []
    for row in rows:
        if row.is_code:
            found += commands_in_block(row.info, row.text)
            continue
        in_spans = marked(row.text)[1]
        bare = None if in_spans else command_in(row.text)
        found += in_spans or ([bare] if bare else [])
    return " && ".join(dict.fromkeys(found)) or None


def _is_left_to_user(lines: list[str]) -> bool:
    if any(map(_may_edit_a_file, lines)):
        return False
    title = lines[0]
    text, commands = marked(title)
    if _ADD_BY_INSTALLING.fullmatch(text):
        return is_outside(commands[-1])
    return asks_the_user(sentences_of(title)[0]) and not _goes_on_with_an_edit(text)


def _goes_on_with_an_edit(text: str) -> bool:
    """Tell whether a request goes on with an edit: "Install x and add a client"."""
    clause = _NEXT_CLAUSE.search(text)
    return clause is not None and has_edit_word(clause["rest"])


def _may_edit_a_file(line: str) -> bool:
    """Tell whether a line names a file that is neither a manifest nor part of a command."""
    if len(line) > LINE_LIMIT:
        return True
    return any(not _MANIFESTS.search(path) for path in mentioned(marked(line)[0]))
