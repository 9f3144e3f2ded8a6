"""Tells commands that cannot fail, or that show nothing when they succeed.

When in doubt a command counts as able to fail. Starts nothing; reads at most a package.json.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Sequence
from functools import cached_property
from itertools import dropwhile
from pathlib import Path, PurePath

from qwenagent.checks.anatomy import dissect
from qwenagent.checks.command import MAX_CHARS, is_shell
from qwenagent.checks.npm_scripts import scripts_of
from qwenagent.protocol.checks import TestCommand
from qwenagent.syntax import python_tree

_HARMLESS = frozenset(
    [
        *("true", ":", "echo", "printf", "pwd", "date", "sleep", "whoami", "clear", "export"),
        *("which", "type", "hash", "hostname", "uname", "umask", "wait", "history", "unset"),
    ]
)
# With these options anywhere a runner runs no test.
_NOT_RUNNING = {
    "pytest": frozenset(
        [
            *("-h", "-V", "--collect-only", "--co", "--fixtures", "--fixtures-per-test"),
            *("--markers", "--setup-plan", "--cache-show"),
        ]
    ),
    "unittest": frozenset({"-h"}),
    "make": frozenset({"-n", "--dry-run", "--just-print", "--recon", "-v"}),
    "jest": frozenset({"--listTests", "--showConfig", "-h"}),
    "ctest": frozenset({"-N", "--show-only"}),
    "rspec": frozenset({"--dry-run"}),
    **dict.fromkeys(["vitest", "mocha", "tox", "nox", "phpunit"], frozenset({"-h"})),
}
_TELLING = frozenset({"--version", "--help"})
# Said first to a tool this tells of the tool. What comes later may go to the project's own
# program, of which a step may ask just that: `cargo run -- --version`.
_TELLING_FIRST = _TELLING | {"-V", "-VV", "-v", "-h", "version", "help"}
_TOOLS = frozenset(
    [
        *("python", "python3", "cargo", "go", "node", "npm", "npx", "pnpm", "yarn", "bun", "deno"),
        *("mvn", "gradle", "cmake", "bundle", "rake", "ruby", "php", "dotnet", "mix", "ruff"),
        *("mypy", "git", "uv", "poetry", "hatch", "pdm", "coverage", "tsc", "eslint", "bash", "sh"),
    ]
)
_STARTERS = frozenset({"npx", "bunx", "exec", "command", "builtin", "time"})
_MANAGERS = frozenset({"npm", "pnpm", "yarn", "bun"})
_ASKING_GIT = frozenset({"status", "log", "diff", "branch"})
_PYTHON = re.compile(r"python(?:\d[\d.]*)?$")
_SAYING_JS = re.compile(r"(?:console\.log\((?:\d+|'[^'\\]*'|\"[^\"\\]*\")?\)|\d+)?\s*;?$")
_HERE = frozenset({".", "./", "..", "/", "-"})
_QUOTED = re.compile(r"\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_COMMENT = re.compile(r"(?:^|(?<=[\s;&|(]))#[^\n]*")
_OPENING = re.compile(r"(?:(?:then|do|if|elif|while|until)\s+|[({]\s*)+")
_CLOSING = frozenset({"fi", "done", "esac", "}", ")"})
_MAX_DEPTH = 8
"""Scripts that start scripts, commands that start commands: deeper down anything may fail."""


class _Scripts:
    """The scripts of a package.json, each judged once."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._judged: dict[str, bool] = {}
        self._depth = 0

    @cached_property
    def texts(self) -> dict[str, str]:
        return scripts_of(self._folder) if self._folder else {}

    def can_fail(self, name: str) -> bool:
        if self._depth >= _MAX_DEPTH:
            return True
        if name not in self._judged:
            self._judged[name] = True  # while it is judged: what starts itself never ends
            self._depth += 1
            self._judged[name] = _text_can_fail(self.texts[name], self)
            self._depth -= 1
        return self._judged[name]


def is_trivial(command: TestCommand, root: Path | None = None) -> bool:
    """True if the command succeeds whatever the code does: `true`, `x || true`, `pytest --co`.

    With the repository's root the script behind `npm test` is looked at as well.
    """
    return not _can_fail(command.argv, _Scripts(root / command.cwd if root else None))


def _can_fail(words: Sequence[str], scripts: _Scripts) -> bool:
    for _ in range(_MAX_DEPTH):
        if not words:
            return False
        found = dissect(words)
        rest = words if is_shell(words) else words[found.program :]
        if is_shell(rest):
            return _text_can_fail(rest[2], scripts)
        name, own = PurePath(rest[0]).name, list(rest[1:])
        runner = found.kind if found.kind in _NOT_RUNNING else name
        if runner in _NOT_RUNNING and (_NOT_RUNNING[runner] | _TELLING).intersection(own):
            return False
        if (can_fail := _program_can_fail(name, own, scripts)) is not None:
            return can_fail
        words = _started(own)
    return True


def _program_can_fail(name: str, own: list[str], scripts: _Scripts) -> bool | None:
    """Judge a program by its name and arguments, None if it only starts what they name."""
    first = own[0] if own else ""
    if name in _HARMLESS or ((name in _TOOLS or _PYTHON.match(name)) and first in _TELLING_FIRST):
        return False
    if name in ("exit", "return"):
        return not first or first.strip("0") != ""
    if name in ("test", "[", "[["):
        return _condition_can_fail(own)
    if name in _STARTERS or first == "exec":
        return None if _started(own) else own[:1] not in (["-v"], ["-V"])
    if name == "git" and first in _ASKING_GIT:
        return bool({"--exit-code", "--quiet", "--check"}.intersection(own))
    if _PYTHON.match(name) and "-c" in own:
        return _python_can_fail(own[own.index("-c") + 1 :])
    if name == "node" and first in ("-e", "--eval", "-p", "--print"):
        return not _SAYING_JS.match("".join(own[1:2]).strip())
    return _script_can_fail(name, own, scripts)


def _started(own: list[str]) -> list[str]:
    """Return what `npx`, `exec` and the like start; `command -v x` only looks for it."""
    words = own[1:] if own[:1] == ["exec"] else own
    if words[:1] in (["-v"], ["-V"]):
        return []
    return list(dropwhile(lambda word: word.startswith("-"), words))


def _condition_can_fail(own: list[str]) -> bool:
    """Judge `test` and `[`: trivial is what holds of any folder and any words."""
    words = own[:-1] if own[-1:] in (["]"], ["]]"]) else own
    if any("$" in word or "`" in word for word in words):
        return True
    if len(words) == 2:
        option, value = words
        holds = {"-n": bool(value), "-z": not value}
        return not holds.get(option, option in ("-d", "-e", "-r", "-x", "-s") and value in _HERE)
    if len(words) == 3 and words[1] in ("=", "==", "-eq"):
        return words[0] != words[2]
    return words == [""] or len(words) != 1


def _python_can_fail(code: Sequence[str]) -> bool:
    tree = python_tree(code[0] if code else "")
    return tree is None or not all(map(_only_says, tree.body))


def _only_says(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(ast.Constant()):
            return True
        case ast.Expr(ast.Call(ast.Name("print"), arguments, [])):
            return all(isinstance(argument, ast.Constant) for argument in arguments)
        case ast.Assert(ast.Constant(value)):
            return bool(value)
    return False


def _script_can_fail(name: str, own: list[str], scripts: _Scripts) -> bool:
    """Judge the script of package.json that a command runs; True if there is none to be read."""
    words = own[1:] if own[:1] in (["run"], ["run-script"]) else own
    if name not in _MANAGERS or not words or words[0].startswith("-"):
        return True
    if name == "bun" and words is own:
        return True
    script = "test" if words[0] in ("t", "tst") else words[0]
    parts = [part for part in (f"pre{script}", script, f"post{script}") if part in scripts.texts]
    return script not in parts or any(map(scripts.can_fail, parts))


def _text_can_fail(text: str, scripts: _Scripts) -> bool:
    """Judge a shell text by the status it ends with: that of its last list of commands."""
    if len(text) > MAX_CHARS:
        return True
    parts = _split(text)
    stops = any(re.match(r"set\s+-\w*e", part) for _, part in parts)
    can_fail = False
    for operator, part in parts:
        now = _simple_can_fail(part, scripts)
        if operator == "||":
            can_fail = can_fail and now
        elif operator in ("&&", "|", "else") or stops:
            can_fail = can_fail or now
        else:
            can_fail = now
    return can_fail


def _split(text: str) -> list[tuple[str, str]]:
    """Cut a shell text at its operators: (operator before it, simple command).

    Brackets and the words around `if` and `for` are taken off; the status at their end is that
    of the last command within.
    """
    bare = _QUOTED.sub(lambda match: "_" * len(match[0]), text)
    bare = _COMMENT.sub(lambda match: " " * len(match[0]), bare)
    parts, operator, start = [], ";", 0
    # `2>&1` and `&>log` are redirections.
    for match in re.finditer(r"&&|\|\||(?<![<>])&(?!>)|\|&?|;|\n", bare):
        parts.append(_part(operator, text[start : match.start()]))
        operator, start = match[0].removesuffix("&") if match[0] == "|&" else match[0], match.end()
    last = text[start:].strip()
    # An `&` at the end sends what stands before it to the background: the status is 0.
    parts += [_part(operator, last)] if last or operator == "&" else []
    return [(operator, part) for operator, part in parts if part not in _CLOSING]


def _part(operator: str, text: str) -> tuple[str, str]:
    part = text.strip()
    if re.match(r"else\s", part):
        operator, part = "else", part[4:].strip()
    part = part[opening.end() :] if (opening := _OPENING.match(part)) else part
    for _ in range(part.count(")") - part.count("(")):
        part = part.removesuffix(")").rstrip()
    return operator, part or ("" if operator == "&" else ")")


def _simple_can_fail(part: str, scripts: _Scripts) -> bool:
    try:
        words = shlex.split(part, comments=True)
    except ValueError:
        return True
    return _can_fail(words, scripts)
