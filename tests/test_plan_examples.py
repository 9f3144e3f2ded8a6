import time

import pytest

from qwenagent.plan import Example
from qwenagent.plan.examples.finding import MOST, find_examples
from qwenagent.plan.examples.literals import called_names, closing, is_literal

# Text -> (call, value); an exception's name has "!" before it.
FOUND = {
    '`slugify("A b")` returns `"a-b"`': [('slugify("A b")', '"a-b"')],
    "`f(2)` -> `4`": [("f(2)", "4")],
    "`f(2)` → 4": [("f(2)", "4")],
    "`f(2)` => `4`.": [("f(2)", "4")],
    "`f(2) == 4`": [("f(2)", "4")],
    "`f(2)` = `4`": [("f(2)", "4")],
    "`f(2) → 4`": [("f(2)", "4")],
    "`f(2)  # -> 4`": [("f(2)", "4")],
    '`parse("")` gives `[]`': [('parse("")', "[]")],
    "For `add(1, 2)` the result is `3`.": [("add(1, 2)", "3")],
    '`f("")` raises `ValueError`': [('f("")', "!ValueError")],
    '`f("")` should raise a `json.JSONDecodeError`.': [('f("")', "!json.JSONDecodeError")],
    '`f("")` raises ValueError because it is empty': [('f("")', "!ValueError")],
    '`f("")` → `ValueError("empty")`': [('f("")', "!ValueError")],
    '`f("")` throws a `RangeError`': [('f("")', "!RangeError")],
    "`f(2)` should return `4`": [("f(2)", "4")],
    "`f(2)` must equal `4`!": [("f(2)", "4")],
    "`f(2)` should now return `4`": [("f(2)", "4")],
    "Expect `f(2)` to return `4`": [("f(2)", "4")],
    "`f(2)` is `4`": [("f(2)", "4")],
    "Given `f(2)`, return `4`.": [("f(2)", "4")],
    "`f(' a')` is `1`, `f('  a')` is `2`": [("f(' a')", "1"), ("f('  a')", "2")],
    "`chunks([1, 2], 1)` yields `[[1], [2]]`": [("chunks([1, 2], 1)", "[[1], [2]]")],
    "`f(2)` evaluates to `-4.5e3`": [("f(2)", "-4.5e3")],
    "`f()` returns an empty list.": [("f()", "[]")],
    "`f()` returns the string `'a'`.": [("f()", "'a'")],
    "`isEven(2)` returns true.": [("isEven(2)", "true")],
    "`f(x=1, y=(2, None))` returns `{'a': {1, 2}}`": [("f(x=1, y=(2, None))", "{'a': {1, 2}}")],
    '`f(1)` is `float("nan")`': [("f(1)", 'float("nan")')],
    "`f(b'\\x00')` is `b''`": [("f(b'\\x00')", "b''")],
    "f(2) returns 4": [("f(2)", "4")],
    'Make slugify("A (b)") return "a-b".': [('slugify("A (b)")', '"a-b"')],
    "So that `f(2)`\nreturns `4`.": [("f(2)", "4")],
    "`f(1)` returns `2` and `f(2)` returns `4`": [("f(1)", "2"), ("f(2)", "4")],
    "`f(1)` -> 2, `f(2)` -> 4 (twice as much)": [("f(1)", "2"), ("f(2)", "4")],
    "- `f(1)` -> `2`\n- f(3)->4\n": [("f(1)", "2"), ("f(3)", "4")],
    "`Money.parse(\"1\")` is `1`": [('Money.parse("1")', "1")],
    "`add(Money(1), Money(2))` is `3`": [("add(Money(1), Money(2))", "3")],
    "`sum({a: 1, b: [2]})` returns `{c: 3}`": [("sum({a: 1, b: [2]})", "{c: 3}")],
    '`slugify("A b")` // => "a-b"': [('slugify("A b")', '"a-b"')],
    "`expect(f(1)).toBe(2)`": [("f(1)", "2")],
    "`expect(f([1])).toEqual([2, {a: null}]);`": [("f([1])", "[2, {a: null}]")],
    "`expect(() => f(1)).toThrow(RangeError)`": [("f(1)", "!RangeError")],
    "`assert f(1) == 2`": [("f(1)", "2")],
    "`assert_eq!(f(1), Some(2));`": [("f(1)", "Some(2)")],
    "`Words(2)` is `[]string{\"a\", \"b\"}`": [("Words(2)", '[]string{"a", "b"}')],
    "`Count()` is `map[string]int{\"a\": 1}`": [("Count()", 'map[string]int{"a": 1}')],
    "`Money::parse(\"1\")` is `Ok(1)`": [('Money::parse("1")', "Ok(1)")],
    "```rust\nassert_eq!(f(&[1]), vec![2]);\n```": [("f(&[1])", "vec![2]")],
    "`assert f(1) is None`": [("f(1)", "None")],
    "`assert.deepEqual(f(1), [2])`": [("f(1)", "[2]")],
    "`self.assertEqual(f(1), 2)`": [("f(1)", "2")],
    ">>> f(1)\n2\n>>> f(2)\n4": [("f(1)", "2"), ("f(2)", "4")],
    "- >>> f(1)\n  2": [("f(1)", "2")],
    "```pycon\n>>> from a import f\n>>> f('')\nTraceback (most recent call last):\n  x\n"
    "ValueError: empty\n```": [("f('')", "!ValueError")],
    "```python\nf(1)  # -> 2\nf(2)\n# 4\nassert f(3) == 6\n```": [
        ("f(1)", "2"),
        ("f(2)", "4"),
        ("f(3)", "6"),
    ],
    "```\nf(1) -> 2\nf('') -> raises ValueError\n```": [("f(1)", "2"), ("f('')", "!ValueError")],
    "```js\nimport { f } from './f.js';\nf(1); // 2\n```": [("f(1)", "2")],
    "|Call|Result|Note|\n|---|---|---|\n| `f(1)` | `2` | easy |\n| `f('')` | `ValueError` | |": [
        ("f(1)", "2"),
        ("f('')", "!ValueError"),
    ],
    "| Input | Current | Expected |\n|---|---|---|\n| `f(1)` | `3` | `2` |": [("f(1)", "2")],
    "What `double(n)` gives:\n\n| Input | Output |\n|---|---|\n| `1` | `2` |": [("double(1)", "2")],
    '`f("a|b")` is `"x"`': [('f("a|b")', '"x"')],
    "`f(2)` soll `4` ergeben.": [("f(2)", "4")],
    "`f(2)` gibt `4` zurück.": [("f(2)", "4")],
    '`f("")` löst einen `ValueError` aus.': [('f("")', "!ValueError")],
    '`f("")` wirft `ValueError`.': [('f("")', "!ValueError")],
    "`f(2)` devuelve `4`.": [("f(2)", "4")],
    "`f(2)` debe devolver `4`.": [("f(2)", "4")],
    '`f("")` lanza `ValueError`.': [('f("")', "!ValueError")],
    "`f(2)` renvoie `4`.": [("f(2)", "4")],
    '`f("")` doit lever `ValueError`.': [('f("")', "!ValueError")],
    "`f(2)` は `4` を返す。": [("f(2)", "4")],
    '`f("")` は `ValueError` を送出する。': [('f("")', "!ValueError")],
    "`f(2)` 返回 `4`。": [("f(2)", "4")],
    '`truncate("abcdef", 5)` is `"ab..."`': [('truncate("abcdef", 5)', '"ab..."')],
    "# Fix the bug in `f`\n\n`f(2)` returns `4`": [("f(2)", "4")],
    "Fix the wrong sign so that:\n\n- `f(2)` returns `4`\n": [("f(2)", "4")],
    'Zażółć: `slug("Ł ó")` is `"l-o"`': [('slug("Ł ó")', '"l-o"')],
}  # fmt: skip

NOTHING = [
    "",
    "Write `slugify`.",
    "`slugify(text)` returns `text`",
    "`slugify(text)` returns `4`",
    "`f(2)` returns something",
    "`f(2)` returns `x`",
    "`f(2)` returns `a-b`",
    "`f(2)` returns `g(3)`",
    '`store.get("x")` returns `4`',
    '`self.get("x")` returns `4`',
    "`f(2)[0]` returns `4`",
    "`f(*[1])` returns `4`",
    "`f(**{})` returns `4`",
    "`f(x for x in [1])` returns `4`",
    "`f(...)` returns `4`",
    "`f(1, ...)` returns `4`",
    "`f([1, 2, ...])` returns `4`",
    "`f(2)` returns `[1, 2, ...]`",
    '`f("Lorem...")` returns `"x"`',
    "`f(2)` returns `4` ...",
    "Currently `f(2)` returns `4`.",
    "`f(2)` currently returns `4`.",
    "Today `f(2)` gives `4`.",
    "Bug: `f(2)` gives `4`.",
    "`f(2)` used to return `4`.",
    "`f(2)` was `4`.",
    "`f(2)` returns `4` instead of `5`.",
    "`f(2)` returns `5`, not `4`.",
    "`f(2)` does not return `4`.",
    "`f(2)` must not return `4`.",
    "`f(2)` doesn't return `4`.",
    "`f(2)` is not `4`.",
    "`f(2)` returns `5` but should return `4`.",
    "`f(2)` returns `5`. It should return `4`.",
    "`f(2)` gives `5`, expected `4`.",
    "`f(2)` actually returns `4`.",
    "`f(2)` returns `4` or `5`.",
    "`f(2)` returns something like `4`.",
    "`f(2)` returns e.g. `4`.",
    "e.g. `f(2)` returns `4`",
    "`f(2)` is approximately `4`.",
    "`f(2)` is about 4.",
    "`f(2)` returns 4 items.",
    "`f(2)` returns 4%.",
    "`f(2)` returns 2024-01-02.",
    "`f(2)` returns 1/3.",
    "`f(2)` returns `4` plus the tax.",
    '`f(2)` returns `"a"` followed by a newline.',
    "`f(2)` returns a list of `4`.",
    "If strict is on, `f(2)` returns `4`.",
    "`f(2)` returns `4` when the cache is empty.",
    "After `g(1)`, `f(2)` returns `4`.",
    "With `LOCALE=de`, `f(2)` returns `4`.",
    "Should `f(2)` return `4`?",
    "`f(2)` could return `4`.",
    "`assert f(2) == 4` fails.",
    "`f(2) == 4` is false.",
    "`f(2) != 4`",
    "`f(2) >= 4`",
    "`f(2) == 4 or f(2) == 5`",
    "`not f(2) == 4`",
    "`x = f(2)` is `4`",
    "`print(f(2))` is `4`",
    '`eval("2")` is `2`',
    "`f(2)` raises an error.",
    "`f(2)` raises `ValueError` or `TypeError`.",
    "`f(2)` does not raise `ValueError`.",
    "`f(1)` returns `2`.\n\n`f(1)` returns `3`.",
    "## Step\n\n### Current behaviour\n\n- `f(1)` -> `2`\n",
    "Currently:\n\n- `f(1)` -> `2`\n- for strings:\n  - `f('a')` -> `2`\n",
    "Today:\n\n```\nf(1) -> 2\n```",
    "> `f(1)` returns `2`, says the report",
    "```python\nstore = Store()\nf(1)  # 2\n```",
    "```python\ndef test_f():\n    assert f(1) == 2\n```",
    "```python\nf(1)\n```",
    "```python\n# currently\nf(1)  # 2\n```",
    "```ruby\nf(1) // 2\n```",
    "```sh\nf(1) -> 2\n```",
    ">>> reset()\n>>> f(1)\n2",
    ">>> s = 3\n>>> f(1)\n2",
    ">>> f(1)  # doctest: +ELLIPSIS\n2",
    "```pycon\n>>> f(1)\n[1, ...]\n```",
    "| Call | Today |\n|---|---|\n| `f(1)` | `2` |",
    "| Name | Size |\n|---|---|\n| `f(1)` | `2` |",
    "| Input | Output |\n|---|---|\n| `1` | `2` |",
    "| Call | Result | Status |\n|---|---|---|\n| `f(1)` | `2` | currently broken |",
    "Derzeit gibt `f(2)` `4` zurück.",
    "`f(2)` gibt derzeit `4` zurück.",
    "`f(2)` gibt `4` statt `5` zurück.",
    "Actuellement `f(2)` renvoie `4`.",
    "Ahora `f(2)` devuelve `4`.",
    "現在 `f(2)` は `4` を返す。",
    "`f(2)` は `4` を返さない。",
]


def as_pairs(examples: tuple[Example, ...]) -> list[tuple[str, str]]:
    return [(it.call, f"!{it.expected}" if it.raises else it.expected) for it in examples]


@pytest.mark.parametrize("text", FOUND)
def test_examples_that_are_found(text):
    assert as_pairs(find_examples(text)) == FOUND[text]


@pytest.mark.parametrize("text", NOTHING)
def test_texts_without_an_exact_example(text):
    assert find_examples(text) == ()


def test_an_example_keeps_what_was_written():
    text = '# Slugs\n\nSo `slug(\'A  b\')` **returns**\n`"a-b"`, and `f("")` raises `ValueError`.'
    assert find_examples(text) == (
        Example("`slug('A  b')` returns `\"a-b\"`", "slug('A  b')", '"a-b"'),
        Example('`f("")` raises `ValueError`', 'f("")', "ValueError", raises=True),
    )


def test_line_ends_do_not_matter():
    text = "- `f(1)` -> `2`\n\n```\nf(2) -> 4\n```\n"
    assert find_examples(text.replace("\n", "\r\n")) == find_examples(text)
    assert len(find_examples(text)) == 2


def test_each_once_and_not_too_many():
    text = "".join(f"- `f({n})` is `{n}`\n- `f({n})` → {n}\n" for n in range(30))
    assert as_pairs(find_examples(text)) == [(f"f({n})", str(n)) for n in range(MOST)]


HOSTILE = {
    "open": "f(" * 24_000,
    "brackets": "f([[[[" * 8_000,
    "ticks": "`" * 24_000 + "f(1)" + "`" * 23_000,
    "duties": (" ".join(f"`f({n})` returns `1` (a)," for n in range(160)) + "\n\n") * 12,
    "quotes": ">" * 40_000 + "f(1)",
    "table": "|call|result|\n|---|---|\n" + "|`f(1)`|`2`|\n" * 3_500,
    "huge": "`f(1)` is `2` " * 1_000_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_little_time(name):
    start = time.monotonic()
    assert len(find_examples(HOSTILE[name])) <= 1
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("text", "python", "javascript"),
    [
        ("f()", ("f",), ("f",)),
        (" f( 1 , [ ] ) ", ("f",), ("f",)),
        ("f(x=1)", ("f",), ()),
        ("f({a: 1})", (), ("f",)),
        ("f(true)", (), ("f",)),
        ("f(None)", ("f",), ()),
        ("f(g(1), A.b(2))", ("f", "g", "A"), ("f", "g", "A")),
        ("a.b(1)", (), ()),
        ("f(1)(2)", (), ()),
        ("f(1", (), ()),
        ("f(1,,2)", (), ()),
        ("f(a)", (), ()),
        ("f(1 + 1)", (), ()),
        ('f(f"{x}")', (), ()),
        ("f(`${x}`)", (), ()),
        ("f(`x`)", (), ("f",)),
        ("f('\\d')", ("f",), ("f",)),
        ("f(\0)", (), ()),
        ("if(1)", (), ()),
        ("f" + "(g" * 50 + ")" * 50, (), ()),
        ("f(" + "[" * 120 + "]" * 120 + ")", ("f",), ()),
        ("f('" + "a" * 400 + "')", (), ()),
    ],
)
def test_names_that_a_call_uses(text, python, javascript):
    assert called_names(text, "python") == python
    assert called_names(text, "javascript") == javascript


@pytest.mark.parametrize(
    ("text", "python", "javascript"),
    [
        ("1", True, True),
        ("-1.5", True, True),
        ("'a' 'b'", True, False),
        ("True", True, False),
        ("true", True, True),
        ("undefined", False, True),
        ("{1, 2}", True, False),
        ("{[1]}", False, False),
        ("{**{}}", False, False),
        ("...", False, False),
        ("x", False, False),
        ("", False, False),
        ("[1, [2, {'a': (3,)}]]", True, False),
        ("{a: [1, null]}", False, True),
        ("1 if 1 else 2", False, False),
        ("__import__('os')", False, False),
        ("float('inf')", True, False),
    ],
)
def test_literals(text, python, javascript):
    assert (is_literal(text, "python"), is_literal(text, "javascript")) == (python, javascript)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("(1)x", 3),
        ("([)]", None),
        ('(")")', 5),
        ("(", None),
        ('("\\")")', 7),
        ("(" + " " * 400, None),
    ],
)
def test_where_brackets_close(text, end):
    assert closing(text, 0) == end
