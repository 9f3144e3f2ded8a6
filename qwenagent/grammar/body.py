"""The raw text after a call: anything up to a line that begins with the closing fence."""

from __future__ import annotations

import re

from qwenagent import assets
from qwenagent.grammar.terms import Grammar, literal

_RUN = re.compile(r"`+")
MARKDOWN_FENCE = 5


def fence_for(*texts: str, markdown: bool = False) -> str:
    """Return a fence longer than all backticks in a row in `texts`; at least 3, Markdown 5."""
    longest = max((len(run) for text in texts for run in _RUN.findall(text)), default=0)
    return "`" * max(MARKDOWN_FENCE if markdown else 3, longest + 1)


_IMPORTS = r'(("import " | "from ") [^(\x00-\x08\x0A-\x1F\x7F]* "\n"{1,2})*'
_REST_OF_LINE = r'([^A-Za-z0-9_$`\x00-\x08\x0A-\x1F\x7F] rest)? "\n" '
_ABOVE = r'([ \t]{0,16} ("@" | "#[" | "# " | "//" | "/*" | "*") rest "\n"){0,12}'
_WORDS = (
    "("
    + " | ".join(
        f'"{word} "'
        for word in (
            *("async", "export", "default", "pub", "pub(crate)", "public", "private", "protected"),
            *("static", "final", "abstract", "override", "virtual", "inline", "const", "unsafe"),
        )
    )
    + "){0,4}"
)
"""Before the first line of a definition, and in it."""


def body_grammar(
    fence: str, *, may_be_empty: bool = False, begin: str = "", may_have_more: bool = False
) -> Grammar:
    """Return the grammar of a body that ends with `fence`, which is part of the text.

    `begin` is how it begins, up to the end of a name; lines that import may come before. With
    `may_have_more` so may decorators, comments, and words such as `async` in its last line.
    """
    short = " | ".join(f'"{"`" * n}" after-ticks' for n in range(1, len(fence)))
    text = assets.fill(
        assets.read("grammars", "body.gbnf"),
        fence=fence,
        short_runs=short,
        start=_start(begin, may_have_more) if begin else "" if may_be_empty else "first ",
    )
    return Grammar(text, f"body up to {fence}")


def _start(begin: str, may_have_more: bool) -> str:
    if not may_have_more:
        return f"{_IMPORTS} {literal(begin)} {_REST_OF_LINE}"
    above, feed, line = begin.rpartition("\n")
    code = line.lstrip()
    parts = [literal(above + feed), _ABOVE] if feed else []
    indent = [literal(line[: len(line) - len(code)])] if code != line else []
    return " ".join([_IMPORTS, _ABOVE, *parts, *indent, _WORDS, literal(code), _REST_OF_LINE])
