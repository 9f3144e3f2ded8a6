"""Adds imports that an edit of Python forgot, where a name can mean but one thing.

Small models use `defaultdict` and `re` without importing them; asked again, they often do the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import replace

from qwenagent.syntax import python_tree
from qwenagent.tools.hoisting import import_spans
from qwenagent.tools.names import undefined_names
from qwenagent.tools.splice import spliced
from qwenagent.workspace import Edit

_MEMBERS = {
    "abc": "ABC abstractmethod",
    "collections": "Counter OrderedDict defaultdict deque namedtuple",
    "contextlib": "contextmanager suppress",
    "copy": "deepcopy",
    "dataclasses": "dataclass",
    "decimal": "Decimal",
    "enum": "Enum IntEnum",
    "fractions": "Fraction",
    "functools": "cached_property lru_cache partial reduce total_ordering wraps",
    "itertools": "accumulate combinations groupby pairwise permutations zip_longest",
    "math": "ceil floor gcd isclose sqrt",
    "pathlib": "Path",
    "typing": "Any Callable ClassVar Dict Generic Iterable Iterator List Literal Mapping Optional "
    "NamedTuple Protocol Sequence Set Tuple TypeVar Union",
}
_MODULE_OF = {name: module for module, names in _MEMBERS.items() for name in names.split()}
_MODULES = frozenset(
    {
        *("bisect", "collections", "dataclasses", "datetime", "functools", "heapq", "itertools"),
        *("json", "math", "os", "random", "re", "statistics", "sys", "textwrap", "typing"),
    }
)
"""Imported as such where nothing but their members is used."""


def with_forgotten_imports(edit: Edit) -> Edit:
    """Return the edit with the imports of the standard library that it lacks."""
    if edit.new is None or edit.meant is not None or not edit.path.endswith((".py", ".pyi")):
        return edit
    known = set(undefined_names(edit.old or ""))
    text = edit.new
    for name in undefined_names(edit.new):
        if name not in known:
            text = _with_import(edit.path, text, name)
    return edit if text == edit.new else replace(edit, new=text, kept=None)


def _with_import(path: str, text: str, name: str) -> str:
    if module := _MODULE_OF.get(name):
        line = re.compile(rf"^(from {module} import \w+(?:, \w+)*)$", re.MULTILINE)
        longer, n = line.subn(rf"\1, {name}", text, count=1)
        return longer if n else _added(path, text, f"from {module} import {name}")
    if name in _MODULES and _is_module(text, name):
        return _added(path, text, f"import {name}")
    return text


def _added(path: str, text: str, *lines: str) -> str:
    return spliced(text, import_spans(path, text, lines)).text


def _is_module(text: str, name: str) -> bool:
    """Return whether nothing but members of a name are used."""
    tree = python_tree(text)
    nodes: Iterable[ast.AST] = ast.walk(tree) if tree else ()
    owners, uses = 0, 0
    for node in nodes:
        owners += isinstance(node, ast.Attribute) and _is_name(node.value, name)
        uses += _is_name(node, name)
    return 0 < uses == owners


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
