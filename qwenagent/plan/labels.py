"""What the words at the front of a step and in a heading say: its number, its kind of section.

Knows single lines in a handful of languages, not where they stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from qwenagent.plan.markdown.inline import plain, word_set

LabelKind = Literal["step", "group", "number"]
Section = Literal["steps", "preamble", "checks", "aside", ""]

_STEP_WORDS = (
    "step|task|todo|schritt|aufgabe|étape|etape|tâche|tache|paso|tarea|passo|tarefa|compito|"
    "stap|"
    "шаг|задача|ステップ|手順|タスク|作業|步骤|步驟|任务|任務|단계|작업"
)
_GROUP_WORDS = (
    "phase|part|milestone|stage|sprint|iteration|teil|fase|partie|parte|etapa|фаза|этап|フェーズ|"
    "阶段"
)
_NUMBER = r"\d{1,9}(?:\.\d{1,9})*"
_SEPARATOR = r"[.:)\]|\-\u2013—、\uff0e\uff1a]"
_EMOJI = "[\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\ufe0f\u200d]"
_HAN_DIGITS = "一二三四五六七八九十"
_LABEL = re.compile(
    rf"""(?:{_EMOJI}+\s*)? [*_]{{0,3}}
    (?: (?:{_GROUP_WORDS}) \s{{0,3}} \#? \s{{0,3}} (?P<group_n>{_NUMBER})
        (?= \s | {_SEPARATOR} | [*_] | $ )
      | (?:{_STEP_WORDS}) \s{{0,3}} \#? \s{{0,3}} (?P<step_n>{_NUMBER})
        (?= \s | {_SEPARATOR} | [*_] | $ )
      | change \s{{0,3}} \#? (?P<change_n>{_NUMBER}) (?= \s{{0,3}} (?: {_SEPARATOR} | [*_] | $ ) )
      | 第 \s? (?P<cjk_n>\d{{1,9}}|[{_HAN_DIGITS}]) \s? [步歩]
      | (?P<korean_n>\d{{1,9}}) \s? 단계
      | (?P<keycap_n>\d) \ufe0f? \u20e3
      | T (?P<t_n>\d{{2,4}}) (?= \s | : )
      | \#? (?P<bare_n>{_NUMBER})
        (?: [.:、\uff0e\uff1a] (?= \s | $ | [^\x00-\x7f] | [*_] ) | \) | (?= \s+ [-\u2013—] \s ) )
      | (?P<dotted_n>\d{{1,9}} (?:\.\d{{1,9}})+) (?= \s )
    )
    [*_]{{0,3}} (?: \s+ of \s+ \d{{1,9}} )? \s* {_SEPARATOR}* [*_]{{0,3}} \s* """,
    re.VERBOSE | re.IGNORECASE,
)
_KINDS: dict[str, LabelKind] = {
    "group_n": "group",
    "step_n": "step",
    "change_n": "step",
    "cjk_n": "step",
    "korean_n": "step",
    "keycap_n": "number",
    "t_n": "number",
    "bare_n": "number",
    "dotted_n": "number",
}

_SECTION_WORDS: dict[Section, frozenset[str]] = {
    "checks": word_set(
        "verification verify verifying validation validate testing test tests qa acceptance "
        "definition criteria "
        "überprüfung prüfung testen vérification validación verificación pruebas verifica "
        "проверка тестирование"
    ),
    "preamble": word_set(
        "context background goal goals objective objectives overview constraints constraint notes "
        "current note nongoals nongoal summary motivation problem introduction intro requirements "
        "assumptions scope edge cases approach design architecture decisions conventions "
        "prerequisites rules "
        "kontext hintergrund ziel ziele überblick übersicht randbedingungen hinweise hinweis "
        "anforderungen contexte objectif objectifs contraintes contexto objetivo objetivos "
        "restricciones notas контекст цель цели"
    ),
    "aside": word_set(
        "risks risk rollback references future followups followup followup alternatives glossary "
        "appendix questions changelog history risiken ausblick"
    ),
    "steps": word_set(
        "steps step plan changes change implementation tasks task todo todos checklist items "
        "schritte änderungen aufgaben umsetzung vorgehen étapes tâches pasos tareas cambios "
        "passos tarefas passi шаги задачи план изменения stappen"
    ),
}
_FILLERS = word_set(
    "the a and of for to how in on with this out open key critical state work file by proposed "
    "detailed execution action required technical manual final automated end strategy section non "
    "done success und die der das et les la le y los de previous general project testplan"
)
_UNSPACED: dict[Section, tuple[str, ...]] = {
    "checks": ("テスト", "検証", "動作確認", "测试", "验证", "驗證", "테스트", "검증"),
    "preamble": ("背景", "目的", "概要", "目標", "制約", "前提",
                 "目标", "约束", "备注", "배경", "목표"),
    "steps": ("手順", "ステップ", "タスク", "変更", "実装", "作業", "計画", "步骤", "步驟", "任务",
              "任務", "计划", "实现", "实施", "修改", "단계", "작업", "계획"),
}  # fmt: skip
_UNSPACED_LIMIT = 10  # characters; a longer heading is a sentence that merely has the word in it


_LIST_OF_FILES = re.compile(
    r"(?:(?:critical|key|main|list\s+of|relevant|all)\s+)*files?(?:\s+(?:summary|overview|list)"
    r"|\s*(?:to\s+)?(?:(?:be\s+)?(?:modify|modified|change|changed|create|created|edit|edited|touch"
    r"|touched|affected|involved|add|update|updated)(?:\s*(?:/|and|or|&)\s*)?)+)?|summary\s+of\s+files"
    r"|(?:zu\s+ändernde|betroffene)\s+dateien|fichiers\s+(?:à\s+modifier|concernés)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Label:
    """The number in front of a step."""

    kind: LabelKind
    """"step" for "Step 3" and "Task 3", "group" for "Phase 3", "number" for "3."."""
    number: str
    """Without leading zeros; "1.2" stays dotted."""


def read_label(text: str) -> Label | None:
    """Return the label at the front of a line of Markdown, if there is one."""
    found = _LABEL.match(text)
    if found is None:
        return None
    name, number = next((k, v) for k, v in found.groupdict().items() if k in _KINDS and v)
    return Label(_KINDS[name], plain_number(number))


def without_label(text: str) -> str:
    """Return a line of Markdown without the label at its front, emphasis around it included."""
    found = _LABEL.match(text)
    return text if found is None else text[found.end() :]


def plain_number(number: str) -> str:
    """Return a number of one or more dotted parts without leading zeros."""
    if number in _HAN_DIGITS:
        return str(_HAN_DIGITS.index(number) + 1)
    return ".".join(str(int(part)) for part in number.split("."))


def section_of(heading: str) -> Section:
    """Tell what a heading announces, by all of its words being words for it."""
    text = without_label(plain(heading).casefold()).strip()
    for kind, terms in _UNSPACED.items():
        if len(text) <= _UNSPACED_LIMIT and any(term in text for term in terms):
            return kind
    words = set(re.sub(r"[^\w\s]", "", re.sub(r"[&/]", " ", text)).split())
    known = _FILLERS.union(*_SECTION_WORDS.values())
    if not words or not words <= known:
        return ""
    return next((kind for kind, terms in _SECTION_WORDS.items() if words & terms), "")


def lists_files(heading: str) -> bool:
    """Tell whether a heading like "Files to modify" announces the files of the whole."""
    return _LIST_OF_FILES.fullmatch(without_label(plain(heading)).strip(" :")) is not None
