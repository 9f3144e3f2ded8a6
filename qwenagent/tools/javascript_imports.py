"""Modules that JavaScript and TypeScript import, and whether a project has them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from tree_sitter import Node

from qwenagent.syntax import parse
from qwenagent.workspace import Workspace

JAVASCRIPT = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx"})
_SOURCES = ("import_statement", "export_statement", "import_require_clause")
_CALLS = ("import", "require")
_KINDS = ("", *sorted(JAVASCRIPT), ".d.ts", ".json", ".node", ".vue", ".svelte")
# TypeScript names the file that the compiler will write.
_COMPILED = {".js": (".ts", ".tsx", ".d.ts"), ".jsx": (".tsx",), ".mjs": (".mts", ".d.mts"),
             ".cjs": (".cts", ".d.cts")}  # fmt: skip
_DEPENDENCIES = (
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "optionalDependencies",
    "imports",
)
_CONFIGURATIONS = re.compile(
    r"(tsconfig.*\.json|jsconfig\.json|deno\.jsonc?|import_?map\.json"
    r"|(vite|vitest|webpack|rollup|jest|babel|next|nuxt|svelte|astro)\.config\.\w+)"
)
# node:module, `builtinModules` of Node 22, without what begins with an underscore.
_BUILT_IN = frozenset(
    {
        "assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants",
        "crypto", "dgram", "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2",
        "https", "inspector", "module", "net", "os", "path", "perf_hooks", "process", "punycode",
        "querystring", "readline", "repl", "stream", "string_decoder", "sys", "timers", "tls",
        "trace_events", "tty", "url", "util", "v8", "vm", "wasi", "worker_threads", "zlib",
    }
)  # fmt: skip


def specifiers(path: str, text: str) -> Iterator[str]:
    """Yield the modules that a text imports, in order; those inside of a `try` may be missing."""
    todo: list[Node] = [parse(path, text).root_node]
    while todo:
        node = todo.pop()
        source: Node | None = None
        if node.type == "try_statement":
            continue
        if node.type in _SOURCES:
            source = node.child_by_field_name("source")
        elif node.type == "call_expression":
            source = _argument(node)
        if source is not None and source.type == "string":
            yield (source.text or b"").decode("utf-8", errors="replace")[1:-1]
        todo += reversed(node.named_children)


def _argument(call: Node) -> Node | None:
    """Return what `import(...)` or `require(...)` is called with."""
    called, given = (call.child_by_field_name(name) for name in ("function", "arguments"))
    if called is None or given is None or len(given.named_children) != 1:
        return None
    return given.named_children[0] if (called.text or b"").decode() in _CALLS else None


class Modules:
    """What can be imported from one file of a repository."""

    def __init__(self, tree: Workspace, path: str, coming: Collection[str]) -> None:
        self._tree = tree
        self._folder = PurePosixPath(path).parent
        self._coming = coming

    def has(self, name: str) -> bool:
        """Return whether a module is there; what only a bundler could know is taken to be."""
        plain = re.split(r"[?#]", name, maxsplit=1)[0] if name[:1] == "." else name
        if plain.startswith("."):
            return self._has_file(plain)
        # Also the other schemes, loaders, and the usual aliases, which are no package's name.
        if not plain or re.match(r"[~/#]|@/|[\w+.-]+:|.*!", plain):
            return True
        package = "/".join(plain.split("/")[: 2 if plain.startswith("@") else 1])
        return plain.split("/")[0] in _BUILT_IN or self._has_package(package, plain)

    def _has_file(self, name: str) -> bool:
        parts = list(self._folder.parts)
        for part in PurePosixPath(name).parts:
            if part == "..":
                if not parts:
                    return True  # outside of the repository, where nothing is looked at
                parts.pop()
            else:
                parts.append(part)
        return self._is_module(PurePosixPath(*parts))

    def _is_module(self, path: PurePosixPath) -> bool:
        base = path.as_posix()
        stem = base.removesuffix(path.suffix)
        names = [base + kind for kind in _KINDS]
        names += [stem + kind for kind in _COMPILED.get(path.suffix, ())]
        names += [(path / f"index{kind}").as_posix() for kind in _KINDS if kind]
        names.append((path / "package.json").as_posix())
        return any(name in self._coming or self._tree.is_file(name) for name in names)

    def _has_package(self, package: str, name: str) -> bool:
        folders = [self._folder, *self._folder.parents]
        manifests = [self._text(folder / "package.json") for folder in folders]
        if not any(manifests):
            return True  # not a project of packages: an import map or a bundle may have it
        if any(_declares(text, package) for text in manifests if text):
            return True
        stored = (package, f"@types/{package.removeprefix('@').replace('/', '__')}")
        if any(
            self._tree.exists((folder / "node_modules" / entry).as_posix())
            for folder in folders
            for entry in stored
        ):
            return True
        return self._is_alias(name) or any(
            self._is_module(folder / base / name) for folder in folders for base in (".", "src")
        )

    def _is_alias(self, name: str) -> bool:
        """Return whether a configuration of the project speaks of a name's first part."""
        quoted = re.compile(rf"[\"'`^]{re.escape(name.split('/')[0])}[\"'`/$*]")
        return any(
            quoted.search(self._tree.text(path) or "")
            for path in self._tree.files()
            if _CONFIGURATIONS.fullmatch(PurePosixPath(path).name)
        )

    def _text(self, path: PurePosixPath) -> str | None:
        return self._tree.text(path.as_posix())


def _declares(manifest: str, package: str) -> bool:
    """Return whether a package.json is this package's or needs it; one with errors may."""
    try:
        told = json.loads(manifest)
    except ValueError:
        return True
    if not isinstance(told, dict):
        return True
    return told.get("name") == package or any(
        package in told[key] for key in _DEPENDENCIES if isinstance(told.get(key), dict)
    )
