"""From the text of a plan.md to a `Plan`.

Which parts are steps is decided in `steps`, what the rest says in `preamble`; here all of it
becomes values and warnings. Runs nothing.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from qwenagent.errors import PlanError, reason
from qwenagent.plan.examples import find_examples
from qwenagent.plan.fields import Fields, field_name, read_fields
from qwenagent.plan.kinds import Asked, asked_by
from qwenagent.plan.labels import without_label
from qwenagent.plan.markdown.document import (
    Document,
    item_lines,
    read_document,
    split_lines,
    unwrapped,
    without_checkbox,
)
from qwenagent.plan.markdown.front_matter import front_name, read_todos
from qwenagent.plan.markdown.inline import plain
from qwenagent.plan.markdown.leaves import pieces
from qwenagent.plan.paths import mentioned
from qwenagent.plan.preamble import preamble_of, test_of
from qwenagent.plan.steps.finding import (
    find_steps,
    is_lazy_numbering,
    numbers_twice,
    plain_items_among_boxes,
)
from qwenagent.plan.steps.outline import Outline, Span
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


@dataclass(frozen=True, slots=True)
class _Draft:
    """A step before it knows the others."""

    span: Span
    text: str
    title: str
    fields: Fields
    asked: Asked


def read_plan(path: Path) -> Plan:
    """Read a plan from a file in UTF-8, with or without BOM.

    Raises:
        PlanError: it is missing, no file, larger than 1 MiB, not UTF-8, or has no step.
    """
    return parse_plan(_decode(_read_bytes(path), path), str(path))


def _read_bytes(path: Path) -> bytes:
    hint = "give the path of a Markdown file, e.g. `qwenagent run plan.md`"
    try:
        _require_regular(path)
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT_BYTES + 1)
    except FileNotFoundError as error:
        raise PlanError(f"there is no plan at {path}", hint=hint) from error
    except (OSError, ValueError) as error:
        raise PlanError(f"the plan {path} cannot be read: {reason(error)}", hint=hint) from error
    if len(data) > SIZE_LIMIT_BYTES:
        size = max(path.stat().st_size, len(data))
        raise PlanError(
            f"{path} has {size:,} bytes, the limit for a plan is {SIZE_LIMIT_BYTES:,}; split it"
        )
    return data


def _require_regular(path: Path) -> None:
    """A FIFO would let the program wait for ever, a device never end."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise PlanError(f"{path} is a folder; give the plan's file, e.g. {path / 'plan.md'}")
    if not stat.S_ISREG(mode):
        raise PlanError(f"{path} is not a regular file; give a Markdown file")


def _decode(data: bytes, path: Path) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise PlanError(f"{path} is UTF-16, and a plan is read as UTF-8; save it as UTF-8")
    if b"\0" in data:
        raise PlanError(
            f"{path} is a binary file, byte {data.index(0):,} of {len(data):,} is 0; give a "
            "Markdown file, e.g. `qwenagent run plan.md`"
        )
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
    outline, spans = _outline_and_steps(read_document(text))
    if len(spans) > STEP_LIMIT:
        raise PlanError(f"{path} has {len(spans):,} steps, the limit is {STEP_LIMIT:,}; split it")
    drafts, warnings = _drafts(outline, spans)
    if not drafts:
        raise PlanError(_no_step(text, path), hint=_HINT)
    steps, step_warnings = _steps(drafts)
    preamble, ignored = preamble_of(outline, spans)
    test, test_warnings = test_of(outline, spans)
    plan = Plan(path, _plan_title(outline, path), preamble, test, steps, (), "")
    found = (*warnings, *_list_warnings(outline, drafts), *step_warnings, *ignored, *test_warnings)
    return replace(plan, warnings=(*found, *_invisible(plan)), digest=_plan_digest(plan))


def _no_step(text: str, path: str) -> str:
    if not text.strip("\ufeff \t\r\n"):
        return f"{path} is empty, so there is no step in it"
    n_lines = len(split_lines(text.rstrip("\r\n")))
    return f"no step found in {path} ({n_lines:,} line{'' if n_lines == 1 else 's'})"


def _outline_and_steps(document: Document) -> tuple[Outline, list[Span]]:
    """Return what is read as the plan, which may be a block of Markdown in it, and its steps.

    The todos of front matter are the steps of a document that has no clear ones.
    """
    todos = _todo_spans(document)
    outline = Outline(document)
    spans = find_steps(outline, only_clear=bool(todos)) or todos
    inner = None if spans else unwrapped(document)
    if inner is None:
        return outline, spans
    return Outline(inner), find_steps(Outline(inner))


def _todo_spans(document: Document) -> list[Span]:
    todos = (todo for todo in read_todos(document.front) if not todo.dropped)
    # Those without an id need a name too, or the ids of the others would not count.
    named = ((todo.id or f"line {todo.line + 1}", todo) for todo in todos)
    return [
        Span(todo.line, todo.line + 1, None, todo.done, name, todo.content, todo.dependencies)
        for name, todo in named
    ]


def _drafts(outline: Outline, spans: list[Span]) -> tuple[list[_Draft], list[str]]:
    drafts: list[_Draft] = []
    warnings: list[str] = []
    for span in spans:
        text = _step_text(outline, span)
        title = _title(text)
        if title is None:
            warnings.append(f"the step in line {span.start + 1} is empty; left out")
        else:
            drafts.append(_draft(span, text, title))
    return drafts, warnings


def _draft(span: Span, text: str, title: str) -> _Draft:
    fields = read_fields(text)
    fields = replace(fields, depends_on=(*fields.depends_on, *span.needs))
    return _Draft(span, text, title, fields, asked_by(text, fields))


def _step_text(outline: Outline, span: Span) -> str:
    lines = outline.document.lines
    if span.text is not None:
        return span.text.strip("\n").rstrip()
    if span.item is not None:
        found = [*item_lines(lines, span.item), *lines[span.item.end : span.end]]
    else:
        hashes = _HASHES.match(lines[span.start])
        at = hashes.end() if hashes else 0
        first = lines[span.start]
        found = [first[:at] + without_checkbox(first[at:]), *lines[span.start + 1 : span.end]]
    return "\n".join(found).strip("\n").rstrip()


def _without_hashes(text: str) -> str:
    hashes = _HASHES.match(text)
    return text[hashes.end() :] if hashes else text


def _title(text: str) -> str | None:
    """Return a step's title, None if there is nothing in the step."""
    found = tuple(pieces(text))
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
        found = (*draft.fields.problems, draft.asked.problem, *problems)
        warnings += [f"step {number}: {what}" for what in found if what]
        steps.append(_step(number, draft, depends))
    return tuple(steps), warnings


def _step(number: int, draft: _Draft, depends_on: tuple[int, ...]) -> Step:
    fields, asked = draft.fields, draft.asked
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
        digest=_digest(_canonical(without_label(_without_hashes(draft.text)))),
        kind=asked.kind,
        command=asked.command,
        test_path=fields.test_path,
        examples=find_examples(draft.text),
        escalate=fields.escalate,
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
    heading = heading or plain(front_name(outline.document.front))
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


def _invisible(plan: Plan) -> list[str]:
    return [
        f"the command {command!r} has characters that do not show"
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
