"""Names that a Python text uses and that nothing in it defines: usually a forgotten import."""

from __future__ import annotations

from pyflakes.checker import Checker
from pyflakes.messages import UndefinedName

from qwenagent.syntax import python_tree


def undefined_names(text: str) -> list[str]:
    """Return undefined names in order of appearance, each once; none if the text has errors.

    Names that a star import may bring are not reported.
    """
    tree = python_tree(text)
    try:
        found = Checker(tree, builtins={"WindowsError"}).messages if tree else []
    except RecursionError:
        return []
    found = sorted((m for m in found if isinstance(m, UndefinedName)), key=lambda m: m.lineno)
    return list(dict.fromkeys(str(message.message_args[0]) for message in found))
