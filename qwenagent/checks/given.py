"""Where a test that a plan gives is written, and the command that runs it alone.

A test of the user's own is never overwritten: a block is added behind it, or goes into a new file
beside it. Writes and starts nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from qwenagent.checks.given_runner import nearest, node_runner, python_command
from qwenagent.errors import ChecksError
from qwenagent.plan.values import Step
from qwenagent.protocol.checks import TestCommand
from qwenagent.syntax import symbols

Language = Literal["python", "javascript", "typescript", "go", "rust"]
Read = Callable[[str], str | None]

_SLUG_CHARS = 40
_INFOS: dict[str, Language] = {
    **dict.fromkeys(("python", "py", "python3", "pytest"), "python"),
    **dict.fromkeys(("javascript", "js", "mjs", "cjs", "jsx", "node"), "javascript"),
    **dict.fromkeys(("typescript", "ts", "mts", "cts", "tsx"), "typescript"),
    **dict.fromkeys(("go", "golang"), "go"),
    **dict.fromkeys(("rust", "rs"), "rust"),
}
_SUFFIXES: dict[Language, tuple[str, ...]] = {
    "python": (".py",),
    "javascript": (".js", ".mjs", ".cjs", ".jsx"),
    "typescript": (".ts", ".tsx", ".mts", ".cts"),
    "go": (".go",),
    "rust": (".rs",),
}
_LOOKS_LIKE: tuple[tuple[Language, re.Pattern[str]], ...] = (
    ("go", re.compile(r"^func Test\w*\(", re.MULTILINE)),
    ("rust", re.compile(r"^\s*#\[test\]", re.MULTILINE)),
    ("python", re.compile(r"^(?:async )?def test|^class \w+.*:\s*$|^from [\w.]+ import", re.M)),
    ("javascript", re.compile(r"^\s*(?:describe|it|test)\(|\brequire\(|^import .* from ", re.M)),
)
_TEST_PATH: dict[Language, re.Pattern[str]] = {
    "python": re.compile(r"(?:^|/)tests?/|(?:^|/)(?:test_[^/]*|[^/]*_test|tests)\.py$"),
    "javascript": re.compile(r"(?:^|/)(?:tests?|spec|__tests__)/|[._-](?:test|spec)\.\w+$"),
    "typescript": re.compile(r"(?:^|/)(?:tests?|spec|__tests__)/|[._-](?:test|spec)\.\w+$"),
    "go": re.compile(r"_test\.go$"),
    "rust": re.compile(r"(?:^|/)tests/[^/]+\.rs$"),
}
# A runner loads these by itself: what stands there could make any test green.
_INFRASTRUCTURE = re.compile(
    r"(?:^|/)(?:conftest|sitecustomize|usercustomize|noxfile|setup|__init__|mod)\.\w+$"
    r"|(?:^|/)[^/]*\.(?:config|setup)\.\w+$|(?:^|/)(?:jest|vitest)[.-][^/]*$|(?:^|/)package\.json$"
)
_NOT_OURS = frozenset({"node_modules", "vendor", "venv", "target", "dist", "build"})
_IMPORTS = re.compile(
    r"^(?:import|from|use|package|extern)\b|^(?:const|let|var)\b.*\brequire\(", re.MULTILINE
)
_FUTURE = re.compile(r"^from __future__ import", re.MULTILINE)
_MODULE_SYNTAX = re.compile(r"^(?:import\b.*|export\b.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GivenTest:
    """A test file to be written, and how it is run."""

    path: str
    """POSIX, relative to the repository."""
    text: str
    """The whole file: what was there before, if anything, is at its beginning."""
    command: TestCommand


@dataclass(frozen=True, slots=True)
class _Given:
    """A block of code, and the repository it is for."""

    step: Step
    code: str
    language: Language
    files: Collection[str]
    read: Read


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
    code = f"{(step.test_code or '').strip(chr(10)).rstrip()}\n"
    given = _Given(step, code, _language(step, code), files, read)
    path, text = _file(given, _wanted_path(given, suite))
    return GivenTest(path, text, _command(given, path, suite))


def _language(step: Step, code: str) -> Language:
    word = re.split(r"[\s{:,]", step.test_lang.strip().lower())[0]
    suffix = PurePosixPath(step.test_path).suffix
    by_suffix = next((it for it, known in _SUFFIXES.items() if suffix in known), None)
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


def _wanted_path(given: _Given, suite: TestCommand | None) -> str:
    step = given.step
    if not step.test_path:
        return _new_path(given, suite)
    path = step.test_path.replace("\\", "/")
    parts = PurePosixPath(path).parts
    is_inside = parts and not path.startswith("/") and ".." not in parts and ":" not in parts[0]
    if not is_inside or any(part.startswith(".") or part in _NOT_OURS for part in parts):
        raise ChecksError(f"step {step.number}: {path!r} is no place for a test of this repository")
    path = PurePosixPath(path).as_posix()
    own = PurePosixPath(path).suffix in _SUFFIXES[given.language]
    if _INFRASTRUCTURE.search(path) or not own or not _TEST_PATH[given.language].search(path):
        raise ChecksError(
            f"step {step.number}: {path!r} does not look like a test file of {given.language}",
            hint="name a new file such as tests/test_x.py, or leave the name out",
        )
    return path


def _new_path(given: _Given, suite: TestCommand | None) -> str:
    """Return a path in the project's own convention."""
    joint = "-" if given.language in ("javascript", "typescript") else "_"
    slug = _slug(given.step, joint)
    if given.language == "go":
        return _join(_folder_of_code(given), f"{slug}_test.go")
    if given.language == "rust":
        crate = nearest("Cargo.toml", _first_file(given), given.files)
        return _join(crate, f"tests/{slug}.rs")
    tests = [path for path in given.files if _is_test(path, given.language)]
    folder = _common_folder(given, tests)
    if given.language == "python":
        behind = [path for path in tests if path.endswith("_test.py")]
        name = f"{slug}_test.py" if len(behind) > len(tests) / 2 else f"test_{slug}.py"
        return _join(folder, name)
    spec = sum(".spec." in path for path in tests) > len(tests) / 2
    return _join(folder, f"{slug}.{'spec' if spec else 'test'}{_node_suffix(given, tests, suite)}")


def _is_test(path: str, language: Language) -> bool:
    own = PurePosixPath(path).suffix in _SUFFIXES[language]
    parts = PurePosixPath(path).parts
    foreign = any(part in _NOT_OURS or part.startswith(".") for part in parts)
    return (
        own
        and not foreign
        and bool(re.search(r"test|spec", parts[-1].lower()))
        and bool(_TEST_PATH[language].search(path))
    )


def _common_folder(given: _Given, tests: list[str]) -> str:
    """Return the folder with the most tests, that of the step's own sub-project first."""
    manifest = "package.json" if given.language != "python" else "pyproject.toml"
    project = nearest(manifest, _first_file(given), given.files)
    inside = [path for path in tests if not project or path.startswith(f"{project}/")]
    counts = Counter(_parent(path) for path in sorted(inside))
    if counts:
        return counts.most_common(1)[0][0]
    names = ("tests", "test") if given.language == "python" else ("test", "tests")
    there = (_join(project, name) for name in names)
    existing = (it for it in there if any(path.startswith(f"{it}/") for path in given.files))
    return next(existing, _join(project, names[0]))


def _folder_of_code(given: _Given) -> str:
    own = [path for path in given.step.files if path.endswith(".go")]
    if own:
        return _parent(own[0])
    folders = {_parent(path) for path in given.files if path.endswith(".go")}
    if len(folders) == 1:
        return folders.pop()
    raise ChecksError(
        f"step {given.step.number} gives a Go test, and it is not known for which of "
        f"{len(folders)} packages",
        hint="name the file of the package in `Files:`, or the test's own path",
    )


def _first_file(given: _Given) -> str:
    code = (path for path in given.step.files if not _is_test(path, given.language))
    return next(code, "")


def _node_suffix(given: _Given, tests: list[str], suite: TestCommand | None) -> str:
    used = Counter(PurePosixPath(path).suffix for path in sorted(tests)).most_common(1)
    if given.language == "typescript":
        return used[0][0] if used else ".ts"
    package = _join(nearest("package.json", _first_file(given), given.files), "package.json")
    manifest = (given.read(package) or "") if package in given.files else ""
    is_module = re.search(r'"type"\s*:\s*"module"', manifest) is not None
    runner = node_runner(given.code, suite, manifest)
    if runner != "node":  # they read both kinds of modules in any file
        return used[0][0] if used else ".js"
    if _MODULE_SYNTAX.search(given.code):
        return ".js" if is_module else ".mjs"
    return ".cjs" if is_module and "require(" in given.code else ".js"


def _slug(step: Step, joint: str) -> str:
    plain = unicodedata.normalize("NFKD", step.title.replace("ß", "ss"))
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode().lower())
    slug = joint.join(words)[:_SLUG_CHARS].strip(joint)
    return slug if re.search(r"[a-z]", slug) else f"step{joint}{step.number}"


def _file(given: _Given, path: str) -> tuple[str, str]:
    """Return the path that is really taken, and the whole text of the file."""
    for number in range(1, len(given.files) + 3):
        candidate = _numbered(path, number)
        if candidate in given.files:
            text = _extended(given, candidate)
            if text is not None and (number == 1 or given.code in text.replace("\r\n", "\n")):
                return candidate, text
        elif not _is_taken(given, candidate):
            return candidate, _whole(given, candidate)
    raise ChecksError(f"no free name beside {path!r} for the test of step {given.step.number}")


def _numbered(path: str, number: int) -> str:
    """Return tests/test_a_2.py for tests/test_a.py; what makes the name a test's stays."""
    if number == 1:
        return path
    folder, name = _parent(path), PurePosixPath(path).name
    stem, end = re.fullmatch(r"(.+?)((?:_test|[._-](?:test|spec))?\.\w+)", name).groups()  # type: ignore[union-attr]
    joint = "-" if end.count(".") > 1 else "_"
    return _join(folder, f"{stem}{joint}{number}{end}")


def _is_taken(given: _Given, path: str) -> bool:
    """Tell whether pytest could mistake another file for this one: they have the same name."""
    if given.language != "python" or given.step.test_path == path:
        return False
    name = PurePosixPath(path).name
    return any(PurePosixPath(other).name == name for other in given.files)


def _extended(given: _Given, path: str) -> str | None:
    """Return an existing file with the block behind it, None if the two do not go together."""
    text = given.read(path)
    if text is None:
        return None
    is_crlf = "\r\n" in text
    code = given.code.replace("\n", "\r\n") if is_crlf else given.code
    if code.strip() in text:  # written before
        return text
    if not given.step.test_path or not _can_be_added(given, path, text):
        return None
    end = "\r\n" if is_crlf else "\n"
    gap = end * (3 if given.language == "python" else 2)
    return f"{text.rstrip()}{gap}{code}" if text.strip() else code


def _can_be_added(given: _Given, path: str, text: str) -> bool:
    if _FUTURE.search(given.code) or (given.language != "python" and _IMPORTS.search(given.code)):
        return not text.strip()
    names = {symbol.name for symbol in symbols(path, text.replace("\r\n", "\n"))}
    return names.isdisjoint(symbol.name for symbol in symbols(path, given.code))


def _whole(given: _Given, path: str) -> str:
    if given.language != "go" or re.search(r"^package \w+", given.code, re.MULTILINE):
        return given.code
    folder = _parent(path)
    beside = [it for it in sorted(given.files) if it.endswith(".go") and _parent(it) == folder]
    clauses = (re.search(r"^package \w+", given.read(it) or "", re.MULTILINE) for it in beside)
    clause = next((found[0] for found in clauses if found), None)
    if clause is None:
        raise ChecksError(
            f"the Go test of step {given.step.number} has no package clause, and "
            f"{folder or 'the root'} has no Go file to take it from",
            hint="begin the test with `package ...`",
        )
    return f"{clause}\n\n{given.code}"


def _command(given: _Given, path: str, suite: TestCommand | None) -> TestCommand:
    if given.language == "python":
        return python_command(given.code, path, suite)
    if given.language == "rust":
        crate = nearest("Cargo.toml", path, given.files)
        cargo = ("cargo", "test", "--test", PurePosixPath(path).stem)
        return TestCommand(cargo, " ".join(cargo), "step", crate or ".")
    if given.language == "go":
        module = nearest("go.mod", path, given.files)
        folder = _parent(path)[len(module) :].strip("/")
        argv = ("go", "test", f"./{folder}" if folder else ".")
        return TestCommand(argv, " ".join(argv), "step", module or ".")
    return _node_command(given, path, suite)


def _node_command(given: _Given, path: str, suite: TestCommand | None) -> TestCommand:
    project = nearest("package.json", path, given.files)
    package = _join(project, "package.json")
    manifest = (given.read(package) or "") if package in given.files else ""
    runner = node_runner(given.code, suite, manifest)
    local = path[len(project) :].lstrip("/")
    commands: dict[str, tuple[str, ...]] = {
        "node": ("node", "--test", local),
        "jest": ("npx", "--no-install", "jest", "--runTestsByPath", local),
        "vitest": ("npx", "--no-install", "vitest", "run", local),
        "mocha": ("npx", "--no-install", "mocha", local),
    }
    if runner is None or (runner == "node" and given.language == "typescript"):
        raise ChecksError(
            f"no runner is known for the {given.language} test of step {given.step.number}: "
            "neither the test nor package.json names node:test, jest, vitest or mocha",
            hint="give the command in `Test:` as well",
        )
    argv = commands[runner]
    return TestCommand(argv, _shown(argv), "step", project or ".")


def _shown(argv: tuple[str, ...]) -> str:
    return " ".join(f"'{word}'" if " " in word else word for word in argv)


def _parent(path: str) -> str:
    parent = PurePosixPath(path).parent.as_posix()
    return "" if parent == "." else parent


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
