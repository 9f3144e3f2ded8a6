"""Adds imports that an edit of Python forgot, where a name can mean but one thing.

Small models use `defaultdict`, `re`, and classes of the file beside without importing them. Asked
again they often do the same, or do without: with dictionaries in the place of the class.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import PurePosixPath

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
        *("argparse", "array", "asyncio", "base64", "bisect", "calendar", "cmath", "collections"),
        *("contextlib", "copy", "csv", "dataclasses", "datetime", "decimal", "enum", "fractions"),
        *("functools", "hashlib", "heapq", "inspect", "io", "itertools", "json", "logging", "math"),
        *("operator", "os", "pathlib", "pprint", "random", "re", "secrets", "shutil"),
        *("sqlite3", "statistics", "string", "struct", "subprocess", "sys", "tempfile"),
        *("textwrap", "threading", "time", "typing", "unicodedata", "uuid", "zlib"),
    }
)
"""Imported as such where nothing but their members is used, and these exist."""

Sources = Callable[[], Mapping[str, str]]
"""Gives the Python files of a repository that are no tests, by path."""


def with_forgotten_imports(edit: Edit, sources: Sources = dict) -> Edit:
    """Return the edit with the imports that it lacks, of the standard library or the repository.

    Of the repository if one file alone has the name, and it is that of a class or is only called.
    """
    if edit.new is None or edit.meant is not None or not edit.path.endswith((".py", ".pyi")):
        return edit
    known = set(undefined_names(edit.old or ""))
    text = edit.new
    for name in undefined_names(edit.new):
        if name not in known and (line := _import_of(name, edit.path, text, sources)):
            text = _with_line(edit.path, text, line)
    return edit if text == edit.new else replace(edit, new=text, kept=None)


def _import_of(name: str, path: str, text: str, sources: Sources) -> str:
    if home := _MODULE_OF.get(name):
        return f"from {home} import {name}"
    if name in _MODULES and _is_only(text, name, ast.Attribute):
        return _import_of_module(name, text)
    if name[:1].isupper() or _is_only(text, name, ast.Call):
        home = _own_module(name, path, sources())
        return f"from {home} import {name}" if home else ""
    return ""


def _import_of_module(name: str, text: str) -> str:
    """Return the import with which all its members are there: of the module, or what it holds.

    Empty if there is none: `time.split` is of a text whose name was forgotten.
    """
    used = re.findall(rf"(?<![\w.]){name}\s*\.\s*(\w+)", text)
    module = import_module(name)
    if all(hasattr(module, member) for member in used):
        return f"import {name}"
    inner = getattr(module, name, None)
    return f"from {name} import {name}" if all(hasattr(inner, m) for m in used) else ""


def _own_module(name: str, path: str, sources: Mapping[str, str]) -> str:
    """Return the one module that defines a name, empty if it imports that of `path` itself."""
    defined = re.compile(rf"^(?:class|(?:async )?def) {re.escape(name)}\b", re.MULTILINE)
    found = [other for other, code in sources.items() if other != path and defined.search(code)]
    module = _dotted(found[0], sources) if len(found) == 1 else ""
    if not module:
        return ""
    mine = re.escape(PurePosixPath(path).stem)
    is_circle = re.search(rf"^\s*(?:from|import)\b.*\b{mine}\b", sources[found[0]], re.MULTILINE)
    return "" if is_circle else module


def _dotted(path: str, sources: Mapping[str, str]) -> str:
    """Return the module of a file at the top or in packages, empty for others."""
    folder, _, name = path.removesuffix(".py").removesuffix("/__init__").rpartition("/")
    names = [name]
    while folder and (folder != "src" or "src/__init__.py" in sources):
        if f"{folder}/__init__.py" not in sources:
            return ""
        folder, _, name = folder.rpartition("/")
        names.insert(0, name)
    return ".".join(names)


def _with_line(path: str, text: str, line: str) -> str:
    module, _, name = line.rpartition(" import ")
    if module:
        sibling = re.compile(rf"^({re.escape(module)} import \w+(?:, \w+)*)$", re.MULTILINE)
        longer, n = sibling.subn(rf"\1, {name}", text, count=1)
        if n:
            return longer
    return spliced(text, import_spans(path, text, [line])).text


def _is_only(text: str, name: str, kind: type[ast.Attribute | ast.Call]) -> bool:
    """Return whether each use of a name is to be called, or to give a member."""
    tree = python_tree(text)
    nodes: Iterable[ast.AST] = ast.walk(tree) if tree else ()
    inside, uses = 0, 0
    for node in nodes:
        if isinstance(node, kind):
            inside += _is_name(node.func if isinstance(node, ast.Call) else node.value, name)
        uses += _is_name(node, name)
    return 0 < uses == inside


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
