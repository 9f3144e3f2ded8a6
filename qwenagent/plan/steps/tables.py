"""Tables whose rows are steps: which columns say what, and a step's text out of a row.

Knows single tables, not where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qwenagent.plan.fields.names import field_heading
from qwenagent.plan.markdown.document import TableRow
from qwenagent.plan.markdown.inline import plain, word_set

_NUMBER_WORDS = word_set("# no no. nr nr. n° № id step task schritt étape paso шаг 番号 编号 번호")
_STEP_WORDS = word_set(
    "step steps task tasks todo schritt aufgabe étape tâche paso tarea passo tarefa compito шаг "
    "задача 手順 タスク 作業 作業内容 步骤 任务 단계 작업"
)
_WHAT_WORDS = word_set(
    "what change changes action actions description work item title edit was änderung beschreibung "
    "quoi changement cambio descripción mudança descrição cosa modifica описание 内容 変更 "
    "変更内容 修改 내용 변경"
)
_STATUS_WORDS = word_set(
    "status state done done? erledigt stand statut estado stato статус 状態 状态 상태"
)
_FILE_WORDS = word_set("path paths where location module pfad chemin ruta")
_AFTER_WORDS = word_set("after needs requires nach après tras")
_NUMBER = re.compile(r"(?:[A-Za-z]{0,5}[ -]?)?\d[\d.]*[a-z]?[.)]?")
_DONE = re.compile(
    r"(?:\[x\]|x|✅|✔\ufe0f?|☑\ufe0f?|done|completed?|finished|yes|erledigt|fertig|ja|fait|terminé"
    r"|hecho|listo|feito|fatto|готово|済|済み|完了|完成|완료)\W*$",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"\W*$")


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step that is a row of a table."""

    line: int
    number: str
    text: str
    checked: bool


def step_rows(rows: Sequence[TableRow], *, loose: bool) -> list[StepRow]:
    """Return the steps of a table, none if it is not one of steps.

    `loose` takes also a table of files and what changes in each.
    """
    header = [plain(cell).casefold().strip() for cell in rows[0].cells] if rows else []
    body = rows[1:]
    number = _number_column(header, body)
    title = _title_column(header, number, loose=loose)
    if title is None or not body:
        return []
    roles = {at: _role(name) for at, name in enumerate(header) if at not in {number, title}}
    if not loose and header[title] not in _STEP_WORDS and number is None:
        return []
    return [step for row in body if (step := _step(row, rows[0], number, title, roles))]


def _number_column(header: list[str], body: Sequence[TableRow]) -> int | None:
    for at, name in enumerate(header):
        cells = [plain(row.cells[at]) for row in body]
        if name in _NUMBER_WORDS and cells and all(map(_NUMBER.fullmatch, cells)):
            return at
    return None


def _title_column(header: list[str], number: int | None, *, loose: bool) -> int | None:
    others = [at for at in range(len(header)) if at != number]
    words = [_STEP_WORDS, _WHAT_WORDS] if number is not None or loose else [_STEP_WORDS]
    return next((at for known in words for at in others if header[at] in known), None)


def _role(name: str) -> str:
    """Return the field that a column is, "status", or empty for a column of its own."""
    if name in _STATUS_WORDS:
        return "status"
    if name in _FILE_WORDS:
        return "Files"
    if name in _AFTER_WORDS:
        return "Depends on"
    fields = {"files": "Files", "test": "Test", "done": "Done when", "depends": "Depends on"}
    return fields.get(field_heading(name) or "", "")


def _step(
    row: TableRow, header: TableRow, number: int | None, title: int, roles: dict[int, str]
) -> StepRow | None:
    if _NOTHING.match(row.cells[title]):
        return None
    lines = [_cell(row.cells[title])]
    checked = False
    for at, role in roles.items():
        cell = row.cells[at]
        if role == "status":
            checked = _DONE.match(plain(cell).strip()) is not None
        elif not _NOTHING.match(cell):
            lines.append(f"{role or plain(header.cells[at])}: {_cell(cell)}")
    written = "" if number is None else plain(row.cells[number])
    digits = re.search(r"\d+(?:\.\d+)*", written)
    return StepRow(row.line, digits[0] if digits else "", "\n".join(lines), checked)


def _cell(text: str) -> str:
    return re.sub(r"\s*<br\s*/?>\s*", "; ", text.strip())
