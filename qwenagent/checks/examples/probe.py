"""Evaluates calls in a project's own interpreter and writes down what each of them gave.

Started as a program, `python probe.py TASK RESULTS`, from a folder outside of the
repository. Stands alone, for any Python from 3.8 on; knows nothing of qwenagent.

TASK is JSON: root, seconds (for one call), import_seconds, calls: list of {id, call, expected,
raises, files}. `files` says in which file, relative to root, each name is defined. RESULTS gets a
line of JSON for each call: that file is believed, and not what the code prints. The ids are random
and TASK is deleted once it is read, so that no call knows the id of its own result.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import itertools
import json
import math
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

_MAX_REPR_CHARS = 200
_MAX_TRACE_CHARS = 20_000
_LITERAL_WORDS = {"true": True, "false": False, "null": None, "none": None}
_IN_LITERALS = {"float": float, "set": set, "frozenset": frozenset}
_HAS_TIMER = hasattr(signal, "setitimer")


class _TooSlow(BaseException):
    """Not an Exception, so that the code under test does not catch it by accident."""


def main(task_path: str, results_path: str) -> None:
    """Evaluate all calls of a task in turn."""
    task = json.loads(Path(task_path).read_text(encoding="utf-8"))
    Path(task_path).unlink()
    results = os.open(results_path, os.O_WRONLY | os.O_APPEND)
    sys.argv = [""]
    own = str(Path(__file__).parent)  # comes first on the path, and has no business there
    sys.path[:] = [folder for folder in sys.path if folder != own]
    if _HAS_TIMER:
        signal.signal(signal.SIGALRM, _stop)
    probe = _Probe(Path(task["root"]), task["seconds"], task["import_seconds"])
    for item in task["calls"]:
        passed, said, trace = probe.judge_in_time(item)
        verdict = {"id": item["id"], "passed": passed, "said": said}
        line = json.dumps({**verdict, "trace": trace[-_MAX_TRACE_CHARS:]})
        os.write(results, line.encode("ascii") + b"\n")


def _set_timer(seconds: float) -> None:
    """Start a timer, or stop it by 0."""
    if _HAS_TIMER:
        # Again and again, should a bare `except:` catch it.
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.5 if seconds else 0)


def _stop(signum: int, frame: FrameType | None) -> None:
    raise _TooSlow


class _OfAClass(Exception):
    """A name stands for a method, so nobody knows what it would have to be called on."""


class _Probe:
    """Evaluates calls; imports each file once."""

    def __init__(self, root: Path, seconds: float, import_seconds: float) -> None:
        self._root = root
        self._seconds = seconds
        self._import_seconds = import_seconds
        self._modules: dict[str, ModuleType] = {}

    def judge_in_time(self, item: dict[str, Any]) -> tuple[bool | None, str, str]:
        """Return whether a call gave what is expected, what it gave, and a traceback.

        None if the call cannot be judged.
        """
        try:
            _set_timer(self._import_seconds)
            return self._judge(item)
        except _OfAClass as error:
            return None, str(error), ""
        except _TooSlow:
            return False, f"did not end within {self._seconds:g} s", ""
        finally:
            _set_timer(0)

    def _judge(self, item: dict[str, Any]) -> tuple[bool, str, str]:
        try:
            scope = {name: self._look_up(name, path) for name, path in item["files"].items()}
            _set_timer(self._seconds)
            got = eval(compile(item["call"], "<example>", "eval"), scope)
            if inspect.iscoroutine(got):
                got = asyncio.run(got)
            if not item["raises"] and _same(got, _value(item["expected"])):
                return True, "", ""
            return False, f"gave {_shown(got)}", ""
        except (_TooSlow, _OfAClass):
            raise
        except BaseException as error:  # whatever the project raises, SystemExit included
            names = [kind.__name__ for kind in type(error).__mro__]
            passed = item["raises"] and item["expected"].rpartition(".")[2] in names
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            return passed, f"raised {type(error).__name__}", "".join(lines)

    def _look_up(self, name: str, path: str) -> object:
        if path not in self._modules:
            if not (self._root / path).is_file():
                raise ImportError(f"{path} is not there")
            self._modules[path] = self._load(path)
        try:
            return getattr(self._modules[path], name)
        except AttributeError:
            own = vars(self._modules[path]).values()
            if any(inspect.isclass(one) and name in vars(one) for one in own):
                raise _OfAClass(f"{name} is a method in {path}") from None
            raise ImportError(f"{path} defines no {name}") from None

    def _load(self, path: str) -> ModuleType:
        """Import a file as the project's own code would: by its dotted name, else by its path."""
        top, dotted = _module_name(self._root, path)
        self._extend_path(top, (self._root / path).parent)
        if dotted:
            try:
                module = importlib.import_module(dotted)
            except ModuleNotFoundError as error:
                if f"{dotted}.".startswith(f"{error.name}."):
                    return self._load_by_path(path)
                raise
            if _is_file(module, self._root / path):
                return module
        return self._load_by_path(path)

    def _extend_path(self, top: Path, folder: Path) -> None:
        """Put first the folder the package lies in, src and the root, and last the file's own."""
        src = self._root / "src"
        first = dict.fromkeys([str(top), *([str(src)] if src.is_dir() else []), str(self._root)])
        rest = [entry for entry in sys.path if entry not in first]
        last = [str(folder)] if str(folder) not in [*first, *rest] else []
        sys.path[:] = [*first, *rest, *last]

    def _load_by_path(self, path: str) -> ModuleType:
        name = Path(path).stem
        # A module of this name that is another file, e.g. the standard library's, stays.
        name = f"example_{name}" if name in sys.modules else name
        spec = importlib.util.spec_from_file_location(name, self._root / path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module


def _module_name(root: Path, path: str) -> tuple[Path, str]:
    """Return the folder that has to be on sys.path, and the module's name; "" if it has none."""
    *folders, stem = path[: -len(".py")].split("/")
    first = len(folders)
    while first and root.joinpath(*folders[:first], "__init__.py").is_file():
        first -= 1
    if first == len(folders):  # a folder without __init__.py may be a package as well
        first = 1 if folders[:1] == ["src"] else 0
    names = folders[first:] if stem == "__init__" else [*folders[first:], stem]
    if not names or not all(name.isidentifier() for name in names):
        return root, ""
    return root.joinpath(*folders[:first]), ".".join(names)


def _is_file(module: ModuleType, path: Path) -> bool:
    file = getattr(module, "__file__", None)
    return bool(file) and os.path.realpath(str(file)) == os.path.realpath(path)


def _value(text: str) -> object:
    """Return the value of a literal; that it is one was seen before."""
    if text in _LITERAL_WORDS:
        return _LITERAL_WORDS[text]
    return eval(compile(text, "<expected>", "eval"), {"__builtins__": _IN_LITERALS})


def _same(got: Any, expected: Any) -> bool:
    """Compare as a careful test would: 1 is not True, 0.1 + 0.2 is 0.3, nan is nan."""
    if type(got).__module__ == "numpy" and getattr(got, "ndim", 1) == 0:
        got = got.item()
    if isinstance(expected, bool) or isinstance(got, bool):
        return type(got) is type(expected) and bool(got == expected)
    if isinstance(expected, (int, float)) and isinstance(got, (int, float)):
        return _same_numbers(got, expected)
    if isinstance(expected, (list, tuple)):
        return _same_sequence(got, expected)
    if isinstance(expected, dict) and isinstance(got, dict):
        same_keys = got.keys() == expected.keys()
        return same_keys and all(_same(got[key], value) for key, value in expected.items())
    return bool(got == expected)


def _same_numbers(got: float, expected: float) -> bool:
    if isinstance(got, int) and isinstance(expected, int):
        return got == expected
    if math.isnan(got) or math.isnan(expected):
        return math.isnan(got) and math.isnan(expected)
    return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-9)


def _same_sequence(got: Any, expected: Any) -> bool:
    kind: Any = list if isinstance(expected, list) else tuple
    if hasattr(got, "__next__"):  # people tell of a generator as the list of what it yields
        got = kind(itertools.islice(got, len(expected) + 1))
    if not isinstance(got, kind):
        return bool(got == expected)
    return len(got) == len(expected) and all(map(_same, got, expected))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_REPR_CHARS else text[: _MAX_REPR_CHARS - 4] + " ..."


if __name__ == "__main__":
    main(*sys.argv[1:3])
