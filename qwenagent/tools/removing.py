"""Whether the words of a request allow that something goes which it names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qwenagent.syntax import plain_name

_REMOVING = re.compile(
    r"\b(remov\w*|delet\w*|renam\w*|drop\w*|replac\w*|mov(e|es|ing)|extract\w*|merg\w*|split\w*"
    r"|inlin\w*|convert\w*|instead|no longer|get rid|turn\w*|refactor\w*|unused|dead)\b",
    re.IGNORECASE,
)
_PASTED = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?:te?xt|console|output|log)?[ \t]*\n.*?"
    r"^[ \t]*(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
"""A block that is no code: what somebody's tests have printed, say."""
_ITEM = re.compile(r"\n(?=\s*(?:[-*+]|\d+[.)])\s)")
_IS_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s")


def may_go(name: str, request: str) -> bool:
    """Return whether a request speaks of taking something away where it names a symbol.

    That is in the same paragraph or item of a list, in what leads to that list, or in the title.
    """
    return any(_REMOVING.search(part) and is_named(name, part) for part in _parts(request))


def is_named(name: str, request: str) -> bool:
    """Return whether the request has the name of a symbol, its last part at least, as a word."""
    short = re.escape(plain_name(name).rpartition(".")[2])
    return bool(re.search(rf"(?<![\w$]){short}(?![\w$])", request))


def _parts(request: str) -> Iterator[str]:
    """Yield what belongs together, each with the title."""
    text = _PASTED.sub("", request).strip()
    title = text.partition("\n")[0]
    lead = ""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        first, *items = _ITEM.split(paragraph)
        if not _IS_ITEM.match(first):
            lead = first if items or first.rstrip().endswith(":") else ""
        for item in (first, *items):
            yield f"{title}\n{lead}\n{item}"
