"""Which files a step orders to be made anew. Reads words; whether a file is there others know.

A file that is only mentioned ("the imports of `app/old.py`") is not to be made.
"""

from __future__ import annotations

import re
from typing import Literal

from qwenagent.loop.imperatives import Sentence, first_names, names_in, sentences, spelt

How = Literal["no", "somehow", "itself"]
"""Whether a file is to be made: not, with something in it that is asked for, or as such."""

_CREATE = (
    r"creat(?:e|ing)|writ(?:e|ing)|add(?:ing)?|implement(?:ing)?|introduc(?:e|ing)"
    r"|generat(?:e|ing)|put(?:ting)?|plac(?:e|ing)|defin(?:e|ing)|build|scaffold|set up|provide"
    r"|make|cover(?:ing)?|declare|describe|develop|produce|draft|design|expose"
    # Tasks come in other languages, too.
    r"|erstelle|schreib\w*|lege|f\u00fcge|erg\u00e4nze|implementiere|cr\u00e9e[rz]?|\u00e9cri[srtvez]\w*"
    r"|ajoute[rz]?|crea|crear|escrib[ea]|a\u00f1ad[ae]|agreg[ae]"
)
_MOVE = r"mov(?:e|ing)|extract(?:ing)?|split(?:ting)?|copy(?:ing)?|port|convert|translate|factor"
_OTHER = (
    r"us(?:e|es|ing)|updat\w+|mend|fix\w*|calls?|imports?|importing|chang\w+|adapt\w*|adjust\w*"
    r"|remov\w+|delet\w+|drop|renam\w+|keep|read\w*|see|run\w*|check\w*|replac\w+|refer\w*|wire"
    r"|hook|register|connect|plug|extend|edit|modify|refactor|look\w*|follow\w*|mak(?:e sure|ing)"
)
_VERB = re.compile(
    rf"(?<![\w`./-])(?:(?P<other>{_OTHER})|(?P<create>{_CREATE})|(?P<move>{_MOVE}))(?![\w./-])",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"(?:^|[,:;(\u2013\u2014-]|\b(?:and|then|also|or|but|please|first|next|now))\s*$", re.I
)
"""Before a verb, and not before a noun as "a check", or what is made for something: "to check"."""
_NEGATION = re.compile(
    r"(?:\b(?:not|never|without|avoid|instead of|rather than)|n['\u2019]t)\s+(?:\w+\s+)?$", re.I
)
_NEW = re.compile(r"\b(?:new|neue[mnrs]?|nouve(?:l|au|lle)|nuev[ao])\b", re.I)
_BESIDE = re.compile(
    r"(?:\b(?:the|an?|new|file|module|script|test|tests|package|class|component|called|named|folder"
    r"|of\s+its\s+own)\s*[:=]?\s*|[\"'(*]\s*)+$",
    re.I,
)
_ROW = re.compile(r"(?:`[^`\n]+`|[\w@+~.-]*[./][\w@+~./-]*\w)(?:\s*,\s*and|\s*,|\s+and|\s*&)\s+$")
_MENTION = re.compile(
    r"\b(?:of|from|for|like|using|uses?|than|by|on|see|via|imports?|importing|after|before|against"
    r"|creates|writes|adds|generates|reads|about|beside|alongside|near|mirrors?|von|aus|wie|f\u00fcr)$",
    re.I,
)
_INTO = re.compile(r"\b(?:in|into|to|as|at|inside|under)$", re.I)
_START = re.compile(
    r"(?:(?:it|they|that|this)\s+(?:goes?|belongs?|lives?|should\s+(?:go|live|be))\s+)?"
    r"(?:(?:in|inside|into|to|then|and|also|now|the|a|new|file|module|path|location|target|where"
    r"|output)\b[\s:,]*)*",
    re.I,
)
_IS_TO_HOLD = re.compile(
    r"\s*(?:,?\s*which\s+)?(?:should|must|shall|will|is\s+to|has\s+to)\s+"
    r"(?:contain|hold|have|define|provide|export|expose|implement|exist|be\s+(?:created|added))\b",
    re.I,
)
_PART_OF_IT = re.compile(
    r"\s*(?:['\u2019]s\b|(?:imports?|usages?|references?|links?|entr(?:y|ies)|support|calls?"
    r"|mentions?)\b)",
    re.I,
)
_FOREIGN = re.compile(r"[^\W\d_\u0000-\u024f]")
"""A letter of a script whose words nothing here can read."""
_WITH_WORK = re.compile(r"\s*(?:$|[.,;:)]|(?:with|that|which|containing|holding|for|as)\b)", re.I)


def how_created(path: str, text: str, named: tuple[str, ...] = ()) -> How:
    """Return whether a step's text orders a file to be made, and whether that is the order itself.

    `named` are all paths of the step: a name without folders means the only one that ends so.
    """
    found: How = "no"
    said = ""
    for sentence in sentences(text):
        for name, start, end in names_in(sentence.text):
            if spelt(name, [path, *(other for other in named if other != path)]) != path:
                continue
            how = _how(sentence, start, end, said)
            if how == "itself":
                return how
            found = how if how != "no" else found
        said = said or sentence.text
    return found


def _how(sentence: Sentence, start: int, end: int, title: str) -> How:
    """Return what a sentence says of the name at this place of it."""
    before, behind = sentence.text[:start], sentence.text[end:]
    if _PART_OF_IT.match(behind):
        return "no"
    near = _near(before)
    if _MENTION.search(near):
        return "no"
    verbs = _verbs(before)
    if not verbs and _FOREIGN.search(_without_names(sentence.text)):
        return "somehow"
    if verbs:
        return _by_verb(verbs[-1], before, near, behind)
    if _IS_TO_HOLD.match(behind):
        return "somehow"
    if not _START.fullmatch(before):
        return "somehow" if _NEW.search(before[len(near) :]) else "no"
    for text in (behind, sentence.intro or title):
        if verbs := _verbs(text):
            return "somehow" if _is_creating(verbs[0], text) else "no"
    return "somehow" if _NEW.search(before) else "no"


def _by_verb(verb: re.Match[str], before: str, near: str, behind: str) -> How:
    """Return what the nearest verb before a name does with it."""
    if not _is_creating(verb, before):
        return "no"
    if verb["move"]:
        return "somehow" if _INTO.search(near) else "no"
    is_object = near.endswith(verb[0])
    if verb[0].casefold() == "make" and not (is_object and _WITH_WORK.match(behind)):
        return "no"
    return "itself" if is_object else "somehow"


def _verbs(text: str) -> list[re.Match[str]]:
    """Return the verbs that govern something in a text."""
    found = _VERB.finditer(text)
    return [verb for verb in found if not verb["other"] or _CLAUSE.search(text[: verb.start()])]


def _is_creating(verb: re.Match[str], text: str) -> bool:
    return not (verb["other"] or _NEGATION.search(text[: verb.start()]))


def _without_names(text: str) -> str:
    for _, start, end in reversed(list(names_in(text))):
        text = text[:start] + text[end:]
    return text


def _near(before: str) -> str:
    """Return the text before a name without what describes it, and without names in a row."""
    while True:
        shorter = _BESIDE.sub("", before.rstrip(" "))
        row = _ROW.search(f"{shorter.rstrip()} ")
        shorter = (shorter[: row.start()] if row else shorter).rstrip()
        if shorter == before:
            return shorter
        before = shorter


def is_only(path: str, text: str) -> bool:
    """Return whether a text is this path and nothing more, as a title may be."""
    found = first_names(text.strip())
    return (
        len(found.names) == 1
        and not found.rest.strip(" .:")
        and spelt(found.names[0], [path]) != ""
    )
