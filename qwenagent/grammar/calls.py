"""The calls that are legal now, as a grammar for one line of JSON.

Keys come in the order of the tool's schema, separators are `", "` and `": "`, nothing is
optional: there is exactly one way to write a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qwenagent.errors import GrammarError, UnsupportedSchema
from qwenagent.grammar.choices import Choice, OneOf, Switch, encode, from_schema, term
from qwenagent.grammar.terms import Grammar, Lit, Seq, Term, render
from qwenagent.grammar.trie import trie
from qwenagent.protocol.json import JsonObject
from qwenagent.protocol.tools import ToolCall, ToolSpec

OPENING = '{"name": "'
"""How every call begins; the engine is given it, the grammar starts after it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool that is legal now. Arguments without a choice may be all that the schema allows."""

    spec: ToolSpec
    choices: Mapping[str, Choice] = field(default_factory=dict)


def call_grammar(offers: Sequence[Offer], origin: str) -> Grammar:
    """Return the grammar of the calls in `offers`, from after `OPENING` to the closing braces.

    Raises:
        GrammarError: nothing is offered.
        UnsupportedSchema: a tool's schema cannot be forced.
    """
    if not offers:
        raise GrammarError(f"{origin}: no call is legal, so no grammar can be built")
    rules: dict[str, Term] = {}
    tails = {
        f'{offer.spec.name}", "arguments": {{': _arguments(offer, rules) for offer in offers
    }
    rules["root"] = trie(tails)
    return Grammar(render(rules), origin)


def _arguments(offer: Offer, rules: dict[str, Term]) -> Term:
    names = _properties(offer.spec)
    return _rest(names, list(names), offer.choices, "", rules)


def _properties(spec: ToolSpec) -> JsonObject:
    properties = spec.parameters.get("properties", {})
    if not isinstance(properties, dict) or spec.parameters.get("type") != "object":
        raise UnsupportedSchema(f"{spec.name}: parameters must be an object schema")
    required = spec.parameters.get("required", [])
    if not isinstance(required, list) or set(required) != set(properties):
        raise UnsupportedSchema(f"{spec.name}.required: every argument must be required")
    return properties


def _rest(
    schemas: JsonObject,
    names: list[str],
    choices: Mapping[str, Choice],
    separator: str,
    rules: dict[str, Term],
) -> Term:
    """Term for the arguments `names` and the braces that close the call."""
    if not names:
        return Lit("}}")
    name, *others = names
    key = Lit(f'{separator}"{name}": ')
    choice = choices.get(name) or from_schema(schemas[name], name)
    if not isinstance(choice, Switch):
        after = _rest(schemas, others, choices, ", ", rules)
        return Seq((key, term(choice, rules), after))
    cases = {
        encode(value): _rest(schemas, others, {**choices, **more}, ", ", rules)
        for value, more in choice.cases.items()
    }
    if not cases:
        raise GrammarError(f"a choice of nothing was offered for {name}")
    # 1 and 12 are told apart by the "," or "}" that follows each.
    return Seq((key, trie(cases)))


def forced_call(offers: Sequence[Offer]) -> ToolCall | None:
    """Return the call if only one can be written: then nobody has to be asked."""
    if len(offers) != 1:
        return None
    arguments: JsonObject = {}
    choices = dict(offers[0].choices)
    for name in _properties(offers[0].spec):
        match choices.get(name):
            case OneOf((value,)):
                arguments[name] = value
            case Switch(cases) if len(cases) == 1:
                [(arguments[name], more)] = cases.items()
                choices.update(more)
            case _:
                return None
    return ToolCall(offers[0].spec.name, arguments)
