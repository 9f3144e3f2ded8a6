"""Orders in the text of a step: which verbs are in the imperative, and which names follow them.

Reads words alone. What may as well describe a program ("a second run deletes `data.json`") is no
order. Knows no files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from qwenagent.plan.markdown.leaves import Leaf, pieces
from qwenagent.plan.paths import LETTER

_BREAK = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+|\n(?=\s*(?:\*\*)?[A-Z])|;\s+")
_LINK = re.compile(r"\[([^\]\n]+)\]\([^)\n]*\)")
_BOX = re.compile(r"^\s*\[[ xX]\]\s+")
_LATER = re.compile(
    r"\W*(?:(?:what(?: is)? )?(?:out of scope|non[- ]goals?|not (?:now|yet|in scope|to \w+)"
    r"|don['\u2019]?ts?|later|future(?: work)?|optional(?:ly)?|ideas?))\W*",
    re.I,
)
"""A heading above what is not to be done now."""
_LEAD = re.compile(r"^(?:\d+[.)]\s+|(?:step|phase|task)\s+\w+[.:)]?\s+[-\u2013\u2014]?\s*)", re.I)
_ADVERBS = re.compile(
    r"(?:^|\b)(?P<words>(?:(?:and|but|then|please|also|first(?:ly)?|second(?:ly)?|third(?:ly)?|"
    r"next|now|after(?:wards| that)|finally|lastly|simply|just)\b[\s,]*|&\s*)+)$",
    re.I,
)
_JOINT = re.compile(r"\b(?:and|but|then)\b|&", re.I)
_OTHER_ORDERS = re.compile(
    r"^(?:adapt|add|adjust|change|clean|convert|copy|create|delete|drop|edit|extend|extract|fix|fold"
    r"|implement|inline|integrate|introduce|keep|leave|mend|merge|migrate|move|port|put|refactor"
    r"|remove|rename|repair|replace|rewrite|simplify|split|switch|take|tidy|turn|unify|update|use"
    r"|write)\b",
    re.I,
)
_DOUBT = re.compile(
    r"\b(?:not|never|cannot|without|instead|rather|avoid\w*|unless|if|when(?:ever)?|while|until"
    r"|once|that|which|who|whose|where|should|must|can|could|will|would|may|might|shall|needs?"
    r"|lets?|makes?|allows?|ensure|teach|ask|tell)\b|n['\u2019]t\b",
    re.I,
)
"""What goes on behind one of these need not be an order."""
_INFINITIVE = re.compile(r"\bto\s+(?!(?:the|an?|its|this|that)\b)[a-z]+(?=[\s,])")
_GOES_SOMEWHERE = re.compile(r"^(?:move|rename|copy|port|extract|switch|convert|migrate)\b", re.I)
_LABEL = re.compile(
    r"^(?:clean(?:ing|[ -]?up)\b|tidy\b|house-?keeping|chores?|refactor(?:ing)?|to-?dos?\b|tasks?\b"
    r"|steps?\b|finally|deletions?|removals?|moves?|renamings?|dead code|files?\b|changes?\b|do\b)",
    re.I,
)
_PART_OF_PROGRAM = re.compile(
    r"\b(?:sub-?commands?|commands?|options?|flags?|functions?|methods?|handlers?|endpoints?"
    r"|buttons?|routes?|actions?|hooks?|jobs?|scripts?|modes?|routines?|features?)\b",
    re.I,
)
_BUILDING = re.compile(
    r"^(?:add|implement|create|write|introduce|extend|support|provide|document|fix|mend)\b", re.I
)
_PART = rf"(?:[@+~\[\]-]|{LETTER})"
_NAME = re.compile(rf"`([^`\n]+)`|((?:{_PART}*[/.\\])+{_PART}+/?|(?:(?:{_PART}|\.)+/)+)")
"""A code span, or what looks like a path."""
_KIND = (
    r"(?:(?:the|all|both|old|new|now|unused|obsolete|empty|whole|entire|dead|stale|legacy|deprecated"
    r"|duplicated?|superfluous|temporary|following|file|module|script|test|package|class)s?\s+){0,6}"
)
_KINDS = re.compile(_KIND, re.I)
_NEXT_NAME = re.compile(
    rf"(?:\s*,\s*(?:and\s+)?|\s+(?:and|plus|as well as)\s+|\s*&\s*){_KIND}", re.I
)
_END = re.compile(
    r"\s*(?:$|[.,;!)](?=\s|$)|:(?=\s)(?!\s+(?:(?:its|only|all)\b|`))|\s[-\u2013\u2014]\s(?!`)"
    r"|\((?!\s*(?:the|its|only|just|all|in|from)\b))"
    r"|\s+(?:then|since|because|now|so|too|also|as\s+well|as\s+(?:it|they|nothing|nobody|no)"
    r"|after\s+(?:that|this|moving|merging|you|it|its)|altogether|completely|entirely|everywhere"
    r"|throughout|which|(?:together|along)\s+with|with\s+(?:its|their|git)"
    r"|from\s+(?:the\s+)?(?:repo(?:sitory)?|project|code\s?base|tree)(?=\s*(?:$|[.,:)])))\b"
    r"|\s+and\s+(?!(?!its\b|their\b)\S+(?:\s+\S+){0,3}?\s+(?:from|out\s+of)\b)"
    r"|\s+from\s+(?:the\s+)?(?:repo(?:sitory)?|project|code\s?base|tree)\s*$",
    re.I,
)
"""What may stand behind a name that an order governs: never another noun."""
_LONGEST = 1500
"""Characters of a sentence that is read: what is longer was not written as one."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence on one line, without code blocks and quotations."""

    text: str
    intro: str = ""
    """What introduces the list in which it stands."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names in a row, as "`a.py`, b.py and c.py", and what follows them."""

    names: tuple[str, ...]
    rest: str

    @property
    def end_here(self) -> bool:
        """Whether nothing follows that could be what is meant instead."""
        return bool(self.names) and _END.match(self.rest) is not None


def sentences(markdown: str) -> list[Sentence]:
    """Return the sentences of a step, without those below a heading like "Out of scope"."""
    found: list[Sentence] = []
    intros: dict[int, str] = {}
    skips = False
    for piece in pieces(markdown):
        if piece.kind == "heading":
            skips = _LATER.fullmatch(piece.text) is not None
            intros.clear()
        if skips or piece.kind == "code" or piece.quoted:
            continue
        intro = next((intros[n] for n in range(piece.depth - 1, -1, -1) if n in intros), "")
        texts = _split(piece)
        found += [Sentence(text, intro) for text in texts]
        if texts:
            intros[piece.depth] = texts[-1]
    return found


def _split(piece: Leaf) -> list[str]:
    text = _LINK.sub(r"\1", _BOX.sub("", piece.text)).replace("**", "")
    found = (" ".join(part.split()) for part in _BREAK.split(text))
    return [one for one in found if 0 < len(one) <= _LONGEST]


def orders(sentence: Sentence, verbs: str) -> Iterator[re.Match[str]]:
    """Yield where one of the verbs, a pattern, is an order; white space behind it is in it."""
    for verb in re.finditer(rf"(?<![\w`'\"/.-])(?:{verbs})\s+", sentence.text, re.IGNORECASE):
        if _is_order(sentence.text[: verb.start()], sentence.intro):
            yield verb


def _is_order(before: str, intro: str) -> bool:
    """Return whether a verb that stands behind these words is in the imperative."""
    before = _LEAD.sub("", before)
    adverbs = _ADVERBS.search(before)
    head = before[: adverbs.start()] if adverbs else before
    has_joint = adverbs is not None and _JOINT.search(adverbs["words"]) is not None
    bare = head.rstrip(" ,")
    if not bare:
        return not intro or _introduces_orders(intro)
    if re.search(r"[:\u2013\u2014]$|\s-$", bare):
        return _is_label(bare)
    if not (has_joint or head.rstrip().endswith(",")):
        return False
    return _speaks_of_orders(bare)


def _introduces_orders(intro: str) -> bool:
    if _DOUBT.search(intro) or _LATER.fullmatch(intro):
        return False
    if _BUILDING.search(intro) and _PART_OF_PROGRAM.search(intro):
        return False
    return not intro.endswith(":") or _is_label(intro) or _speaks_of_orders(intro)


def _is_label(text: str) -> bool:
    """Return whether orders may stand behind this and a colon: "Clean up:", no "`reset`:"."""
    text = _LEAD.sub("", text)
    doubtful = _DOUBT.search(text) or _PART_OF_PROGRAM.search(text) or "`" in text
    return not doubtful and _LABEL.match(text) is not None


def _speaks_of_orders(text: str) -> bool:
    """Return whether a sentence begins with an order that another one may go on."""
    words = _ADVERBS.sub("", _LEAD.sub("", text))
    words = re.sub(r"^(?:(?:please|first|then|next|now|finally)\b[\s,]*)+", "", words, flags=re.I)
    if not _OTHER_ORDERS.match(words) or _DOUBT.search(words):
        return False
    return bool(_GOES_SOMEWHERE.match(words)) or not _INFINITIVE.search(words)


def names_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield what looks like a path, or is code: (name, start, end)."""
    for found in _NAME.finditer(text):
        yield _bare(found), found.start(), found.end()


def first_names(text: str, most: int = 100) -> Names:
    """Return the names with which a text begins, words like "the old file" left out."""
    names: list[str] = []
    at = 0
    kinds: re.Match[str] | None = _KINDS.match(text)
    while len(names) < most and kinds and (name := _NAME.match(text, kinds.end())):
        names.append(_bare(name))
        at = name.end()
        kinds = _NEXT_NAME.match(text, at)
    return Names(tuple(names), text[at:])


def behind_next(text: str) -> str:
    """Return what stands behind a comma or "and" with which a text begins, empty if none does."""
    found = _NEXT_NAME.match(text)
    return text[found.end() :] if found else ""


def _bare(found: re.Match[str]) -> str:
    return (found[1] or found[2]).strip().removeprefix("./").replace("\\", "/")


def spellings(path: str, others: Collection[str] = ()) -> list[str]:
    """Return how a text may name a path: whole, or by its end where no other path has that."""
    parts = PurePosixPath(path).parts
    ends = ["/".join(parts[n:]) for n in range(1, len(parts))]
    rivals = [other for other in others if other != path]
    return [path, *(e for e in ends if not any(_ends_with(other, e) for other in rivals))]


def spelt(name: str, paths: Sequence[str]) -> str:
    """Return the path that a name in a text means, empty if it is none of them."""
    name = name.rstrip("/")
    return next((path for path in paths if name in spellings(path, paths)), "")


def _ends_with(path: str, end: str) -> bool:
    return path == end or path.endswith(f"/{end}")
