"""Code as HTML with classes for its syntax, and the style sheets for a light and a dark page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from qwenagent.ui.hunks import DiffLine, diff_lines
from qwenagent.ui.printable import revealed

if TYPE_CHECKING:
    from pygments.formatter import Formatter
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

_MAX_CHARS = 200_000
"""Of one text: beyond it colours cost seconds and nobody reads them."""
_LIGHT, _DARK = "default", "github-dark"


def style_sheet() -> str:
    """Return the colours of syntax for both kinds of page."""
    return f"{_rules(_LIGHT)}\n@media (prefers-color-scheme: dark) {{\n{_rules(_DARK)}\n}}"


def coloured(text: str, path: str) -> str:
    """Return the text as HTML, in the language of the file; without one it is only escaped."""
    return "\n".join(_lines_of(revealed(text).strip("\n").split("\n"), path))


def coloured_diff(diff: str) -> Iterator[str]:
    """Yield the lines of all hunks as HTML; each file begins with its name."""
    path = None
    for file in _files(diff):
        for line, code in zip(file, _codes(file), strict=True):
            if line.path != path:
                path = line.path
                yield f'<span class="file">{html.escape(revealed(path))}</span>'
            elif line.sign == "@":
                yield '<span class="hunk">...</span>'
            if line.sign != "@":
                yield _line(line, code)


def _files(diff: str) -> Iterator[list[DiffLine]]:
    file: list[DiffLine] = []
    for line in diff_lines(diff):
        if file and line.path != file[0].path:
            yield file
            file = []
        file.append(line)
    if file:
        yield file


def _codes(file: list[DiffLine]) -> Iterator[str]:
    """Colour the old and the new side each as a whole: a line alone says too little."""
    old = iter(_side(file, without="+"))
    new = iter(_side(file, without="-"))
    for line in file:
        if line.sign == "-":
            yield next(old)
            continue
        code = next(new)
        if line.sign != "+":
            next(old)
        yield code


def _side(file: list[DiffLine], without: str) -> list[str]:
    codes = [revealed(line.code) for line in file if line.sign != without]
    return _lines_of(codes, file[0].path)


def _line(line: DiffLine, code: str) -> str:
    kind = {"+": "added", "-": "gone"}.get(line.sign, "same")
    # The sign is text: who copies the lines has a diff, and who sees no colours sees it.
    return f'<span class="{kind}"><i>{line.number:>5}</i> {line.sign} {code}</span>'


def _lines_of(lines: list[str], path: str) -> list[str]:
    text = "\n".join(lines)
    lexer = _lexer(path) if len(text) <= _MAX_CHARS else None
    if lexer is None:
        return [html.escape(line) for line in lines]
    drawn = "".join(_drawn(lexer.get_tokens(text))).split("\n")
    # A lexer that does not give back what it was given must not cost a line.
    return drawn if len(drawn) == len(lines) else [html.escape(line) for line in lines]


def _drawn(tokens: Iterable[tuple[_TokenType, str]]) -> Iterator[str]:
    from pygments.token import STANDARD_TYPES

    for kind, value in tokens:
        known = next(each for each in reversed(kind.split()) if each in STANDARD_TYPES)
        name = STANDARD_TYPES[known]
        pieces = [html.escape(piece) for piece in value.split("\n")]
        if name:
            pieces = [f'<span class="{name}">{p}</span>' if p else "" for p in pieces]
        yield "\n".join(pieces)


def _lexer(path: str) -> Lexer | None:
    from pygments.lexers import get_lexer_for_filename
    from pygments.util import ClassNotFound

    name = PurePosixPath(path).name
    if not name:
        return None
    try:
        return get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _rules(style: str) -> str:
    from pygments.formatters import HtmlFormatter

    formatter: Formatter[str] = HtmlFormatter(style=style)
    rules = formatter.get_style_defs("pre code")
    # The page has its own background and line numbers.
    return "\n".join(line for line in rules.split("\n") if line.startswith("pre code ."))
