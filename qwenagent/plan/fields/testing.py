"""What the values of `Test:` say: a command, a test given as code, or only prose.

Knows no project: whether the command runs the code is found out elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qwenagent.plan.command import command_in, commands_in_block, is_shell
from qwenagent.plan.fields.names import NOTHING
from qwenagent.plan.fields.rows import COLONS, MOST_VALUES, Row, joined
from qwenagent.plan.markdown.inline import code_spans
from qwenagent.plan.paths import as_path, looks_like_file, named_by_block

_TESTS = re.compile(
    r"\b(?:def test|class Test|unittest|assert|expect|it\(|test\(|describe\(|func Test|@Test)"
    r"|#\[(?:\w+::)?test\b"
)
_LOOK_LIMIT = 20_000  # characters of a block that are looked at


@dataclass(frozen=True, slots=True)
class TestField:
    """All `Test:` fields of one text."""

    __test__ = False

    command: str | None = None
    code: str | None = None
    lang: str = ""
    path: str = ""
    prose: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Given:
    code: str
    lang: str
    path: str


def read_test(values: Sequence[Sequence[Row]], remarks: Sequence[str]) -> TestField:
    """Read the values of all `Test:` fields; `remarks` are what stands before their colons."""
    commands: list[str] = []
    given: _Given | None = None
    prose: list[str] = []
    for value, remark in zip(values, remarks, strict=True):
        found = _commands(value)
        commands += found
        block = _given_code(value, remark, must_test=bool(found))
        given = given or block
        if not found and block is None and len(prose) < MOST_VALUES:
            prose.append(joined(value))
    command = " && ".join(dict.fromkeys(commands)) or None
    said = tuple(text for text in prose if not NOTHING.match(text))
    if given is None:
        return TestField(command, prose=said)
    path = given.path or _only_file_of(command or "")
    return TestField(command, given.code, given.lang, path, said)


def _commands(value: Sequence[Row]) -> list[str]:
    """Return the commands of one field: of its text if there are any, else of its shell blocks."""
    text = [command_in(row.text) for row in value if not row.is_code]
    found = [command for command in text if command]
    if found:
        return found
    blocks = [commands_in_block(row.info, row.text) for row in value if row.is_code]
    return [command for block in blocks for command in block]


def _given_code(value: Sequence[Row], remark: str, *, must_test: bool) -> _Given | None:
    """Return the first block that is no command; beside a command it has to look like a test."""
    before = remark
    for row in value:
        if not row.is_code:
            before = row.text if row.text.endswith(COLONS) else before
            continue
        if is_shell(row.info) or commands_in_block(row.info, row.text):
            continue
        path = named_by_block(row.info, row.text) or _path_in(before)
        if not must_test or path or _TESTS.search(row.text[:_LOOK_LIMIT]):
            return _Given(row.text, row.info, path)
    return None


def _path_in(text: str) -> str:
    """Return the only file that a short text like "in `tests/x.py`:" or a remark names."""
    words = code_spans(text) or [word.strip(",;:\uff1a") for word in text.split()]
    paths = {path for word in words if looks_like_file(word) and (path := as_path(word))}
    return paths.pop() if len(paths) == 1 else ""


def _only_file_of(command: str) -> str:
    """Return the file that a test command is about, if it is about one."""
    words = [word.strip("'\"") for word in command.split()[1:]]
    files = {path for word in words if looks_like_file(word.split("::")[0])
             and (path := as_path(word))}  # fmt: skip
    if len(files) != 1 or not re.search(r"test|spec", next(iter(files)), re.IGNORECASE):
        return ""
    return files.pop()
