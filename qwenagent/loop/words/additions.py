"""A function or method that a step wants to be added to a file, and where it may stand.

Read from orders such as "add the method `tare` to `Scale`, after `weigh`". Where words leave a
place open, so does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qwenagent.loop.words.imperatives import sentences
from qwenagent.plan.paths import looks_like_file
from qwenagent.syntax import Symbol, python_tree, symbols

_NAME = r"[A-Za-z_$][\w$]*"
_VERB = r"\b(?:add|write|implement|create|introduce|define)\b"
_MORE = r"(?:(?:,\s*and\s+|,\s*|\s+and\s+)`[^`]+`)*"
_KIND = re.compile(
    rf"(?:{_VERB}|\bgets?\b)[^.`]{{0,40}}?\b(?P<kind>method|function|helper|property)s?\b"
    rf"(?:(?!\b(?:in|into|to|of|on|at|for|from)\b)[^.`]){{0,30}}?"
    rf"(?P<names>`[^`]+`{_MORE})",
    re.I,
)
_CALL = re.compile(
    rf"{_VERB}\s+(?:(?:an?|the|also)\s+)*(?P<names>`{_NAME}\([^`]*`{_MORE})"
    r"(?=\s*(?:[,:.;]|$|[-\u2013\u2014]\s|(?:that|which)\b"
    r"|(?:to|in|of|on|after|below|behind)\s+(?:the\s+)?(?:class\s+|function\s+|method\s+)?`))",
    re.I,
)
_SPAN = re.compile(rf"`((?:async\s+)?(?:def\s+|function\s+)?(?:({_NAME})\.)?({_NAME})[^`]*)`")
_SIGNATURE = re.compile(rf"(?:def\s+)?({_NAME}\([^`]*\)(?:\s*->\s*[^`:]+)?):?$")
_OWNER = re.compile(
    rf"^[^.;`]{{0,20}}?\b(?:to|of|on|in|for)\s+(?:the\s+)?(?:class\s+|type\s+|struct\s+)?`({_NAME})`",
    re.I,
)
_GETS = re.compile(rf"`({_NAME})`\s+$")
_AFTER = re.compile(
    rf"\b(?:after|behind|below)\s+(?:the\s+)?(?:method\s+|function\s+|class\s+)?`(?:{_NAME}\.)?({_NAME})",
    re.I,
)
_OF_CLASS = "(self"


@dataclass(frozen=True, slots=True)
class Addition:
    """What is to be added."""

    name: str
    after: tuple[str, ...]
    """Symbols behind one of which it stands, as the file's symbols are named."""
    signature: str = ""
    """Its first line in Python as the step gives it, without the colon; or empty."""


@dataclass(frozen=True, slots=True)
class _Wish:
    name: str
    is_method: bool
    owner: str = ""
    after: str = ""


def addition(path: str, text: str, request: str, *, is_alone: bool) -> Addition | None:
    """Return the first function that a step orders and that a file lacks, None if there is none.

    Functions of no class belong to this file only if it `is_alone`: the only one to be changed.
    """
    found = symbols(path, text)
    names = [symbol.name for symbol in found]
    for wish in _wishes(request):
        there = f"{wish.owner}.{wish.name}" if wish.owner else wish.name
        ends = {name.rpartition(".")[2] for name in names}
        if there in names or (not wish.owner and wish.name in ends):
            continue
        if after := _places(wish, found, is_alone=is_alone):
            return Addition(wish.name, after, _signature(wish, request))
    return None


def _wishes(request: str) -> Iterator[_Wish]:
    for sentence in sentences(request):
        for order in (*_KIND.finditer(sentence.text), *_CALL.finditer(sentence.text)):
            behind = sentence.text[order.end() :]
            owner = _OWNER.search(behind) or _GETS.search(sentence.text[: order.start()])
            after = _AFTER.search(behind)
            kind = order.groupdict().get("kind") or ""
            for code, own, name in _SPAN.findall(order["names"]):
                if looks_like_file(code):
                    continue
                yield _Wish(
                    name,
                    is_method=kind.lower() in ("method", "property") or _OF_CLASS in code,
                    owner=own or (owner[1] if owner else ""),
                    after=after[1] if after else "",
                )


def _signature(wish: _Wish, request: str) -> str:
    """Return the line of Python that a code span of the step gives, as `tare(self, n: int)`."""
    for code, _, name in _SPAN.findall(request):
        given = _SIGNATURE.match(code)
        if name != wish.name or not given:
            continue
        line = f"def {given[1]}"
        # Bare names leave room for types.
        is_whole = _OF_CLASS in line if wish.is_method else (":" in line or "->" in line)
        if is_whole and python_tree(f"{line}: pass"):
            return line
    return ""


def _places(wish: _Wish, among: Sequence[Symbol], *, is_alone: bool) -> tuple[str, ...]:
    """Return behind what it stands: as told, else at the end of its class, or of the file."""
    names = [it.name for it in among]
    if wish.owner and wish.owner in names:
        fit = [name for name in names if name.rpartition(".")[0] == wish.owner]
    elif wish.is_method:
        fit = [] if wish.owner else [name for name in names if "." in name]
    else:
        fit = [it.name for it in among if "." not in it.name and it.kind != "value"]
        fit = fit if is_alone else []
    named = [name for name in fit if name.rpartition(".")[2] == wish.after]
    return tuple(named or (fit if wish.is_method and not wish.owner else fit[-1:]))
