"""How the body of a call is made to begin: as what is there, unless the step wants it otherwise.

Left to itself the 1.5B writes the call once more, as code, or leaves `export` out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qwenagent.loop.words.additions import addition
from qwenagent.syntax import beginning, header, symbols
from qwenagent.tools import is_named, may_go

MAX_CHARS = 400
"""Of decorators and signature that a new version of a symbol is made to begin with."""

_WRITABLE = re.compile("[^\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]*")
_TOP = re.compile(
    r"\b(docstrings?|comments?|commented|docs?|documentation|licen[cs]\w*|copyright\w*|shebang"
    r"|(file|module|licen[cs]e) header)\b",
    re.IGNORECASE,
)
_MORE_BEFORE = re.compile(
    r"\b(async\w*|await\w*|concurren\w*|decorat\w*|annotat\w*|attribute|propert(y|ies)|cach\w*"
    r"|memoi[sz]\w*|comment\w*|docs?|docstrings?|document(ed|ing|ation)?|export\w*"
    r"|static\w*|class ?methods?|abstract\w*|overrid\w*"
    r"|deprecat\w*|data ?class\w*|context ?managers?|getters?|setters?|generators?|virtual|inline"
    r"|const|final|derive[sd]?|fixtures?|parametri[sz]\w*)\b|@\w|#\[",
    re.IGNORECASE,
)
_MODIFIED = re.compile(
    r"\b(async\w*|await\w*|decorat\w*|propert(y|ies)|cached|static ?methods?|static|class ?methods?"
    r"|abstract\w*|overrid\w*|context ?managers?|fixtures?|parametri[sz]\w*|overload\w*)\b|@\w",
    re.IGNORECASE,
)
"""What makes new code begin with more than its name."""
_OTHERWISE = re.compile(
    r"\b(private|public|protected|internal|visib\w*|types?|typed|signatures?|void|long|double"
    r"|float|generic\w*|receiver|const|static)\b",
    re.IGNORECASE,
)
_NAME_FIRST = (".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".rb")
"""Languages in which neither type nor visibility come before a name."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How new code of a symbol begins; not at all if the text is empty."""

    text: str = ""
    may_have_more: bool = False
    """Whether decorators, comments and words such as `async` may come before it."""


def file_beginning(path: str, text: str, request: str) -> str:
    """Return what a rewritten file begins with: that keeps licence and docstring.

    It also puts the model on the track of the right file.
    """
    return "" if _TOP.search(request) else header(path, text)


def symbol_beginning(path: str, text: str, name: str, request: str) -> Beginning:
    """Return how the new code of a symbol begins.

    One that the step wants to be gone, to have another name, type or visibility, begins as the
    model likes.
    """
    has_type_first = not path.endswith(_NAME_FIRST)
    is_other = has_type_first and _OTHERWISE.search(request) and is_named(name, request)
    if is_other or may_go(name, request):
        return Beginning()
    begin = beginning(path, text, name)
    if len(begin) > MAX_CHARS or not _WRITABLE.fullmatch(begin):
        return Beginning()
    return Beginning(begin, may_have_more=bool(_MORE_BEFORE.search(request)))


def added_beginning(path: str, text: str, after: str, request: str, *, is_alone: bool) -> Beginning:
    """Return how code of Python begins that is added behind a symbol, if the step names it.

    As deep as that symbol is. Otherwise it begins as the model likes. `is_alone`: see `addition`.
    """
    if not path.endswith((".py", ".pyi")):
        return Beginning()
    new = addition(path, text, request, is_alone=is_alone)
    if new is None or after not in new.after:
        return Beginning()
    begin = new.signature or f"def {new.name}"
    if len(begin) > MAX_CHARS or not _WRITABLE.fullmatch(begin):
        return Beginning()
    line = next(it.first_line for it in symbols(path, text) if it.name == after)
    row = text.split("\n")[line - 1]
    indent = row[: len(row) - len(row.lstrip())]
    return Beginning(indent + begin, may_have_more=bool(_MODIFIED.search(request)))
