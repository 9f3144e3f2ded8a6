"""The blocks of a document with the headings above each, and the lines that a step may have.

Knows what headings announce, not which parts are the steps.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile

from qwenagent.plan.fields import field_name
from qwenagent.plan.labels import LabelKind, Section, lists_files, read_label, section_of
from qwenagent.plan.markdown.document import Block, Document, Item, without_checkbox

_BOLD_LINE = re.compile(r"(\*\*|__)(?!\s)(?P<text>[^*_\n]+)\1:?$")
_PSEUDO_LEVEL = 7


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of one step."""

    start: int
    end: int
    item: Item | None
    """The list item it starts with; None if it starts with a heading."""
    checked: bool
    number: str
    """As written in front of it, empty if nothing is."""
    text: str | None = None
    """Its Markdown where that is not just its lines, as for a row of a table."""
    needs: tuple[str, ...] = ()
    """Numbers of other steps, as far as they stand outside of its text."""


@dataclass(frozen=True)
class Outline:
    """The blocks of a document, each with the headings above it."""

    document: Document

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks; lines that stand for a heading are headings of level 7."""
        return tuple(map(_as_heading, self.document.blocks))

    @cached_property
    def above(self) -> tuple[tuple[int, ...], ...]:
        """For each block the indices of the headings it is below, outermost first."""
        stack: list[int] = []
        found = []
        for at, block in enumerate(self.blocks):
            if block.kind == "heading":
                while stack and self.blocks[stack[-1]].level >= block.level:
                    stack.pop()
            found.append(tuple(stack))
            if block.kind == "heading":
                stack.append(at)
        return tuple(found)

    @cached_property
    def headings(self) -> tuple[int, ...]:
        """Indices of all headings."""
        return tuple(at for at, block in enumerate(self.blocks) if block.kind == "heading")

    @cached_property
    def title(self) -> int | None:
        """Index of the heading that names the whole document."""
        if not self.headings:
            return None
        first, *others = self.headings
        head = self.blocks[first]
        if not self._may_be_title(first):
            return None
        if all(self.blocks[at].level > head.level for at in others):
            return first
        return first if head.level == 1 and not section_of(head.text) else None

    def _may_be_title(self, at: int) -> bool:
        """Tell a title "Plan" at the very top from a section "Verification" further down."""
        head = self.blocks[at]
        if head.level == _PSEUDO_LEVEL or self.label(at) == "step":
            return False
        return not section_of(head.text) or (head.level == 1 and at == 0)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """For each block what its own heading text, if it is a heading, announces."""
        return tuple(
            section_of(block.text) if block.kind == "heading" and at != self.title else ""
            for at, block in enumerate(self.blocks)
        )

    @cached_property
    def containers(self) -> tuple[int, ...]:
        """Headings like Steps or Changes; else the title if it is one; else "Files to modify"."""
        found: list[int] = []
        for at in self.headings:
            if self.sections[at] == "steps" and not self._is_part_of_other(at, found):
                found.append(at)
        if not found and self.title is not None:
            found = [at for at in (self.title,) if section_of(self.blocks[at].text) == "steps"]
        if not found:
            found = [at for at in self.headings if lists_files(self.blocks[at].text)]
        return tuple(found)

    def _is_part_of_other(self, at: int, containers: list[int]) -> bool:
        """Tell whether a heading like Changes is a detail of a step or of the verification."""
        pseudo = self.blocks[at].level == _PSEUDO_LEVEL
        return any(
            self.sections[above] == "checks"
            or (pseudo and above in containers)
            or (self.label(above) is not None and self.sections[above] != "steps")
            for above in self.above[at]
            if above != self.title
        )

    def section(self, at: int) -> Section:
        """Return what the nearest telling heading above a block, itself included, announces."""
        chain = (self.sections[i] for i in reversed((*self.above[at], at)))
        return next((section for section in chain if section), "")

    def label(self, at: int) -> LabelKind | None:
        """Return the kind of label a heading starts with."""
        label = read_label(without_checkbox(self.blocks[at].text))
        return None if label is None else label.kind

    def end_of_section(self, at: int) -> int:
        """Return the index of the first block that is no longer below a heading."""
        level = self.blocks[at].level
        later = (i for i in self._headings_after(at) if self.blocks[i].level <= level)
        end = next(later, len(self.blocks))
        if level < _PSEUDO_LEVEL:
            return end
        return next((i for i in range(at, end) if self.blocks[i].kind == "rule"), end)

    def next_heading(self, at: int) -> int:
        """Return the index of the first heading behind a block, the number of blocks if none."""
        return next(self._headings_after(at), len(self.blocks))

    def headings_below(self, at: int) -> list[int]:
        """Return the indices of the headings in the section of a heading."""
        end = self.end_of_section(at)
        return list(takewhile(lambda i: i < end, self._headings_after(at)))

    def _headings_after(self, at: int) -> Iterator[int]:
        # Not islice: it would walk over all headings before.
        first = bisect_right(self.headings, at)
        return (self.headings[i] for i in range(first, len(self.headings)))

    def direct(self, heading: int) -> range:
        """Return the indices of the blocks below a heading and above the next heading."""
        return range(heading + 1, self.next_heading(heading))


def _as_heading(block: Block) -> Block:
    if block.kind != "paragraph" or "\n" in block.text or field_name(block.text):
        return block
    bold = _BOLD_LINE.match(block.text)
    text = bold["text"] if bold else block.text
    labelled = bold is not None and read_label(text) is not None
    announces = bold is not None or text.endswith(":")
    if labelled or (announces and section_of(text.rstrip(":")) == "steps"):
        return replace(block, kind="heading", level=_PSEUDO_LEVEL)
    return block
