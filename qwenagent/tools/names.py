"""Names that a Python text uses and that nothing in it defines: usually a forgotten import."""

from __future__ import annotations

import ast

from pyflakes.checker import Checker
from pyflakes.messages import UndefinedName


def undefined_names(text: str) -> list[str]:
    """Return undefined names in order of appearance, each once; none if the text has errors.

    Names that a star import may bring are not reported.
    """
    try:
        found = Checker(ast.parse(text), builtins={"WindowsError"}).messages
    except (SyntaxError, ValueError, RecursionError):
        return []
    found = sorted((m for m in found if isinstance(m, UndefinedName)), key=lambda m: m.lineno)
    return list(dict.fromkeys(str(message.message_args[0]) for message in found))
