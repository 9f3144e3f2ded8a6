"""Functions, types and values of a file, with the lines they take."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from qwenagent.syntax.definitions import Definition, definitions
from qwenagent.syntax.languages import is_known, language_of
from qwenagent.syntax.parsing import parse
from qwenagent.syntax.rules import rules_of

SHOWN_CHARS = 80
"""How much of a signature an outline shows."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition. Lines count from 1, both ends included, decorators and `export` too."""

    name: str
    """Qualified: `Store.save`. A second definition of the same name is `Store.save#2`.

    In C++ too: `ns::Store::save` is `ns.Store.save`.
    """
    kind: str
    """"function", "type", or "value" for a variable or constant of the module."""
    first_line: int
    last_line: int
    signature: str
    """The line with its name, without indentation."""

    @property
    def n_lines(self) -> int:
        """Number of lines it takes."""
        return self.last_line - self.first_line + 1

    def code_in(self, lines: Sequence[str]) -> str:
        """Return its text, out of the lines of its file."""
        return "\n".join(lines[self.first_line - 1 : self.last_line])


# Hundreds of tests of one file are looked up one after the other.
@lru_cache(maxsize=8)
def symbols(path: str, text: str) -> tuple[Symbol, ...]:
    r"""Return the symbols of a text in order; none if the language is not known.

    Lines of the text end in "\n" alone.
    """
    if not is_known(path):
        return ()
    lines = text.split("\n")
    found = tuple(definitions(parse(path, text).root_node, rules_of(language_of(path))))
    return tuple(
        Symbol(name, it.kind, it.first_row + 1, it.last_row + 1, lines[it.name_row].strip())
        for name, it in zip(_unique(found), found, strict=True)
    )


def _unique(found: Sequence[Definition]) -> list[str]:
    """Return a name of its own for each definition.

    One with a body takes the plain name, and its prototype the next: who asks for `f` means the
    code.
    """
    seen: Counter[str] = Counter()
    names = [it.name for it in found]
    for i in sorted(range(len(found)), key=lambda i: found[i].is_promise):
        n = seen[found[i].name] = seen[found[i].name] + 1
        names[i] = found[i].name if n == 1 else f"{found[i].name}#{n}"
    return names


def plain_name(name: str) -> str:
    """Return the name of a symbol without the number of a later definition of it."""
    return re.sub(r"#\d+$", "", name)


def beginning(path: str, text: str, name: str) -> str:
    """Return the code of a symbol up to the end of its name, with decorators and `export`.

    Empty if there is no such symbol, or if its name is not written as one word.
    """
    symbol = next((it for it in symbols(path, text) if it.name == name), None)
    if symbol is None:
        return ""
    short = plain_name(name).rpartition(".")[2]
    lines = text.split("\n")[symbol.first_line - 1 : symbol.last_line]
    for n, line in enumerate(lines):
        if line.strip() == symbol.signature:
            found = re.search(rf"(?<![\w$#]){re.escape(short)}(?![\w$])", line)
            return "\n".join([*lines[:n], line[: found.end()]]) if found else ""
    return ""


def outline(path: str, text: str, *, numbered: bool = True) -> str:
    """Return one line for each symbol: its lines and its signature, nested by indentation.

    Without numbers where code is to be written from it: small models write the numbers too.
    """
    rows = []
    for symbol in symbols(path, text):
        where = f"{f'{symbol.first_line}-{symbol.last_line}':>9}  " if numbered else ""
        rows.append(f"{where}{'    ' * symbol.name.count('.')}{symbol.signature[:SHOWN_CHARS]}")
    return "\n".join(rows)
