"""Sentences that ask for nothing but to run a command, or say how that should end.

Knows single lines in a handful of languages. Whether a command may be run is not decided here.
"""

from __future__ import annotations

import re

from qwenagent.plan.command import looks_like_command, named_program
from qwenagent.plan.markdown.inline import split_code

LINE_LIMIT = 1000  # characters of a line that can be a plain request

# A known command in a code span is "§" in what follows, one of an unknown program "¤".
_SPAN = r"[§¤]"
_BY = r"(?:with|using|via|by\s+running|through|mit|über|avec|con|com|[:\uff1a\u2013—-])"
_RESULTS = r"""(?:expected|expect|output|result|erwartet|résultat|attendu|resultado)\b.*
  |(?:(?:make\s+sure|ensure|check|confirm|verify|see)\s+(?:that\s+)?)?
   (?:all|every|everything|the|these|both|no|nothing|it|this|they|there|still|must|should)\b.*
   \b(?:pass|passes|passing|green|succeeds?|clean|errors?|fail(?:s|ures?)?|warnings?|works?|exits?
   |broke|break|breaks|regressions?|unchanged|diff)\b.*
  |must\s+(?:pass|succeed|be\s+green)|alle[s]?\b.*\b(?:grün|bestehen|laufen|bestanden|durch)\b.*
  |tou[ts]\w*\s.*pass\w*.*|tod[oa]s?\s.*(?:pasa\w*|passa\w*|verde).*
  |.{0,30}(?:通る|成功|パス|通过|통과).{0,20}"""
_REST = rf"""(?:
    \s*(?:again|once\s+more|locally|first|now|aus|laufen)\b
  | \s*[,;&]?\s*(?:(?:and|then|und|dann|et|puis|y|luego|e)\s+)*{_SPAN}
  | \s*[(\uff08][^()]*[)\uff09]
  | \s+(?:in|from|at|inside)\s+(?:the\s+)?(?:`[^`]+`|repo\w*|root|project|top(?:-level)?|same)
      (?:\s+(?:root|folder|directory|repository|project))*
  | \s+(?:on|over|against|for)\s+(?:the\s+)?(?:whole|entire|full|all|staging|production
      |prod|server|database)\b[^§¤`]{{0,40}}
  | \s+(?:one\s+(?:last|final)|a\s+(?:last|final|second))\s+time
  | \s+(?:has\s+to\s+|must\s+|should\s+)?(?:pass(?:es)?|succeeds?|be\s+green|is\s+green)
  ){{0,8}} (?:
    \s*[,;:\u2013—-]?\s*(?:(?:and|und|et|y)\s+)?(?:{_RESULTS})
  | ,?\s+(?:and|then|to)\s+(?:make\s+sure|ensure|check|confirm|verify|see|watch|review|inspect
      |compare|look)\b[^§¤]{{0,200}}
  )? \s*[.!。]?"""
_FREE = r"""(?:(?:re-?)?run|execute|invoke|command\s?:|führe|starte|lass|exécute[rz]?|lance[rz]?
  |ejecut(?:ar|a|e)|corr(?:er|e)|lanzar|lanza|execut(?:ar|e)|rod(?:ar|e)|eseguire|esegui|lancia(?:re)?
  |запустить|запусти(?:те)?|выполнить|выполни(?:те)?|运行|执行|執行|실행)"""
_BETWEEN = r"""(?:(?!\b(?:before|after|when|while|during|instead|like|as|inside|around|of|in|from|on
  |through|that|which|until|every\s+time|whenever)\b)[^§¤.;])"""
_MAKES = r"""(?:(?:re)?generate|(?:re)?build|(?:re)?format|lint|type-?\s?check|compile|verify|check
  |validate|confirm|test|(?:update|refresh|recreate)\s+(?:the\s+|all\s+)?(?:\w+\s+)?(?:snapshots?
  |lock\s?file|fixtures|golden\s+files?|baselines?))"""
_REQUEST = re.compile(
    rf"""(?:(?:finally|then|next|please|now|lastly|last|also|zuletzt|enfin|finalmente)[,:]?\s+)*
    (?: {_FREE}\s*(?::|\uff1a)?\s*{_BETWEEN}{{0,60}}?{_SPAN}{_REST}
      | {_MAKES}\b\s*[^§¤.;]{{0,80}}?\s*{_BY}\s*§{_REST}
      | (?:verify|check|confirm|validate|lint|build|rebuild|compile)\s+(?:that\s+)?§{_REST}
      | [^§¤.;]{{0,40}}?{_SPAN}\s*(?:.{{0,12}}\s)?(?:ausführen|laufen\s+lassen|starten)[.]?
      | [^§¤.;]{{0,40}}\s(?:ausführen|laufen\s+lassen):\s*{_SPAN}{_REST}
      | {_SPAN}\s*(?:を|를|을)?\s?(?:実行|실행|运行|执行)\w*[.。]?
      | [^§¤.;。]{{0,20}}(?:テスト|検証|実行|测试|테스트)[^§¤.;。]{{0,10}}[:\uff1a]?\s*
          {_SPAN}{_REST}
      | (?:[\w-]+\s+){{0,4}}(?:tests?|suite|lint(?:er|ing)?|types?|format(?:ter|ting)?|build|checks?
          |verification|coverage)\s?[:\uff1a\u2013—-]\s?§{_REST}
      | §{_REST} )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_RESULT = re.compile(_RESULTS, re.VERBOSE | re.IGNORECASE | re.DOTALL)
_BARE = re.compile(
    r"""(?:pytest(?:\s+(?:-\S+|[\w./:-]*[/.][\w./:-]*))* | (?:npm|pnpm|yarn)\s+(?:test|run\s+[\w:-]+
      |install|ci|publish)(?:\s+-\S+)* | npx\s+[a-z][\w@/-]*(?:\s+(?:-\S+|[\w./-]*[/.][\w./-]*))+
      | cargo\s+(?:test|build|fmt|clippy|publish)(?:\s+-\S+)* | go\s+(?:test|vet|build)\s+\./\S*
      | python3?\s+(?:-m\s+\w[\w.]*|[\w./-]+\.py)(?:\s+(?:-\S+|[\w./-]*[/.][\w./-]*))*
      | ruff\s+(?:check|format)\s+\S+ | (?:mypy|tox)(?:\s+(?:-\S+|\w+[/.]\S*))+
      | pip3?\s+install\s+(?:-\S+\s+)*\S+ | git\s+push(?:\s+\S+){0,3}
      | make\s+(?:test|fmt|format|lint|check|docs|build|all|generate) )""",
    re.VERBOSE,
)
_HEADLINE = re.compile(
    r"""(?:(?:final|full|last|automated|the|local)\s+)*(?:verif\w+|validation|checks?|tests?
    |test\s+suite|test\s+run|format(?:ting)?|lint(?:ing)?|quality\s+(?:gate|checks?)
    |(?:run|execute)\s+(?:(?:all|the|full|whole|complete|unit|entire)\s+)*
      (?:tests?|checks?|test\s+suite|suite|linters?|formatter)|verify\s+(?:everything|it\s+all|the\s+(?:result|change|whole)s?)
    |überprüfung|prüfung|(?:alle\s+)?tests\s+(?:ausführen|laufen\s+lassen)|vérification
    |lancer\s+(?:tous\s+)?les\s+tests|verificación
    |ejecutar\s+(?:tod[oa]s\s+)?(?:los\s+tests|las\s+pruebas)
    |検証|(?:全?テスト|すべてのテスト)(?:の実行|を実行(?:する)?)?|動作確認|验证|运行(?:所有)?测试|검증
    |테스트\s?실행)[.:]?""",
    re.VERBOSE | re.IGNORECASE,
)
_PURPOSE = re.compile(r"([§¤])\s+(?:to|um|pour|para)\s+[^,;.]*?(?=\s+(?:and|und|et|y)\s|[,;.]|$)")
_SNAPSHOTS = re.compile(
    r"\b(?:update|refresh)\s+(?=(?:the\s+|all\s+)?(?:\w+\s+)?(?:snapshots?|lock\s?file|fixtures"
    r"|golden|baselines?)\b)",
    re.IGNORECASE,
)
_EDITS = re.compile(
    r"""\b(?:fix(?:es|ing)?|add(?:s|ing)?|implement\w*|writ(?:e|ing)|creat(?:e|ing)|chang(?:e|ing)
      |edit|refactor\w*|remov(?:e|ing)|delet(?:e|ing)|renam(?:e|ing)|replac(?:e|ing)|adjust\w*
      |correct\s+(?:the|any|all)|resolv(?:e|ing)|address\s|repair\w*|modif(?:y|ying)|mov(?:e|ing)\s
      |rewrit(?:e|ing)|convert\w*|extend\w*|introduc(?:e|ing)|handl(?:e|ing)|updat(?:e|ing)|debug\w*
      |make\s+(?:it|them)\b|until\b|if\s+(?:it|they|any|anything|something|one)\s+fails?
      |beheb\w*|korrigier\w*|anpass\w*|ergänz\w*|hinzufüg\w*|reparier\w*|änder\w*|schreib\w*|füge
      |corrig\w*|ajout\w*|modifi\w*|répar\w*|adapter\b|écri\w*|correg\w*|arregl\w*|añad\w*|agreg\w*
      |cambi\w*|actualiz\w*|escrib\w*|crear\b|исправ\w*|добав\w*|измени\w*|напис\w*)
    |修正|直す|直し|追加|変更|更新|作成|書く|書き|修复|修改|添加|编写|수정|추가|작성|고치""",
    re.VERBOSE | re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.;!])\s+(?=[^a-z])|(?<=[。\uff1b])\s*(?=\S)")


def marked(line: str) -> tuple[str, list[str]]:
    """Return a line with "§" or "¤" for each command in a code span, and these commands."""
    commands: list[str] = []
    text = ""
    for is_code, piece in split_code(re.sub("[§¤]", "", line)):
        known = is_code and looks_like_command(piece)
        if known or (is_code and named_program(piece)):
            commands.append(piece.removeprefix("$ "))
            text += "§" if known else "¤"
        else:
            text += f"`{piece}`" if is_code else piece
    return text.replace("**", "").strip(), commands


def commands_of(line: str) -> list[str]:
    """Return the commands of a line that asks for nothing but running them."""
    text, commands = marked(line)
    if commands:
        return commands
    bare = text.rstrip(".")
    return [bare] if _BARE.fullmatch(bare) else []


def only_runs(line: str) -> bool:
    """Tell whether a line asks for nothing but running commands, or says how that should end."""
    if len(line) > LINE_LIMIT:
        return False
    text, _ = marked(line)
    text = _SNAPSHOTS.sub("refresh ", _PURPOSE.sub(r"\1", text))
    if has_edit_word(text.replace("refresh ", "")):
        return False
    sentences = sentences_of(text)
    return bool(sentences) and all(map(_only_runs_or_result, sentences))


def sentences_of(text: str) -> list[str]:
    """Split a line into its sentences."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def _only_runs_or_result(sentence: str) -> bool:
    patterns = (_REQUEST, _RESULT, _BARE)
    return is_headline(sentence) or any(
        pattern.fullmatch(sentence.rstrip(".") if pattern is _BARE else sentence)
        for pattern in patterns
    )


def is_headline(text: str) -> bool:
    """Tell whether a title like "Final verification" only announces commands."""
    return _HEADLINE.fullmatch(text.strip()) is not None


def has_edit_word(text: str) -> bool:
    """Tell whether a text has a word that asks for a change of files."""
    return _EDITS.search(text) is not None
