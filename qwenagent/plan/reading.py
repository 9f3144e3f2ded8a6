"""From the text of a plan.md to a `Plan`.

Which parts are steps is decided in `structure`; here their texts become values, and what is left
becomes the preamble, the plan's own test command and warnings. Runs nothing.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from qwenagent.errors import PlanError
from qwenagent.plan.command import commands_in_block, is_set_up, looks_like_command
from qwenagent.plan.document import (
    Block,
    item_lines,
    pieces,
    read_document,
    without_checkbox,
)
from qwenagent.plan.fields import Fields, field_name, read_fields
from qwenagent.plan.inline import code_spans, plain
from qwenagent.plan.labels import without_label
from qwenagent.plan.paths import mentioned
from qwenagent.plan.structure import (
    Outline,
    Span,
    find_steps,
    is_lazy_numbering,
    numbers_twice,
    plain_items_among_boxes,
)
from qwenagent.plan.values import Plan, Step, commands

SIZE_LIMIT_BYTES = 1024 * 1024
STEP_LIMIT = 1000
_TITLE_LIMIT = 100
_HINT = (
    "a step may be an item `- [ ] ...`, a heading `## Step 1: ...`, or an item of a numbered list "
    "below a heading such as `## Steps`"
)
_HASHES = re.compile(r"[ \t]*#{1,6}[ \t]+")
_NESTED_BOX = re.compile(r"^([ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+)\[[ xX]\](?=\s|$)")
_RUN_TESTS_WITH = re.compile(
    r"\b(?:run|execute)\s+(?:(?:all|the|our|unit)\s+)*tests?\s+(?:suite\s+)?"
    r"(?:with|using|via|by running)\b[^`\n]{0,20}(`+)(?P<command>[^`\n]+)\1",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A step before it knows the others."""

    span: Span
    text: str
    title: str
    fields: Fields


def read_plan(path: Path) -> Plan:
    """Read a plan from a file in UTF-8, with or without BOM.

    Raises:
        PlanError: it is missing, no file, larger than 1 MiB, not UTF-8, or has no step.
    """
    if path.is_dir():
        raise PlanError(f"{path} is a folder; give the plan's file, e.g. {path / 'plan.md'}")
    if path.exists() and not path.is_file():
        raise PlanError(f"{path} is not a regular file; give a Markdown file")
    return parse_plan(_decode(_read_bytes(path), path), str(path))


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT_BYTES + 1)
    except FileNotFoundError as error:
        hint = "give the path of a Markdown file, e.g. `qwenagent run plan.md`"
        raise PlanError(f"there is no plan at {path}", hint=hint) from error
    except (OSError, ValueError) as error:
        raise PlanError(f"cannot read the plan {path}: {error}") from error
    if len(data) > SIZE_LIMIT_BYTES:
        raise PlanError(
            f"{path} has more than {SIZE_LIMIT_BYTES:,} bytes, which no plan needs; split it"
        )
    return data


def _decode(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PlanError(
            f"{path} is not UTF-8: byte 0x{data[error.start]:02x} in line {line}; save it as UTF-8"
        ) from error


def parse_plan(text: str, path: str = "plan.md") -> Plan:
    """Read a plan from its text.

    Raises:
        PlanError: there is no step in it, or more than 1,000; says what a step may look like.
    """
    outline = Outline(read_document(text))
    spans = find_steps(outline)
    if len(spans) > STEP_LIMIT:
        raise PlanError(f"{path} has {len(spans):,} steps, the limit is {STEP_LIMIT:,}; split it")
    drafts, warnings = _drafts(outline, spans)
    if not drafts:
        raise PlanError(f"no step found in {path}", hint=_HINT)
    steps, step_warnings = _steps(drafts)
    preamble, ignored = _preamble(outline, spans)
    test, test_warnings = _plan_test(outline, spans)
    plan = Plan(path, _plan_title(outline, path), preamble, test, steps, (), "")
    found = (*warnings, *_list_warnings(outline, drafts), *step_warnings, *ignored, *test_warnings)
    return replace(plan, warnings=(*found, *_invisible(plan)), digest=_plan_digest(plan))


def _drafts(outline: Outline, spans: list[Span]) -> tuple[list[_Draft], list[str]]:
    drafts: list[_Draft] = []
    warnings: list[str] = []
    for span in spans:
        text = _step_text(outline, span)
        title = _title(text)
        if title is None:
            warnings.append(f"the step in line {span.start + 1} is empty; left out")
        else:
            drafts.append(_Draft(span, text, title, read_fields(text)))
    return drafts, warnings


def _step_text(outline: Outline, span: Span) -> str:
    lines = outline.document.lines
    if span.item is not None:
        found = [*item_lines(lines, span.item), *lines[span.item.end : span.end]]
    else:
        hashes = _HASHES.match(lines[span.start])
        at = hashes.end() if hashes else 0
        first = lines[span.start]
        found = [first[:at] + without_checkbox(first[at:]), *lines[span.start + 1 : span.end]]
    return "\n".join(found).strip("\n").rstrip()


def _title(text: str) -> str | None:
    """Return a step's title, None if there is nothing in the step."""
    found = pieces(text)
    for piece in found:
        if piece.kind != "code":
            title = without_label(plain(_title_lines(piece.text))).rstrip(":\uff1a").strip()
            if title:
                return _shortened(title)
    code = next((line for piece in found for line in piece.text.split("\n") if line.strip()), None)
    return None if code is None or all(p.kind != "code" for p in found) else _shortened(code)


def _title_lines(paragraph: str) -> str:
    """Return the lines of a paragraph up to a hard break, a bold first line or a field."""
    first, *rest = paragraph.split("\n")
    taken = [first.removesuffix("\\")]
    stops = first.endswith(("  ", "\\")) or re.fullmatch(r"\*\*[^*]+\*\*[.:]?", first.strip())
    for line in [] if stops or field_name(first) else rest:
        if field_name(line):
            break
        taken.append(line)
    return " ".join(taken)


def _shortened(title: str) -> str:
    title = " ".join(title.split())
    if len(title) <= _TITLE_LIMIT:
        return title
    cut = title[: _TITLE_LIMIT - 1]
    head, space, _ = cut.rpartition(" ")
    # Text without spaces (Japanese, a long name) is cut where it is.
    return (head if space and len(head) > _TITLE_LIMIT // 2 else cut).rstrip(" ,;:\u2013—-") + "…"


def _steps(drafts: list[_Draft]) -> tuple[tuple[Step, ...], list[str]]:
    positions = _positions([draft.span for draft in drafts])
    steps: list[Step] = []
    warnings: list[str] = []
    for number, draft in enumerate(drafts, start=1):
        depends, problems = _depends_on(number, draft.fields.depends_on, positions)
        warnings += [f"step {number}: {what}" for what in (*draft.fields.problems, *problems)]
        steps.append(_step(number, draft, depends))
    return tuple(steps), warnings


def _step(number: int, draft: _Draft, depends_on: tuple[int, ...]) -> Step:
    fields = draft.fields
    return Step(
        number=number,
        title=draft.title,
        text=draft.text,
        files=fields.files,
        mentions=tuple(dict.fromkeys((*fields.files, *mentioned(draft.text)))),
        test=fields.test,
        test_code=fields.test_code,
        test_lang=fields.test_lang,
        done_when=fields.done_when,
        depends_on=depends_on,
        checked=draft.span.checked,
        line=draft.span.start + 1,
        digest=_digest(_canonical(without_label(_HASHES.sub("", draft.text, count=1)))),
    )


def _positions(spans: list[Span]) -> dict[str, int]:
    """Map the numbers by which steps are called to their positions.

    These are the written numbers if every step has its own, else the positions themselves.
    """
    written = [span.number for span in spans]
    if "" in written or is_lazy_numbering(spans) or len(set(written)) < len(written):
        written = [str(number) for number in range(1, len(spans) + 1)]
    return {number: position for position, number in enumerate(written, start=1)}


def _depends_on(
    number: int, names: Iterable[str], positions: dict[str, int]
) -> tuple[tuple[int, ...], list[str]]:
    found: set[int] = set()
    problems: list[str] = []
    for name in names:
        position = positions.get(name)
        if position is None:
            problems.append(f"depends on step {name}, which does not exist; ignored")
        elif position >= number:
            problems.append(f"depends on step {name}, which does not come before it; ignored")
        else:
            found.add(position)
    return tuple(sorted(found)), problems


def _plan_title(outline: Outline, path: str) -> str:
    heading = None if outline.title is None else plain(outline.blocks[outline.title].text)
    return _shortened(heading or Path(path).stem or path)


def _list_warnings(outline: Outline, drafts: list[_Draft]) -> list[str]:
    spans = [draft.span for draft in drafts]
    twice = numbers_twice(spans)
    warnings = []
    if twice:
        numbers = ", ".join(twice)
        warnings.append(f"several steps have the number {numbers}; steps are counted from the top")
    for line in plain_items_among_boxes(outline, spans):
        warnings.append(f"the item in line {line + 1} has no checkbox, unlike the steps around it")
    return warnings


def _preamble(outline: Outline, spans: list[Span]) -> tuple[str, list[str]]:
    """Return the Markdown that applies to all steps, and warnings about what is left out."""
    kept: list[int] = []
    ignored: dict[int, None] = {}
    for at, _ in _outside(outline, spans):
        if _applies_to_all(outline, at, spans):
            kept.append(at)
        elif outline.section(at) != "checks" and outline.blocks[at].kind != "rule":
            ignored[_heading_of(outline, at)] = None
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
        lines += outline.document.lines[line : block.end]
        if any(map(str.strip, lines)) and at != outline.title:
            found.append((at, lines))
    return found


def _applies_to_all(outline: Outline, at: int, spans: list[Span]) -> bool:
    section = outline.section(at)
    if section == "checks" or outline.blocks[at].kind == "rule":
        return False
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


def _plan_test(outline: Outline, spans: list[Span]) -> tuple[str | None, list[str]]:
    outside = _outside(outline, spans)
    text = "\n\n".join("\n".join(lines) for _, lines in outside)
    said = read_fields(text, in_headings=False).test
    sentence = _RUN_TESTS_WITH.search(text)
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


def _invisible(plan: Plan) -> list[str]:
    return [
        f"the test command {command!r} has characters that do not show"
        for command in commands(plan)
        if any(unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} for c in command if c != "\n")
    ]


def _canonical(markdown: str) -> str:
    """Return a text without the state of its checkboxes and without white space that says nothing.

    Blocks of code keep what looks like a checkbox.
    """
    lines = [line.rstrip() for line in markdown.split("\n")]
    code = {
        at
        for piece in pieces("\n".join(lines))
        if piece.kind == "code"
        for at in range(piece.start, piece.end)
    }
    plain_lines = (
        line if at in code else _NESTED_BOX.sub(r"\1", line) for at, line in enumerate(lines)
    )
    return "\n".join(plain_lines).strip("\n")


def _digest(*parts: str) -> str:
    # Lone surrogates can come in from a caller that decoded loosely.
    data = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()


def _plan_digest(plan: Plan) -> str:
    return _digest(
        _canonical(plan.preamble), *(step.digest for step in plan.steps), "", *commands(plan)
    )
