"""GBNF: terms, tries, calls as grammars, and a recogniser in Python. Knows no tokens."""

from qwenagent.grammar.accept import Recogniser, accepts
from qwenagent.grammar.body import body_grammar, fence_for
from qwenagent.grammar.calls import Offer, call_grammar, forced_call
from qwenagent.grammar.choices import Between, Choice, NewPath, OneOf, Switch, Text, Words
from qwenagent.grammar.foreign import Relaxation, foreign_calls, foreign_grammar
from qwenagent.grammar.search import Markers, markers, search_body
from qwenagent.grammar.terms import Grammar

__all__ = [
    "Between",
    "Choice",
    "Grammar",
    "Markers",
    "NewPath",
    "Offer",
    "OneOf",
    "Recogniser",
    "Relaxation",
    "Switch",
    "Text",
    "Words",
    "accepts",
    "body_grammar",
    "call_grammar",
    "fence_for",
    "forced_call",
    "foreign_calls",
    "foreign_grammar",
    "markers",
    "search_body",
]
