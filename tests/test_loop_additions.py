"""What a step wants to be added to a file, and where it may stand."""

from __future__ import annotations

import pytest

from qwenagent.grammar import accepts, body_grammar
from qwenagent.loop.editing.beginnings import Beginning, added_beginning
from qwenagent.loop.words.additions import Addition, addition

SCALE = """\
LIMIT = 3


class Scale:
    def weigh(self):
        return 1

    def clear(self):
        return 2


class Lamp:
    def glow(self):
        return 3


def total(scales):
    return 4
"""
LAST = ("Scale.clear",)
JS = "export class Scale {\n  weigh() {\n    return 1;\n  }\n}\n\nfunction total() {}\n"


@pytest.mark.parametrize(
    ("request_", "name", "after"),
    [
        ("`a.py`: add the method `tare` to `Scale`.", "tare", LAST),
        (
            "Add the method `tare(grams)` to the class `Scale`, after `weigh`.",
            "tare",
            ("Scale.weigh",),
        ),
        ("Implement the methods `weigh`, `tare` and `zero` of `Scale`.", "tare", LAST),
        ("`Scale` gets a method `tare`.", "tare", LAST),
        ("Add a property `full` to `Lamp`.", "full", ("Lamp.glow",)),
        ("Add a method `Lamp.dim(percent)`.", "dim", ("Lamp.glow",)),
        ("Add a method `dim`.", "dim", ("Scale.weigh", "Scale.clear", "Lamp.glow")),
        ("Write a function `mean(scales)`.", "mean", ("total",)),
        ("Add a helper `mean` below the function `total`.", "mean", ("total",)),
        ("Add a helper `mean`, after the class `Scale`.", "mean", ("Scale",)),
        ("It is slow. Then add the method `tare` to `Scale`.", "tare", LAST),
    ],
)
def test_what_is_missing_and_its_places(request_, name, after):
    assert addition("a.py", SCALE, request_, is_alone=True) == Addition(name, after)


@pytest.mark.parametrize(
    "request_",
    [
        "Add the method `weigh` to `Scale`.",
        "Add the method `tare` to `Box`.",
        "Use the function `mean` of `stats.py`.",
        "`total` has to call the function `mean`.",
        "Mend the method `tare` of `Scale`.",
        "Add a field `tare` to `Scale`.",
        "Write two functions in `a.py`.",
        "Write a function: `lib/a.py`.",
        "Add a helper to the module `stats`.",
        "```\nadd the method `tare` to `Scale`\n```",
        "",
    ],
)
def test_what_leaves_the_place_open(request_):
    assert addition("a.py", SCALE, request_, is_alone=True) is None


def test_a_function_belongs_to_the_only_file():
    assert addition("a.py", SCALE, "Write a function `mean`.", is_alone=False) is None
    order = "Add the method `tare` to `Scale`."
    assert addition("a.py", SCALE, order, is_alone=False) == Addition("tare", LAST)


def test_other_languages():
    found = addition("a.js", JS, "Add the method `tare()` to `Scale`.", is_alone=True)
    assert found == Addition("tare", ("Scale.weigh",))
    order = "Add the method `tare()` to `Scale`."
    assert added_beginning("a.js", JS, "Scale.weigh", order, is_alone=True) == Beginning()


def test_it_begins_freely_where_the_file_may_not_be_the_one():
    order = "Write a function `mean`."
    assert added_beginning("a.py", SCALE, "total", order, is_alone=True).text == "def mean"
    assert added_beginning("a.py", SCALE, "total", order, is_alone=False) == Beginning()


SIGNED = (
    "Add the method `tare` to `Scale`. `def tare(self, grams: int = 0) -> dict[int, int]` gives"
)
PLAIN = "Add the method `tare` to `Scale`."


@pytest.mark.parametrize(
    ("order", "body", "is_legal"),
    [
        (
            SIGNED,
            "    def tare(self, grams: int = 0) -> dict[int, int]:\n        return {}\n",
            True,
        ),
        (SIGNED, "    def tare(self):\n        return {}\n", False),
        (PLAIN, "    def tare(self):\n        return {}\n", True),
        (PLAIN, "from math import pi\n\n    def tare(self):\n        return pi\n", True),
        (PLAIN, "        return {}\n", False),
        (PLAIN, "    def insert_symbol(self, path):\n        return {}\n", False),
        (f"{PLAIN} It is static.", "    @staticmethod\n    def tare():\n        return 1\n", True),
        (f"{PLAIN} It is async.", "    async def tare(self):\n        return 1\n", True),
    ],
)
def test_how_it_begins(order, body, is_legal):
    begin = added_beginning("a.py", SCALE, "Scale.clear", order, is_alone=True)
    grammar = body_grammar("```", begin=begin.text, may_have_more=begin.may_have_more)
    assert accepts(grammar.text, f"{body}```") == is_legal


@pytest.mark.parametrize(
    ("order", "signature"),
    [
        ("Add a method `tare(self, n: int) -> int` to `Scale`.", "def tare(self, n: int) -> int"),
        ("Add a method `tare(grams)` to class `Scale`.", ""),
        ("Add a method `tare` to class `Scale`. `tare(self, 3)` gives 4.", ""),
        ("Add `mean(scales, digits: int = 2)`, the mean.", "def mean(scales, digits: int = 2)"),
        ("Add `mean(scales)` that calls `total`. `mean([a, b])` is 3.", ""),
        ("Write the function `mean`. `mean([])` is 0.", ""),
    ],
)  # fmt: skip
def test_signatures(order, signature):
    found = addition("a.py", SCALE, order, is_alone=True)
    assert found is not None
    assert found.signature == signature


@pytest.mark.parametrize(
    "order", ["Add `flush()` after each write.", "Add `mean(x)` calls everywhere."]
)
def test_what_is_called_and_not_added(order):
    assert addition("a.py", SCALE, order, is_alone=True) is None
