"""Functions, types and values of a file, with the lines they take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from qwenagent.syntax.definitions import definitions
from qwenagent.syntax.languages import is_known, parse

SHOWN_CHARS = 80
"""How much of a signature an outline shows."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition. Lines count from 1, both ends included, decorators and `export` too."""

    name: str
    """Qualified: `Store.save`. A second definition of the same name is `Store.save#2`."""
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


def symbols(path: str, text: str) -> tuple[Symbol, ...]:
    r"""Return the symbols of a text in order; none if the language is not known.

    Lines of the text end in "\n" alone.
    """
    if not is_known(path):
        return ()
    lines = text.split("\n")
    seen: Counter[str] = Counter()
    found: list[Symbol] = []
    for it in definitions(parse(path, text).root_node):
        seen[it.name] += 1
        name = it.name if seen[it.name] == 1 else f"{it.name}#{seen[it.name]}"
        signature = lines[it.name_row].strip()
        found.append(Symbol(name, it.kind, it.first_row + 1, it.last_row + 1, signature))
    return tuple(found)


def outline(path: str, text: str, *, numbered: bool = True) -> str:
    """Return one line for each symbol: its lines and its signature, nested by indentation.

    Without numbers where code is to be written from it: small models write the numbers too.
    """
    rows = []
    for symbol in symbols(path, text):
        where = f"{f'{symbol.first_line}-{symbol.last_line}':>9}  " if numbered else ""
        rows.append(f"{where}{'    ' * symbol.name.count('.')}{symbol.signature[:SHOWN_CHARS]}")
    return "\n".join(rows)
