"""What a frontier model is sent, as a value: every part, and what stayed behind.

Built from texts that are given; reads no file and sends nothing. What goes is `text`, whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from qwenagent import assets
from qwenagent.escalate.answer import Kind
from qwenagent.escalate.local_only import WHY, Judgement, Reason
from qwenagent.escalate.placeholders import Placeholders

PartKind = Literal["step", "acceptance", "file", "diff", "tried"]

PROMPTS: Mapping[Kind, str] = MappingProxyType(
    {
        "advice": "escalate-advice.md",
        "patch": "escalate-patch.md",
        "plan": "escalate-plan.md",
        "review": "escalate-review.md",
    }
)
_PLAN_FORM, _PATCH_FORM, _WHOLE_FORM = (
    "plan-prompt.md",
    "escalate-form.md",
    "escalate-form-whole.md",
)
"""What an answer has to look like that is a plan, a patch, and one whole file."""
WHOLE_LINES = 150
"""A file up to this long is asked for whole if it is all that may change."""
_SUBJECTS: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        "advice": ("the step", "Step"),
        "patch": ("the step", "Step"),
        "plan": ("the task", "Task"),
        "review": ("the plan", "Plan"),
    }
)
"""What the first part is, for people and as a heading."""

CUT_ORDER = (
    "files, the least relevant first, but for the first one",
    "what was tried",
    "the changes, the last one first",
    "the first file",
)
"""What is left out, whole, until the rest fits. The step and its acceptance are never."""

_WITHHELD = "[a line of a file that stays here]"
_MIN_LINE = 8
"""Characters of a line that are too few to tell whose it is."""
_MIN_PIECE = 24
"""Characters of a line that is recognised in the middle of another one."""
# What test tools put before a line of source: pytest's `>` and `E`, numbers, marks of a diff.
_BEFORE_SOURCE = re.compile(r"^(?:[>E|+-]|\d{1,6}|\s|[:|>](?=\s))*")


@dataclass(frozen=True, slots=True)
class FileText:
    """A file, a part of one, or its change as a diff."""

    path: str
    text: str
    note: str = ""
    """Which part of it: "lines 10 to 40"."""
    old_path: str = ""
    """Of a diff that renames."""


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that could be sent for a step, for a task to plan, for a plan to review."""

    step: str
    """Its title and text, with what it needs of its plan."""
    test_command: str
    """Empty if there is none; then what it prints is not sent either."""
    output: str
    """Of the failing test, reduced to what matters."""
    files: tuple[FileText, ...] = ()
    """The most relevant first."""
    diffs: tuple[FileText, ...] = ()
    """What is changed now, one for each file."""
    tried: tuple[str, ...] = ()
    """One line for each attempt."""
    at_home: tuple[str, ...] = ()
    """Texts of other files that stay here: their lines are taken out of the step, and of what tests
    print."""
    only: str = ""
    """The one file that may change, if there is just one: a patch may leave its path out."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that goes up, as it goes up."""

    kind: PartKind
    title: str
    """A path, or what it is."""
    text: str
    n_tokens: int
    replaced: tuple[tuple[str, int], ...] = ()
    """(class of secret, how many placeholders), see `secrets.CLASSES`."""
    withheld: int = 0
    """Lines taken out of it because a file has them that stays here."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What does not go up, and why."""

    kind: PartKind
    title: str
    reason: Reason

    def __str__(self) -> str:
        return f"{self.title}: {WHY[self.reason]}"


@dataclass(frozen=True, slots=True)
class Payload:
    """One message, ready to be read by the user and then sent."""

    kind: Kind
    parts: tuple[Part, ...]
    left_out: tuple[LeftOut, ...]
    text: str
    n_tokens: int
    """The most it can be, by the count that was given."""

    @property
    def n_bytes(self) -> int:
        """Size of the text in UTF-8."""
        return len(self.text.encode("utf-8", "replace"))

    @property
    def replaced(self) -> int:
        """How many placeholders stand for secrets."""
        return sum(n for part in self.parts for _, n in part.replaced)


@dataclass(frozen=True, slots=True)
class NotSent:
    """A normal ending: nothing can go up for this step, and why, in a sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Room:
    """How long a payload may be, and how that is counted."""

    max_tokens: int
    count: Callable[[str], int]
    """An upper bound of the tokens of a text; counts more for more text."""


def build(
    kind: Kind,
    material: Material,
    judgement: Judgement,
    placeholders: Placeholders,
    room: Room,
) -> Payload | NotSent:
    """Return what is sent. The same arguments give the same text.

    `judgement` is what `local_only.judge` said of the paths that `paths_of` names.
    """
    if judgement.everything:
        return NotSent("this repository stays at home (local_only): nothing of it is sent")
    placeholders.learn(_all_texts(material))
    kept, left_out = _judged(material, judgement)
    home = _lines_at_home(material, judgement)
    # A list's marker, a checkbox or a number may stand before it there.
    if any(title in line for title in _telling(material.step.split("\n")[:1]) for line in home):
        what = _SUBJECTS[kind][0]
        return NotSent(f"{what} is in a file that stays here (local_only): nothing of it is sent")
    parts = _parts(kind, material, kept, home, placeholders, room)
    return _fitted(kind, parts, left_out, placeholders, room, _form(kind, material))


def paths_of(material: Material) -> list[str]:
    """Return every path that has to be judged before a payload is built."""
    named = (name for f in (*material.files, *material.diffs) for name in (f.path, f.old_path))
    return list(dict.fromkeys(filter(None, named)))


def _all_texts(material: Material) -> Iterable[str]:
    for file in (*material.files, *material.diffs):
        yield file.text
    yield from (material.step, material.test_command, material.output)
    yield from (*material.tried, *material.at_home)


_Kept = list[tuple[PartKind, FileText]]


def _judged(material: Material, judgement: Judgement) -> tuple[_Kept, list[LeftOut]]:
    kept: _Kept = []
    left_out: list[LeftOut] = []
    kinds: tuple[tuple[PartKind, tuple[FileText, ...]], ...] = (
        ("file", material.files),
        ("diff", material.diffs),
    )
    for kind, files in kinds:
        for file in files:
            if reason := _why_home(file, judgement):
                left_out.append(LeftOut(kind, file.path, reason))
            else:
                kept.append((kind, file))
    return kept, left_out


def _why_home(file: FileText, judgement: Judgement) -> Reason | None:
    reasons = (judgement.why_home(path) for path in (file.path, file.old_path) if path)
    return next(filter(None, reasons), None)


# -- lines of files that stay -------------------------------------------------------------------


def _lines_at_home(material: Material, judgement: Judgement) -> frozenset[str]:
    """Return the lines that only files have which stay here."""
    home, sent = list(material.at_home), list[str]()
    for file in (*material.files, *material.diffs):
        (home if _why_home(file, judgement) else sent).append(file.text)
    own = _telling(line for text in home for line in text.split("\n"))
    return own - _telling(line for text in sent for line in text.split("\n"))


def _telling(lines: Iterable[str]) -> frozenset[str]:
    bare = (_BEFORE_SOURCE.sub("", line).strip() for line in lines)
    return frozenset(line for line in bare if len(line) >= _MIN_LINE)


@dataclass(frozen=True, slots=True)
class _Withheld:
    text: str
    n_withheld: int


def _without(text: str, lines: frozenset[str]) -> _Withheld:
    """Return a text without the lines that stay here, and how many these were."""
    pieces = [line for line in lines if len(line) >= _MIN_PIECE]
    rows = text.split("\n")
    at_home = [_BEFORE_SOURCE.sub("", r).strip() in lines or _holds(r, pieces) for r in rows]
    shown = (_WITHHELD if hidden else row for row, hidden in zip(rows, at_home, strict=True))
    return _Withheld("\n".join(shown), sum(at_home))


def _holds(row: str, pieces: Iterable[str]) -> bool:
    return any(piece in row for piece in pieces)


# -- parts --------------------------------------------------------------------------------------


def _parts(
    about: Kind,
    material: Material,
    kept: _Kept,
    home: frozenset[str],
    placeholders: Placeholders,
    room: Room,
) -> list[Part]:
    def part(kind: PartKind, title: str, head: str, text: str, n_withheld: int = 0) -> Part:
        whole = placeholders.redact(f"{head}\n\n{_fenced(text)}")
        n_tokens = room.count(whole.text)
        return Part(kind, title, whole.text, n_tokens, whole.counts, n_withheld)

    title, heading = _SUBJECTS[about]
    told = _without(material.step, home)
    found = [part("step", title, f"## {heading}", told.text, told.n_withheld)]
    if material.test_command:
        printed = _without(material.output, home)
        accepted = f"$ {material.test_command}\n{printed.text}"
        head = "## The test that has to pass, and what it prints now"
        found.append(part("acceptance", "the failing test", head, accepted, printed.n_withheld))
    for kind, file in kept:
        what = "Changes made so far to" if kind == "diff" else "File"
        note = f" ({file.note})" if file.note else ""
        found.append(part(kind, file.path, f"## {what} `{file.path}`{note}", file.text))
    if material.tried:
        told = _without("\n".join(" ".join(line.split()) for line in material.tried), home)
        head = "## Tried without success"
        found.append(part("tried", "what was tried", head, told.text, told.n_withheld))
    return found


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.removesuffix(chr(10))}\n{fence}"


# -- what fits ----------------------------------------------------------------------------------


def _fitted(
    kind: Kind,
    parts: Sequence[Part],
    left_out: Sequence[LeftOut],
    placeholders: Placeholders,
    room: Room,
    form: str,
) -> Payload | NotSent:
    kept, gone = list(parts), list(left_out)
    order = _cut_order(parts)
    while True:
        body = _body(kept, placeholders.redact(_notes(gone)).text)
        text = _filled(kind, body, form)
        n_tokens = room.count(text)
        if n_tokens <= room.max_tokens:
            break
        if not order:
            return NotSent(
                f"{_SUBJECTS[kind][0]} and what has to go with it are {n_tokens:,} tokens, "
                f"{room.max_tokens:,} may be sent; shorten it or raise escalate.payload_tokens"
            )
        cut = order.pop(0)
        kept.remove(cut)
        gone.append(LeftOut(cut.kind, cut.title, "no room"))
    if placeholders.holds_known(body):
        return NotSent(
            "a secret of this machine would still be in the request; nothing is sent. Remove it "
            "from the files of this step"
        )
    return Payload(kind, tuple(kept), tuple(gone), text, n_tokens)


def _form(kind: Kind, material: Material) -> str:
    """Return how the answer is to be written, empty for advice."""
    if kind in ("plan", "review"):
        return assets.read("prompts", _PLAN_FORM).strip()
    if kind == "patch" and _is_one_short_file(material):
        text = assets.fill(assets.read("prompts", _WHOLE_FORM), path=material.only)
        return text.strip()
    return assets.read("prompts", _PATCH_FORM).strip() if kind == "patch" else ""


def _is_one_short_file(material: Material) -> bool:
    """Whether all of what may change is better written anew than in blocks.

    The 1.5B, asked for either, writes both, and the example's paths.
    """
    here = [file for file in material.files if file.path == material.only]
    n_lines = sum(file.text.count("\n") for file in here)
    return bool(material.only) and n_lines <= WHOLE_LINES and not any(f.note for f in here)


def _filled(kind: Kind, body: str, form: str) -> str:
    values = {"parts": body, "form": form} if form else {"parts": body}
    return assets.fill(assets.read("prompts", PROMPTS[kind]), **values).strip()


def _cut_order(parts: Sequence[Part]) -> list[Part]:
    """Return what may be left out, in `CUT_ORDER`."""
    files = [part for part in parts if part.kind == "file"]
    diffs = [part for part in parts if part.kind == "diff"]
    tried = [part for part in parts if part.kind == "tried"]
    return [*reversed(files[1:]), *tried, *reversed(diffs), *files[:1]]


def _notes(left_out: Sequence[LeftOut]) -> str:
    short = [one.title for one in left_out if one.reason == "no room"]
    n_home = len(left_out) - len(short)
    notes = [f"Left out for length: {', '.join(short)}."] if short else []
    # Their names stay here as well.
    notes += [f"{n_home} more part(s) of the work stay on the user's machine."] if n_home else []
    return " ".join(notes)


def _body(parts: Sequence[Part], notes: str) -> str:
    return "\n\n".join((*(part.text for part in parts), notes)).strip()
