"""Tells a question from a request for change, and whether a message refers to what was said.

By words alone, in the languages that the plan reader knows; says when words do not tell.
"""

from __future__ import annotations

import re
from typing import Literal

from qwenagent.plan.kinds.run_requests import has_edit_word

Intent = Literal["answer", "edit"]

_POLITE = r"""(?:(?:please|now|then|so|ok(?:ay)?|hey|hi|bitte|jetzt|por\s+favor
      |s'il\s+te\s+pla[iî]t)\W+)*"""
_ONLY_POLITE = re.compile(rf"\A{_POLITE}", re.VERBOSE | re.IGNORECASE)
_CAN_YOU = re.compile(
    rf"""{_POLITE}(?:
      (?:can|could|would|will)\s+(?:you|we)(?:\s+(?:please|maybe|also|now))*
    | (?:kannst|könntest|würdest|magst)\s+du(?:\s+(?:bitte|mal|noch))*
    | (?:peux|pourrais|veux)[-\s]tu | (?:pouvez|pourriez)[-\s]vous
    | (?:puedes|podrías|puede) | (?:puoi|potresti) | (?:pode|poderia)\s+(?:você\s+)?
    | (?:ты\s+)?(?:можешь|мог\s+бы|могла\s+бы)
    )\s+(?P<rest>.+)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_ASKS = re.compile(
    rf"""{_POLITE}(?:
      (?:what|what's|whats|why|how|how's|where|where's|when|who|whose|which|is|are|was|were|does|did
        |(?:do|have|should)\s+(?:you|we|i|they|it|these|those|this|that|all)|has|explain|describe|tell\s+(?:me|us)|summari[sz]e|compare|show\s+(?:me|us)
        |show\s+(?:where|what|how|which|why)|list\s+(?:the|all|every)
        |give\s+(?:me|us)\s+an?\s+overview|walk\s+(?:me|us)\s+through)\b
    | (?:was|warum|wieso|weshalb|wie|wo|woher|wohin|wann|wer|welche[rsnm]?|ist|sind|gibt\s+es
        |erklär\w*|beschreib\w*|zeig\w*\s+mir|sag\s+mir|fasse)\b
    | (?:qu'est-ce|que|quoi|pourquoi|comment|où|quand|qui|quel(?:le)?s?|explique[rz]?|décris
        |montre)\b
    | [¿] | (?:qué|por\s+qué|cómo|dónde|cuándo|quién|cuál(?:es)?|explica|describe|muéstra\w*
        |dime)\b
    | (?:cosa|che\s+cosa|perché|come|dove|quando|chi|quale|quali|spiega\w*|descrivi|mostra\w*)\b
    | (?:o\s+que|por\s?que|como|onde|quem|qual|quais|explique|descreva|mostre)\b
    | (?:что|почему|зачем|как|где|когда|кто|какой|какая|какие|объясни\w*|опиши\w*|покажи\w*)\b
    | (?:什么|为什么|怎么|怎样|如何|哪|谁|解释|说明|请解释|何|なぜ|どう|どこ|いつ|誰|説明)
    | (?:무엇|왜|어떻게|어디|설명)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_ASKS_AT_END = re.compile(r"[?\uff1f\u061f]\W*\Z|(?:ですか|ますか|吗|呢|까요|나요)\W*\Z")
_ORDERS = re.compile(
    rf"""{_POLITE}(?:let'?s\s+|i\s+want\s+(?:you\s+)?to\s+|you\s+should\s+)?(?:
      fix|add|make|rename|remove|delete|change|implement|write|create|refactor|replace|update|move
    | convert|extract|inline|simplify|clean\s?up|split|merge|extend|support|handle|use|turn|bump
    | drop|port|migrate|introduce|repair|correct|rewrite|improve|optimi[sz]e|sort|wrap|let|put|set
    | raise|return|ensure|have
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_SHOWS_CODE = re.compile(
    r"(?:explain|describe|show|tell|say|list|find|look|check|see|erklär|zeig|sag|find|expliqu|montr"
    r"|explic|muestr|объясн|покаж)",
    re.IGNORECASE,
)

_BACK = re.compile(
    r"""\b(?:as\s+(?:you|we|i)\s+(?:said|suggest\w*|propos\w*|describ\w*|discuss\w*)
      |your\s+(?:suggestion|proposal|answer|idea|advice|plan)|what\s+you\s+(?:said|suggest\w*|propos\w*)
      |(?:mentioned|described|listed)\s+(?:above|before)|from\s+above|the\s+above|go\s+ahead|do\s+so
      |wie\s+(?:du\s+(?:sagst|vorschlägst)|gesagt|besprochen)|dein\w*\s+vorschlag|mach\s+(?:das|es|so)
      |comme\s+tu\s+(?:dis|proposes)|ta\s+(?:proposition|suggestion)|como\s+(?:dices|dijiste|propones)
      |tu\s+(?:propuesta|sugerencia)|как\s+ты\s+(?:сказал|предлож)\w*|сделай\s+так)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_POINTS = re.compile(
    r"""(?:\w+\W+){0,1}?(?:it|that|this|them|these|those|the\s+(?:same|first|second|third|last|other)
      (?:\s+one)?|es|das|dies\w*|sie|cela|ça|ceci|eso|esto|lo|questo|quello|isso|это)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_POINTS_AT = re.compile("它|这个|那个|それ|これ|그것|이것")
_CLAUSE = re.compile(
    r"\b(?:so\s+that|because|when|if|which|damit|weil|wenn|pour|para|чтобы)\b", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.?!;])\s+|(?<=[。\uff1f\uff01])(?!\Z)")
_SHORT_WORDS = 4
"""A message of so few words that names nothing goes on with what was said."""


def intent_of(text: str) -> Intent | None:
    """Return what a message asks for, None if its words do not tell."""
    said = text.strip()
    if polite := _CAN_YOU.match(said):
        rest = polite["rest"]
        if _SHOWS_CODE.match(rest):
            return "answer"
        return "edit" if _ORDERS.match(rest) or has_edit_word(rest) else None
    is_question = _ASKS_AT_END.search(said) is not None
    if any(map(_ORDERS.match, _sentences(said))):
        return None if is_question else "edit"
    if is_question or _ASKS.match(said):
        return "answer"
    return "edit" if has_edit_word(said) else None


def _sentences(text: str) -> list[str]:
    """Return the sentences of the first and of the last line; what is between may be code."""
    lines = text.split("\n")
    ends = dict.fromkeys([lines[0], lines[-1]])
    return [sentence.strip() for line in ends for sentence in _SENTENCE.split(line)]


def refers_back(text: str, *, names_something: bool) -> bool:
    """Return whether a request can only be understood with what was said before.

    `names_something` tells whether it names a file or a symbol itself.
    """
    if _BACK.search(text):
        return True
    polite = _CAN_YOU.match(text)
    wish = polite["rest"] if polite else _ONLY_POLITE.sub("", text, count=1)
    head = _CLAUSE.split(wish)[0]
    if _POINTS.match(head) or _POINTS_AT.search(head):
        return not names_something
    return not names_something and len(text.split()) <= _SHORT_WORDS
