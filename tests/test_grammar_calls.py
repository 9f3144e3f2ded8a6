import json
from collections.abc import Mapping
from random import Random

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.errors import GrammarError, UnsupportedSchema
from qwenagent.grammar import (
    Between,
    Choice,
    NewPath,
    Offer,
    OneOf,
    Recogniser,
    Switch,
    Text,
    accepts,
    body_grammar,
    call_grammar,
    fence_for,
    forced_call,
)
from qwenagent.grammar.calls import OPENING
from qwenagent.grammar.reading import parse
from qwenagent.protocol.json import Json, JsonObject
from qwenagent.protocol.tools import ToolCall, ToolSpec
from qwenagent.tools import SPECS
from tests.grammar_sampler import draw
from tests.grammar_tables import INTEGER, ODD_PATHS, STRING, calls, spec

# No deadline: other work on the machine must not turn a test red.
QUICK = settings(max_examples=50, deadline=None)
BOOLEAN: Json = {"type": "boolean"}
SEGMENT = st.text("ab1_.-é\"\\ '", min_size=1, max_size=4).filter(lambda s: s not in (".", ".."))
TREES = st.sets(st.lists(SEGMENT, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8)
PLAIN = st.text("ab.", min_size=1, max_size=3).filter(lambda s: not s.startswith("."))
PLAIN_TREES = st.sets(st.lists(PLAIN, min_size=1, max_size=3).map("/".join), max_size=8)


def _line(name: str, **arguments: object) -> str:
    """A call as the grammar of calls has to see it, after the opening."""
    line = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    assert line.startswith(OPENING)
    return line.removeprefix(OPENING)


def _mixed_offers() -> list[Offer]:
    ends: dict[str | int, Mapping[str, Choice]] = {
        start: {"end": Between(start, 12)} for start in range(1, 13)
    }
    return [
        Offer(SPECS["edit"]),
        Offer(SPECS["search"]),
        Offer(SPECS["list_files"], {"folder": OneOf((".", "src", "src/a b"))}),
        Offer(SPECS["read_file"], {"path": Switch({p: {"start": OneOf((1,))} for p in ODD_PATHS})}),
        Offer(SPECS["replace_lines"], {"path": Switch({"a.py": {"start": Switch(ends)}})}),
        Offer(SPECS["replace_symbol"], {"path": Switch({"a.py": {"symbol": OneOf(("A.b#2",))}})}),
        Offer(SPECS["write_file"], {"path": NewPath({"": frozenset({"a.py", "src"})})}),
        Offer(SPECS["done"]),
        Offer(SPECS["give_up"], {"reason": Text(30)}),
        Offer(spec("odd \"name'", **{'a "key"': BOOLEAN})),
    ]


def test_there_is_one_way_to_write_a_call() -> None:
    gbnf = calls(Offer(SPECS["read_file"], {"path": OneOf(("a.py",)), "start": OneOf((1, 10))}))
    assert accepts(gbnf, _line("read_file", path="a.py", start=10))
    for other in (
        'read_file","arguments":{"path":"a.py","start":10}}',
        'read_file", "arguments": {"start": 10, "path": "a.py"}}',
        'read_file", "arguments": {"path": "a.py"}}',
        'read_file", "arguments": {"path": "\\u0061.py", "start": 10}}',
        'read_file", "arguments": {"path": "a.py", "start": 1e1}}',
        'read_file", "arguments": {"path": "a.py", "start": 10, "end": 11}}',
        'read_file", "arguments": {"path": "a.py", "start": 10}}\n',
        ' read_file", "arguments": {"path": "a.py", "start": 10}}',
    ):
        assert not accepts(gbnf, other), other


@QUICK
@given(st.integers(0, 2**32))
def test_what_a_grammar_writes_is_a_call_that_its_schema_allows(seed: int) -> None:
    offers = _mixed_offers()
    raw = json.loads(OPENING + draw(calls(*offers), Random(seed)))
    specs = {offer.spec.name: offer.spec for offer in offers}
    assert list(raw) == ["name", "arguments"]
    chosen = specs[raw["name"]]
    jsonschema.validate(raw["arguments"], chosen.parameters)
    assert list(raw["arguments"]) == chosen.parameters["required"]


def test_what_json_writes_of_a_call_is_what_the_grammar_writes() -> None:
    gbnf = calls(*_mixed_offers())
    for line in (
        _line("search", text='"\\\n\t\b\f\r é🙂'),
        _line("read_file", path=ODD_PATHS[0], start=1),
        _line("replace_symbol", path="a.py", symbol="A.b#2"),
        _line("odd \"name'", **{'a "key"': True}),
    ):
        assert accepts(gbnf, line), line


@QUICK
@given(TREES, st.data())
def test_offered_paths_are_accepted_and_no_others(paths: set[str], data: st.DataObject) -> None:
    gbnf = calls(Offer(SPECS["outline"], {"path": OneOf(tuple(paths))}))
    for path in paths:
        assert accepts(gbnf, _line("outline", path=path))
    path = data.draw(st.sampled_from(sorted(paths)))
    at = data.draw(st.integers(0, len(path)))
    cut, put = data.draw(st.sampled_from([(0, "a"), (1, ""), (1, "b"), (0, "/"), (len(path), "")]))
    mutated = path[:at] + put + path[at + cut :]
    assert accepts(gbnf, _line("outline", path=mutated)) == (mutated in paths)


@QUICK
@given(st.integers(0, 3000), st.integers(0, 3000), st.lists(st.integers(0, 30_000), max_size=20))
def test_integers_between_two(a: int, b: int, others: list[int]) -> None:
    low, high = sorted((a, b))
    gbnf = calls(Offer(spec(n=INTEGER), {"n": Between(low, high)}))
    for n in {low, high, low - 1, high + 1, (low + high) // 2, low * 10, high // 10, *others}:
        assert accepts(gbnf, _line("t", n=n)) == (low <= n <= high), n
    assert not accepts(gbnf, f't", "arguments": {{"n": 0{low}}}}}')


def _taken(files: set[str]) -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = {"": set()}
    for path in files:
        parts = path.split("/")
        for depth, part in enumerate(parts):
            names.setdefault("/".join(parts[:depth]), set()).add(part)
    return {folder: frozenset(inside) for folder, inside in names.items()}


def _tree(paths: set[str]) -> set[str]:
    """Files that can lie side by side: none is below another."""
    return {p for p in paths if not any(other.startswith(f"{p}/") for other in paths)}


@QUICK
@given(PLAIN_TREES.map(_tree), st.lists(PLAIN, min_size=1, max_size=4).map("/".join))
def test_a_path_is_accepted_as_new_just_if_it_is(files: set[str], path: str) -> None:
    gbnf = calls(Offer(SPECS["write_file"], {"path": NewPath(_taken(files))}))
    parts = path.split("/")
    folders = {"/".join(f.split("/")[:n]) for f in files for n in range(1, f.count("/") + 1)}
    below_a_file = any("/".join(parts[:n]) in files for n in range(1, len(parts)))
    is_new = path not in files and path not in folders and not below_a_file
    assert accepts(gbnf, _line("write_file", path=path)) == is_new


@QUICK
@given(TREES.map(_tree), st.integers(0, 2**32))
def test_new_paths_that_are_drawn_are_new_and_inside(files: set[str], seed: int) -> None:
    gbnf = calls(Offer(SPECS["write_file"], {"path": NewPath(_taken(files))}))
    path = json.loads(OPENING + draw(gbnf, Random(seed)))["arguments"]["path"]
    parts = path.split("/")
    assert all(parts)
    assert not any(part.startswith(".") for part in parts)
    assert path not in files
    for file in files:
        assert not path.startswith(f"{file}/")
        assert not file.startswith(f"{path}/")


@pytest.mark.parametrize(
    ("files", "path", "is_new"),
    [
        ({"a.py"}, "a.py", False),
        ({"a.py"}, "a.pyi", True),
        ({"a.pyi"}, "a.py", True),
        ({"a.py", "a.pyi"}, "a.pyi", False),
        ({"a.py"}, "a.py/b", False),
        ({"src/a.py"}, "src", False),
        ({"src/a.py"}, "src/b/c.py", True),
        ({"src/a.py"}, "src2/a.py", True),
        ({"src/a.py", "src2/b.py"}, "src2/a.py", True),
        ({"src/a.py", "src2/b.py"}, "src2/b.py", False),
        (set(), "a/b/c/d/e.py", True),
        (set(), "a/b/c/d/e/f.py", False),
        (set(), "", False),
        (set(), "/etc/passwd", False),
        (set(), "../a", False),
        (set(), "a/../b", False),
        (set(), "./a", False),
        (set(), "a/.git/hooks", False),
        (set(), ".gitignore", False),
        (set(), "a//b", False),
        (set(), "a/", False),
        (set(), "-rf", False),
        (set(), "a b", False),
        (set(), "C:\\a", False),
        (set(), "a" + "b" * 40, True),
        (set(), "a" + "b" * 41, False),
    ],
)
def test_new_paths(files: set[str], path: str, is_new: bool) -> None:
    gbnf = calls(Offer(SPECS["write_file"], {"path": NewPath(_taken(files))}))
    assert accepts(gbnf, _line("write_file", path=path)) == is_new


def test_new_paths_need_only_the_folders_that_are_named() -> None:
    gbnf = calls(Offer(SPECS["write_file"], {"path": NewPath({"a/b": frozenset({"c"})})}))
    assert accepts(gbnf, _line("write_file", path="a/b/d"))
    assert accepts(gbnf, _line("write_file", path="a/d"))
    for path in ("a", "a/b", "a/b/c", "a/b/c/d"):
        assert not accepts(gbnf, _line("write_file", path=path))


@pytest.mark.parametrize("folder", [".git", "a/.b", "../up", "/root", "a//b", "a/", "bad\udcff"])
def test_new_paths_are_not_offered_in_folders_out_of_reach(folder: str) -> None:
    gbnf = calls(
        Offer(SPECS["write_file"], {"path": NewPath({"": frozenset(), folder: frozenset()})})
    )
    recogniser = Recogniser(gbnf)
    recogniser.feed('write_file", "arguments": {"path": "')
    assert not recogniser.feed(folder.replace("\udcff", "\ufffd") + "/x")


def test_paths_that_are_no_text_are_left_out() -> None:
    bad, good = "bad\udcff.py", "good.py"
    gbnf = calls(
        Offer(SPECS["outline"], {"path": OneOf((bad, good))}),
        Offer(SPECS["read_file"], {"path": Switch({bad: {}, good: {"start": OneOf((1,))}})}),
    )
    gbnf.encode("utf-8")
    recogniser = Recogniser(gbnf)
    assert not recogniser.feed('outline", "arguments": {"path": "b')
    assert accepts(gbnf, _line("outline", path=good))
    assert accepts(gbnf, _line("read_file", path=good, start=1))
    only_bad = [Offer(SPECS["outline"], {"path": OneOf((bad,))})]
    assert forced_call(only_bad) is None
    with pytest.raises(GrammarError, match="outline: a choice of nothing was offered"):
        call_grammar(only_bad, "here")


@pytest.mark.parametrize(
    ("offers", "message"),
    [
        ([], "here: no call is legal"),
        ([Offer(SPECS["edit"]), Offer(SPECS["edit"])], "here: edit is offered twice"),
        ([Offer(SPECS["outline"], {"path": OneOf(())})], "outline: a choice of nothing"),
        ([Offer(SPECS["outline"], {"path": Switch({})})], "outline: a choice of nothing"),
        ([Offer(SPECS["outline"], {"file": OneOf((1,))})], "outline: a choice for file, which is"),
        (
            [Offer(SPECS["outline"], {"path": Switch({"a": {"path": OneOf((1,))}})})],
            "outline: a choice for path, which is none of the arguments to come",
        ),
        (
            [Offer(spec(n=INTEGER), {"n": Between(3, 2)})],
            "no integer from 0 up lies between 3 and 2",
        ),
        ([Offer(spec(n=INTEGER), {"n": Between(-1, 2)})], "no integer from 0 up"),
        ([Offer(spec(n=STRING), {"n": Text(0)})], "t: a text of at most 0 characters"),
        ([Offer(spec(n=STRING), {"n": Text(1001)})], "t: a text of at most 1001 characters"),
    ],
)
def test_offers_of_which_no_grammar_can_be_made(offers: list[Offer], message: str) -> None:
    with pytest.raises(GrammarError) as raised:
        call_grammar(offers, "here")
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string", "pattern": "a+"}, "t: $.properties.x.pattern: this feature"),
        ({"type": "string", "minLength": 2}, "t: $.properties.x.minLength"),
        ({"type": "string", "maxLength": 5000}, "t: $.properties.x.maxLength: 5000"),
        ({"type": "string", "maxLength": "5"}, "t: $.properties.x.maxLength: '5' is no integer"),
        ({"type": "string", "minimum": 1}, "t: $.properties.x.minimum: this feature"),
        ({"type": "integer", "minimum": -5}, "t: $.properties.x.minimum: no integer from 0 up"),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "t: $.properties.x.minimum"),
        ({"type": "integer", "multipleOf": 2}, "t: $.properties.x.multipleOf"),
        ({"type": "number"}, "t: $.properties.x.type: 'number'"),
        ({"type": ["string", "null"]}, "t: $.properties.x.type: ['string', 'null']"),
        ({"oneOf": []}, "t: $.properties.x.type: None"),
        ({"type": "string", "enum": []}, "t: $.properties.x.enum: a list of at least one"),
        ({"type": "string", "enum": ["a", 1]}, "t: $.properties.x.enum[1]: 1 is no string"),
        ({"type": "integer", "enum": [True]}, "t: $.properties.x.enum[0]: True is no integer"),
        ({"type": "string", "enum": ["a"], "maxLength": 1}, "t: $.properties.x.maxLength"),
        (True, "t: $.properties.x: a schema is an object, not bool"),
    ],
)
def test_schemas_that_cannot_be_forced_are_named(schema: Json, message: str) -> None:
    with pytest.raises(UnsupportedSchema) as raised:
        calls(Offer(spec(x=schema)))
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"type": "array"}, "t: $.type: parameters must be an object schema"),
        ({"type": "object", "properties": []}, "t: $.type"),
        ({"type": "object", "properties": {"a": STRING}}, "t: $.required: every argument"),
        ({"type": "object", "properties": {}, "required": ["a"]}, "t: $.required"),
        ({"type": "object", "properties": {}, "minProperties": 1}, "t: $.minProperties"),
    ],
)
def test_parameters_that_cannot_be_forced_are_named(parameters: JsonObject, message: str) -> None:
    with pytest.raises(UnsupportedSchema) as raised:
        calls(Offer(ToolSpec("t", "", parameters)))
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("offers", "call"),
    [
        ([Offer(SPECS["edit"])], ToolCall("edit", {})),
        (
            [Offer(SPECS["outline"], {"path": OneOf(("a.py",))})],
            ToolCall("outline", {"path": "a.py"}),
        ),
        (
            [Offer(SPECS["outline"], {"path": OneOf(("a.py", "a.py", "\udcff"))})],
            ToolCall("outline", {"path": "a.py"}),
        ),
        (
            [Offer(SPECS["read_file"], {"path": Switch({"a": {"start": Between(3, 3)}})})],
            ToolCall("read_file", {"path": "a", "start": 3}),
        ),
        ([Offer(SPECS["read_file"], {"path": Switch({"a": {"start": Between(3, 4)}})})], None),
        ([Offer(SPECS["read_file"], {"path": Switch({"a": {}, "b": {}})})], None),
        ([Offer(SPECS["read_file"], {"path": OneOf(("a",))})], None),
        ([Offer(SPECS["outline"], {"path": OneOf(("a", "b"))})], None),
        ([Offer(SPECS["outline"], {"path": OneOf(())})], None),
        ([Offer(spec(x=INTEGER), {"x": OneOf((1, True))})], None),
        ([Offer(spec(x={"type": "string", "enum": ["a"]}))], ToolCall("t", {"x": "a"})),
        ([Offer(SPECS["search"])], None),
        ([Offer(SPECS["write_file"], {"path": NewPath({"": frozenset()})})], None),
        ([Offer(SPECS["edit"]), Offer(SPECS["search"])], None),
        ([], None),
    ],
)
def test_a_call_is_forced_if_it_is_the_only_one(offers: list[Offer], call: ToolCall | None) -> None:
    assert forced_call(offers) == call


def test_a_forced_call_is_a_sentence_of_the_grammar() -> None:
    offers = [Offer(SPECS["read_file"], {"path": Switch({'a"': {"start": Between(3, 3)}})})]
    call = forced_call(offers)
    assert call is not None
    assert accepts(calls(*offers), _line(call.name, **call.arguments))


def test_many_names_and_long_ones_nest_no_brackets() -> None:
    chain = tuple("a" * n for n in range(1, 1200))
    taken = {"": frozenset(f"test_{n}.py" for n in range(1500)) | {"b" * n for n in range(255)}}
    gbnf = calls(
        Offer(SPECS["outline"], {"path": OneOf(chain)}),
        Offer(SPECS["write_file"], {"path": NewPath(taken)}),
    )
    assert "((((" not in gbnf
    # llama.cpp refuses a repetition of 2,000 rules in brackets; named ones count as one.
    assert max(line.count("(") for line in gbnf.split("\n")) < 10
    assert len(parse(gbnf)) > 1000
    assert accepts(gbnf, _line("outline", path="a" * 1199))
    assert not accepts(gbnf, _line("outline", path="a" * 1200))
    assert accepts(gbnf, _line("write_file", path="test_1500.py"))
    assert not accepts(gbnf, _line("write_file", path="test_1499.py"))


def test_generated_text_has_only_what_the_reader_of_llama_cpp_knows() -> None:
    characters = "".join(chr(n) for n in range(256)) + "\u2028\ufeff\uffff🙂"
    gbnf = calls(Offer(SPECS["outline"], {"path": OneOf((characters,))}))
    assert accepts(gbnf, _line("outline", path=characters))
    assert not any(ord(c) < 0x20 and c != "\n" for c in gbnf)
    assert "\x7f" not in gbnf


@pytest.mark.parametrize(
    ("texts", "markdown", "fence"),
    [
        ((), False, "```"),
        (("",), False, "```"),
        (("no ticks", "one ` two ``"), False, "```"),
        (("a ``` in a line",), False, "````"),
        (("```", "`````\n````"), False, "``````"),
        ((), True, "`````"),
        (("````",), True, "`````"),
        (("`````",), True, "``````"),
    ],
)
def test_fences(texts: tuple[str, ...], markdown: bool, fence: str) -> None:
    assert fence_for(*texts, markdown=markdown) == fence


@QUICK
@given(st.lists(st.text("`a\n\t é", max_size=12), max_size=3), st.booleans())
def test_a_text_in_its_fence_is_a_body(texts: list[str], markdown: bool) -> None:
    fence = fence_for(*texts, markdown=markdown)
    gbnf = body_grammar(fence, may_be_empty=True).text
    for text in texts:
        assert accepts(gbnf, f"{text}\n{fence}\n")
        assert not accepts(gbnf, f"{text}{fence}x\n{fence}x")


@QUICK
@given(st.integers(0, 2**32), st.integers(3, 5))
def test_a_body_ends_at_its_first_fence(seed: int, width: int) -> None:
    fence = "`" * width
    body = draw(body_grammar(fence).text, Random(seed), 20_000)
    lines = body.rstrip("\n").split("\n")
    assert [line.startswith(fence) for line in lines] == [False] * (len(lines) - 1) + [True]


@pytest.mark.parametrize(
    ("body", "is_legal"),
    [
        ("def f(a):\n    return a\n", True),
        ("import re\nfrom a import b\n\ndef f(a):\n    return a\n", True),
        ("def f\n", True),
        ("def f2(a):\n    return a\n", False),
        ("def g(a):\n    return a\n", False),
        ("\ndef f(a):\n", False),
        ("import re\n", False),
        ("", False),
    ],
)
def test_a_body_that_has_to_begin_so(body: str, is_legal: bool) -> None:
    assert accepts(body_grammar("```", begin="def f").text, f"{body}```") is is_legal


def test_what_a_body_begins_with_is_taken_as_it_is() -> None:
    begin = '\t@a("\\", "[x]")\n\tdef é'
    gbnf = body_grammar("```", begin=begin).text
    assert accepts(gbnf, f"{begin}():\n```")
    assert not accepts(gbnf, f"{begin[1:]}():\n```")
