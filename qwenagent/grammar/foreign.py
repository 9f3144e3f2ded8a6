"""Any JSON Schema, of draft 7 or 2020-12, as a grammar: for tools that others have made.

What a grammar writes is valid JSON. It conforms to the schema as well, but for what is listed as
relaxed. Keys come in the order of the schema, separators are `", "` and `": "`. Where there is a
choice the grammar is the narrower one: properties that are not named are not written where others
are, a schema with the keywords of one type is of that type, numbers have up to 15 digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

from qwenagent.errors import GrammarError
from qwenagent.grammar import anyjson
from qwenagent.grammar.containers import either
from qwenagent.grammar.leading import loops, unproductive
from qwenagent.grammar.merging import ANNOTATIONS, kinds, merged
from qwenagent.grammar.terms import Grammar, Lit, Ref, Rules, Term, render, sequence
from qwenagent.grammar.trie import any_of, trie
from qwenagent.grammar.typed import ANYTHING, KEYWORDS, Values, is_of_kind
from qwenagent.grammar.written import as_json, encode
from qwenagent.protocol.json import Json, JsonObject

MAX_DEPTH = 40
"""Schemas in each other."""
MAX_NESTING = 200
"""Values in each other in the text of a schema: more is not looked at."""
MAX_RULES = 10_000
"""What a schema may grow to where it is copied for each of its branches."""
MAX_READ = 10_000
"""Schemas that are read, those that are referred to as often as they are copied."""

_HANDLED = KEYWORDS | {"type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf"}


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A place where the grammar allows more than the schema."""

    path: str
    """JSON path in the schema, `$` is its root."""
    keyword: str
    instead: str
    """What holds there."""


def foreign_grammar(name: str, schema: Json) -> tuple[Grammar, tuple[Relaxation, ...]]:
    """Return the grammar of the JSON values that a schema allows, and where it allows more.

    `name` is for error messages.
    """
    rules = Rules()
    found = _Reading(schema, rules)
    rules.terms["root"] = found.root()
    _mend([found], rules)
    return Grammar(render(rules.terms), name), found.relaxations()


def foreign_calls(
    schemas: Mapping[str, Json], origin: str
) -> tuple[Grammar, dict[str, tuple[Relaxation, ...]]]:
    """Return the grammar of calls of tools, by the schemas of their arguments.

    It starts after `calls.OPENING`, as that of our own calls. Relaxations are by tool.

    Raises:
        GrammarError: there are no tools.
    """
    if not schemas:
        raise GrammarError(f"{origin}: no tool is offered, so no grammar can be built")
    rules = Rules()
    readings = {name: _Reading(schema, rules) for name, schema in schemas.items()}
    tails = {
        encode(name)[1:] + ', "arguments": ': sequence(found.root(), Lit("}"))
        for name, found in readings.items()
    }
    rules.terms["root"] = trie(tails, rules)
    _mend(list(readings.values()), rules)
    relaxed = {name: found.relaxations() for name, found in readings.items()}
    return Grammar(render(rules.terms), origin), relaxed


def _mend(readings: Sequence[_Reading], rules: Rules) -> None:
    """Let definitions that begin with themselves, or never end, be anything."""
    owners = {name: found for found in readings for name in found.definitions}
    for find in (loops, unproductive):
        while names := [name for name in find(rules.terms) if name in owners]:
            owners[names[0]].give_up(names[0])


class _Reading:
    """One schema while it is read. Terms are None where nothing is valid."""

    def __init__(self, schema: Json, rules: Rules) -> None:
        self._schema = schema
        self._rules = rules
        self._values = Values(rules, self._relax, self._term)
        self._names: dict[str, str] = {}
        """The rule of each definition, by its pointer."""
        self._todo: list[str] = []
        """Definitions that are not read yet: they may name each other in any depth."""
        self._relaxed: dict[Relaxation, None] = {}
        self._n_read = 0

    def relaxations(self) -> tuple[Relaxation, ...]:
        return tuple(self._relaxed)

    @property
    def definitions(self) -> tuple[str, ...]:
        """The rules of what a reference is to."""
        return tuple(self._names.values())

    def root(self) -> Term:
        """Return the term for the schema; its rules and those it needs are added."""
        if _depth(self._schema) > MAX_NESTING:
            return self._wide("$", "depth")
        top = self._reference("#", "$")
        while self._todo:
            pointer = self._todo.pop()
            target = self._target(pointer)
            assert target
            path = _path_of(pointer)
            term = self._term(target[0], path, 0)
            valid = self._wide(path, "false") if term is None else term
            self._rules.terms[self._names[pointer]] = valid
        return top

    def give_up(self, name: str) -> None:
        """Let a definition be anything."""
        pointer = next(pointer for pointer, rule in self._names.items() if rule == name)
        self._rules.terms[name] = self._wide(_path_of(pointer), "$ref")

    def _relax(self, path: str, keyword: str, instead: str) -> None:
        self._relaxed[Relaxation(path, keyword, instead)] = None

    def _anything(self) -> Term:
        return anyjson.value(self._rules)

    def _wide(self, path: str, keyword: str) -> Term:
        self._relax(path, keyword, ANYTHING)
        return self._anything()

    def _reference(self, pointer: str, path: str) -> Term:
        if pointer not in self._names:
            if self._target(pointer) is None:
                return self._wide(path, "$ref")
            self._names[pointer] = self._rules.fresh("ref")
            self._todo.append(pointer)
        return Ref(self._names[pointer])

    def _target(self, pointer: str) -> tuple[Json] | None:
        """Return what a local reference is to, None if there is nothing or it is elsewhere."""
        if pointer != "#" and not pointer.startswith("#/"):
            return None
        found = self._schema
        for part in unquote(pointer).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            elif isinstance(found, dict) and key in found:
                found = found[key]
            else:
                return None
        return (found,)

    def _term(self, schema: Json, path: str, depth: int) -> Term | None:
        if schema is False:
            return None
        if schema is True:
            return self._anything()
        if not isinstance(schema, dict):
            return self._wide(path, "")
        if depth > MAX_DEPTH or self._is_too_much():
            return self._wide(path, "depth" if depth > MAX_DEPTH else "size")
        said = {key: value for key, value in schema.items() if key not in ANNOTATIONS}
        if "$ref" in said:
            return self._referred(said, path)
        if isinstance(said.get("allOf"), list):
            return self._all_of(said, path, depth)
        for key in ("anyOf", "oneOf"):
            if isinstance(said.get(key), list):
                return self._any_of(said, key, path, depth)
        for key in sorted(said.keys() - _HANDLED) + [k for k in ("allOf",) if k in said]:
            if said[key] is not False:  # uniqueItems and the like
                self._relax(path, key, "nothing")
        if "enum" in said or "const" in said:
            return self._listed(said, path)
        return self._values.term(said, path, depth)

    def _is_too_much(self) -> bool:
        """Count one more schema; True where those that are copied have become too many."""
        self._n_read += 1
        return self._n_read > MAX_READ or len(self._rules.terms) > MAX_RULES

    def _referred(self, said: JsonObject, path: str) -> Term:
        for key in said:
            if key != "$ref":
                self._relax(path, key, "the $ref alone")
        return self._reference(str(said["$ref"]), path)

    def _all_of(self, said: JsonObject, path: str, depth: int) -> Term | None:
        parts: list[Json] = [{k: v for k, v in said.items() if k != "allOf"}]
        parts += cast("list[Json]", said["allOf"])
        telling = [p for p in parts if not isinstance(p, dict) or p.keys() - ANNOTATIONS]
        if len(telling) == 1:  # a $ref with a description: it may be recursive
            return self._term(telling[0], path, depth + 1)
        result: Json = {}
        for i, part in enumerate(telling):
            whole = self._resolved(part, f"{path}.allOf[{i}]", ())

            def lost(key: str) -> None:
                self._relax(f"{path}.allOf", key, "the first of several")

            result = merged(result, whole, lost)
        return self._term(result, path, depth + 1)

    def _resolved(self, schema: Json, path: str, seen: tuple[str, ...]) -> Json:
        """Return a schema without `$ref` and `allOf` at its top."""
        if not isinstance(schema, dict):
            return schema
        if self._is_too_much():
            self._relax(path, "size", "nothing")
            return True
        if "$ref" in schema:
            pointer = str(schema["$ref"])
            target = None if pointer in seen else self._target(pointer)
            if target is None:
                self._relax(path, "$ref", "nothing")
                return True
            return self._resolved(target[0], path, (*seen, pointer))
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            return schema
        result: Json = {key: value for key, value in schema.items() if key != "allOf"}
        for part in parts:
            whole = self._resolved(part, path, seen)
            result = merged(result, whole, lambda key: self._relax(path, key, "the first"))
        return result

    def _any_of(self, said: JsonObject, key: str, path: str, depth: int) -> Term | None:
        branches = cast("list[Json]", said[key])
        base: JsonObject = {k: v for k, v in said.items() if k != key}
        if key == "oneOf" and len(branches) > 1:
            self._relax(path, key, "one or more of them")
        options: list[Term | None] = []
        for i, branch in enumerate(branches):
            where = f"{path}.{key}[{i}]"
            whole: Json = branch
            if base:
                both: list[Json] = [base, branch]
                whole = {"allOf": both}
            options.append(self._term(whole, where, depth + 1))
        return either(options)

    def _listed(self, said: JsonObject, path: str) -> Term | None:
        values = said.get("enum", [said.get("const")])
        if not isinstance(values, list):
            return self._wide(path, "enum")
        if "const" in said:
            values = [v for v in values if as_json(v) == as_json(said["const"])]
        for key in sorted(said.keys() & _HANDLED - {"enum", "const", "type"}):
            self._relax(path, key, "any value of the enum")
        known = kinds(said)
        fitting = [
            as_json(v) for v in values if known is None or any(is_of_kind(v, k) for k in known)
        ]
        texts = [text for text in fitting if text]
        return any_of(texts, self._rules) if texts else None


def _depth(value: Json) -> int:
    """Return how deep values lie in each other, up to more than MAX_NESTING."""
    depth, level = 0, [value]
    while level and depth <= MAX_NESTING:
        depth += 1
        inside = [
            v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)
        ]
        level = [value for values in inside for value in values]
    return depth


def _path_of(pointer: str) -> str:
    return "$" + unquote(pointer)[1:].replace("/", ".").replace("~1", "/").replace("~0", "~")
