r"""`password=` and its like: a value that a telling name is given, in settings, code and commands.

    written as                              is found
    -------------------------------------------------------------------------------------------
    DB_PASSWORD=x        password: x        the word up to a blank
    password = "x y"     "clientSecret":"x" what is quoted
    <password>x</password>                  what is between the tags
    --password x         --api-key=x        the next word
    password = other     token: str         nothing: a name, a type, a call, a template, `${X}`
    token_url = "..."    password_file=x    nothing: the name says that it is something else

A name of the first kind (password, secret and their forms) is enough; for the second kind (token,
key, credential, cookie) the value has to have eight characters, one of them a digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

NAME = "`password=` and its like"
TAG = "PASSWORD"
LOOK = (
    "the value of a name that holds password, passwd, passphrase, pwd, secret; and, of eight "
    "characters and more with a digit, of one that holds token, api key, access key, private key, "
    "auth, credential, cookie, session id: in settings, code, XML and command lines"
)

_STRONG = r"(?<!/etc/)passw(?:or)?d|passphrase|passcode|pwd|secret|(?<![a-z])pass(?![a-z.])"
_WEAK = (
    r"token|(?:api|access|private|auth|account|signing|encryption|shared|master|license)"
    r"[_.-]?key|credential|cookie|session[_.-]?id|(?<![a-z])auth(?![a-z])|signature"
)
_REST = r"(?P<rest>[A-Za-z0-9_.-]{0,40})"
_OTHERWISE = re.compile(
    r".*(?:[_.-]|(?<=[a-z])(?=[A-Z])|^)(?i:urls?|uri|types?|endpoint|path|files?|dir|folder|name|limit"
    r"|count|size|length|ttl|expir\w+|header|prefix|fields?|params?|env|cls|class|label|hint|help"
    r"|error|index|pattern|regex)"
)
_ASSIGNED = re.compile(
    rf"""(?:(?P<strong>{_STRONG})|(?:{_WEAK})){_REST}
    (?P<closing>\\?["'`]|\]|\\?["'`]\])?
    (?:[ \t]?:[ \t]?[A-Za-z_][\w.\[\] |]{{0,40}}?(?=[ \t]*=[^=]))?  # a type
    (?P<sep>[ \t]{{0,8}}(?:=>|:=|[=!]==?|=|:)[ \t]{{0,8}})
    (?:[rbfuRBFU]{{0,2}}"(?P<double>(?:[^"\\\n]|\\.){{1,2000}})"
      |[rbfuRBFU]{{0,2}}'(?P<single>(?:[^'\\\n]|\\.){{1,2000}})'
      |`(?P<back>[^`\n]{{1,2000}})`
      |(?P<bare>[^\s"'`<>]{{1,2000}}))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FLAG = re.compile(
    rf"--(?:[a-z0-9]{{1,20}}-){{0,4}}(?:(?P<strong>{_STRONG})|(?:{_WEAK}))(?:-[a-z0-9]{{1,20}})?"
    r"[ \t]{1,4}(?P<quote>[\"']?)(?P<bare>[^\s\"'`<>-][^\s\"'`<>]{0,2000})",
    re.IGNORECASE,
)
_ELEMENT = re.compile(
    rf"<(?:[\w:-]{{0,40}}?(?:(?P<strong>{_STRONG})|(?:{_WEAK}))[\w:-]{{0,40}})(?:\s[^<>]{{0,200}})?>"
    r"\s{0,40}(?P<bare>[^<\n]{1,2000}?)\s{0,40}</",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(
    r"(?:\$\{\{.*|\$\(.*|\{\{.*|\$\{[^{}]*\}|\$[A-Z_][A-Z0-9_]*|\{[\w.!:]*\}|<[^<>]*>|%\(\w+\)s"
    r"|%[sdrv]|\*{3,}|x{3,}|X{3,}|\.{3})+"
)
_NAMES = re.compile(r"[A-Za-z_][A-Za-z_]*(?:\.[A-Za-z_]\w*)*")
_DOTTED = re.compile(r"[A-Za-z_][\w.]*")
_TELLING = re.compile(rf"{_STRONG}|{_WEAK}|key", re.IGNORECASE)
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")
_TYPES = frozenset(
    [
        *("str", "string", "bytes", "bool", "boolean", "int", "integer", "number", "float", "any"),
        *("none", "null", "nil", "undefined", "true", "false", "object", "optional", "text"),
        *("char", "varchar", "self", "this", "required", "unknown", "never", "void", "dict"),
    ]
)
_MIN_WEAK = 8


def values(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the values are that telling names are given."""
    for match in _ASSIGNED.finditer(text):
        if _OTHERWISE.fullmatch(match["rest"]):
            continue
        yield from _quoted(match)
        yield from _bare(match, text)
    for pattern in (_FLAG, _ELEMENT):
        for match in pattern.finditer(text):
            if _is_value(match["bare"], strong=bool(match["strong"])):
                yield match.span("bare")


def _quoted(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    for name in ("double", "single", "back"):
        value = match[name]
        if value and _is_value(value, strong=bool(match["strong"])):
            yield match.span(name)


def _bare(match: re.Match[str], text: str) -> Iterator[tuple[int, int]]:
    value = match["bare"]
    if not value:
        return
    start, end = match.span("bare")
    if _is_setting(match, text):
        # A shell would not take `;` and `&` bare, but a file of settings does.
        if not _TEMPLATE.fullmatch(value) and (match["strong"] or _is_value(value, strong=False)):
            yield start, end
        return
    value = value.rstrip(",;)}]\\") if match["strong"] else re.split(r"[,;)\]}]", value)[0]
    if (
        value
        and not _is_code(value, match, text)
        and _is_value(value, strong=bool(match["strong"]))
    ):
        yield start, start + len(value)


def _is_setting(match: re.Match[str], text: str) -> bool:
    """Whether it stands as in a file of variables: `NAME=value`, in capitals, alone on its line."""
    begin = text.rfind("\n", 0, match.start()) + 1
    head = text[begin : match.start("sep")].strip()
    words = head.removeprefix("export ").lstrip("+-> ")
    return match["sep"] == "=" and words.isupper() and re.fullmatch(r"\w+", words) is not None


def _is_code(value: str, match: re.Match[str], text: str) -> bool:
    if _CALL.match(value) or value[0] in "([{*":
        return True
    if _DOTTED.fullmatch(value) and _TELLING.search(value):
        return not (match["strong"] and re.search(r"\d", value))
    if not _NAMES.fullmatch(value):
        return False
    behind = text[match.start("bare") + len(value) :][:1]
    spaced = match["sep"] != match["sep"].strip() and "=" in match["sep"]
    return (
        "." in value
        or value.casefold() in _TYPES
        or spaced
        or (":" in match["sep"] and value[0].isupper())
        or (behind in {",", ")"} and "=" in match["sep"])
    )


def _is_value(value: str, *, strong: bool) -> bool:
    if _TEMPLATE.fullmatch(value) or value.casefold() in _TYPES:
        return False
    if strong:
        return any(map(str.isalnum, value))
    return len(value) >= _MIN_WEAK and re.search(r"\d", value) is not None and " " not in value
