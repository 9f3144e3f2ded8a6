"""The block of code that a step gives as a test, its language, and the repository it is for."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from qwenagent.checks.uses import Read
from qwenagent.errors import ChecksError
from qwenagent.plan.markdown.leaves import language_of
from qwenagent.plan.values import Step

Language = Literal["python", "javascript", "typescript", "go", "rust"]

_INFOS: dict[str, Language] = {
    **dict.fromkeys(("python", "py", "python3", "pytest"), "python"),
    **dict.fromkeys(("javascript", "js", "mjs", "cjs", "jsx", "node"), "javascript"),
    **dict.fromkeys(("typescript", "ts", "mts", "cts", "tsx"), "typescript"),
    **dict.fromkeys(("go", "golang"), "go"),
    **dict.fromkeys(("rust", "rs"), "rust"),
}
SUFFIXES: dict[Language, tuple[str, ...]] = {
    "python": (".py",),
    "javascript": (".js", ".mjs", ".cjs", ".jsx"),
    "typescript": (".ts", ".tsx", ".mts", ".cts"),
    "go": (".go",),
    "rust": (".rs",),
}
_LOOKS_LIKE: tuple[tuple[Language, re.Pattern[str]], ...] = (
    ("go", re.compile(r"^func Test\w*\(", re.MULTILINE)),
    ("rust", re.compile(r"^[ \t]*#\[test\]", re.MULTILINE)),
    ("python", re.compile(r"^(?:async )?def test|^class \w+.*:\s*$|^from [\w.]+ import", re.M)),
    ("javascript", re.compile(r"^[ \t]*(?:describe|it|test)\(|\brequire\(|^import .* from ", re.M)),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A test as code, and the repository's files; `read` gives the text of one, None if none."""

    step: Step
    code: str
    """Ends with a newline."""
    language: Language
    files: frozenset[str]
    read: Read

    def nearest(self, manifest: str, path: str) -> str:
        """Return the folder of the next manifest above a path, "" for the root and for none."""
        for folder in PurePosixPath(path).parents:
            if folder != PurePosixPath() and f"{folder}/{manifest}" in self.files:
                return folder.as_posix()
        return ""

    def package_json(self, path: str) -> tuple[str, str]:
        """Return the folder of the package that a path is in, and the text of its manifest."""
        folder = self.nearest("package.json", path)
        manifest = join(folder, "package.json")
        return folder, (self.read(manifest) or "") if manifest in self.files else ""


def block_of(step: Step, files: Collection[str], read: Read) -> Block:
    """Return the test in a step that gives one.

    Raises:
        ChecksError: its language is not known.
    """
    code = f"{(step.test_code or '').strip(chr(10)).rstrip()}\n"
    return Block(step, code, _language(step, code), frozenset(files), read)


def _language(step: Step, code: str) -> Language:
    word = language_of(step.test_lang)
    suffix = PurePosixPath(step.test_path).suffix
    by_suffix = next((it for it, known in SUFFIXES.items() if suffix in known), None)
    by_code = next((it for it, looks in _LOOKS_LIKE if looks.search(code)), None)
    found = by_suffix or _INFOS.get(word) or (by_code if not word else None)
    if found is None:
        raise ChecksError(
            f"step {step.number} gives a test in a language that is not known: "
            f"{word or 'no info string'!r}",
            hint="name it behind the fence (python, javascript, typescript, go, rust), "
            "or give a command in `Test:`",
        )
    return found


def parent(path: str) -> str:
    """Return the folder of a file, "" for the root."""
    folder = PurePosixPath(path).parent.as_posix()
    return "" if folder == "." else folder


def join(folder: str, name: str) -> str:
    """Return the path of a name in a folder, which is "" for the root."""
    return f"{folder}/{name}" if folder else name
