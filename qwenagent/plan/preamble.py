"""What a plan says outside of its steps: the text that applies to all of them, the plan's own test.

Knows where the steps are, not what is in them.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from qwenagent.plan.command import commands_in_block, is_set_up, looks_like_command
from qwenagent.plan.fields import read_fields
from qwenagent.plan.labels import lists_files
from qwenagent.plan.markdown.document import Block
from qwenagent.plan.markdown.inline import code_spans, plain
from qwenagent.plan.markdown.leaves import pieces
from qwenagent.plan.steps.outline import Outline, Span

_SILENT = frozenset({"rule", "comment"})  # kinds of blocks that say nothing to the model
_TESTS_WITH = re.compile(
    r"\b(?:tests|testen|pruebas|testes)\b[^`\n]{0,30}\b(?:mit|avec|con|com)\b[^`\n]{0,20}"
    r"`(?P<command>[^`\n]+)`",
    re.IGNORECASE,
)
_RUN_TESTS_WITH = re.compile(
    r"\b(?:run|execute)\s+(?:(?:all|the|our|unit)\s+)*tests?\s+(?:suite\s+)?"
    r"(?:with|using|via|by running)\b[^`\n]{0,20}(`+)(?P<command>[^`\n]+)\1",
    re.IGNORECASE,
)


def preamble_of(outline: Outline, spans: list[Span]) -> tuple[str, list[str]]:
    """Return the Markdown that applies to all steps, and warnings about what is left out."""
    kept: list[int] = []
    ignored: dict[int, None] = {}
    for at, _ in _outside(outline, spans):
        if _applies_to_all(outline, at, spans):
            kept.append(at)
        elif outline.section(at) != "checks" and outline.blocks[at].kind not in _SILENT:
            ignored[_heading_of(outline, at)] = None
    ignored = {at: None for at in ignored if not lists_files(outline.blocks[at].text)}
    kept = _without_empty_sections(outline, kept)
    warnings = [
        f"the section {plain(outline.blocks[at].text)!r} in line {outline.blocks[at].start + 1} "
        "belongs to no step; ignored"
        for at in ignored
    ]
    return _joined(outline, kept, spans), warnings


def _outside(outline: Outline, spans: list[Span]) -> list[tuple[int, list[str]]]:
    """Return the blocks that are not wholly inside steps, with their lines outside."""
    ends = [span.end for span in spans]
    found = []
    for at, block in enumerate(outline.blocks):
        lines: list[str] = []
        line = block.start
        for span in spans[bisect_left(ends, block.start + 1) :]:
            if span.start >= block.end:
                break
            lines += outline.document.lines[line : span.start]
            line = max(line, span.end)
        if block.kind == "table" and line > block.start:
            continue  # the head of a table whose rows are steps says nothing by itself
        lines += outline.document.lines[line : block.end]
        if any(map(str.strip, lines)) and at != outline.title:
            found.append((at, lines))
    return found


def _applies_to_all(outline: Outline, at: int, spans: list[Span]) -> bool:
    section = outline.section(at)
    if section == "checks" or outline.blocks[at].kind in _SILENT:
        return False
    if spans[-1].end <= len(outline.document.front):
        return True  # the steps are those of the front matter: the whole text is about them
    if outline.blocks[at].start < spans[0].start or section in {"preamble", "steps"}:
        return True
    heading = _heading_of(outline, at)
    return heading < 0 or heading == outline.title or _contains_step(outline, heading, spans)


def _heading_of(outline: Outline, at: int) -> int:
    """Return the index of the heading a block is below or is, -1 if there is none."""
    if outline.blocks[at].kind == "heading":
        return at
    return outline.above[at][-1] if outline.above[at] else -1


def _contains_step(outline: Outline, heading: int, spans: list[Span]) -> bool:
    end = outline.end_of_section(heading)
    last_line = outline.blocks[end - 1].end
    first = bisect_left(spans, outline.blocks[heading].start, key=lambda span: span.start)
    return first < len(spans) and spans[first].start < last_line


def _without_empty_sections(outline: Outline, kept: list[int]) -> list[int]:
    """Drop headings below which nothing is kept."""
    result: list[int] = []
    following = len(outline.blocks)
    for at in reversed(kept):
        if outline.blocks[at].kind == "heading" and following >= outline.end_of_section(at):
            continue
        result.append(at)
        following = at
    return result[::-1]


def _joined(outline: Outline, kept: list[int], spans: list[Span]) -> str:
    outside = dict(_outside(outline, spans))
    text, before = "", None
    for at in kept:
        block: Block = outline.blocks[at]
        gap = 2 if before is None else min(2, block.start - before.end + 1)
        text += "\n" * gap + "\n".join(outside[at]).strip("\n")
        before = block
    return text.strip("\n").rstrip()


def test_of(outline: Outline, spans: list[Span]) -> tuple[str | None, list[str]]:
    """Return the command that tests the whole, and warnings about it."""
    outside = _outside(outline, spans)
    text = "\n\n".join("\n".join(lines) for _, lines in outside)
    said = read_fields(text, in_headings=False).test
    sentence = _RUN_TESTS_WITH.search(text) or _TESTS_WITH.search(text)
    if said or sentence:
        return said or (sentence["command"].strip() if sentence else None), []
    checks = ["\n".join(lines) for at, lines in outside if outline.section(at) == "checks"]
    found = list(dict.fromkeys(_test_commands("\n\n".join(checks))))
    if len(found) > 1:
        return None, [f"the verification has {len(found)} commands; write `Test:` before the one "
                      "that tests every step"]  # fmt: skip
    return (found[0] if found else None), []


def _test_commands(markdown: str) -> list[str]:
    found: list[str] = []
    for piece in pieces(markdown):
        if piece.kind == "code":
            found += commands_in_block(piece.info, piece.text)
        else:
            spans = (span for line in piece.text.split("\n") for span in code_spans(line))
            found += [span for span in spans if looks_like_command(span)]
    return [command.removeprefix("$ ") for command in found if not is_set_up(command)]
