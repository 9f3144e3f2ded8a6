"""Comments that stand for code which a model left out. Judges single lines."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

# A line of its own, or after a statement that does nothing.
_COMMENT = re.compile(
    r"^\s*(?:(?:pass|\.\.\.)\s*)?(?P<mark>\{?/\*+|//+|#+|--|<!--)(?P<text>.*?)(?:-->|\*+/\}?)?\s*$"
)
_DOTS = re.compile(r"^[\s(\[]*(\.\.\.|…)")
_NOUN = (
    r"(code|file|class|functions?|methods?|handlers?|module|script|program|implementations?|logic"
    r"|body|definitions?|imports?|tests?|cases?|fields?|routes?|attributes?|properties|helpers?"
    r"|includes?|members?|constructors?|getters|setters|declarations?|prototypes?|constants?"
    r"|structs?|namespace)"
)
_OF = r"((of\s+)?(the|this|your|our|my)\s+)?((existing|original|previous|other)\s+)?"
_STAYS = (
    r"((remains?|stays?|is|are|goes?|go|continues?|follows?|as|it|they|were|was|exactly|the"
    r"|here|there|unchanged|same|below|above|before|omitted|for|brevity)\s*)+"
)
_ALONE = re.compile(
    rf"((the\s+)?(rest|remaining|remainder)\s+{_OF}({_NOUN}\s*)+({_STAYS})?"
    rf"|(the\s+)?(existing|previous|original|unchanged|same)\s+({_NOUN}\s*)*code(\s+{_STAYS})?"
    rf"|(the\s+|all\s+)*(existing|previous|original|other)\s+({_NOUN}\s*)+{_STAYS}"
    rf"|((add|put|write|insert|implement)\s+)?your\s+({_NOUN}\s*)+((goes\s+)?here)?"
    rf"|(more\s+)?{_NOUN}\s+(goes\s+here|here|unchanged|omitted(\s+for\s+brevity)?)"
    r"|(left\s+)?unchanged|omitted(\s+for\s+brevity)?|same\s+as\s+(before|above|original)|snip)",
    re.IGNORECASE,
)
_AFTER_DOTS = re.compile(
    rf"\b(rest|remaining|remainder|existing|other|previous|unchanged|same|omitted|{_NOUN})\b",
    re.IGNORECASE,
)
_MAX_WORDS_AFTER_DOTS = 8
_MAX_CHARS = 1000
"""A longer line says more than that something is missing."""


def stands_for_code(path: str, line: str) -> bool:
    """Return whether a line of a file is a comment in place of code."""
    found = _COMMENT.match(line) if len(line) <= _MAX_CHARS else None
    if not found:
        return False
    if found["mark"].startswith("#") and PurePosixPath(path).suffix.lower() in (".md", ".rst"):
        return False  # a heading
    text = found["text"]
    words = text.strip(" \t.…()[]{}*-_:!,<>/#")
    if _DOTS.match(text):
        few = len(words.split()) <= _MAX_WORDS_AFTER_DOTS
        return not words or (few and bool(_AFTER_DOTS.search(words)))
    return bool(_ALONE.fullmatch(re.sub(r"[\s,()]+", " ", words)))
