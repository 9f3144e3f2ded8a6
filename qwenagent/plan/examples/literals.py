"""Telling calls with literal arguments, and literals, from other code, in the languages known.

Only the form is looked at: nothing is evaluated, and no file is read.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Literal

from qwenagent.plan.markdown.inline import word_set

Language = Literal["python", "javascript", "go", "rust"]
LANGUAGES: tuple[Language, ...] = ("python", "javascript", "go", "rust")

MAX_CHARS = 300
"""Longer calls and values are no examples; keeps scanning linear and parsing shallow."""
_MAX_DEPTH = 20
_PLAIN_WORDS = frozenset({"true", "false", "null", "none"})
_PYTHON_VALUES = frozenset({"set()", "frozenset()"})
_NOT_FINITE = re.compile(r"float\((['\"])[+-]?(?:nan|inf|infinity)\1\)", re.IGNORECASE)
# What they give is not what they return, or running them is not a matter of an example.
_NEVER = word_set(
    "print input open eval exec compile exit quit breakpoint help __import__ "
    "alert prompt require fetch setTimeout setInterval Function"
)
# What test frameworks and the languages themselves look like.
_NOT_CALLED = word_set(
    "expect assert describe it test if for while switch return function catch with and or not "
    "in is def class lambda typeof await new self this cls super"
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class _Form:
    """How values are written in a language that Python's own parser does not read."""

    atom: re.Pattern[str]
    """A literal without brackets."""
    name: re.Pattern[str]
    path: str
    """What stands between the parts of a name; empty if a name has one part only."""
    list_: re.Pattern[str]
    """What a list begins with, its bracket included."""
    object_: re.Pattern[str]
    """What begins values in braces, each behind its key."""
    keyless: bool = False
    """Whether values in braces may go without keys."""
    wrappers: frozenset[str] = frozenset()
    """Names that make a literal of literals: `Some(1)`."""


_STRING = r"\"(?:[^\"\\\n]|\\.)*\""
_NUMBER = r"[-+]?(?:0[xX][\da-fA-F_]+|0[oObB][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][-+]?\d+)?)"
_WORD = r"[^\W\d]\w*"
_NOTHING = re.compile(r"(?!)")
_FORMS: dict[Language, _Form] = {
    "javascript": _Form(
        atom=re.compile(
            rf"{_STRING}|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`"
            rf"|(?:{_NUMBER}n?|[-+]?Infinity)(?![\w.])"
            r"|(?:true|false|null|undefined|NaN)(?![\w$])"
        ),
        name=re.compile(r"[^\W\d][\w$]*|\$[\w$]*"),
        path=".",
        list_=re.compile(r"\["),
        object_=re.compile(r"\{"),
    ),
    "go": _Form(
        atom=re.compile(
            rf"{_STRING}|`[^`]*`|'(?:[^'\\\n]|\\.)[^'\n]{{0,8}}'|{_NUMBER}(?![\w.])"
            r"|(?:true|false|nil)(?!\w)"
        ),
        name=re.compile(_WORD),
        path="",
        list_=_NOTHING,
        # With its type, `[]int{1, 2}`, or without it inside of another one, `{1, 2}`.
        object_=re.compile(r"(?:(?:\[\d*\]|map\[\w+\]){1,4}\w+)?\{"),
        keyless=True,
    ),
    "rust": _Form(
        atom=re.compile(
            rf"{_STRING}(?:\.(?:to_string|to_owned|into)\(\))?|'(?:[^'\\\n]|\\.)[^'\n]{{0,8}}'"
            rf"|{_NUMBER}(?:_?[iuf](?:8|16|32|64|128|size))?(?![\w.])"
            r"|(?:true|false|None|\(\))(?!\w)"
        ),
        name=re.compile(_WORD),
        path="::",
        list_=re.compile(r"(?:vec!|&)?\[|\("),
        object_=_NOTHING,
        wrappers=frozenset({"Some", "Ok", "Err", "String"}),
    ),
}
_ENDS = frozenset(_CLOSING.values())
_SPACE = re.compile(r"\s*")


def is_call(text: str, language: Language) -> bool:
    """Tell whether a text is one call of a plain name with literals, or such calls, in it.

    A dotted name has to begin with a class: an instance would need a set-up that nobody knows.
    """
    return bool(called_names(text, language))


def called_names(text: str, language: Language) -> tuple[str, ...]:
    """Return the top-level names that a call uses, in order; none if it is no such call.

    `Money.parse("1", Locale("de"))` uses Money and Locale.
    """
    if language == "python":
        node = _python(text)
        names = _python_names(node) if isinstance(node, ast.Call) else None
    else:
        reader = _Reader(text, _FORMS[language])
        names = reader.names if len(text) <= MAX_CHARS and reader.reads_call() else None
    known = tuple(dict.fromkeys(names or ()))
    return () if any(name in _NEVER | _NOT_CALLED for name in known) else known


def is_literal(text: str, language: Language) -> bool:
    """Tell whether a text is a literal; true, false and null are understood in Python too."""
    if not text.strip() or len(text) > MAX_CHARS:
        return False
    if language != "python":
        return _Reader(text, _FORMS[language]).reads_literal()
    if text in _PLAIN_WORDS | _PYTHON_VALUES or _NOT_FINITE.fullmatch(text):
        return True
    node = _python(text)
    return node is not None and _is_python_literal(node)


def closing(text: str, at: int) -> int | None:
    """Return the index behind the bracket that closes the one at `at`, within 300 characters.

    Strings are skipped; a backquote is one of JavaScript's.
    """
    wanted: list[str] = []
    quote = ""
    end = min(len(text), at + MAX_CHARS)
    while at < end:
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "\"'`":
            quote = char
        elif char in _CLOSING:
            wanted.append(_CLOSING[char])
        elif char in ")]}" and char != wanted.pop():
            return None
        at += 1
        if not wanted:
            return at
    return None


def _python(text: str) -> ast.expr | None:
    if len(text) > MAX_CHARS:
        return None
    with warnings.catch_warnings():
        # A doubtful escape such as "\d" is for the author's own tools to tell.
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _python_names(node: ast.expr) -> list[str] | None:
    """Return the names that a value is made with, None if it is not made of literals."""
    if not isinstance(node, ast.Call):
        return [] if _is_python_literal(node) else None
    names = _roots(node.func)
    for value in [*node.args, *(keyword.value for keyword in node.keywords)]:
        inner = _python_names(value)
        names += [""] if inner is None else inner
    names += ["" for keyword in node.keywords if keyword.arg is None]
    return names if all(names) else None


def _roots(node: ast.expr) -> list[str]:
    """Return the names that a called name needs, "" for what cannot be looked up.

    `Matrix("1 2").row(1)` needs Matrix: what is called is made of literals, too.
    """
    dotted = isinstance(node, ast.Attribute)
    while isinstance(node, ast.Attribute):
        node = node.value
    if dotted and isinstance(node, ast.Call):
        return _python_names(node) or [""]
    name = node.id if isinstance(node, ast.Name) else ""
    return [""] if dotted and not name[:1].isupper() else [name]


def _is_python_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return value is not ...
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=value)):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return all(map(_is_python_literal, parts))
        case ast.Set(elts=parts):
            return all(_is_python_literal(part) and _is_hashable(part) for part in parts)
        case ast.Dict(keys=keys, values=values):
            return all(map(_is_python_literal, values)) and all(
                key is not None and _is_python_literal(key) and _is_hashable(key) for key in keys
            )
    return False


def _is_hashable(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(map(_is_hashable, node.elts))
    return not isinstance(node, ast.List | ast.Set | ast.Dict)


class _Reader:
    """Reads one value from a text; `names` are those that it calls."""

    def __init__(self, text: str, form: _Form) -> None:
        self.names: list[str] = []
        self._form = form
        self._text = text.strip()
        self._at = 0

    def reads_literal(self) -> bool:
        is_value = self._value(0) and self._at == len(self._text)
        return is_value and self._form.wrappers.issuperset(self.names)

    def reads_call(self) -> bool:
        return self._call(0) and self._at == len(self._text)

    def _value(self, depth: int) -> bool:
        if depth > _MAX_DEPTH:
            return False
        if self._matches(self._form.atom):
            return True
        if opened := self._matches(self._form.list_):
            return self._list(_CLOSING[opened[-1]], depth)
        if self._matches(self._form.object_):
            return self._object(depth)
        return self._call(depth)

    def _call(self, depth: int) -> bool:
        parts: list[str] = []
        while (not parts or self._goes_on()) and (part := self._matches(self._form.name)):
            parts.append(part)
        if not parts or (len(parts) > 1 and not parts[0][0].isupper()):
            return False
        self.names.append(parts[0])
        return self._takes("(") and self._list(")", depth)

    def _goes_on(self) -> bool:
        return bool(self._form.path) and self._takes(self._form.path)

    def _list(self, end: str, depth: int) -> bool:
        while not self._takes(end):
            if not self._value(depth + 1) or not self._separates(end):
                return False
        return True

    def _object(self, depth: int) -> bool:
        while not self._takes("}"):
            start = self._at
            has_key = self._matches(self._form.atom) or self._matches(self._form.name)
            if not (has_key and self._takes(":")):
                if not self._form.keyless:
                    return False
                self._at = start
            if not self._value(depth + 1) or not self._separates("}"):
                return False
        return True

    def _matches(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _separates(self, end: str) -> bool:
        """Step over a comma; True if there is one or the end comes."""
        return self._takes(",") or self._text.startswith(end, self._skip(self._at))

    def _takes(self, mark: str) -> bool:
        """Step over a mark and the white space around it."""
        at = self._skip(self._at)
        if not self._text.startswith(mark, at):
            return False
        self._at = self._skip(at + len(mark)) if mark not in _ENDS else at + len(mark)
        return True

    def _skip(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return space.end() if space else at
