"""The calls that are legal now, as a grammar for one line of JSON.

Keys come in the order of the tool's schema, separators are `", "` and `": "`, nothing is
optional: there is exactly one way to write a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from qwenagent.errors import GrammarError, UnsupportedSchema
from qwenagent.grammar.choices import Between, Choice, OneOf, Switch, from_schema, term
from qwenagent.grammar.terms import Grammar, Lit, Ref, Rules, Term, digest, render, sequence
from qwenagent.grammar.trie import BY_FOLDER, tree, trie
from qwenagent.grammar.written import encode, is_writable
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
        GrammarError: nothing is offered, for a tool or for an argument; or a tool twice.
        UnsupportedSchema: a tool's schema cannot be forced.
    """
    if not offers:
        raise GrammarError(f"{origin}: no call is legal, so no grammar can be built")
    rules = Rules()
    tails: dict[str, Term] = {}
    for offer in offers:
        begin = encode(offer.spec.name)[1:] + ', "arguments": {'
        if begin in tails:
            raise GrammarError(f"{origin}: {offer.spec.name} is offered twice; join the choices")
        tails[begin] = _arguments(offer, rules)
    rules.terms["root"] = trie(tails, rules)
    return Grammar(render(rules.terms), origin)


def _arguments(offer: Offer, rules: Rules) -> Term:
    properties = _properties(offer.spec)
    try:
        return _rest(properties, list(properties), offer.choices, "", rules)
    except GrammarError as error:
        raise type(error)(f"{offer.spec.name}: {error.message}", hint=error.hint) from error


def _properties(spec: ToolSpec) -> JsonObject:
    schema = spec.parameters
    known = {"type", "description", "properties", "required", "additionalProperties"}
    if extra := sorted(set(schema) - known):
        raise UnsupportedSchema(f"{spec.name}: $.{extra[0]}: this cannot be forced by a grammar")
    properties = schema.get("properties", {})
    if not isinstance(properties, dict) or schema.get("type") != "object":
        raise UnsupportedSchema(f"{spec.name}: $.type: parameters must be an object schema")
    required = schema.get("required", [])
    if not isinstance(required, list) or set(map(str, required)) != set(properties):
        raise UnsupportedSchema(f"{spec.name}: $.required: every argument must be required")
    return properties


def _rest(
    schemas: JsonObject,
    names: list[str],
    choices: Mapping[str, Choice],
    separator: str,
    rules: Rules,
) -> Term:
    """Term for the arguments `names` and the braces that close the call."""
    if unknown := sorted(set(choices) - set(names)):
        raise GrammarError(f"a choice for {unknown[0]}, which is none of the arguments to come")
    if not names:
        return Lit("}}")
    name, *others = names
    key = Lit(f"{separator}{encode(name)}: ")
    choice = _choice(schemas, choices, name)
    later = {other: choices[other] for other in others if other in choices}
    if not isinstance(choice, Switch):
        return sequence(key, term(choice, rules), _rest(schemas, others, later, ", ", rules))
    cases = [(encode(v), more) for v, more in choice.cases.items() if is_writable(v)]
    after = _After(lambda more: _rest(schemas, others, {**later, **more}, ", ", rules), rules)
    # 1 and 12 are told apart by the "," or "}" that follows each.
    then = after.term if len(cases) < BY_FOLDER else after.shared
    return sequence(key, tree({value: then(more) for value, more in cases}, rules))


class _After:
    """What may follow the values of a switch."""

    def __init__(self, build: Callable[[Mapping[str, Choice]], Term], rules: Rules) -> None:
        self.term = build
        self._rules = rules
        self._known: dict[object, Term] = {}

    def shared(self, more: Mapping[str, Choice]) -> Term:
        """Return a rule's name: of thousands of files most have what others have as well."""
        key = tuple(more.items())
        try:
            hash(key)
        except TypeError:  # a switch in a switch
            return self._rule(more)
        if key not in self._known:
            self._known[key] = self._rule(more)
        return self._known[key]

    def _rule(self, more: Mapping[str, Choice]) -> Term:
        term = self.term(more)
        name = f"k-{digest(repr(term))}"
        self._rules.terms[name] = term
        return Ref(name)


def _choice(schemas: JsonObject, choices: Mapping[str, Choice], name: str) -> Choice:
    return choices.get(name) or from_schema(schemas[name], f"$.properties.{name}")


def forced_call(offers: Sequence[Offer]) -> ToolCall | None:
    """Return the call if only one can be written: then nobody has to be asked.

    Raises:
        UnsupportedSchema: a tool's schema cannot be forced.
    """
    if len(offers) != 1:
        return None
    spec = offers[0].spec
    schemas = _properties(spec)
    choices = dict(offers[0].choices)
    arguments: JsonObject = {}
    for name in schemas:
        choice = _choice(schemas, choices, name)
        values = _few_values(choice)
        if len(values) != 1:
            return None
        arguments[name] = values[0]
        if isinstance(choice, Switch):
            choices.update(choice.cases[values[0]])
    return ToolCall(spec.name, arguments)


def _few_values(choice: Choice) -> list[str | int | bool]:
    """Return the values that can be written, none if they are not a list."""
    match choice:
        case OneOf(values):
            return list({encode(v): v for v in values if is_writable(v)}.values())
        case Switch(cases):
            return [value for value in cases if is_writable(value)]
        case Between(low, high) if low == high:
            return [low]
        case _:
            return []
