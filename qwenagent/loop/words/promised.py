"""Functions, classes and errors that a step says its file has, and that what was written lacks.

Without a test nothing else tells that the 1.5B wrote a class where functions were ordered, left
the third of them out, or raised an error with another message than the step gives. Reads words and
lines; what a sentence leaves open is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from qwenagent.loop.words.imperatives import sentences

_NOUN = re.compile(
    r"(?<![\w`.-])(?P<kind>function|method|data ?class|class)(?P<many>e?s)?"
    r"(?:\s+(?:called|named))?\s*[:,]?\s*(?=`)",
    re.I,
)
_CALL = r"(?:(?:async|def|function|fn|func|export)\s+)*(?P<name>[A-Za-z_$][\w$]*)\([^`]*"
_FIRST = re.compile(rf"`(?P<code>{_CALL}|(?P<bare>[A-Za-z_$][\w$]*))`")
_LISTED = re.compile(rf"(?:^|[:,;)]|\band\b|\bor\b)\s*`(?P<code>{_CALL})`")
_DESCRIBED = re.compile(
    r"(?:\b(?:an?|one|two|three|four|five|six|seven|eight|\d+|new|public|pure|small|simple|helper"
    r"|module[- ]level|top[- ]level|exported|async|following|these|frozen|its)\s+)*$",
    re.I,
)
_ORDERED = re.compile(
    r"(?:^|[:;(\u2013\u2014]|\s-"
    r"|\b(?:adds?|writes?|implements?|creates?|defines?|declares?|introduces?|provides?|exposes?"
    r"|exports?|has|have|holds?|contains?|needs?|and|plus)(?:\s+the)?)\s*$",
    re.I,
)
_ERROR = re.compile(
    r"\b(?:raise\s+[\w.]+|throw\s+new\s+[\w.]+)\("
    r"\s*([\"'])(?P<message>(?:(?!\1)[^\n{}%\\]){3,200})\1"
)
"""A message that is given whole: neither an f-string nor a format."""
_EXCUSED = re.compile(r"\.\.\.|\bmessage\b", re.I)
"""What stands for a message of one's own."""
_NEAR = 80
"""Characters before a noun that are looked through for an order."""
_NEGATED = re.compile(r"\b(?:not|never|no|without|instead|rather)\b|n['\u2019]t\b", re.I)
_OPEN_LINE = (".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts", ".cts")
"""Languages in which a function that is no method begins a line."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a file is said to have."""

    kind: str
    """function, method or class"""
    name: str
    code: str
    """As the step writes it, as `pending(tasks)`."""


def lacking(path: str, old: str, new: str, request: str) -> str:
    """Return why a file is not what a step says that it has, empty if it is."""
    for promise in promises(request):
        if not _has(path, new, promise):
            return f"{path} has no {promise.kind} `{promise.code}`, which the step asks for"
    for found in _ERROR.finditer(request):
        message = found["message"]
        if message not in new and message not in old and not _EXCUSED.search(message):
            return f"{path} has no `{' '.join(found[0].split())})`, which the step gives"
    return ""


def promises(request: str) -> Iterator[Promise]:
    """Yield what a step's text says its file has: "functions `pending(tasks)` and `late(tasks)`".

    Not what code is only said to call, take or return.
    """
    listed = ""
    for sentence in sentences(request):
        text = sentence.text
        if listed:
            listed = listed if (found := _LISTED.match(text)) else ""
            if found and listed:
                yield Promise(listed, found["name"], found["code"])
        for noun in _NOUN.finditer(text):
            near = text[max(noun.start() - _NEAR, 0) : noun.start()]
            near = _DESCRIBED.sub("", near)
            if not _ORDERED.search(near) or _NEGATED.search(near):
                continue
            kind = "class" if noun["kind"].lower().endswith("class") else noun["kind"].lower()
            rest = text[noun.end() :]
            if first := _FIRST.match(rest):
                yield Promise(kind, first["name"] or first["bare"], first["code"])
            if first and noun["many"]:
                listed = kind
                for found in _LISTED.finditer(rest, first.end()):
                    yield Promise(kind, found["name"], found["code"])


def _has(path: str, text: str, promise: Promise) -> bool:
    name = rf"(?<![\w$.]){re.escape(promise.name)}(?![\w$])"
    is_outside = promise.kind != "method" and PurePosixPath(path).suffix in _OPEN_LINE
    begin = r"^(?![\s#/*]).*" if is_outside else ""
    return re.search(f"{begin}{name}", text, re.M) is not None
