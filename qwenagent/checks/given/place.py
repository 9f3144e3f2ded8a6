"""Where a test that a plan gives is written, in the project's own convention."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import PurePosixPath

from qwenagent.checks.given.block import SUFFIXES, Block, Language, join, parent
from qwenagent.checks.given.command import node_runner
from qwenagent.checks.testfiles import is_test_file
from qwenagent.errors import ChecksError
from qwenagent.plan.values import Step
from qwenagent.protocol.checks import TestCommand
from qwenagent.workspace import VENDORED

_SLUG_CHARS = 40
_TEST_PATH: dict[Language, re.Pattern[str]] = {
    "go": re.compile(r"_test\.go$"),
    "rust": re.compile(r"(?:^|/)tests/[^/]+\.rs$"),
}
# A runner loads these by itself: what stands there could make any test green.
_INFRASTRUCTURE = re.compile(
    r"(?:^|/)(?:conftest|sitecustomize|usercustomize|noxfile|setup|__init__|mod)\.\w+$"
    r"|(?:^|/)[^/]*\.(?:config|setup)\.\w+$|(?:^|/)(?:jest|vitest)[.-][^/]*$|(?:^|/)package\.json$"
)
_NOT_OURS = VENDORED | {"venv", "target", "dist", "build"}
_MODULE_SYNTAX = re.compile(r"^(?:import\b.*|export\b.*)$", re.MULTILINE)


def place_of(block: Block, suite: TestCommand | None) -> str:
    """Return the path of the file that a test goes into, if it can have it.

    Raises:
        ChecksError: the step names one that is not that of a test inside the repository.
    """
    step = block.step
    if not step.test_path:
        return _new_path(block, suite)
    path = step.test_path.replace("\\", "/")
    parts = PurePosixPath(path).parts
    is_inside = parts and not path.startswith("/") and ".." not in parts and ":" not in parts[0]
    # What begins with a dash would be an option to its runner.
    if not is_inside or any(part.startswith((".", "-")) or part in _NOT_OURS for part in parts):
        raise ChecksError(f"step {step.number}: {path!r} is no place for a test of this repository")
    path = PurePosixPath(path).as_posix()
    if _INFRASTRUCTURE.search(path) or not _is_test_path(path, block.language):
        raise ChecksError(
            f"step {step.number}: {path!r} does not look like a test file of {block.language}",
            hint="name a new file such as tests/test_x.py, or leave the name out",
        )
    return path


def _new_path(block: Block, suite: TestCommand | None) -> str:
    """Return a path in the project's own convention."""
    joint = "-" if block.language in ("javascript", "typescript") else "_"
    slug = _slug(block.step, joint)
    if block.language == "go":
        return join(_folder_of_code(block), f"{slug}_test.go")
    if block.language == "rust":
        crate = block.nearest("Cargo.toml", _first_file(block))
        return join(crate, f"tests/{slug}.rs")
    tests = [path for path in block.files if _is_test(path, block.language)]
    folder = _common_folder(block, tests)
    if block.language == "python":
        behind = [path for path in tests if path.endswith("_test.py")]
        name = f"{slug}_test.py" if len(behind) > len(tests) / 2 else f"test_{slug}.py"
        return join(folder, name)
    spec = sum(".spec." in path for path in tests) > len(tests) / 2
    return join(folder, f"{slug}.{'spec' if spec else 'test'}{_node_suffix(block, tests, suite)}")


def _is_test_path(path: str, language: Language) -> bool:
    if PurePosixPath(path).suffix not in SUFFIXES[language]:
        return False
    strict = _TEST_PATH.get(language)  # their tools look nowhere else
    return bool(strict.search(path)) if strict else is_test_file(path)


def _is_test(path: str, language: Language) -> bool:
    """Tell a test of the project's own from what lies beside tests."""
    *folders, name = PurePosixPath(path).parts
    foreign = any(part in _NOT_OURS or part.startswith(".") for part in (*folders, name))
    named = re.search(r"test|spec", name.lower()) is not None
    return named and not foreign and _is_test_path(path, language)


def _common_folder(block: Block, tests: list[str]) -> str:
    """Return the folder with the most tests, that of the step's own sub-project first."""
    manifest = "package.json" if block.language != "python" else "pyproject.toml"
    project = block.nearest(manifest, _first_file(block))
    inside = [path for path in tests if not project or path.startswith(f"{project}/")]
    counts = Counter(parent(path) for path in sorted(inside))
    if counts:
        return counts.most_common(1)[0][0]
    names = ("tests", "test") if block.language == "python" else ("test", "tests")
    there = (join(project, name) for name in names)
    existing = (it for it in there if any(path.startswith(f"{it}/") for path in block.files))
    return next(existing, join(project, names[0]))


def _folder_of_code(block: Block) -> str:
    own = [path for path in block.step.files if path.endswith(".go")]
    if own:
        return parent(own[0])
    folders = {parent(path) for path in block.files if path.endswith(".go")}
    if len(folders) == 1:
        return folders.pop()
    raise ChecksError(
        f"step {block.step.number} gives a Go test, and it is not known for which of "
        f"{len(folders)} packages",
        hint="name the file of the package in `Files:`, or the test's own path",
    )


def _first_file(block: Block) -> str:
    code = (path for path in block.step.files if not _is_test(path, block.language))
    return next(code, "")


def _node_suffix(block: Block, tests: list[str], suite: TestCommand | None) -> str:
    used = Counter(PurePosixPath(path).suffix for path in sorted(tests)).most_common(1)
    if block.language == "typescript":
        return used[0][0] if used else ".ts"
    _, manifest = block.package_json(_first_file(block))
    is_module = re.search(r'"type"\s*:\s*"module"', manifest) is not None
    runner = node_runner(block.code, suite, manifest)
    if runner != "node":  # they read both kinds of modules in any file
        return used[0][0] if used else ".js"
    if _MODULE_SYNTAX.search(block.code):
        return ".js" if is_module else ".mjs"
    return ".cjs" if is_module and "require(" in block.code else ".js"


def _slug(step: Step, joint: str) -> str:
    plain = unicodedata.normalize("NFKD", step.title.replace("ß", "ss"))
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode().lower())
    slug = joint.join(words)[:_SLUG_CHARS].strip(joint)
    return slug if re.search(r"[a-z]", slug) else f"step{joint}{step.number}"
