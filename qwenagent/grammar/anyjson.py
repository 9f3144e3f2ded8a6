"""JSON of which nothing is known: any value, any string; the widest that is ever written."""

from __future__ import annotations

from qwenagent.grammar.containers import separated
from qwenagent.grammar.terms import Alt, Chars, Lit, Ref, Repeat, Rules, Term, sequence

MAX_DEPTH = 6
"""Lists and objects in each other: readers of JSON recurse into them."""

# As json.dumps writes it: no "\/", no "\u" for what needs none, so that there is one way only.
CHAR = Alt((Chars('[^"\\\\\\x00-\\x1F\\x7F]'), sequence(Lit("\\"), Chars('["\\\\bfnrt]'))))


def string(rules: Rules, low: int = 0, high: int | None = None) -> Term:
    """Return a term for a string of `low` to `high` characters."""
    rules.terms["text-char"] = CHAR
    inner = [] if high == 0 else [Repeat(Ref("text-char"), low, high)]
    return sequence(Lit('"'), *inner, Lit('"'))


def number(rules: Rules) -> Term:
    """Return a term for a number that no reader takes for infinite."""
    rules.terms["any-whole"] = sequence(
        Repeat(Lit("-"), 0, 1),
        Alt((Lit("0"), sequence(Chars("[1-9]"), Repeat(Chars("[0-9]"), 0, 14)))),
    )
    rules.terms["any-number"] = sequence(
        Ref("any-whole"),
        Repeat(sequence(Lit("."), Repeat(Chars("[0-9]"), 1, 15)), 0, 1),
        Repeat(
            sequence(Chars("[eE]"), Repeat(Chars("[+-]"), 0, 1), Repeat(Chars("[0-9]"), 1, 2)), 0, 1
        ),
    )
    return Ref("any-number")


def value(rules: Rules, depth: int = 0) -> Term:
    """Return a term for any value with at most MAX_DEPTH - `depth` levels of lists and objects."""
    name = f"any-{depth}"
    if name not in rules.terms:
        rules.terms["any-string"] = string(rules)
        plain = [Ref("any-string"), number(rules), Lit("true"), Lit("false"), Lit("null")]
        deep = [a_list(depth, rules), an_object(depth, rules)] if depth < MAX_DEPTH else []
        rules.terms[name] = Alt((*plain, *deep))
    return Ref(name)


def a_list(depth: int, rules: Rules) -> Term:
    """Return a term for a list of any values, itself at `depth`."""
    return separated("[", value(rules, depth + 1), "]", rules)


def an_object(depth: int, rules: Rules) -> Term:
    """Return a term for an object of any values, itself at `depth`."""
    return mapping(value(rules, depth + 1), rules)


def mapping(inside: Term, rules: Rules, low: int = 0, high: int | None = None) -> Term:
    """Return a term for an object of `low` to `high` entries, some of which may be the same."""
    rules.terms["any-string"] = string(rules)
    return separated("{", sequence(Ref("any-string"), Lit(": "), inside), "}", rules, low, high)
