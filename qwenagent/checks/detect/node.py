"""JavaScript projects: scripts of package.json, test runners without one, node:test, deno, bun."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Literal

from qwenagent.checks.command import parse_command
from qwenagent.checks.detect.place import Found, Place
from qwenagent.checks.detect.watching import Once, once
from qwenagent.checks.trivial import is_trivial
from qwenagent.errors import ChecksError

Manager = Literal["npm", "pnpm", "yarn", "bun"]

PACKAGE = "package.json"
TYPESCRIPT = "tsconfig.json"
DENO = ("deno.json", "deno.jsonc")
# What authors call the variant of `test` that ends by itself.
_ENDING_SCRIPTS = ("test:run", "test:once", "test:ci", "test-ci", "ci:test")
_SCRIPTS = ("test", "tests", "test:unit", "unit", *_ENDING_SCRIPTS)
_MANAGERS: tuple[Manager, ...] = ("pnpm", "yarn", "bun", "npm")
_LOCKS: tuple[tuple[str, Manager], ...] = (
    ("pnpm-lock.yaml", "pnpm"),
    ("pnpm-workspace.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)
# How each starts a program that the packages brought, without fetching any.
_EXECUTE: dict[Manager, str] = {
    "npm": "npx --no-install",
    "pnpm": "pnpm exec",
    "yarn": "yarn run",
    "bun": "bun run",
}
_RUNNERS = (
    ("vitest", "vitest run", ("vitest.config.", "vitest.workspace.")),
    ("jest", "jest", ("jest.config.",)),
    ("mocha", "mocha", (".mocharc.",)),
    ("ava", "ava", ("ava.config.",)),
)
_NODE_TEST = re.compile(r"""(?:from|import|require\()\s*["']node:test["']""")
_BUN_TEST = re.compile(r"""from\s*["']bun:test["']""")
_SAYS_TEST = re.compile(r"test|spec", re.IGNORECASE)
# What `node --test` looks for, as node 18 to 24 do.
_FOUND_BY_NODE = re.compile(r"(?:^|/)(?:test/.*|test|test-[^/]+|[^/]+[._-]test)\.[cm]?js$")
_FOUND_BY_DENO = re.compile(r"(?:^|/)(?:test|[^/]+[._]test|__tests__/[^/]+)\.[cm]?[jt]sx?$")
_COMPILER = "node_modules/.bin/tsc"
_MAX_READ = 100
_MAX_SILENT_READ = 20
_MAX_NAMED = 20


def scripted(place: Place) -> Found | None:
    """Find a script of the package's own, or the test runner it depends on or configures."""
    package = _package(place)
    if package is None:
        return None
    return _script(place, package) or _runner(place, package)


def deno(place: Place) -> Found | None:
    """Find deno's task, or tests that deno finds."""
    config = place.has(*DENO)
    if not config:
        return None
    tasks = re.search(r'"tasks"\s*:\s*\{((?:[^{}]|\{[^{}]*\})*)\}', place.read(config))
    if tasks and re.search(r'"test"\s*:', tasks[1]):
        return place.found("deno task test", f"task test in {config}", config)
    tests = (path for path in place.files(_is_package) if _FOUND_BY_DENO.search(path))
    test = next(tests, "")
    return place.found("deno test", f"{config} and {test}", config) if test else None


def plain(place: Place) -> Found | None:
    """Find files that import node:test or bun:test."""
    manifest = place.has(PACKAGE)
    if not place.is_root and not manifest:
        return None
    likely = _likely_tests(place)
    if test := next((path for path in likely if _BUN_TEST.search(place.read(path))), ""):
        return place.found("bun test", f"bun:test in {test}", manifest)
    tests = [p for p in likely if not p.endswith("ts") and _NODE_TEST.search(place.read(p))]
    if not tests:
        return None
    words = ["node", "--test"]
    if len(tests) <= _MAX_NAMED and not all(map(_FOUND_BY_NODE.search, tests)):
        words += tests
    return place.found(shlex.join(words), f"node:test in {tests[0]}", manifest)


def compiled(place: Place) -> Found | None:
    """Find TypeScript's own compiler: where there are no tests it tells what does not fit."""
    installed = any(folder.is_file(_COMPILER) for folder in place.above())
    if not installed or not place.has(TYPESCRIPT):
        return None
    text = f"{_EXECUTE[_manager(place)]} tsc --noEmit"
    return place.found(text, f"{TYPESCRIPT}, and no tests", TYPESCRIPT)


def _likely_tests(place: Place) -> list[str]:
    """Return scripts, those first whose path says that they are tests."""
    scripts = [p for p in place.files(_is_package) if p.endswith((".js", ".mjs", ".cjs", ".ts"))]
    said = [path for path in scripts if _SAYS_TEST.search(path)]
    known = frozenset(said)
    silent = [path for path in scripts if path not in known]
    return said[:_MAX_READ] + silent[: _MAX_SILENT_READ if place.is_root else 0]


def _is_package(place: Place) -> bool:
    return bool(place.has(PACKAGE, *DENO))


def _package(place: Place) -> Mapping[str, object] | None:
    if not place.has(PACKAGE):
        return None
    try:
        package = json.loads(place.read(PACKAGE))
    except (ValueError, RecursionError):
        return None
    return package if isinstance(package, dict) else None


def _table(package: Mapping[str, object], key: str) -> dict[str, str]:
    """Return the texts in one of the package's tables."""
    table = package.get(key)
    pairs = table.items() if isinstance(table, dict) else ()
    return {name: text for name, text in pairs if isinstance(text, str)}


def _script(place: Place, package: Mapping[str, object]) -> Found | None:
    scripts = _table(package, "scripts")
    usable = {n: end for n in _SCRIPTS if (end := _usable(scripts.get(n, ""), scripts))}
    if not usable:
        return None
    name = next(iter(usable))
    if usable[name] != Once():
        name = next((n for n in _ENDING_SCRIPTS if usable.get(n) == Once()), name)
    text = _typed(_manager(place), name, usable[name])
    return place.found(text, f"script {name} in {PACKAGE}", PACKAGE)


def _usable(script: str, scripts: Mapping[str, str]) -> Once | None:
    if not script.strip() or "no test specified" in script:
        return None
    try:
        if is_trivial(parse_command(script, "detected")):
            return None
    except ChecksError:  # not for a POSIX shell; npm may know better
        pass
    return once(script, scripts)


def _typed(manager: Manager, name: str, end: Once) -> str:
    # Behind `pnpm test`, pnpm would read the options as its own.
    short = name == "test" and manager != "bun" and not (manager == "pnpm" and end.arguments)
    words = [manager, name] if short else [manager, "run", name]
    if end.arguments:
        words += ["--", end.arguments] if manager == "npm" else [end.arguments]
    return " ".join(["CI=1", *words] if end.needs_ci else words)


def _runner(place: Place, package: Mapping[str, object]) -> Found | None:
    needed = _table(package, "devDependencies") | _table(package, "dependencies")
    for tool, words, configs in _RUNNERS:
        config = min((name for name in place.names if name.startswith(configs)), default="")
        if config or tool in needed or tool in package:
            why = config or f"{tool} in {PACKAGE}"
            return place.found(f"{_EXECUTE[_manager(place)]} {words}", why, PACKAGE)
    return None


def _manager(place: Place) -> Manager:
    """Return the package manager of the nearest folder that says which: a workspace is above."""
    for folder in place.above():
        said = str((_package(folder) or {}).get("packageManager", ""))
        if named := next((m for m in _MANAGERS if said.startswith(f"{m}@")), None):
            return named
        # Some ignore their lock file, so it is looked for on the disk.
        if locked := next((m for lock, m in _LOCKS if folder.is_file(lock)), None):
            return locked
    return "npm"
