"""Python projects: pytest, unittest, Django's own runner; tox and nox where nothing else is told.

tox and nox build environments, which takes long and the network, so what they would start is
preferred to them.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable
from itertools import islice

from qwenagent.checks.detect.discovery import unittest_arguments
from qwenagent.checks.detect.place import Found, Place
from qwenagent.checks.detect.tree import join

PROJECT = ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "Pipfile")
REQUIREMENTS = "requirements.txt"
DJANGO = "manage.py"
INI = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")

# A folder below with one of them is a project of its own.
_OWN = ("pyproject.toml", "setup.py", DJANGO)
# Folders of a project that often have requirements of their own.
_PARTS = frozenset(["test", "tests", "testing", "doc", "docs", "requirements", "ci", "tools"])
# Manifests beside which Python tests are a tool's and not the project's.
_OTHERS = (
    *("package.json", "deno.json", "Cargo.toml", "go.mod", "go.work", "pom.xml", "mix.exs"),
    *("build.gradle", "build.gradle.kts", "composer.json", "Gemfile", "CMakeLists.txt"),
)
_OTHERS_BELOW = (*PROJECT, *INI, *_OTHERS)

_MAX_TESTS_READ = 300
_MAX_NAMED = 50
_TEST_FILE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|tests?)\.py$")
_SECTIONS = (
    ("pyproject.toml", r"^[ \t]*\[tool\.pytest(\.ini_options)?\]"),
    ("tox.ini", r"^\[pytest\]"),
    ("setup.cfg", r"^\[tool:pytest\]"),
)
_IMPORTS_PYTEST = r"^[ \t]*(?:import|from)[ \t]+pytest\b"
_NEEDS_PYTEST = re.compile(
    rf"{_IMPORTS_PYTEST}|^(?:async\s+)?def\s+test|^class\s+Test\w*\s*(?:\(\s*\))?\s*:",
    re.MULTILINE,
)
_IMPORTS_RUNNER = re.compile(r"^[ \t]*(?:import|from)[ \t]+(?:pytest|unittest)\b", re.MULTILINE)
# A requirement, a command of tox or nox; not a linter's rules about pytest.
_NAMES_PYTEST = re.compile(r"^[^#\n]*(?<![\w./-])pytest(?![\w/.])", re.MULTILINE)
_BUILDS_NATIVE = re.compile(
    r"maturin|scikit[-_]build|mesonpy|setuptools[-_]rust|cython|ext_modules|cffi|mypyc",
    re.IGNORECASE,
)


def configured(place: Place) -> Found | None:
    """Find a configuration of pytest's."""
    if name := place.has(*INI):
        return _pytest(place, name, name)
    for name, section in _SECTIONS:
        if re.search(section, place.read(name), re.MULTILINE):
            return _pytest(place, f"pytest section in {name}", name)
    return None


def tested(place: Place) -> Found | None:
    """Find Python tests where Python is what the folder is about, or may be."""
    return _by_files(place) if _is_about_python(place) else None


def beside(place: Place) -> Found | None:
    """Find Python tests where another language has its project."""
    return None if _is_about_python(place) else _by_files(place)


def by_environments(place: Place) -> Found | None:
    """Find what tox or nox run, or themselves."""
    tox = "tox.ini" if place.has("tox.ini") else ""
    if not tox and re.search(r"^\[tool\.tox\b", place.read("pyproject.toml"), re.MULTILINE):
        tox = "pyproject.toml"
    nox = place.has("noxfile.py")
    for name in filter(None, (tox, nox)):
        if _NAMES_PYTEST.search(place.read(name)):
            return _pytest(place, f"pytest in {name}", name)
    if tox:
        generic = re.search(r"^\[testenv\]|env_run_base", place.read(tox), re.MULTILINE)
        return place.found("tox -e py" if generic else "tox", tox, tox)
    return _nox_session(place, nox) if nox else None


def _nox_session(place: Place, nox: str) -> Found | None:
    sessions = re.findall(r"@nox\.session[^\n]*\n(?:@.*\n){0,9}def (\w+)", place.read(nox))
    wanted = next((s for s in ("tests", "test", "unit", "unittest") if s in sessions), "")
    return place.found(f"nox -s {wanted}", f"session {wanted} in {nox}", nox) if wanted else None


def is_python(place: Place) -> bool:
    """True if a file here says that this is a Python project."""
    return bool(place.has(*PROJECT, DJANGO, REQUIREMENTS))


def _is_about_python(place: Place) -> bool:
    return is_python(place) or not place.has(*_OTHERS)


def _by_files(place: Place) -> Found | None:
    """Find test files; below the root only those of a Python project."""
    if not place.is_root and not is_python(place):
        return None
    files = [path for path in place.files(_below(place)) if path.endswith(".py")]
    if conftest := next((p for p in files if posixpath.basename(p) == "conftest.py"), ""):
        return _pytest(place, conftest)
    tests = [path for path in files if _TEST_FILE.search(path)]
    return (_django(place, tests) or _by_content(place, tests)) if tests else None


def is_listed(place: Place) -> bool:
    """True if a list of requirements is all that may make this folder a Python project."""
    return (
        place.has(REQUIREMENTS) != ""
        and posixpath.basename(place.folder) not in _PARTS
        and not any(is_python(outer) for outer in islice(place.above(), 1, None))
    )


def _below(place: Place) -> Callable[[Place], bool]:
    """Return what tells the projects below that have their own tests."""
    if not is_python(place):
        return lambda inner: bool(inner.has(*_OTHERS_BELOW)) or is_listed(inner)
    if "[tool.uv.workspace]" in place.read("pyproject.toml"):
        return lambda _: False
    return lambda inner: bool(inner.has(*_OWN))


def _by_content(place: Place, tests: list[str]) -> Found | None:
    n_read = min(len(tests), _MAX_TESTS_READ)
    texts = {path: text for path in tests[:n_read] if _is_test(path, text := place.read(path))}
    needing = [path for path, text in texts.items() if _NEEDS_PYTEST.search(text)]
    if needing:
        return _pytest(place, f"{needing[0]} needs pytest", tests=[*texts, *tests[n_read:]])
    cases = [path for path, text in texts.items() if "unittest" in text]
    if not cases:
        return None
    if name := _names_pytest(place):
        return _pytest(place, f"pytest in {name}", tests=[*cases, *tests[n_read:]])
    cases += tests[n_read:]
    arguments = unittest_arguments(place, cases)
    if len(arguments) > _MAX_NAMED and "discover" not in arguments:
        return _pytest(place, f"{len(cases)} files that unittest does not find by itself")
    words = ["python", "-m", "unittest", *arguments]
    if _has_source_folder(place):
        words.insert(0, "PYTHONPATH=src")
    return place.found(shlex.join(words), f"unittest in {cases[0]}", _manifest(place))


def _is_test(path: str, text: str) -> bool:
    # A script of this name may do anything.
    return posixpath.basename(path) != "test.py" or _IMPORTS_RUNNER.search(text) is not None


def _django(place: Place, tests: list[str]) -> Found | None:
    if "django" not in place.read(DJANGO):
        return None
    texts = (place.read(path) for path in islice(tests, _MAX_TESTS_READ))
    if any(re.search(_IMPORTS_PYTEST, text, re.MULTILINE) for text in texts):
        return None
    if not any(posixpath.basename(path).startswith("test") for path in tests):
        return None  # Django looks for test*.py
    return place.found(f"python {DJANGO} test", f"Django's {DJANGO}", DJANGO)


def _names_pytest(place: Place) -> str:
    """Return the file that names pytest among what the project or its tests need."""
    lists = [n for n in place.ending(".txt", ".in") if "require" in n]
    if place.tree.names(folder := join(place.folder, "requirements")):
        lists += [f"requirements/{name}" for name in sorted(place.tree.names(folder))]
    names = [*PROJECT, *lists[:_MAX_NAMED]]
    return next((name for name in names if _NAMES_PYTEST.search(place.read(name))), "")


def _pytest(place: Place, why: str, manifest: str = "", *, tests: Iterable[str] = ()) -> Found:
    words = ["python", "-m", "pytest", *_not_collected(tests)]
    if _wants_source_folder(place):
        words.insert(0, "PYTHONPATH=src")
    return place.found(shlex.join(words), why, manifest or _manifest(place))


def _not_collected(tests: Iterable[str]) -> list[str]:
    """Return the test files if pytest has to be told each of them: it looks for no `tests.py`."""
    named = list(tests)
    if any(posixpath.basename(path) not in ("test.py", "tests.py") for path in named):
        return []
    return named[:_MAX_NAMED]


def _wants_source_folder(place: Place) -> bool:
    """True if tests see the sources under src/, and not an installed copy, only when told to."""
    texts = [place.read(name) for name in (*INI, *PROJECT) if place.has(name)]
    if any("pythonpath" in text or _BUILDS_NATIVE.search(text) for text in texts):
        return False
    return not place.has("Cargo.toml", "meson.build", "CMakeLists.txt") and _has_source_folder(
        place
    )


def _has_source_folder(place: Place) -> bool:
    """True for the layout in which src/ holds packages or modules and is none itself."""
    names = place.tree.names(join(place.folder, "src"))
    return "__init__.py" not in names and (
        any(name.endswith(".py") for name in names) or _holds_package(place)
    )


def _holds_package(place: Place) -> bool:
    """True if there is a package in src/, or in a namespace there."""
    src = Place(place.tree, join(place.folder, "src"))
    return any(
        folder.has("__init__.py") or any(inner.has("__init__.py") for inner in folder.inside())
        for folder in src.inside()
    )


def _manifest(place: Place) -> str:
    return place.has(*PROJECT, DJANGO, REQUIREMENTS)
