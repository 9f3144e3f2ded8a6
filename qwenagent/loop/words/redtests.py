"""Whether a text says that tests fail. Reads words, runs nothing."""

from __future__ import annotations

import re

_TESTS = r"\b(?:tests?|specs?|suite)\b"
_NEAR = r"(?:[^.\n]|\.(?=\w)){0,80}?"
_NOT = r"(?<!not )(?<!never )(?<!n't )(?<!to )"
_CODE = r"`[^`\n]*`|[\w-]*[./_:][\w./:-]*\w"
_RED = r"(?:failing|failed|red|broken|hanging)"
_WHERE = (
    r"[\w./:-]{0,100}`?"  # of a path that begins with "tests"
    r"(?:,?\s+(?:"
    rf"(?:(?:in|of|from|under|at|on|for|and)\s+)?(?:{_CODE})"
    r"|(?:in|of|from|under|for)\s+(?:(?:the|this|that|our|my)\s+)?\w+"
    r"(?:\s+(?:module|package|file|folder|class|suite))?"
    r"|there|here|now|currently|still|all|both|also|suddenly|always|sometimes|often|again)){0,6}?"
)
"""What may say of tests which they are, before it is said that they fail."""
_NAMED = rf"[\w./:-]{{0,100}}`?(?:\s+(?:in|of|from)\s+(?:{_CODE}))?"
_BE = (
    r"(?:is|are|was|were|be|goes|go|went|turns?|turned|stays?|stayed|remains?|ha(?:s|ve)(?:\s+been)?)"
    r"(?:\s+(?!not\b|never\b)\w+)?"
)
_FAIL = rf"fail(?:s|ed|ing)?|hangs?|{_BE}\s+{_RED}|do(?:es)?(?: not|n['\u2019]t) (?:pass|end)"
_KINDS_OF_TESTS = (
    r"(?:(?:and|or|of|the|our|these|those|unit|integration|regression|existing|other|two|three"
    rf"|python|pytest|unittest|jest|red|broken|failing|\d+|{_CODE})\s+){{0,3}}?"
)
_RED_TESTS = re.compile(
    rf"(?<!no ){_TESTS}(?:{_WHERE},?|{_NAMED}\s+(?:that|which))\s+(?:{_FAIL})\b"
    rf"|\b(?:do|does|did)(?: not|n['\u2019]t) pass\b{_NEAR}{_TESTS}"
    rf"|\b{_NOT}(?:failing|red|broken|hanging)\s+{_KINDS_OF_TESTS}{_TESTS}"
    rf"|\b(?:make|get)\b{_NEAR}{_TESTS}{_NEAR}\b(?:pass|green)\b",
    re.IGNORECASE,
)
"""Says that tests fail or are to pass; not that those which pass have to go on passing."""
_NEW_TESTS = re.compile(
    rf"\b(?:write|add|create)\s+(?:an?|another|some|more|new|the)?\s*(?:\w+\s+)?{_TESTS}",
    re.IGNORECASE,
)


def speaks_of_red_tests(text: str) -> bool:
    """Return whether a text says that tests fail, or that they are to pass."""
    return _RED_TESTS.search(_NEW_TESTS.sub("", text)) is not None
