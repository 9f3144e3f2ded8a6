"""GBNF: terms, tries, calls as grammars, and a recogniser in Python. Knows no tokens."""

from qwenagent.grammar.accept import Recogniser, accepts
from qwenagent.grammar.body import body_grammar, fence_for
from qwenagent.grammar.calls import Offer, call_grammar, forced_call
from qwenagent.grammar.choices import Between, Choice, NewPath, OneOf, Switch, Text, Words
from qwenagent.grammar.terms import Grammar

__all__ = [
    "Between",
    "Choice",
    "Grammar",
    "NewPath",
    "Offer",
    "OneOf",
    "Recogniser",
    "Switch",
    "Text",
    "Words",
    "accepts",
    "body_grammar",
    "call_grammar",
    "fence_for",
    "forced_call",
]
