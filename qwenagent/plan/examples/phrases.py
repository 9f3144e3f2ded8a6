"""How people write what a call gives: the words between call and value, and those that spoil it.

Knows words alone: neither Markdown nor code, beyond where a code span begins and ends.
"""

# Punctuation of Chinese and Japanese, dashes and curly apostrophes are meant as they are.
# ruff: noqa: RUF001

from __future__ import annotations

import re
from dataclasses import dataclass

from qwenagent.plan.examples.literals import closing

OPEN, CLOSE, MASK = "\ue000", "\ue001", "\ue002"
"""Around a code span, and instead of each character in it where only the prose matters."""

_ARROW = r"(?:[-=]{1,2}>|[→⇒➜⟶⟹↦]|===?|(?<![=!<>])=(?!=))"
_FINITE = (
    "returns|gives(?: back| us| you)?|yields|produces|equals|outputs|evaluates to|results in|"
    "resolves to|is equal to|is|becomes|"
    "gibt|ergibt|liefert|ist(?: gleich)?|"
    "renvoie|retourne|donne|vaut|est(?: égale? à)?|"
    "devuelve|retorna|da|es(?: igual a)?|devolve|é|dá|restituisce|ritorna|è|"
    "は|の結果は|の戻り値は|が|返回|等于|结果是"
)
_INFINITE = (
    "return|give(?: back)?|yield|produce|equal|output|evaluate to|result in|resolve to|"
    "be equal to|be|become"
)
_MUST = (
    rf"(?:(?:should|must|shall|will|has to|have to|needs? to|ought to|to)"
    rf"(?: (?:now|then|always|also|therefore|simply))* )?(?:{_INFINITE})|"
    "soll(?:te)?|muss|"
    "(?:doit|devrait) (?:renvoyer|retourner|donner|valoir|être)|"
    "(?:debe|debería) (?:devolver|retornar|dar|ser)|(?:deve|deveria) (?:devolver|retornar|ser)|"
    "deve (?:restituire|ritornare|essere)|应该?返回|应该?等于|"
    "(?:we|you|I) (?:should |must )?(?:get|expect)|is expected to (?:be|return|equal)"
)
_SUBJECT = (
    r"(?:,?\s*(?:it|this|that|which|the call|(?:the |its )?"
    r"(?:result|output|return value|answer|value)"
    r"|(?:ist |das )?Ergebnis|le résultat|el resultado)\s+)?"
)
_FILLER = re.compile(
    r"(?:(?:exactly|always|just|simply|the|an?|same|empty|literal|string|text|list|array|tuple|"
    r"dict|dictionary|object|number|integer|int|float|boolean|bool|value|"
    r"genau|den|die|das|einen?|eine|Text|Liste|Wert|la|le|une?|el|los?|lista|cadena|chaîne|liste)"
    r"\s+)+"
)
_COMMENT = r"(?:(?:\#+|//+)\s*)"
_GIVES = re.compile(
    rf"{CLOSE}?\s*,?\s*(?:{_COMMENT}?(?:{_ARROW}|{_SUBJECT}(?:(?P<must>{_MUST})|(?:{_FINITE}))"
    rf"(?![^\W\d]))|{_COMMENT}(?=\S))\s*:?\s*",
)
_RAISES = re.compile(
    rf"{CLOSE}?\s*,?\s*{_COMMENT}?(?:{_ARROW}\s*)?{_SUBJECT}"
    r"(?:(?P<must>(?:(?:should|must|shall|will|has to|needs? to|to)(?: (?:now|then|also))* )?"
    r"(?:raise|throw)|"
    r"soll(?:te)?|muss|(?:doit|devrait) lever|(?:debe|debería) lanzar|deve lançar|应该?抛出)"
    r"|raises|throws|raising|throwing|wirft|löst|lève|lanza|lança|solleva|は|抛出|引发)"
    r"(?!\w)\s*:?\s*(?:(?:an?|the|einen?|eine|une?|un)\s+)?",
)
_ARROW_ONLY = re.compile(rf"{CLOSE}?\s*{_COMMENT}?(?:{_ARROW})\s*")
_ERROR = re.compile(r"(?P<name>(?:[^\W\d]\w*\.)*[A-Z]\w*)(?:\((?:\"[^\"]*\"|'[^']*')?\))?")
_KNOWN_ERROR = re.compile(r"(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Iteration)")
_RAISES_AFTER = re.compile(r"\s*(?:werfen|auslösen|aus\b|を(?:送出|投げ|発生|スロー)|が発生)")

_EMPTY = {
    "string": '""', "str": '""', "list": "[]", "array": "[]", "dict": "{}", "dictionary": "{}",
    "object": "{}", "tuple": "()",
}  # fmt: skip
_EMPTY_WORDS = re.compile(r"(?:an|the)\s+empty\s+(?P<what>\w+)")
_BARE = re.compile(
    r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[-+]?(?:\d+\.\d+|\d+|\.\d+)(?:[eE][-+]?\d+)?"
    r"|(?:True|False|None|true|false|null|undefined|NaN)(?!\w)"
)
_ENDS = re.compile(
    r"\s*(?:zurück|ergeben|liefern|zurückgeben|sein|を返\w*|にな\w*|とな\w*|です|である|が返\w*)?"
    r"(?:\s*$|\s*[.;!?)\]。、，）；](?=\s|$|[^\w.])|\s*[。、，）；]|,(?=\s)|:(?=\s)"
    r"|\s+(?:and|und|et|y|e)\s|\s+[(（—–-])"
)

_CLAUSE_END = re.compile(r"[.!?](?=\s|$)|[;:()。！？；：（）—]|\s–\s")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。！？]")
_ABBREVIATION = re.compile(r"\b(?:e\.\s?g\.|i\.\s?e\.|z\.\s?B\.|p\.\s?ej\.|par ex\.|etc\.)", re.I)


def _words(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(text.split('|'))})(?!\w)", re.IGNORECASE)


# In the same clause: the value is not exact, or holds only under a condition.
_SPOILS_CLAUSE = _words(
    r"not|never|\w+n['’]t|cannot|no longer|like|such as|similar|approx\w*|about|roughly|around|"
    r"nearly|almost|at least|at most|more than|less than|or|either|plus|followed by|between|"
    r"if|when|whenever|unless|until|after|once|again|twice|second|depend\w*|"
    r"given (?:that|an?|the)|suppos\w*|assum\w*|could|might|may|would|can|possibly|maybe|perhaps|"
    r"probably|usually|often|sometimes|without|except|with|inside|under|(?:is|be) (?:false|untrue)|"
    r"nicht|kein\w*|nie|etwa|ungefähr|oder|wenn|falls|nachdem|könnte|würde|"
    r"pas|jamais|environ|ou|si|quand|après|presque|no|nunca|aproximadamente|o|cuando|después"
)
_SPOILS_CLAUSE_CJK = re.compile(r"ない|ません|ではなく|場合|約|など|もし|不是|如果|大约|或")
# In the same sentence: it tells what is so now, or wrong.
_SPOILS_SENTENCE = _words(
    r"e_g_|e__g_|z_B_|z__B_|p_ej_|p__ej_|par ex_|currently|current|today\w*|presently|"
    r"at the moment|at present|(?<!should )(?<!must )(?<!will )(?<!to )now|still|so far|as of|"
    r"was|were|used to|previous\w*|formerly|before|old|existing|legacy|bug\w*|wrong\w*|"
    r"incorrect\w*|erroneous\w*|mistaken\w*|actual\w*|broken|fail|fails|failed|failing|unlike|"
    r"instead|rather than|but|got|whereas|while|although|though|unfortunately|observed|"
    r"aktuell\w*|derzeit|bisher|momentan|heute|jetzt|statt|anstatt|falsch\w*|fehlerhaft\w*|"
    r"sondern|aber|vorher|früher|"
    r"actuellement|aujourd['’]hui|au lieu|maintenant|avant|mais|faux|à tort|"
    r"actualmente|hoy|ahora|en lugar|en vez|pero|antes|incorrect\w*|mal"
)
_SPOILS_SENTENCE_CJK = re.compile(
    r"現在|今は|いまは|代わり|バグ|誤っ|間違|目前|现在|错误地|而不是|但"
)
_SPOILS_LATER = _words(
    r"should|must|ought|expected|instead|want\w*|wrong\w*|bug\w*|incorrect\w*|fix|"
    r"soll(?:te)?|muss|falsch\w*|erwartet\w*|doit|devrait|attendu\w*|debe|debería|esperad\w*"
)
# In a heading, or in the line above a list, a table or a block.
_SPOILS_BELOW = _words(
    r"current\w*|today\w*|before|actual\w*|existing|old|observed|previous\w*|legacy|instead|"
    r"background|alternatives?|rejected|non-goals?|out of scope|at the moment|used to|"
    r"pseudo-?code|sketch|something like|roughly|approximately|similar|after running|"
    r"aktuell\w*|derzeit|bisher|heute|statt|vorher|actuel\w*|actuellement|avant|aujourd['’]hui|"
    r"hoy|antes|ahora"
)
_SPOILS_BELOW_CJK = re.compile(r"現在|今は|誤|間違|目前|现在|错误|ではない|不要")
# The same, unless the line says what is wanted: "Fix the bug in `total` so that:".
_TELLS_A_FAULT = _words(
    r"now|bugs?|buggy|wrong\w*|incorrect\w*|broken|fails?|failing|not|never|don['’]t|symptoms?|"
    r"problems?|issues?|repro\w*|steps to reproduce|with|if|when|"
    r"falsch\w*|fehler|nicht|pas|faux|incorrect\w*|バグ|問題"
)
_TELLS_A_WISH = _words(
    r"should|must|ensure|expect\w*|wanted|so that|fix\w*|make|add|creat\w*|implement\w*|write|"
    r"soll\w*|muss|doit|devrait|debe|debería"
)


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a call in the text behind it."""

    expected: str
    raises: bool
    must: bool
    """True if it is told as a duty ("should return") and not as a fact ("returns")."""
    end: int
    """Index behind the value."""


def said_behind(text: str, at: int) -> Said | None:
    """Read what a text with marked code spans says of the call that ends at `at`."""
    return _said_raises(text, at) or _said_value(text, at)


def _said_raises(text: str, at: int) -> Said | None:
    if relation := _RAISES.match(text, at):
        name, end = _error_at(text, relation.end())
        must = relation["must"]
        if name and (_RAISES_AFTER.match(text, end) or not _wants_verb_behind(relation[0])):
            return Said(name, True, bool(must), end)
    if relation := _ARROW_ONLY.match(text, at):
        name, end = _error_at(text, relation.end())
        if _KNOWN_ERROR.fullmatch(name):
            return Said(name, True, False, end)
    return None


def _wants_verb_behind(relation: str) -> bool:
    """Tell a language that ends its sentences with the verb: "soll `ValueError` werfen"."""
    return re.search(r"(?:soll(?:te)?|muss|löst|は)\s*:?\s*(?:eine?n?\s+)?$", relation) is not None


def _error_at(text: str, at: int) -> tuple[str, int]:
    is_code = text.startswith(OPEN, at)
    found = _ERROR.match(text, at + is_code)
    if found is None or (is_code and not text.startswith(CLOSE, found.end())):
        return "", at
    if not is_code and not _KNOWN_ERROR.fullmatch(found["name"]):
        return "", at
    return found["name"], found.end() + is_code


def _said_value(text: str, at: int) -> Said | None:
    relation = _GIVES.match(text, at)
    if relation is None:
        return None
    value, end = _value_at(text, relation.end())
    if not value and (filler := _FILLER.match(text, relation.end())):
        value, end = _value_at(text, filler.end())
    if not value or not _ENDS.match(text, end):
        return None
    return Said(value, False, bool(relation["must"]), end)


def _value_at(text: str, at: int) -> tuple[str, int]:
    """Return what stands as a value at an index, "" if nothing does, and the index behind it."""
    if text.startswith(OPEN, at):
        end = text.find(CLOSE, at)
        return text[at + 1 : end].strip(), end + 1
    if words := _EMPTY_WORDS.match(text, at):
        return _EMPTY.get(words["what"].lower(), ""), words.end()
    if found := _BARE.match(text, at):
        return found[0], found.end()
    end_of_brackets = closing(text, at) if text[at : at + 1] in ("[", "{", "(") else None
    if end_of_brackets is None:
        return "", at
    return text[at:end_of_brackets], end_of_brackets


def masked(text: str) -> str:
    """Return the text, as long as it was, without what is in code spans and abbreviations."""
    text = re.sub(f"{OPEN}([^{CLOSE}]*)", lambda span: OPEN + MASK * len(span[1]), text)
    return _ABBREVIATION.sub(lambda found: re.sub(r"[.\s]", "_", found[0]), text)


def is_spoilt(prose: str, start: int, said: Said) -> bool:
    """Tell whether the words around an example make it none. `prose` is masked."""
    clause = _around(prose, start, said.end, _CLAUSE_END)
    sentence = _around(prose, start, said.end, _SENTENCE_END)
    if _SPOILS_CLAUSE.search(clause) or _SPOILS_CLAUSE_CJK.search(clause):
        return True
    if _SPOILS_SENTENCE.search(sentence) or _SPOILS_SENTENCE_CJK.search(sentence):
        return True
    if sentence.rstrip(" *_").endswith("?"):
        return True
    if said.must:
        return False
    return _SPOILS_SENTENCE.search(prose) is not None or _is_corrected(prose, said.end)


def _is_corrected(prose: str, end: int) -> bool:
    """Tell whether a duty without a call of its own follows: "It should return ..."."""
    later = re.split(rf"{OPEN}{MASK}*{CLOSE}", prose[end:])[0]
    return _SPOILS_LATER.search(later) is not None


def _around(prose: str, start: int, end: int, boundary: re.Pattern[str]) -> str:
    first = max((found.end() for found in boundary.finditer(prose, 0, start)), default=0)
    last = boundary.search(prose, end)
    return f"{prose[first:start]} {prose[end : last.end() if last else None]}"


def spoils_what_follows(prose: str) -> bool:
    """Tell whether a heading or an introduction makes what is below it no examples."""
    if _SPOILS_BELOW.search(prose) or _SPOILS_BELOW_CJK.search(prose):
        return True
    return bool(_TELLS_A_FAULT.search(prose)) and not _TELLS_A_WISH.search(prose)
