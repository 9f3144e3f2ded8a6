"""Which files use which, as their import lines tell. Reads texts it is handed, runs nothing.

What cannot be told is taken as a use: a test too many costs seconds, one too few an answer.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

Read = Callable[[str], str | None]

PYTHON = (".py", ".pyi")
SCRIPT = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte")
GO = (".go",)
RUST = (".rs",)

# What stands in a docstring or comment and looks like an import counts too. Nothing is tried twice:
# in a file of brackets or blanks alone that would take hours.
_PY_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:>>> )?"
    r"(?:from[ \t]++(?P<dots>\.*+)[ \t]*+(?P<module>(?:(?!import\b)[\w.]++)?+)[ \t]*+import[ \t]*"
    r"(?P<names>\((?:[^()#]++|#[^\n]*+)*+\)|(?:\\\r?\n|[^\n#;\\])+)"
    r"|import[ \t]+(?P<modules>(?:\\\r?\n|[^\n#;\\])+))",
    re.MULTILINE,
)
_PY_COMMENT = re.compile(r"#[^\n]*")
_JS_IMPORT = re.compile(
    r"""(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\(|\b(?:mock|importActual)\s*\()\s*"""
    r"""(?:'([^'\n]+)'|"([^"\n]+)"|`([^`\n$]+)`)"""
)
_JS_ALIASES = ("@/", "~/", "#/", "$lib/")
_GO_BLOCK = re.compile(
    r"^import\s*(?:\(((?:[^()/]++|//[^\n]*+|/)*+)\)|[^\n\"]*(\"[^\"\n]+\"))", re.MULTILINE
)
_GO_PATH = re.compile(r'"([^"\n]+)"')
_GO_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)
_CRATE_PATH = re.compile(r'\bpath\s*=\s*"([^"\n]+)"')
_MAX_REEXPORTS = 5


@dataclass(frozen=True, slots=True)
class PyImport:
    """One `import` or `from ... import`."""

    level: int
    module: str
    names: tuple[tuple[str, str], ...] = ()
    """(name, the name it gets here); empty for a plain import."""


class Uses:
    """Who uses a file: `users[file]`; a folder that is a package or crate is a node as well.

    `loose[file]` are those that load a package's `__init__.py` only on the way to something else.
    """

    def __init__(self) -> None:
        self.users: defaultdict[str, set[str]] = defaultdict(set)
        self.loose: defaultdict[str, set[str]] = defaultdict(set)

    def reached_from(self, changed: Collection[str]) -> dict[str, int]:
        """Return every node that uses a changed file, with the number of uses in between."""
        distance = dict.fromkeys(changed, 0)
        todo = list(changed)
        for node in todo:
            users = self.users[node] | (self.loose[node] if not distance[node] else set())
            for user in sorted(users - distance.keys()):
                distance[user] = distance[node] + 1
                todo.append(user)
        return distance


def find_uses(files: Collection[str], read: Read) -> Uses:
    """Read the import lines of all files that are of a language known here."""
    uses = Uses()
    _python(uses, [f for f in files if f.endswith(PYTHON)], read)
    _script(uses, [f for f in files if f.endswith(SCRIPT)], read)
    _go(uses, [f for f in files if f.endswith(GO)], files, read)
    _rust(uses, [f for f in files if f.endswith(RUST)], files, read)
    return uses


# -- Python -----------------------------------------------------------------------------------


def python_imports(text: str) -> list[PyImport]:
    """Return the imports of a text, which need not be valid Python."""
    found = []
    for match in _PY_IMPORT.finditer(text):
        if match["modules"]:
            modules = _names(match["modules"])
            found += [PyImport(0, module) for module, _ in modules]
        elif names := _names(match["names"]):
            found.append(PyImport(len(match["dots"]), match["module"], tuple(names)))
    return found


def _names(text: str) -> list[tuple[str, str]]:
    bare = _PY_COMMENT.sub("", text).replace("\\\n", " ").replace("\\\r\n", " ").strip("() \t\r\n")
    pairs = [part.split() for part in bare.split(",")]
    return [(words[0], words[-1]) for words in pairs if words]


class PythonModules:
    """Finds the file of a dotted name as seen from another file."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = frozenset(files)
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        for path in files:
            parts = _module_parts(path)
            for n in range(len(parts)):
                self._by_name[".".join(parts[n:])].append(path)

    def find(self, name: str, importer: str) -> list[str]:
        """Return the files that an absolute name can mean, from the folders closest by."""
        found = [p for p in self._by_name.get(name, ()) if self._is_top(p, name)]
        if not found:
            return []
        near = {p: len(posixpath.commonpath([_root(p, name) or ".", importer])) for p in found}
        closest = max(near.values())
        return [p for p in found if near[p] == closest]

    def find_relative(self, level: int, name: str, importer: str) -> list[str]:
        """Return the file that a name with `level` dots before it means."""
        folder = importer
        for _ in range(level):
            folder = posixpath.dirname(folder)
        path = posixpath.join(folder, *filter(None, name.split(".")))
        return [p for p in (f"{path}.py", f"{path}/__init__.py", f"{path}.pyi") if p in self._files]

    def packages(self, path: str) -> Iterator[str]:
        """Yield the `__init__.py` of the packages that a module is in."""
        folder = posixpath.dirname(path)
        while (init := posixpath.join(folder, "__init__.py")) in self._files:
            yield init
            if not folder:
                return
            folder = posixpath.dirname(folder)

    def _is_top(self, path: str, name: str) -> bool:
        return posixpath.join(_root(path, name), "__init__.py") not in self._files


def _module_parts(path: str) -> list[str]:
    parts = path.rpartition(".")[0].split("/")
    return parts[:-1] if parts[-1] == "__init__" else parts


def _root(path: str, name: str) -> str:
    """Return the folder from which a module has this name."""
    parts = _module_parts(path)
    return "/".join(parts[: len(parts) - len(name.split("."))])


class _PythonReader:
    """Turns imports into uses; names that a package hands on lead to where they come from."""

    def __init__(self, files: Sequence[str], read: Read) -> None:
        self.modules = PythonModules(files)
        self._imports = {path: python_imports(read(path) or "") for path in files}

    def add_to(self, uses: Uses) -> None:
        for path, imports in self._imports.items():
            for one in imports:
                for target in self._targets(one, path):
                    uses.users[target].add(path)
                    for package in self.modules.packages(target):
                        uses.loose[package].add(path)

    def _find(self, one: PyImport, name: str, importer: str) -> list[str]:
        full = f"{one.module}.{name}".strip(".")
        if one.level:
            return self.modules.find_relative(one.level, full, importer)
        return self.modules.find(full, importer) if full else []

    def _targets(self, one: PyImport, importer: str, depth: int = 0) -> Iterator[str]:
        whole = self._find(one, "", importer)
        if not one.names:
            yield from whole or self._prefix(one.module, importer)
        for name, _ in one.names:
            inner = self._find(one, name, importer) if name != "*" else []
            yield from inner or self._handed_on(whole, name, depth)

    def _prefix(self, module: str, importer: str) -> list[str]:
        """`import a.b.c`, where c is a name of the file a/b.py."""
        parts = module.split(".")
        tries = (".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))
        return next((found for t in tries if (found := self.modules.find(t, importer))), [])

    def _handed_on(self, files: list[str], name: str, depth: int) -> Iterator[str]:
        """Where a name of a package comes from; the package itself if that cannot be told."""
        for path in files:
            is_package = path.endswith("__init__.py") and depth < _MAX_REEXPORTS
            origins = self._origins(path, name) if is_package else []
            for origin in origins:
                yield from self._targets(origin, path, depth + 1)
            if not origins:
                yield path

    def _origins(self, path: str, name: str) -> list[PyImport]:
        """Return the imports of a file that may give it a name."""
        given = [(one, old, new) for one in self._imports[path] for old, new in one.names]
        exact = [
            PyImport(one.level, one.module, ((old, name),))
            for one, old, new in given
            if new == name
        ]
        stars = [one for one, old, _ in given if old == "*"]
        return exact or [PyImport(one.level, one.module, ((name, name),)) for one in stars]


def _python(uses: Uses, files: list[str], read: Read) -> None:
    _PythonReader(files, read).add_to(uses)
    for conftest in (f for f in files if posixpath.basename(f) == "conftest.py"):
        folder = posixpath.dirname(conftest)
        beneath = (f for f in files if not folder or f.startswith(f"{folder}/"))
        uses.users[conftest].update(f for f in beneath if f != conftest)


# -- JavaScript and TypeScript ----------------------------------------------------------------


def _script(uses: Uses, files: list[str], read: Read) -> None:
    known = frozenset(files)
    for path in files:
        for match in _JS_IMPORT.finditer(read(path) or ""):
            for target in _script_files(match[1] or match[2] or match[3], path, known):
                uses.users[target].add(path)


def _script_files(name: str, importer: str, known: frozenset[str]) -> list[str]:
    folder = posixpath.dirname(importer)
    if name.startswith("."):
        bases = [posixpath.normpath(posixpath.join(folder, name))]
    else:
        bare = next((name[len(a) :] for a in _JS_ALIASES if name.startswith(a)), name)
        bases = [bare] if "/" in bare or bare != name else []
        bases += [posixpath.join(root, "src", bare) for root in _upward(folder)] if bases else []
    return next((found for base in bases if (found := _script_variants(base, known))), [])


def _script_variants(base: str, known: frozenset[str]) -> list[str]:
    # TypeScript names the file that will be there: `./a.js` is a.ts.
    stem = re.sub(r"\.[cm]?jsx?$", "", base)
    names = [base, *(b + s for b in (base, stem) for s in SCRIPT)]
    names += [f"{base}/index{suffix}" for suffix in SCRIPT]
    return [n for n in dict.fromkeys(names) if n in known][:1]


def _upward(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


# -- Go and Rust: packages and crates ---------------------------------------------------------


def _go(uses: Uses, files: list[str], listed: Collection[str], read: Read) -> None:
    modules = {
        match[1]: posixpath.dirname(path)
        for path in listed
        if posixpath.basename(path) == "go.mod" and (match := _GO_MODULE.search(read(path) or ""))
    }
    for path in files:
        package = _folder_node(posixpath.dirname(path))
        is_test = path.endswith("_test.go")
        if not is_test:
            uses.users[path].add(package)
        else:
            uses.users[package].add(path)
        for block in _GO_BLOCK.finditer(read(path) or ""):
            for name in _GO_PATH.findall(block[1] or block[2]):
                for folder in _go_folders(name, modules):
                    user = path if is_test else package
                    uses.users[_folder_node(folder)].add(user)


def _go_folders(name: str, modules: dict[str, str]) -> Iterator[str]:
    for module, folder in modules.items():
        if name == module or name.startswith(f"{module}/"):
            yield posixpath.join(folder, name[len(module) + 1 :]).rstrip("/")


def _rust(uses: Uses, files: list[str], listed: Collection[str], read: Read) -> None:
    manifests = [p for p in listed if posixpath.basename(p) == "Cargo.toml"]
    crates = {posixpath.dirname(path) for path in manifests}
    for path in files:
        crate = next((f for f in _upward(posixpath.dirname(path)) if f in crates), None)
        if crate is not None:
            uses.users[path].add(_folder_node(crate))
            uses.users[_folder_node(crate)].add(path)
    for manifest in manifests:
        folder = posixpath.dirname(manifest)
        for match in _CRATE_PATH.finditer(read(manifest) or ""):
            other = posixpath.normpath(posixpath.join(folder, match[1])).removeprefix(".")
            if other in crates:
                uses.users[_folder_node(other)].add(_folder_node(folder))


def _folder_node(folder: str) -> str:
    return f"{folder}/"
