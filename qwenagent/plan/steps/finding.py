"""Deciding which parts of a document are the steps.

The first of these that is there wins. Sections that tell context or say how to verify
(`labels.section_of`) hold no steps, code and quotations never do, and what is nested in a step is
a detail of it.

1. Headings "Step 3" or "Task 3", two or more, if all checkboxes there are stand below them.
   Numbered headings likewise, if some have no checkboxes below them.
2. Items with a checkbox, the outermost ones, wherever they are.
3. Headings "Step 3" or "Task 3".
4. What is numbered inside headings "Phase 3": headings, else lists directly below.
5. Headings "3. ..." or "Phase 3"; below a heading like Steps, Plan or Changes if there is one.
6. The rows of a table that has a column of steps.
7. A numbered list directly below a heading like Steps, Plan or Changes.
8. Headings below such a heading, two or more, of the outermost level that repeats.
9. A bulleted list directly below such a heading.
10. The rows of a table of files and changes below such a heading.
11. The only heading below such a heading.
12. The numbered lists at the outermost level.
13. The only list of a document without further headings.
14. Items with a checkbox in sections of context.

A line that is nothing but a bold "Step 3: ..." counts as a heading below all others, and so does a
line "Steps:". A list of steps goes on behind unindented code and paragraphs that interrupt it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from qwenagent.plan.fields import field_name
from qwenagent.plan.labels import Section, read_label, section_of
from qwenagent.plan.markdown.document import Block, Item, checkbox, item_lines, without_checkbox
from qwenagent.plan.steps.outline import Outline, Span
from qwenagent.plan.steps.tables import step_rows

_NOT_WORK: frozenset[Section] = frozenset({"preamble", "checks", "aside"})
_WORK_ON_TESTS = re.compile(r"(?:\d[\d.]*[.):]?\s+)?(?:unit |integration |new )?tests?:?$", re.I)


def find_steps(outline: Outline, *, only_clear: bool = False) -> list[Span]:
    """Return the steps of a document in order, none if it has none.

    `only_clear` leaves out the last rules, which take any list for the steps.
    """
    rules: tuple[Callable[[Outline], list[Span]], ...] = (
        _headings_over_boxes,
        _numbered_headings_over_some_boxes,
        _boxes,
        _step_headings,
        _numbered_in_groups,
        _numbered_headings,
        _rows_of_steps,
        _ordered_in_containers,
        _several_headings_in_containers,
        _bullets_in_containers,
        _rows_of_files,
        _headings_in_containers,
    )
    weak = () if only_clear else (_ordered_anywhere, _only_list, _boxes_in_context)
    return next((spans for rule in (*rules, *weak) if (spans := rule(outline))), [])


def _headings_over_boxes(outline: Outline) -> list[Span]:
    headings = _step_headings(outline)
    return headings if len(headings) > 1 and None not in _owners(outline, headings) else []


def _numbered_headings_over_some_boxes(outline: Outline) -> list[Span]:
    headings = _numbered_in_groups(outline) or _numbered_headings(outline)
    groups = {outline.blocks[at].start for at in outline.headings if outline.label(at) == "group"}
    if any(span.item or span.start in groups for span in headings):
        return []
    owners = set(_owners(outline, headings))
    return headings if owners and None not in owners and len(owners) < len(headings) else []


def _owners(outline: Outline, headings: list[Span]) -> list[int | None]:
    """Return for each checkbox at work the index of the heading it stands below, if any."""
    starts = [span.start for span in headings]
    found: list[int | None] = []
    for box in _boxes(outline):
        at = bisect_right(starts, box.start) - 1
        found.append(at if at >= 0 and box.start < headings[at].end else None)
    return found


def _boxes(outline: Outline) -> list[Span]:
    at_work = (at for at in _indices(outline) if outline.section(at) not in _NOT_WORK)
    return _list_spans(outline, [(at, item) for at in at_work for item in _tasks_in(outline, at)])


def _boxes_in_context(outline: Outline) -> list[Span]:
    found = (at for at in _indices(outline) if outline.section(at) != "checks")
    return _list_spans(outline, [(at, item) for at in found for item in _tasks_in(outline, at)])


def _indices(outline: Outline) -> range:
    return range(len(outline.blocks))


def _tasks_in(outline: Outline, at: int) -> list[Item]:
    return [task for item in outline.blocks[at].items for task in _outermost_tasks(item)]


def _outermost_tasks(item: Item) -> Iterable[Item]:
    if item.task:
        return (item,)
    return (task for inner in item.items for task in _outermost_tasks(inner))


def _step_headings(outline: Outline) -> list[Span]:
    return _heading_spans(
        outline,
        [
            at
            for at in outline.headings
            if outline.label(at) == "step" and outline.section(at) != "checks"
        ],
    )


def _numbered_headings(outline: Outline) -> list[Span]:
    real = [at for at in outline.containers if at != outline.title]
    found = [
        at
        for at in outline.headings
        if outline.label(at) in {"number", "group"}
        and at != outline.title
        and outline.sections[at] != "steps"
        and _is_work(outline, at)
        and (not real or any(above in real for above in outline.above[at]))
    ]
    return _heading_spans(outline, found)


def _numbered_in_groups(outline: Outline) -> list[Span]:
    """Return the numbered parts of headings like "Phase 3"; one without any is a step itself."""
    groups = [at for at in outline.headings if at != outline.title and _is_group(outline, at)]
    parts = [_numbered_parts(outline, at) for at in groups]
    if not any(parts):
        return []
    spans: list[Span] = []
    for at, inner in zip(groups, parts, strict=True):
        spans += inner or _heading_spans(outline, [at])
    return _numbers_within_groups(outline, groups, spans)


def _is_group(outline: Outline, at: int) -> bool:
    inside = any(outline.label(above) == "group" for above in outline.above[at])
    return outline.label(at) == "group" and not inside and _is_work(outline, at)


def _numbered_parts(outline: Outline, group: int) -> list[Span]:
    below = [at for at in outline.headings_below(group) if _is_work(outline, at)]
    numbered = [at for at in below if outline.label(at) in {"number", "step"}]
    if numbered:
        return _heading_spans(outline, numbered)
    direct = (at for at in outline.direct(group) if not _is_announced_as_other(outline, at))
    return _list_spans(outline, _items_of(outline, direct, "ordered"))


def _numbers_within_groups(outline: Outline, groups: list[int], spans: list[Span]) -> list[Span]:
    """Return the spans with numbers like "2.1" where each group counts from 1 again."""
    if not numbers_twice(spans):
        return spans
    starts = [outline.blocks[at].start for at in groups]
    labels = [read_label(outline.blocks[at].text) for at in groups]
    numbers = ["" if label is None else label.number for label in labels]
    inside = (numbers[bisect_right(starts, span.start) - 1] for span in spans)
    return [replace(span, number=f"{group}.{span.number}") if span.number else span
            for span, group in zip(spans, inside, strict=True)]  # fmt: skip


def _rows_of_steps(outline: Outline) -> list[Span]:
    at_work = (at for at in _indices(outline) if outline.section(at) not in _NOT_WORK)
    return _row_spans(outline, at_work, loose=False)


def _rows_of_files(outline: Outline) -> list[Span]:
    direct = (at for heading in outline.containers for at in outline.direct(heading))
    return _row_spans(outline, direct, loose=True)


def _row_spans(outline: Outline, indices: Iterable[int], *, loose: bool) -> list[Span]:
    rows = (row for at in indices for row in step_rows(outline.blocks[at].rows, loose=loose))
    return [Span(row.line, row.line + 1, None, row.checked, row.number, row.text) for row in rows]


def _is_work(outline: Outline, at: int) -> bool:
    if outline.section(at) not in _NOT_WORK:
        return True
    # "Tests" among the changes means writing them.
    above = outline.above[at]
    in_changes = bool(above) and outline.section(above[-1]) == "steps"
    return in_changes and _WORK_ON_TESTS.match(outline.blocks[at].text) is not None


def _ordered_in_containers(outline: Outline) -> list[Span]:
    return _lists_in_containers(outline, "ordered")


def _bullets_in_containers(outline: Outline) -> list[Span]:
    return _lists_in_containers(outline, "bullets")


def _lists_in_containers(outline: Outline, kind: str) -> list[Span]:
    direct = (at for heading in outline.containers for at in outline.direct(heading))
    found = (at for at in direct if not _is_announced_as_other(outline, at))
    return _list_spans(outline, _items_of(outline, found, kind))


def _items_of(outline: Outline, indices: Iterable[int], kind: str) -> list[tuple[int, Item]]:
    return [
        (at, item)
        for at in indices
        if outline.blocks[at].kind == kind
        for item in outline.blocks[at].items
    ]


def _several_headings_in_containers(outline: Outline) -> list[Span]:
    spans = _headings_in_containers(outline)
    return spans if len(spans) > 1 else []


def _headings_in_containers(outline: Outline) -> list[Span]:
    found: list[int] = []
    for container in outline.containers:
        work = [at for at in outline.headings_below(container) if _is_work(outline, at)]
        found += _outermost_repeated(outline, work)
    return _heading_spans(outline, sorted(set(found)))


def _outermost_repeated(outline: Outline, headings: list[int]) -> list[int]:
    by_level: dict[int, list[int]] = {}
    for at in headings:
        by_level.setdefault(outline.blocks[at].level, []).append(at)
    repeated = [level for level in sorted(by_level) if len(by_level[level]) > 1]
    levels = repeated or sorted(by_level)
    return by_level[levels[0]] if levels else []


def _ordered_anywhere(outline: Outline) -> list[Span]:
    at_work = (at for at in _indices(outline) if outline.section(at) not in _NOT_WORK)
    lists = (at for at in at_work if not _is_announced_as_other(outline, at))
    return _list_spans(outline, _items_of(outline, lists, "ordered"))


def _is_announced_as_other(outline: Outline, at: int) -> bool:
    """Tell whether a line like "Verification:" or "Notes:" stands directly above a list."""
    before = outline.blocks[at - 1] if at else None
    if before is None or before.kind != "paragraph" or not before.text.endswith((":", ":**")):
        return False
    last = before.text.rsplit("\n", 1)[-1]
    return field_name(last) is not None or section_of(last.rstrip(":*")) in _NOT_WORK


def _only_list(outline: Outline) -> list[Span]:
    further = [at for at in outline.headings if at != outline.title]
    lists = [at for at in _indices(outline) if outline.blocks[at].items]
    if further or len(lists) != 1:
        return []
    return _list_spans(outline, _items_of(outline, lists, "bullets"))


def _heading_spans(outline: Outline, headings: list[int]) -> list[Span]:
    spans: list[Span] = []
    for at in headings:
        head = outline.blocks[at]
        if spans and head.start < spans[-1].end:
            continue
        end = outline.end_of_section(at)
        while end > at + 1 and outline.blocks[end - 1].kind in {"rule", "comment"}:
            end -= 1
        last_line = outline.blocks[end - 1].end
        ticked = bool(checkbox(head.text))
        label = read_label(without_checkbox(head.text))
        number = "" if label is None else label.number
        spans.append(Span(head.start, last_line, None, ticked, number))
    return spans


def _list_spans(outline: Outline, found: list[tuple[int, Item]]) -> list[Span]:
    lines = outline.document.lines
    spans = []
    between: list[Block] = []
    followers = (*(at for at, _ in found[1:]), None)
    for (at, item), after in zip(found, followers, strict=False):
        span = _item_span(lines, item)
        last_of_its_block = after != at
        if last_of_its_block and item.end == outline.blocks[at].end:
            attached = _attached(outline, at, after, between)
            between += attached
            span = replace(span, end=attached[-1].end if attached else span.end)
        spans.append(span)
    return spans


def _item_span(lines: tuple[str, ...], item: Item) -> Span:
    label = read_label(item_lines(lines, item)[0])
    number = label.number if label else item.ordinal.lstrip("0") or item.ordinal[:1]
    return Span(item.start, item.end, item, item.checked, number)


def _attached(outline: Outline, at: int, after: int | None, earlier: list[Block]) -> list[Block]:
    """Return the blocks behind a list that belong to its last item.

    `earlier` are the blocks that interrupted the steps so far.
    """
    end = outline.next_heading(at)
    if after is not None and after < end:
        between = list(outline.blocks[at + 1 : after])
        if not between or _continues(outline.blocks[at], outline.blocks[after]):
            return _without_last_rules(between)
        introduces = between[-1].kind == "paragraph" and between[-1].text.endswith((":", "\uff1a"))
        return _without_last_rules(between[:-1] if introduces else between)
    following = list(outline.blocks[at + 1 : end])
    if earlier:
        # What is not indented below one step is not indented below the last one either, but a
        # test that only stands at the very end is for all of them.
        for_each = any(_is_test_field(block) for block in earlier)
        foreign = {"rule"} if any(b.kind == "paragraph" for b in earlier) else {"rule", "paragraph"}
        ends = (b.kind in foreign or (_is_test_field(b) and not for_each) for b in following)
        return following[: next((i for i, end in enumerate(ends) if end), None)]
    return _clearly_belonging(outline, at, following)


def _is_test_field(block: Block) -> bool:
    return block.kind == "paragraph" and field_name(block.text) == "test"


def _continues(one: Block, other: Block) -> bool:
    last, first = one.items[-1].ordinal, other.items[0].ordinal
    return bool(last) and bool(first) and int(first) == int(last) + 1


def _without_last_rules(blocks: list[Block]) -> list[Block]:
    while blocks and blocks[-1].kind in {"rule", "comment"}:
        blocks = blocks[:-1]
    return blocks


def _clearly_belonging(outline: Outline, at: int, following: list[Block]) -> list[Block]:
    taken: list[Block] = []
    before = outline.document.lines[outline.blocks[at].end - 1]
    for block in following:
        announced = before.rstrip().endswith((":", "\uff1a"))
        is_field = block.kind == "paragraph" and field_name(block.text) not in {None, "test"}
        if block.kind != "code" and not announced and not is_field:
            break
        taken.append(block)
        before = outline.document.lines[block.end - 1]
    return taken


def plain_items_among_boxes(outline: Outline, steps: list[Span]) -> list[int]:
    """Return the lines of items that stand between steps with a box and have none themselves."""
    starts = {span.start for span in steps if span.item is not None and span.item.task}
    lists = (b for b in outline.blocks if any(item.start in starts for item in b.items))
    plain = (item for block in lists for item in block.items if not item.task)
    return [item.start for item in plain if not any(True for _ in _outermost_tasks(item))]


def numbers_twice(steps: list[Span]) -> list[str]:
    """Return numbers that stand before several steps; "1." before every step is no number."""
    counts = Counter(span.number for span in steps if span.number)
    if is_lazy_numbering(steps):
        return []
    return [number for number, count in counts.items() if count > 1]


def is_lazy_numbering(steps: list[Span]) -> bool:
    """Tell whether every step has the same number, which Markdown renders as 1, 2, 3."""
    return len(steps) > 1 and len({span.number for span in steps}) == 1
