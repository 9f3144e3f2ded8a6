"""Whether a step that names a missing file wants it made. Reads words; what is there others know.

Plans name a file that is to be made in as many ways as there are, so it is to be made unless all
that is said is what belongs to it ("the imports of `app/old.py`") or is wrong in it ("Fix the sum
in `app/old.py`").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qwenagent.loop.words.imperatives import names_in, sentences, spelt
from qwenagent.plan.markdown.leaves import pieces
from qwenagent.plan.paths import named_by_block

_ORDER = re.compile(
    r"\b(?:creat(?:e|ing)|writ(?:e|ing)|add|implement|generate|make|restore)$", re.I
)
_NEGATION = re.compile(
    r"(?:\b(?:not|never|without|avoid|instead of|rather than)|n['\u2019]t)\s+\w+$", re.I
)
_DESCRIPTION = re.compile(
    r"(?:\b(?:the|an?|new|file|module|script|test|tests|package|class|called|named)\s*[:=]?\s*"
    r"|[\"'(*]\s*)+$",
    re.I,
)
_DESCRIBED = 80
"""Characters before a name that are looked through for what describes it."""
_JOINT = re.compile(r"\W*(?:,\s*and|,|\band|&)?", re.I)
_GOVERNED = re.compile(
    r"\b(?:of|from|for|like|us(?:e|es|ing)|than|by|on|see|via|imports?|importing|after|before"
    r"|against|about|beside|near|mirrors?|creates|writes|generates|reads"
    r"|renam(?:e|ing)|delet(?:e|ing)|remov(?:e|ing)|drop|keep)$",
    re.I,
)
_MENDING = re.compile(
    r"\W*(?:fix|mend|repair|correct|debug)\b"
    r"(?!.*\b(?:add|creat|writ|mov|extract|put|split|introduc)\w*\b)",
    re.I | re.S,
)
_PART = re.compile(
    r"\s*(?:['\u2019]s\b|(?:imports?|usages?|references?|links?|support|calls?|mentions?|pass(?:es)?)\b)",
    re.I,
)


def is_wanted(path: str, text: str, named: Sequence[str] = ()) -> bool:
    """Return whether something in a step's text wants a missing file; `named` are all its paths.

    A name without folders means the only one of the paths that ends so.
    """
    is_place = any(
        p.kind == "code" and named_by_block(p.info, p.text) == path for p in pieces(text)
    )
    return is_place or any(
        not (
            _GOVERNED.search(near)
            or _NEGATION.search(near)
            or _MENDING.match(near)
            or _PART.match(behind)
        )
        for near, behind in _places(path, text, named)
    )


def is_ordered(path: str, text: str, named: Sequence[str] = ()) -> bool:
    """Return whether a step's text orders to make just this file: "Create `app/old.py`"."""
    return any(
        _ORDER.search(near) and not (_NEGATION.search(near) or _PART.match(behind))
        for near, behind in _places(path, text, named)
    )


def _places(path: str, text: str, named: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what stands before and behind each naming of a path.

    Without what describes it, and without the names before it in a row.
    """
    paths = [path, *(other for other in named if other != path)]
    for sentence in sentences(text):
        near, at = "", 0
        for name, start, end in names_in(sentence.text):
            between = _undescribed(sentence.text[at:start])
            if not at or not _JOINT.fullmatch(between):
                near = sentence.text[:at] + between
            at = end
            if spelt(name, paths) == path:
                yield near, sentence.text[end:]


def _undescribed(text: str) -> str:
    """Return the text before a name without what describes it: "a new file called"."""
    near = text[-_DESCRIBED:]
    return text[: len(text) - len(near)] + _DESCRIPTION.sub("", near.rstrip()).rstrip()
