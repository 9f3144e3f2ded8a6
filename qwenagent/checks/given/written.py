"""The file of a test that a plan gives: its whole text, and the command that runs it.

A test of the user's own is never overwritten: a block is added behind it, or goes into a new file
beside it. Writes and starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from qwenagent.checks.given.block import SUFFIXES, Block, Language, block_of, join, parent
from qwenagent.checks.given.command import command_of
from qwenagent.checks.given.place import place_of
from qwenagent.checks.uses import Read
from qwenagent.errors import ChecksError
from qwenagent.plan.values import Step
from qwenagent.protocol.checks import TestCommand
from qwenagent.syntax import symbols

_IMPORTS = re.compile(
    r"^(?:import|from|use|package|extern)\b|^(?:const|let|var)\b.*\brequire\(", re.MULTILINE
)
_ENDING = re.compile(r"(?:_test|[._-](?:test|spec))?\.\w+$")
_FUTURE = re.compile(r"^from __future__ import", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GivenTest:
    """A test file to be written, and how it is run."""

    path: str
    """POSIX, relative to the repository."""
    text: str
    """The whole file: what was there before, if anything, is at its beginning."""
    command: TestCommand


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test for a step would go that gives none."""

    path: str
    """POSIX, relative to the repository; nothing is there."""
    language: Language


def place_for(step: Step, files: Collection[str], suite: TestCommand | None, read: Read) -> Place:
    """Return where a new test for a step goes, in the language of the files it is about.

    Raises:
        ChecksError: it is about none whose language is known, or no runner is.
    """
    names = (*step.files, *step.mentions)
    suffixes = [PurePosixPath(name).suffix for name in names]
    found = (it for suffix in suffixes for it, known in SUFFIXES.items() if suffix in known)
    if (language := next(found, None)) is None:
        raise ChecksError(f"step {step.number} names no file whose tests are known here")
    block = Block(replace(step, test_path=""), "", language, frozenset(files), read)
    path = place_of(block, suite)
    paths = (_numbered(path, number) for number in range(1, len(files) + 3))
    free = next(it for it in paths if it not in block.files and not _is_taken(block, it))
    command_of(block, free, suite)  # raises where no runner is known
    return Place(free, language)


def given_test(
    step: Step, files: Collection[str], suite: TestCommand | None, read: Read
) -> GivenTest | None:
    """Return the file and the command for the test in a step, None if it gives none.

    `files` are the repository's, `read` gives a file's text, None if it has none. Asked again
    after the file was written it answers the same.

    Raises:
        ChecksError: the language or the runner is not known, or the path is not that of a test
            inside the repository.
    """
    if not (step.test_code or "").strip():
        return None
    block = block_of(step, files, read)
    path, text = _file(block, place_of(block, suite))
    return GivenTest(path, text, command_of(block, path, suite))


def _file(block: Block, path: str) -> tuple[str, str]:
    """Return the path that is really taken, and the whole text of the file."""
    for number in range(1, len(block.files) + 3):
        candidate = _numbered(path, number)
        if candidate in block.files:
            text = _extended(block, candidate)
            if text is not None and (number == 1 or block.code in text.replace("\r\n", "\n")):
                return candidate, text
        elif not _is_taken(block, candidate):
            return candidate, _whole(block, candidate)
    raise ChecksError(f"no free name beside {path!r} for the test of step {block.step.number}")


def _numbered(path: str, number: int) -> str:
    """Return tests/test_a_2.py for tests/test_a.py; what makes the name a test's stays."""
    if number == 1:
        return path
    folder, name = parent(path), PurePosixPath(path).name
    ending = _ENDING.search(name)
    end = ending[0] if ending else ""
    stem = name.removesuffix(end)
    joint = "-" if end.count(".") > 1 else "_"
    return join(folder, f"{stem}{joint}{number}{end}")


def _is_taken(block: Block, path: str) -> bool:
    """Tell whether pytest could mistake another file for this one: they have the same name."""
    if block.language != "python" or block.step.test_path == path:
        return False
    name = PurePosixPath(path).name
    return any(PurePosixPath(other).name == name for other in block.files)


def _extended(block: Block, path: str) -> str | None:
    """Return an existing file with the block behind it, None if the two do not go together."""
    text = block.read(path)
    if text is None:
        return None
    is_crlf = "\r\n" in text
    code = block.code.replace("\n", "\r\n") if is_crlf else block.code
    if code.strip() in text:  # written before
        return text
    if not block.step.test_path or not _can_be_added(block, path, text):
        return None
    end = "\r\n" if is_crlf else "\n"
    gap = end * (3 if block.language == "python" else 2)
    return f"{text.rstrip()}{gap}{code}" if text.strip() else code


def _can_be_added(block: Block, path: str, text: str) -> bool:
    if _FUTURE.search(block.code) or (block.language != "python" and _IMPORTS.search(block.code)):
        return not text.strip()
    names = {symbol.name for symbol in symbols(path, text.replace("\r\n", "\n"))}
    return names.isdisjoint(symbol.name for symbol in symbols(path, block.code))


def _whole(block: Block, path: str) -> str:
    if block.language != "go" or re.search(r"^package \w+", block.code, re.MULTILINE):
        return block.code
    folder = parent(path)
    beside = [it for it in sorted(block.files) if it.endswith(".go") and parent(it) == folder]
    clauses = (re.search(r"^package \w+", block.read(it) or "", re.MULTILINE) for it in beside)
    clause = next((found[0] for found in clauses if found), None)
    if clause is None:
        raise ChecksError(
            f"the Go test of step {block.step.number} has no package clause, and "
            f"{folder or 'the root'} has no Go file to take it from",
            hint="begin the test with `package ...`",
        )
    return f"{clause}\n\n{block.code}"
