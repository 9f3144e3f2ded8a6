"""How bodies have to begin: as what is there, but for what the step wants to come or to change."""

from __future__ import annotations

import pytest

from qwenagent.grammar import accepts, body_grammar
from qwenagent.loop.editing.beginnings import file_beginning, symbol_beginning

PYTHON = '''"""Fetches."""

import json


class A:
    def full(self):
        return self.n == 3


def fetch(url):
    return json.loads(url)
'''
RUST = "/// Loads.\nfn load(path: &str) -> u32 {\n    3\n}\n"
SCRIPT = "export function load(a) {\n  return a;\n}\n\nfunction save(a) {\n  return a;\n}\n"
JAVA = "class Box {\n    private int count() {\n        return 1;\n    }\n}\n"
C = "int area(int a) {\n    return a * a;\n}\n"
GO = "package a\n\nfunc (s Store) Get() int {\n\treturn s.n\n}\n"


def is_legal(path: str, text: str, name: str, step: str, body: str) -> bool:
    begin = symbol_beginning(path, text, name, step)
    grammar = body_grammar("```", begin=begin.text, may_have_more=begin.may_have_more)
    return accepts(grammar.text, f"{body}\n```")


@pytest.mark.parametrize(
    ("path", "text", "name", "step", "body"),
    [
        ("a.py", PYTHON, "fetch", "Make fetch async.", "async def fetch(url):\n    return 1"),
        (
            "a.py",
            PYTHON,
            "fetch",
            "Cache the results of fetch with functools.lru_cache.",
            "from functools import lru_cache\n\n@lru_cache\ndef fetch(url):\n    return 1",
        ),
        (
            "a.py",
            PYTHON,
            "A.full",
            "Make full a property of A.",
            "    @property\n    def full(self):\n        return True",
        ),
        ("a.py", PYTHON, "A", "Make A a dataclass.", "@dataclass\nclass A:\n    n: int"),
        ("a.rs", RUST, "load", "Make load public.", "pub fn load(path: &str) -> u32 {\n    3\n}"),
        ("a.rs", RUST, "load", "Deprecate load.", "#[deprecated]\nfn load() {}"),
        ("a.js", SCRIPT, "save", "Export save.", "export function save(a) {\n  return a;\n}"),
        ("a.js", SCRIPT, "save", "Comment save.", "/**\n * Saves.\n */\nfunction save(a) {}"),
        (
            "B.java",
            JAVA,
            "Box.count",
            "Make count public and let it return a long.",
            "    public long count() {\n        return 1;\n    }",
        ),
        ("a.c", C, "area", "area overflows; it should return long.", "long area(int a) {\n}"),
        ("a.go", GO, "Store.Get", "Give Get a pointer receiver.", "func (s *Store) Get() int {\n}"),
    ],
)
def test_what_the_step_wants_may_come_first(path, text, name, step, body):
    assert is_legal(path, text, name, step, body)
    assert not is_legal(path, text, name, "Return twice as much.", body)


@pytest.mark.parametrize(
    ("path", "text", "name", "body"),
    [
        ("a.js", SCRIPT, "load", "function load(a) {\n  return a;\n}"),
        ("a.js", SCRIPT, "save", "return save(a);"),
        ("a.py", PYTHON, "fetch", "fetch(url)"),
        ("a.py", PYTHON, "fetch", "def fetched(url):\n    return 1"),
        ("a.py", PYTHON, "A.full", "def full(self):\n    return 1"),
    ],
)
@pytest.mark.parametrize("step", ["Return twice as much.", "Cache what it returns."])
def test_the_call_written_once_more_is_no_new_code(path, text, name, body, step):
    assert not is_legal(path, text, name, step, body)


def test_words_about_types_change_nothing_where_no_type_comes_first():
    step = "fetch fails for the type bytes."
    assert symbol_beginning("a.py", PYTHON, "fetch", step).text == "def fetch"
    assert symbol_beginning("a.c", C, "area", "area has the wrong type.").text == ""
    assert symbol_beginning("a.c", C, "area", "Another type.").text == "int area"


def test_documents_are_no_documentation_and_an_import_ends_in_its_line():
    body = "# Of documents.\ndef fetch(url):\n    return 1"
    assert not is_legal("a.py", PYTHON, "fetch", "Fetch all documents.", body)
    assert is_legal("a.py", PYTHON, "fetch", "Document fetch.", body)
    body = "from math import (\ndef fetch(url):\n    return 1"
    assert not is_legal("a.py", PYTHON, "fetch", "Fetch all documents.", body)


@pytest.mark.parametrize(
    ("path", "text", "begin"),
    [
        ("a.py", PYTHON, '"""Fetches."""\n\n'),
        ("a.py", "# Licence.\n\n# Adds.\ndef f():\n    pass\n", "# Licence.\n\n"),
        ("a.py", '"""A."""\nN = 1\n', '"""A."""\n'),
        ("a.py", "#!/usr/bin/env python\nimport a\n", "#!/usr/bin/env python\n"),
        ("a.js", "/** Adds. */\nfunction f() {}\n", ""),
        ("a.js", "// Licence.\n\n/** Adds. */\nfunction f() {}\n", "// Licence.\n\n"),
        ("a.js", "#!/usr/bin/env node\nf();\n", "#!/usr/bin/env node\n"),
        ("a.go", "// Package a does it.\npackage a\n", "// Package a does it.\n"),
    ],
)
def test_a_file_begins_as_it_did_but_for_what_belongs_to_its_first_definition(path, text, begin):
    assert file_beginning(path, text, "Return twice as much.") == begin


@pytest.mark.parametrize(
    "step", ["Correct the module docstring.", "Update the copyright year.", "Drop the shebang."]
)
def test_a_step_about_the_top_of_a_file_may_change_it(step):
    assert file_beginning("a.py", PYTHON, step) == ""


def test_headers_of_requests_are_no_headers_of_files():
    assert file_beginning("a.py", PYTHON, "Send the header X-Id.") == '"""Fetches."""\n\n'
