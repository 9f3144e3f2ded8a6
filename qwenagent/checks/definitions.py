"""The files of a repository that say what a command really does: a Makefile, a script, tox.ini.

Starts nothing. What such a file includes from others is not followed, and neither are tests: those
are what a run changes.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from qwenagent.checks.anatomy import program_indexes
from qwenagent.checks.command import is_shell, program_name
from qwenagent.checks.npm_scripts import package_of, scripts_of
from qwenagent.protocol.approval import Definition
from qwenagent.protocol.checks import TestCommand

_MAX_BYTES = 4_000_000
# The others can name the shell that runs scripts, or code that the manager itself runs.
_PACKAGE = ("package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "bunfig.toml")
_SCRIPT_ENDS = ("js", "cjs", "mjs", "ts", "cts", "mts")
_MAKE = ("GNUmakefile", "makefile", "Makefile")
# Their settings name plugins, which are code, or are code themselves.
_PRETTIER = tuple(
    [
        *("package.json", ".prettierrc", ".prettierrc.json", ".prettierrc.yaml", ".prettierrc.yml"),
        *(".prettierrc.json5", ".prettierrc.toml"),
        *(f"{stem}.{end}" for stem in (".prettierrc", "prettier.config") for end in _SCRIPT_ENDS),
    ]
)
_ESLINT = tuple(
    [
        *("package.json", ".eslintrc", ".eslintrc.json", ".eslintrc.yaml", ".eslintrc.yml"),
        *(f"{stem}.{end}" for stem in (".eslintrc", "eslint.config") for end in _SCRIPT_ENDS),
    ]
)
_GRADLE = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
# Program -> the files in which it looks up what it is to run.
_FILES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["npm", "pnpm", "yarn", "bun"], _PACKAGE),
    **dict.fromkeys(["make", "gmake"], _MAKE),
    **dict.fromkeys(["gradle", "gradlew"], _GRADLE),
    **dict.fromkeys(["mvn", "mvnw"], ("pom.xml",)),
    "bmake": ("BSDmakefile", *_MAKE),
    "just": ("justfile", "Justfile", ".justfile"),
    "task": ("Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml"),
    "rake": ("Rakefile", "rakefile", "Rakefile.rb", "rakefile.rb"),
    "tox": ("tox.ini", "setup.cfg", "pyproject.toml", "tox.toml"),
    "nox": ("noxfile.py",),
    "invoke": ("tasks.py", "invoke.yaml"),
    "inv": ("tasks.py", "invoke.yaml"),
    "fab": ("fabfile.py",),
    "poe": ("pyproject.toml", "poe_tasks.toml"),
    "hatch": ("pyproject.toml", "hatch.toml"),
    "pdm": ("pyproject.toml",),
    "pipenv": ("Pipfile",),
    "pre-commit": (".pre-commit-config.yaml",),
    "deno": ("deno.json", "deno.jsonc"),
    "composer": ("composer.json",),
    "cargo": (".cargo/config.toml", ".cargo/config"),
    "mix": ("mix.exs",),
    "ninja": ("build.ninja",),
    "ant": ("build.xml",),
    "prettier": _PRETTIER,
    "eslint": _ESLINT,
    "biome": ("biome.json", "biome.jsonc", ".biome.json", ".biome.jsonc"),
    # Names the toolchain that is started, by path if it wants.
    "rustfmt": ("rust-toolchain", "rust-toolchain.toml"),
}
_INTERPRETERS = frozenset(
    [
        *("sh", "bash", "dash", "zsh", "ksh", "fish", "python", "pypy", "node", "deno", "bun"),
        *("perl", "ruby", "php", "lua", "rscript", "tsx", "ts-node", "pwsh"),
    ]
)


def definitions(command: TestCommand, root: Path) -> tuple[Definition, ...]:
    """Return the files that decide what a command does, with their hashes, sorted by path.

    Of a package.json its scripts count, and the settings that may name plugins. A shell text has
    none: it is shown itself.
    """
    folder = root / command.cwd
    paths = () if is_shell(command.argv) else dict.fromkeys(_files_of(command.argv, folder))
    found = (Definition(_shown(path, root), _digest(path)) for path in paths)
    return tuple(sorted(found, key=lambda definition: definition.path))


def script_notes(command: TestCommand, root: Path) -> tuple[str, ...]:
    """Return the scripts of package.json that a command names, to be shown with it."""
    argv = command.argv
    if is_shell(argv) or not any(name in ("npm", "pnpm", "yarn", "bun") for name in _names(argv)):
        return ()
    scripts = scripts_of(root / command.cwd)
    words = {"test" if word in ("t", "tst") else word for word in argv[1:]}
    wanted = [f"{when}{word}" for word in words for when in ("pre", "", "post")]
    return tuple(f"package.json, {name}: {scripts[name]}" for name in wanted if name in scripts)


def _files_of(argv: Sequence[str], folder: Path) -> Iterator[Path]:
    for index in program_indexes(argv):
        word, own = argv[index], argv[index + 1 :]
        if "/" in word and _kind(path := folder / word) == "file":
            yield path
        if program_name(word) in _INTERPRETERS and (script := _script(own, folder)):
            yield script
        # `python -m tox` is tox.
        name = own[1] if own[:1] in (("-m",), ["-m"]) and len(own) > 1 else program_name(word)
        if name in _FILES:
            yield from _looked_up(name, own, folder)


def _looked_up(name: str, own: Sequence[str], folder: Path) -> Iterator[Path]:
    """Yield what a program reads in the folder, in those its arguments name, and those itself."""
    folders = [folder]
    for word in own:
        # `-C sub`, `-Csub`, `--file=x.mk`, `-fx.mk`
        for said in (word, word.partition("=")[2], word[2:] if word.startswith("-") else ""):
            path = folder / said
            if said and _kind(path) == "folder":
                folders.append(path)
            elif said and _kind(path) == "file":
                yield path
    for place in folders:
        yield from (place / file for file in _FILES[name] if _kind(place / file) == "file")


def _script(own: Sequence[str], folder: Path) -> Path | None:
    """Return the file that an interpreter is told to run, None for code, modules and tests."""
    first = next((word for word in own if not word.startswith("-")), "")
    if not first or {"-m", "-c", "-e"}.intersection(own[: own.index(first)]):
        return None
    return path if _kind(path := folder / first) == "file" else None


def _names(argv: Sequence[str]) -> list[str]:
    return [program_name(argv[index]) for index in program_indexes(argv)]


def _kind(path: Path) -> Literal["file", "folder", ""]:
    """Tell what is there; a device counts as a file, whose content then is not to be had."""
    try:
        return "folder" if stat.S_ISDIR(path.stat().st_mode) else "file"
    except (OSError, ValueError):  # nothing there, or a word that no file can be called
        return ""


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _digest(path: Path) -> str:
    """Return the SHA-256 of what counts in a file, empty if that is not to be had."""
    if path.name == "package.json" and (counts := _what_counts(path.parent)):
        return hashlib.sha256(json.dumps(counts, sort_keys=True).encode("ascii")).hexdigest()
    try:
        if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > _MAX_BYTES:
            return ""
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _what_counts(folder: Path) -> dict[str, object]:
    """Return what of a package.json says what a command does."""
    package = package_of(folder)
    names = ("prettier", "eslintConfig")
    settings: dict[str, object] = {name: package[name] for name in names if name in package}
    return {**scripts_of(folder), **settings}
