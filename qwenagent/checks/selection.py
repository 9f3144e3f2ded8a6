"""Makes a command that runs only some tests, or test files, with the same runner and options.

Ids and files are those of `TestRun.statuses`: files count from the repository. Starts nothing.
Some runners cannot be told exactly; then what stands nearest above the tests is run as well,
which shows in the statuses.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from qwenagent.checks.command import is_shell, typed
from qwenagent.checks.invocation import Invocation, understand
from qwenagent.protocol.checks import TestCommand

_MAX_WORDS = 200
_MAX_CHARS = 30_000  # an argument list has room for more, a terminal line has not
_SCRIPT_FILE = re.compile(r".+\.[cm]?[jt]sx?$")

# Options that take the next word -> what is left out with it, because it selects tests too.
_PYTEST_VALUES = frozenset(
    {
        *("-c", "-p", "-o", "-W", "-n", "-r", "--rootdir", "--confcutdir", "--basetemp"),
        *("--import-mode", "--tb", "--maxfail", "--durations", "--cov", "--cov-report"),
        *("--cov-config", "--dist", "--override-ini", "--config-file", "--junitxml"),
        *("--junit-xml", "--ignore", "--log-level", "-k", "-m", "--deselect", "--ignore-glob"),
        *("--timeout", "--color", "--capture", "--show-capture", "--verbosity", "--ds", "--dc"),
    }
)
_PYTEST_CHOOSING = frozenset(["-k", "--last-failed", "--lf"])
_JEST_VALUES = frozenset(
    {
        *("-c", "--config", "--rootDir", "--maxWorkers", "-w", "--reporters", "--env", "--seed"),
        *("--testTimeout", "--outputFile", "--project", "--root", "-r", "--pool"),
        *("--environment", "--reporter", "--coverageDirectory", "--mode"),
    }
)
_JEST_CHOOSING = frozenset(
    ["-t", "--testNamePattern", "--testPathPattern", "--testPathPatterns", "--shard"]
)
_CARGO_VALUES = frozenset(
    {
        *("-j", "--jobs", "--profile", "-F", "--features", "--target", "--target-dir"),
        *("--color", "--config", "-Z", "--message-format", "--lockfile-path"),
    }
)
_CARGO_CHOOSING = frozenset(["--test", "--bin", "--example", "--bench"])
_CARGO_PACKAGES = frozenset(["-p", "--package", "--exclude", "--manifest-path"])
_LIBTEST_VALUES = frozenset(
    {
        *("--test-threads", "--skip", "--format", "--color", "--logfile", "--shuffle-seed"),
        *("-Z",),
    }
)
_CARGO_FLAGS = frozenset(
    {
        *("--lib", "--bins", "--tests", "--examples", "--benches", "--all-targets", "--doc"),
    }
)
_GO_VALUES = frozenset(
    {
        *("bench", "benchtime", "count", "timeout", "tags", "p", "parallel", "cpu", "covermode"),
        *("coverprofile", "coverpkg", "mod", "modfile", "ldflags", "gcflags", "asmflags"),
        *("exec", "shuffle", "fuzz", "fuzztime", "vet", "overlay", "pkgdir", "buildmode", "o"),
        *("outputdir",),
    }
)
_GO_CHOOSING = frozenset(["run", "skip"])
_UNITTEST_VALUES = frozenset(["-k", "-s", "-p", "-t", "--start-directory", "--pattern"])
_DJANGO_VALUES = frozenset(
    {
        *("-v", "--verbosity", "--settings", "--pythonpath", "-t", "-p", "--pattern"),
        *("--testrunner",),
    }
)
_SETUP = frozenset(["setUpClass", "tearDownClass", "setUpModule", "tearDownModule"])


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to run, seen from the folder of the command."""

    tests: tuple[tuple[str, str], ...]  # file, the rest of the id
    files: tuple[str, ...]  # whole files

    @property
    def all_files(self) -> list[str]:
        """Each file once, those of tests first."""
        return list(dict.fromkeys([*(file for file, _ in self.tests), *self.files]))


def select(
    command: TestCommand,
    tests: Sequence[str],
    files: Sequence[str] = (),
    *,
    root: Path | None = None,
) -> TestCommand | None:
    """Return a command that runs only these tests and files, None if the runner cannot be told.

    `root`, the repository, is needed to see through `npm test` and the like.
    """
    if not (tests or files) or is_shell(command.argv):
        return None
    call = understand(command.argv, root / command.cwd if root else None)
    if call.kind in ("unittest", "django"):
        words = _for_dotted(call, tests, _relative(files, command.cwd))
    elif call.kind == "mocha":
        words = None if files else _for_mocha(call, tests)
    elif call.kind in _MAKERS:
        words = _MAKERS[call.kind](call, _wanted(tests, files, command.cwd))
    else:
        words = None
    if words is None or len(words) > _MAX_WORDS or sum(map(len, words)) > _MAX_CHARS:
        return None
    return replace(command, argv=tuple(words), shown=typed(words))


def _wanted(tests: Sequence[str], files: Sequence[str], cwd: str) -> _Wanted:
    pairs = [(test.partition("::")[0], test.partition("::")[2]) for test in tests]
    named = [(_relative([file], cwd)[0], name) for file, name in pairs if name]
    whole = [file for file, name in pairs if not name] + list(files)
    return _Wanted(tuple(dict.fromkeys(named)), tuple(dict.fromkeys(_relative(whole, cwd))))


def _relative(files: Sequence[str], cwd: str) -> list[str]:
    return [posixpath.relpath(file, cwd) for file in files]


def _without(
    words: Sequence[str], values: frozenset[str], choosing: frozenset[str] = frozenset()
) -> list[str]:
    """Return the options of a runner: without positional words and without those that choose."""
    kept: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        name, _, inline = word.partition("=")
        n_words = 2 if name in values | choosing and not inline else 1
        if word.startswith("-") and name not in choosing:
            kept += words[index : index + n_words]
        index += n_words
    return kept


def _rebuilt(call: Invocation, words: Sequence[str]) -> list[str]:
    """Put arguments where the runner's own stood; those of a script come on top of its own."""
    if call.scripted:
        return [*call.argv, *call.separator, *words]
    return [*call.argv[: call.at], *words]


def _safe(names: Iterable[str]) -> list[str]:
    """Return file names so that none reads as an option."""
    return [f"./{name}" if name.startswith("-") else name for name in names]


def _for_pytest(call: Invocation, wanted: _Wanted) -> list[str] | None:
    if any(not file.endswith((".py", ".txt", ".rst", ".md")) for file in wanted.all_files):
        return None
    # A filter of names goes on to choose among the tests of whole files.
    choosing = _PYTEST_CHOOSING if wanted.tests else frozenset[str]()
    options = _without(_before_dashes(call.own), _PYTEST_VALUES, choosing)
    ids = [f"{file}::{name}" for file, name in wanted.tests if file not in wanted.files]
    return _rebuilt(call, [*options, *_safe([*ids, *wanted.files])])


def _before_dashes(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


def _for_dotted(call: Invocation, tests: Sequence[str], files: list[str]) -> list[str] | None:
    if any(not re.fullmatch(r"[\w.]+", test) for test in tests):
        return None
    top = _top_folder(call.own) if call.kind == "unittest" else ""
    modules = [_module(file, top) for file in files]
    if None in modules:
        return None
    names = [*map(_loadable, tests), *(module for module in modules if module)]
    own = call.own[1:] if call.own[:1] == ("discover",) else call.own
    if call.kind == "unittest":
        options = _without(own, frozenset(), _UNITTEST_VALUES)
    else:
        options = _without(own, _DJANGO_VALUES, frozenset(["-k", "--tag", "--exclude-tag"]))
    head = list(call.argv[: call.at])
    if top:
        head = _with_python_path(head, call.place.program, top)
    return [*head, *options, *dict.fromkeys(names)]


def _top_folder(own: Sequence[str]) -> str:
    """Return the folder that discovery imports from, "" if it is the current one."""
    if own[:1] != ("discover",):
        return ""
    places = {"-s": ".", "-t": ""}
    names = {"--start-directory": "-s", "--top-level-directory": "-t"}
    positional = iter(("-s", "-p", "-t"))
    index = 1
    while index < len(own):
        name, _, value = own[index].partition("=")
        name = names.get(name, name)
        if not name.startswith("-"):
            places[next(positional, "")] = own[index]
        elif name in ("-s", "-t", "-p", "-k", "--pattern") and not value:
            index += 1
            places[name] = own[index] if index < len(own) else ""
        else:
            places[name] = value
        index += 1
    top = posixpath.normpath(places["-t"] or places["-s"])
    # A package's dotted name is imported from the current folder.
    return "" if top == "." or (re.fullmatch(r"\w+(\.\w+)+", top)) else top


def _module(file: str, top: str) -> str | None:
    local = posixpath.relpath(file, top or ".")
    if not local.endswith(".py") or local.startswith("../"):
        return None
    return local.removesuffix(".py").replace("/", ".")


def _loadable(test: str) -> str:
    owner, _, name = test.rpartition(".")
    return owner if name in _SETUP and owner else test


def _with_python_path(head: list[str], program: int, top: str) -> list[str]:
    """Put a folder first on the path of modules, before what the command sets itself."""
    for index, word in enumerate(head[:program]):
        if word.startswith("PYTHONPATH="):
            path = word.removeprefix("PYTHONPATH=")
            head[index] = f"PYTHONPATH={top}:{path}" if path else f"PYTHONPATH={top}"
            return head
    return [*head[:program], "env", f"PYTHONPATH={top}", *head[program:]]


def _for_node(call: Invocation, wanted: _Wanted) -> list[str] | None:
    files = wanted.all_files
    if not all(map(_SCRIPT_FILE.match, files)) or (call.scripted and _positionals(call)):
        return None
    choosing = frozenset(["--test-name-pattern"])
    options = _without(_before_dashes(call.own), frozenset(["--import", "-r"]), choosing)
    patterns = [] if wanted.files else _node_patterns(name for _, name in wanted.tests)
    # A script's own options are there already.
    return _rebuilt(call, [*([] if call.scripted else options), *patterns, *_safe(files)])


def _positionals(call: Invocation) -> bool:
    return any(not word.startswith("-") for word in call.own)


def _node_patterns(names: Iterable[str]) -> list[str]:
    """Name the tests, if that is exact: a nested test is found through its suite's name only."""
    found = list(names)
    if any("::" in name or re.search(r"#\d+$", name) for name in found):
        return []
    return [f"--test-name-pattern=^{_escaped(name)}$" for name in found]


def _escaped(name: str) -> str:
    """Escape a name for JavaScript's regular expressions; ids have one space for any blanks."""
    return re.sub(r"[.*+?^${}()|\[\]\\/]", r"\\\g<0>", name).replace(" ", r"\s+")


def _for_jest(call: Invocation, wanted: _Wanted) -> list[str] | None:
    files = wanted.all_files
    if not all(map(_SCRIPT_FILE.match, files)) or (call.scripted and _positionals(call)):
        return None
    options = _without(_before_dashes(call.own), _JEST_VALUES, _JEST_CHOOSING)
    names = [] if wanted.files else [_title_pattern(name) for _, name in wanted.tests]
    pattern = [f"--testNamePattern=^(?:{'|'.join(names)})$"] if names else []
    exact = ["--runTestsByPath"] if call.kind == "jest" else []
    own = [] if call.scripted else options
    return _rebuilt(call, [*own, *pattern, *exact, *_safe(files)])


def _title_pattern(name: str) -> str:
    """Match a test's full name: its suites and itself, with a space between."""
    counted = re.search(r"#\d+$", name)
    number = counted[0] if counted else ""
    base = name.removesuffix(number)
    pattern = r"(?:\s+|::)".join(_escaped(part) for part in base.split("::"))
    return f"{pattern}(?:{number})?" if number else pattern


def _for_mocha(call: Invocation, tests: Sequence[str]) -> list[str] | None:
    """Choose by name: Mocha's ids have no files."""
    grep = any(word.startswith(("-g", "--grep", "-f", "--fgrep", "-i")) for word in call.own)
    if grep or call.scripted:
        return None
    names = "|".join(_title_pattern(test) for test in tests)
    return _rebuilt(call, [*call.own, f"--grep=^(?:{names})$"])


def _for_cargo(call: Invocation, wanted: _Wanted) -> list[str] | None:
    places = {_cargo_place(file) for file in wanted.all_files}
    own = _before_dashes(call.own)
    choosing = _CARGO_CHOOSING | _CARGO_PACKAGES
    options = [w for w in _without(own, _CARGO_VALUES, choosing) if w not in _CARGO_FLAGS]
    folders = {place[0] for place in places if place}
    if None in places or len(folders) != 1:
        return None
    options = [w for w in options if w not in ("--workspace", "--all")]
    targets = list(dict.fromkeys(w for place in places if place for w in place[1]))
    docs = [name for _, name in wanted.tests if name.startswith("doctest ")]
    if docs and (len(docs) < len(wanted.tests) or wanted.files):
        return None
    if docs:
        targets = ["--doc"]
    folder = folders.pop()
    package = ["--manifest-path", f"{folder}/Cargo.toml"] if folder != "." else []
    names = [] if wanted.files else _cargo_names([name for _, name in wanted.tests], docs)
    own_args = [w for w in _without(call.own[len(own) + 1 :], _LIBTEST_VALUES) if w != "--exact"]
    behind = [*own_args, *names]
    tail = ["--", *behind] if behind else []
    return _rebuilt(call, [*options, *package, *_sorted_targets(targets), *tail])


def _cargo_names(names: list[str], docs: list[str]) -> list[str]:
    if docs:
        # The name goes on with a line's number, which changes with the file.
        return [f"- {re.sub(r'#[0-9]+$', '', d.removeprefix('doctest '))} (" for d in docs]
    return ["--exact", *names]


def _sorted_targets(words: list[str]) -> list[str]:
    return [part for word in sorted(words) for part in word.split(" ", 1)]


def _cargo_place(file: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the package's folder and the options for the target that a file belongs to."""
    parts = PurePosixPath(file).parts
    top = next((i for i, part in enumerate(parts) if part in ("src", "tests")), None)
    if top is None or not file.endswith(".rs"):
        return None
    folder, inner = "/".join(parts[:top]) or ".", parts[top + 1 :]
    if parts[top] == "tests":
        if len(inner) != 1 and inner[1:] != ("main.rs",):
            return None
        return folder, (f"--test {inner[0].removesuffix('.rs')}",)
    if inner[:1] == ("bin",) and len(inner) > 1:
        return folder, (f"--bin {inner[1].removesuffix('.rs')}",)
    return folder, ("--bins",) if inner == ("main.rs",) else ("--lib",)


def _for_go(call: Invocation, wanted: _Wanted) -> list[str] | None:
    own = call.own[: call.own.index("-args")] if "-args" in call.own else call.own
    options = _go_options(own)
    packages = dict.fromkeys(_go_package(file) for file in wanted.all_files)
    names = [] if wanted.files else [name for _, name in wanted.tests]
    chosen = ["-run", _go_pattern(names)] if names else []
    return _rebuilt(call, [*options, *chosen, *packages, *call.own[len(own) :]])


def _go_options(own: Sequence[str]) -> list[str]:
    spellings = [(f"-{name}", f"--{name}") for name in (*_GO_VALUES, *_GO_CHOOSING)]
    values = frozenset(word for pair in spellings for word in pair)
    choosing = frozenset(f"{dash}{name}" for name in _GO_CHOOSING for dash in ("-", "--"))
    return _without(own, values - choosing, choosing)


def _go_package(file: str) -> str:
    folder = posixpath.dirname(file) if file.endswith(".go") else file
    return f"./{folder}" if folder and folder != "." else "."


def _go_pattern(names: Sequence[str]) -> str:
    """Match one test with its part, or several at the top, where `|` has no reach over `/`."""
    if len(names) == 1:
        return "/".join(f"^{_go_escaped(part)}$" for part in names[0].split("/"))
    tops = dict.fromkeys(_go_escaped(name.partition("/")[0]) for name in names)
    return f"^({'|'.join(tops)})$"


def _go_escaped(name: str) -> str:
    return re.sub(r"[.*+?^${}()|\[\]\\]", r"\\\g<0>", name)


_MAKERS = {
    "pytest": _for_pytest,
    "node": _for_node,
    "jest": _for_jest,
    "vitest": _for_jest,
    "cargo": _for_cargo,
    "go": _for_go,
}
