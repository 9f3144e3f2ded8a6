"""Grammars with texts: sentences, texts that begin no sentence, and mere beginnings.

Plain data, so that the recogniser and llama.cpp can be held to the same table.
"""

from __future__ import annotations

from dataclasses import dataclass

from qwenagent.grammar import (
    Between,
    NewPath,
    Offer,
    OneOf,
    Switch,
    Text,
    body_grammar,
    call_grammar,
)
from qwenagent.protocol.json import Json, JsonObject
from qwenagent.protocol.tools import ToolSpec
from qwenagent.tools import SPECS


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    gbnf: str
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    """No sentence begins like this."""
    prefixes: tuple[str, ...] = ()
    """A sentence begins like this, but it is none."""


HAND_WRITTEN = (
    Table("literal", 'root ::= "ab"', ("ab",), ("b", "aa", "abc"), ("", "a")),
    Table(
        "escapes in a literal",
        r'root ::= "\"\\\n\r\t\[\]\x41\u00e9\U0001F600"',
        ('"\\\n\r\t[]A\u00e9\U0001f600',),
        ('"n', '"\\\n\r\t[]AE'),
        ('"\\\n\r\t[]A\u00e9',),
    ),
    Table("any text as it is", 'root ::= "# [a] é {2} | "', ("# [a] é {2} | ",), ("a",), ("# [a",)),
    Table("empty literal", 'root ::= "a" "" | ""', ("", "a"), ("b", "aa")),
    Table("class", "root ::= [abc]", ("a", "c"), ("d", "ab"), ("",)),
    Table("ranges", "root ::= [a-cx0-2]", ("b", "x", "1"), ("d", "-", "3"), ("",)),
    Table("dash at the end", "root ::= [a-c-]", ("b", "-"), ("d", "]"), ("",)),
    Table("dash at the beginning", "root ::= [-a]", ("-", "a"), ("b",), ("",)),
    Table("dash after a range", "root ::= [a-c-e]", ("b", "-", "e"), ("d",), ("",)),
    Table(
        "negated class", r'root ::= [^"\\\x00-\x1F]', ("a", "é", "\x7f"), ('"', "\\", "\n"), ("",)
    ),
    Table("caret inside", "root ::= [a^]", ("a", "^"), ("b",), ("",)),
    Table("brackets in a class", r"root ::= [\[\]()]", ("[", "]", "("), ("\\", "a"), ("",)),
    Table("quote in a class", 'root ::= ["#]', ('"', "#"), ("a",), ("",)),
    Table("range beyond ASCII", "root ::= [à-ý]", ("à", "é"), ("a", "þ"), ("",)),
    Table("range by numbers", r"root ::= [\u0430-\u044F]", ("я",), ("ё", "a"), ("",)),
    Table("any character", 'root ::= . "x"', ("ax", "\nx", "🙂x"), ("ay",), ("", "a")),
    Table("alternatives", 'root ::= "a" "b" | "c"', ("ab", "c"), ("b", "ac", "abc"), ("a",)),
    Table("empty alternative", 'root ::= "a" | ', ("a", ""), ("b",)),
    Table("group", 'root ::= "a" ("b" | "c") "d"', ("abd", "acd"), ("ad", "abc"), ("a", "ab")),
    Table("groups in groups", 'root ::= (("a" | ("b")))', ("a", "b"), ("c", "ab"), ("",)),
    Table("star", 'root ::= "a"* "b"', ("b", "ab", "aaab"), ("ba", "c"), ("", "aa")),
    Table(
        "star of a literal",
        'root ::= "ab"*',
        ("", "abab"),
        ("abb", "aa"),
        ("aba",),
    ),
    Table("star of the last item", 'root ::= "a" "b"*', ("a", "abb"), ("ba", "aba"), ("",)),
    Table("plus", "root ::= [0-9]+", ("1", "123"), ("a", "1a"), ("",)),
    Table("plus of a group", 'root ::= ("a" | "bc")+', ("a", "bca"), ("c", "bb"), ("", "b")),
    Table("optional", 'root ::= "a"? "b"', ("b", "ab"), ("aa",), ("", "a")),
    Table("exactly", 'root ::= "ab"{2}', ("abab",), ("aa", "ababa"), ("", "ab")),
    Table("none", 'root ::= "a"{0} "b"', ("b",), ("a",), ("",)),
    Table("at least", "root ::= [a]{2,}", ("aa", "aaaaa"), ("b", "aab"), ("", "a")),
    Table("at least and at most", "root ::= [a]{2,4}", ("aa", "aaaa"), ("aaaaa",), ("", "a")),
    Table("at most", 'root ::= x{0,2}\nx ::= "a" | "bb"', ("", "abb"), ("aaa",), ("b", "ab")),
    Table("blanks in a repetition", 'root ::= "a" { 1 , 2 }', ("a", "aa"), ("aaa",), ("",)),
    Table("repeated repetition", 'root ::= "a"{2}{2}', ("aaaa",), ("aaaaa",), ("aa", "aaa")),
    Table(
        "comments and blank lines",
        '# first\n\nroot ::= # here\n  "a" x # there\n\n\n# between "\nx ::= "b"# end',
        ("ab",),
        ("b",),
        ("a",),
    ),
    Table(
        "a rule over several lines",
        'root ::=\n  "a" |\n  (\n "b"\n | "c" # in brackets\n ) "d"\n',
        ("a", "bd", "cd"),
        ("d", "ad"),
        ("b",),
    ),
    Table("CRLF", 'root ::= "a" |\r\n x\r\nx ::= "b"\r\n', ("a", "b"), ("c",), ("",)),
    Table(
        "names with digits and dashes",
        'root ::= 2-x X-1\n2-x ::= "a"\nX-1 ::= "b"',
        ("ab",),
        ("b",),
        ("a",),
    ),
    Table("recursion", 'root ::= "(" root ")" | "x"', ("x", "((x))"), (")", "(x))"), ("((", "(x")),
    Table("recursion at the end", 'root ::= "a" root | "b"', ("b", "aab"), ("ba",), ("aa",)),
    Table(
        "ambiguous",
        'root ::= a a a\na ::= ("x" | "xx")?',
        ("", "x", "xxx", "xxxxxx"),
        ("y", "xxxxxxx"),
    ),
    Table("optional in an optional", 'root ::= (("a")?)? "b"', ("b", "ab"), ("aab",), ("a",)),
)

INVALID = (
    ('root ::= "a" b', "line 1: rule b is not defined"),
    ('root ::= "a"\n\nx ::= y', "line 3: rule y is not defined"),
    ("", "line 1: rule root is not defined"),
    ('x ::= "a"', "line 1: rule root is not defined"),
    ('root ::= "a"\nroot ::= "b"', "line 2: rule root is defined twice"),
    ('root ::= "a" )', "line 1: the end of the line wanted, ')' found"),
    ('root ::= ("a"', "line 1: ')' wanted, 'the end' found"),
    ('root ::= "a"\n  | "b"', "line 2: the name of a rule wanted"),
    ('root ::= "a"\n"b"', "line 2: the name of a rule wanted"),
    ('root := "a"', "line 1: ::= wanted"),
    ('root\n::= "a"', "line 1: ::= wanted"),
    ("root ::= a_b", "line 1: the end of the line wanted, '_b' found"),
    ("root ::= <tool_call>", "line 1: the end of the line wanted"),
    ('root ::= "a', "line 1: a quote or a bracket is not closed"),
    ("root ::= [a", "line 1: a quote or a bracket is not closed"),
    ("root ::= []", "line 1: a class without characters"),
    ("root ::= [^]", "line 1: a class without characters"),
    (r"root ::= [\-a]", r"line 1: unknown escape \-"),
    (r'root ::= "\^"', r"line 1: unknown escape \^"),
    (r'root ::= "\x4"', "line 1: '4\"' is no character's number"),
    (r'root ::= "\x4', "line 1: 2 digits wanted, not '4'"),
    (r'root ::= "\U00110000"', "line 1: '00110000' is no character's number"),
    ("root ::= *", "line 1: nothing to repeat"),
    ('root ::= "a" | *', "line 1: nothing to repeat"),
    ('root ::= ""*', "line 1: nothing to repeat"),
    ('root ::= "a"{0}*', "line 1: nothing to repeat"),
    ('root ::= "a"{,3}', "line 1: a repetition like {2}, {2,} or {2,4} wanted"),
    ('root ::= "a"{2', "line 1: a repetition like"),
    ('root ::= "a"{-1}', "line 1: a repetition like"),
    ('root ::= "a"{3,2}', "line 1: at least 3 and at most 2 is impossible"),
    ('root ::= "a"{2000}', "line 1: 2000 rules in a repetition, 2000 are too many"),
    ('root ::= ("a" ("b" | "c")){0,1000}', "line 1: 2000 rules in a repetition"),
    ('root ::= root "a" | "b"', "line 1: root root can begin with itself"),
    ('root ::= "x" | a\na ::= b "y"\nb ::= "z"? a', "can begin with itself"),
    ('root ::= a*\na ::= ""', "line 1: a repetition can begin with itself"),
    ('root ::= (a b)+ "c"\na ::= "x"?\nb ::= "y"*', "line 1: a repetition can begin with itself"),
    ("root ::= " + "(" * 600 + '"a"' + ")" * 600, "line 1: more than 500 brackets in each other"),
)
"""GBNF that is refused, and what the message has."""


def calls(*offers: Offer) -> str:
    return call_grammar(offers, "a table").text


def spec(name: str = "t", **properties: Json) -> ToolSpec:
    """A tool whose arguments have the schemas given."""
    parameters: JsonObject = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return ToolSpec(name, "a tool of a table", parameters)


STRING: JsonObject = {"type": "string"}
INTEGER: JsonObject = {"type": "integer"}
ODD_PATHS = (
    'a"b.py',
    "c\\d.py",
    "é/ñ.py",
    "🙂.py",
    "tab\there.py",
    "del\x7f.py",
    "\x01",
    "a b.py",
)

ENDS = Switch({1: {"end": Between(1, 12)}, 12: {"end": OneOf((12,))}})

GENERATED = (
    Table(
        "one path",
        calls(Offer(SPECS["outline"], {"path": OneOf(("a.py",))})),
        ('outline", "arguments": {"path": "a.py"}}',),
        ('outline","', 'outline", "arguments": {"path": "b', 'outline", "arguments": {"path":"'),
        ("", 'outline", "arguments": {"path": "a.py"}'),
    ),
    Table(
        "paths that begin like others",
        calls(Offer(SPECS["outline"], {"path": OneOf(("a.py", "a.pyi", "a", "b/a.py", "a"))})),
        tuple(
            f'outline", "arguments": {{"path": "{p}"}}}}' for p in ("a.py", "a.pyi", "a", "b/a.py")
        ),
        ('outline", "arguments": {"path": "a.pyc', 'outline", "arguments": {"path": "b"'),
        ('outline", "arguments": {"path": "a.p',),
    ),
    Table(
        "odd characters in paths",
        calls(Offer(SPECS["outline"], {"path": OneOf(ODD_PATHS)})),
        (
            'outline", "arguments": {"path": "a\\"b.py"}}',
            'outline", "arguments": {"path": "c\\\\d.py"}}',
            'outline", "arguments": {"path": "é/ñ.py"}}',
            'outline", "arguments": {"path": "🙂.py"}}',
            'outline", "arguments": {"path": "tab\\there.py"}}',
            'outline", "arguments": {"path": "del\x7f.py"}}',
            'outline", "arguments": {"path": "\\u0001"}}',
            'outline", "arguments": {"path": "a b.py"}}',
        ),
        ('outline", "arguments": {"path": "a"', 'outline", "arguments": {"path": "tab\t'),
        ('outline", "arguments": {"path": "a\\"',),
    ),
    Table(
        "numbers that begin like others",
        calls(Offer(spec(n=INTEGER, m=INTEGER), {"n": OneOf((1, 12, 2)), "m": OneOf((1, 10))})),
        ('t", "arguments": {"n": 1, "m": 10}}', 't", "arguments": {"n": 12, "m": 1}}'),
        (
            't", "arguments": {"n": 13',
            't", "arguments": {"n": 1, "m": 11',
            't", "arguments": {"n": 01',
        ),
        ('t", "arguments": {"n": 1', 't", "arguments": {"n": 12, "m": 1'),
    ),
    Table(
        "one choice decides the next",
        calls(
            Offer(
                SPECS["replace_lines"],
                {
                    "path": Switch(
                        {
                            "a.py": {
                                "start": Switch(
                                    {1: {"end": Between(1, 12)}, 12: {"end": OneOf((12,))}}
                                )
                            },
                            "b.py": {"start": OneOf((3,)), "end": Between(3, 3)},
                        }
                    )
                },
            )
        ),
        (
            'replace_lines", "arguments": {"path": "a.py", "start": 1, "end": 12}}',
            'replace_lines", "arguments": {"path": "a.py", "start": 12, "end": 12}}',
            'replace_lines", "arguments": {"path": "b.py", "start": 3, "end": 3}}',
        ),
        (
            'replace_lines", "arguments": {"path": "a.py", "start": 12, "end": 11',
            'replace_lines", "arguments": {"path": "a.py", "start": 3',
            'replace_lines", "arguments": {"path": "b.py", "start": 1',
            'replace_lines", "arguments": {"start',
        ),
        ('replace_lines", "arguments": {"path": "a.py", "start": 1',),
    ),
    Table(
        "tools that begin like others",
        calls(
            Offer(SPECS["edit"]),
            Offer(spec("edit-2")),
            Offer(SPECS["give_up"], {"reason": Text(2)}),
        ),
        (
            'edit", "arguments": {}}',
            'edit-2", "arguments": {}}',
            'give_up", "arguments": {"reason": "ab"}}',
        ),
        (
            "edit-3",
            'give_up", "arguments": {"reason": ""',
            'give_up", "arguments": {"reason": "abc',
        ),
        ("edit", 'edit", "arguments": {'),
    ),
    Table(
        "text",
        calls(Offer(SPECS["search"], {"text": Text(4)})),
        (
            'search", "arguments": {"text": "é🙂"}}',
            'search", "arguments": {"text": "\\"\\\\\\n\\t"}}',
        ),
        (
            'search", "arguments": {"text": "\n',
            'search", "arguments": {"text": "\x7f',
            'search", "arguments": {"text": "\\u',
            'search", "arguments": {"text": "\\/',
            'search", "arguments": {"text": "abcde',
        ),
        ('search", "arguments": {"text": "\\', 'search", "arguments": {"text": "abcd'),
    ),
    Table(
        "booleans, enums, bounds",
        calls(
            Offer(
                spec(
                    b={"type": "boolean"},
                    e={"type": "string", "enum": ["x", "x y"]},
                    i={"type": "integer", "minimum": 95, "maximum": 1203},
                )
            )
        ),
        tuple(
            f't", "arguments": {{"b": true, "e": "x y", "i": {i}}}}}'
            for i in (95, 99, 100, 999, 1000, 1199, 1200, 1203)
        ),
        (
            't", "arguments": {"b": false, "e": "x", "i": 0',
            't", "arguments": {"b": false, "e": "x", "i": 94}',
            't", "arguments": {"b": false, "e": "x", "i": 1204',
            't", "arguments": {"b": false, "e": "x", "i": 2000',
            't", "arguments": {"b": 1',
            't", "arguments": {"b": true, "e": "y"',
        ),
        ('t", "arguments": {"b": true, "e": "x", "i": 9',),
    ),
    Table(
        "a new path",
        calls(
            Offer(
                SPECS["write_file"],
                {
                    "path": NewPath(
                        {
                            "": frozenset({"a.py", "a.pyi", "src", ".git"}),
                            "src": frozenset({"b.py"}),
                            "deep/er": frozenset({"x"}),
                            ".git": frozenset({"config"}),
                            'q"é': frozenset(),
                        }
                    )
                },
            )
        ),
        tuple(
            f'write_file", "arguments": {{"path": "{p}"}}}}'
            for p in (
                "a",
                "a.p",
                "a.pyx",
                "b.py",
                "src2",
                "sr",
                "src/a.py",
                "src/b",
                "src/b.py2",
                "src/new/b.py",
                "new/a/b/c/d.py",
                "deep/x.py",
                "deep/er/y",
                'q\\"é/a.py',
            )
        ),
        tuple(
            f'write_file", "arguments": {{"path": "{p}'
            for p in (
                '"',
                'a.py"',
                "a.py/",
                'src"',
                'src/"',
                'src/b.py"',
                "src/b.py/",
                "/",
                ".",
                "../",
                "src/.",
                "src//",
                ".git/",
                'deep"',
                'deep/er"',
                'deep/er/x"',
                "-x",
                "a/b/c/d/e/f/",
                "\\",
                "é",
            )
        ),
        tuple(f'write_file", "arguments": {{"path": "{p}' for p in ("a.py", "src", "x/")),
    ),
    Table(
        "body that begins as it did",
        body_grammar("```", begin="    def f").text,
        ("    def f(a):\n```", "import re\n\n    def f:\n```"),
        ("def f():\n```", "    def fg():\n", "    @a\n", "# a\n"),
        ("", "    ", "    def f", "import re\n"),
    ),
    Table(
        "body that begins as it did, or with more",
        body_grammar("```", begin="  @a\n  def f", may_have_more=True).text,
        (
            "  @a\n  def f(a):\n```",
            "import re\n// b\n  @c\n  @a\n# d\n  async def f():\n```",
            "#[x]\n/** y */\n * z\n  @a\n  export default def f()\n```",
        ),
        ("  @b\n  def f():\n", "  @a\n  return f()\n", "#f\n", "  @a\n  asyncdef f\n"),
        ("", "  ", "  @", "/", "  @a\n  pub"),
    ),
    Table(
        "body that holds something",
        body_grammar("```").text,
        accepted=("x\n```", "\n\nx\n```\n", "`a`\n```", "``b``\n\n```", "x\n\n\n```\n\n"),
        rejected=("```", "\n```", "````", "x```\n\x00"),
        prefixes=("", "\n", "\n\n", "x", "x\n", "``", "x\n``"),
    ),
    Table(
        "body up to three backticks",
        body_grammar("```", may_be_empty=True).text,
        (
            "```",
            "a\n```",
            "\n\n\tif x:\n```\n\n",
            "`a`\n``b\n ``` not yet\n```",
            "``\n`\n```\n",
            "é 🙂 \u2028\n```",
            "no `code` and ```` here\n```",
        ),
        ("a```\n```x", "````", "```python", "a\r\n", "\x00", "```\n\n\n", "a\n```b", "``\n````"),
        ("", "a", "a\n", "a```", "``", "a\n``", "a ```\n"),
    ),
    Table(
        "body up to four backticks",
        body_grammar("````", may_be_empty=True).text,
        ("````", "```python\nx\n```\n````", "```\n````\n"),
        ("`````", "````\n\n\n", "```` "),
        ("```", "```\n```"),
    ),
    Table(
        "body up to five backticks",
        body_grammar("`````", may_be_empty=True).text,
        ("````\n`````", "# a\n\n```sh\nls\n```\n`````"),
        ("``````", "`````x"),
        ("````",),
    ),
)

TABLES = HAND_WRITTEN + GENERATED
