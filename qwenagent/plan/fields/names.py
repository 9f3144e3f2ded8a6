"""What the fields of a step are called, in a dozen languages, and where one begins in a line.

Knows neither what their values mean nor which lines a value goes on for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from qwenagent.plan.markdown.document import strip_marker
from qwenagent.plan.markdown.inline import plain
from qwenagent.plan.values import EscalateKind, StepKind

Name = Literal["files", "test", "done", "depends", "kind", "escalate"]

_WORDS: dict[Name, str] = {
    "files": r"""files?(?: (?:to|changed|touched|affected|involved|modified)\b[\w /&,-]{0,30})?
        |(?:betroffene |geänderte )?datei(?:en)?
        |fichiers?(?: (?:à|a) modifier| concernés?| touchés?)?
        |(?:archivos?|ficheros?)(?: a modificar| afectados?)?
        |(?:arquivos?|ficheiros?)(?: a modificar| afetados?)?
        |file (?:da modificare|interessati)
        |файлы?|(?:対象|変更)?ファイル|(?:相关|涉及|修改)?文件|檔案|(?:대상 ?|수정 ?)?파일""",
    "test": r"""tests?(?: (?:with|command))?|verify|verification|run tests
        |prüfung|überprüfung|testbefehl|testkommando|prüfen mit|testen mit
        |vérification|vérifier|commande de test
        |pruebas?|verificación|probar con|comando de prueba
        |testes?|verificação|comando de teste
        |verifica|prova|comando di test
        |тест(?:ы)?|проверка|テスト(?:コマンド)?|検証|测试(?:命令)?|测试方法|验证|測試|驗證
        |테스트(?: ?명령)?|검증""",
    "done": r"""done(?: when)?|acceptance(?: criteria)?|definition of done|success criteria
        |(?:fertig|erledigt),? wenn|(?:akzeptanz|abnahme)kriteri(?:en|um)
        |(?:terminé|fini|fait) quand|terminé lorsque|critères? d['\u2019](?:acceptation|achèvement)
        |(?:hecho|listo|terminado) cuando|criterios? de aceptación
        |(?:pronto|feito|concluído) quando|critérios? de aceitação|critério de conclusão
        |(?:fatto|completato|finito) quando|criteri(?:o)? di accettazione
        |готово,? (?:когда|если)|критери[ий] (?:при[её]мки|готовности)
        |完了(?:の)?条件|受け?入れ?(?:条件|基準)|完成(?:条件|标准|標準|时)|验收(?:标准|条件)|驗收標準
        |완료 ?(?:조건|기준)|인수 ?조건""",
    "depends": r"""depends(?: on)?|dependencies|dependency|blocked by
        |hängt ab von|abhängig(?:keiten|keit)?(?: von)?|setzt voraus
        |dépend(?:ances?)?(?: de)?|depende(?:ncias?)?(?: de)?|dependências?|dipende(?:nze)?(?: da)?
        |зависит от|зависимост[иь]
        |依存(?:関係|先)?|依赖(?:于|项|步骤)?|依賴(?:於)?|前置(?:步骤|任务)
        |의존(?:성| ?단계)?|선행 ?(?:단계|작업)""",
    "kind": r"kind|art|typ[eo]?|тип|вид|種類|种类|类型|類型|종류|유형",
    "escalate": r"escalate",
}
_KIND_VALUES: dict[StepKind, str] = {
    "you": r"""(?:for )?(?:you|the user|user|human|me)|manual(?:ly)?|manual step|by hand
        |manuell|für dich|von hand|manuel(?:le)?|pour (?:vous|toi)|à la main|manual para ti
        |para ti|a mano|para (?:você|vocês)|manuale|per te|вручную
        |手動|手作業|手动|手動|人工|수동""",
    "command": r"""(?:a )?commands?|run(?: a)?(?: command)?|shell|befehl|kommando|commande|comando
        |команда|コマンド|命令|指令|명령(?:어)?""",
    "edit": r"""edit(?:s|ing)?|code|coding|change|änderung|bearbeiten|modification|édition
        |edición|edição|modifica|правка|編集|编辑|編輯|편집""",
}


def _alternatives(words: str) -> str:
    return re.sub(r"\n\s*", "", words).replace(" ", r"\ ")


def _groups(table: dict[Name, str]) -> str:
    parts = map(_alternatives, table.values())
    return "|".join(f"(?P<{name}>{part})" for name, part in zip(table, parts, strict=True))


_NAMES = _groups(_WORDS)
_FIELD = re.compile(
    rf"""[*_]{{0,3}} (?:{_NAMES}) \s{{0,3}} [*_]{{0,3}} \s{{0,3}}
    (?: [(\uff08] (?P<remark>[^()\uff08\uff09\n]{{1,200}}) [)\uff09] \s{{0,3}} [*_]{{0,3}} )?
    [:\uff1a] [*_]{{0,3}} \s* (?P<value>.*) $""",
    re.VERBOSE | re.IGNORECASE,
)
_HEADING = re.compile(rf"(?:{_NAMES})\s?[:\uff1a]?$", re.VERBOSE | re.IGNORECASE)
_KINDS = {
    kind: re.compile(_alternatives(words), re.VERBOSE | re.IGNORECASE)
    for kind, words in _KIND_VALUES.items()
}
NOTHING = re.compile(
    r"(?:none|nothing|nichts|keine?|aucune?|rien|ningun[oa]|nada|nenhuma?|nessun[oa]|нет|"
    r"n/?a|no\b.*|[-\u2013—]|なし|无|無|없음)?[.\s]*$",
    re.IGNORECASE,
)
"""A value that says that there is none."""
_VALUE_LIMIT = 60  # characters of the name of a kind


@dataclass(frozen=True, slots=True)
class FieldStart:
    """A field that begins in a line."""

    name: Name
    value: str
    """What stands behind the colon."""
    remark: str = ""
    """What stands in parentheses before the colon."""


def field_at(line: str) -> FieldStart | None:
    """Return the field that a line of Markdown without list marker begins."""
    found = _FIELD.match(line)
    if found is None:
        return None
    start = FieldStart(_name(found), found["value"].strip(), (found["remark"] or "").strip())
    if start.name == "kind" and not line.strip("*_ ").lower().startswith("kind"):
        # "Type: string" says something else.
        return start if kind_named(start.value) else None
    if start.name == "escalate" and not escalation_named(start.value):
        return None
    return start


def field_heading(text: str) -> Name | None:
    """Return the field that a heading, which is all of its text, begins."""
    found = _HEADING.match(text)
    name = None if found is None else _name(found)
    return None if name in ("kind", "escalate") else name


def field_name(line: str) -> Name | None:
    """Return which field a line of Markdown starts, after its list marker, if any."""
    found = field_at(strip_marker(line))
    return None if found is None else found.name


def kind_named(text: str) -> StepKind | None:
    """Return the kind that a word or two name, as in `Kind: for you`."""
    bare = plain(text[:_VALUE_LIMIT]).strip(" .[](){}\uff08\uff09【】")
    return next((kind for kind, words in _KINDS.items() if words.fullmatch(bare)), None)


def escalation_named(text: str) -> EscalateKind | None:
    """Return what a step wishes to be asked for of a model elsewhere, as in `Escalate: advice`."""
    bare = plain(text[:_VALUE_LIMIT]).strip(" .").lower()
    return next((kind for kind in get_args(EscalateKind) if kind == bare), None)


def _name(found: re.Match[str]) -> Name:
    return next(name for name in _WORDS if found[name])
