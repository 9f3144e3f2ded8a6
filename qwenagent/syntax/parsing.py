"""Reads a text with the grammar of its language, or the best of those that it may be in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module

from tree_sitter import Language, Node, Parser, Tree

from qwenagent.syntax.languages import language_of, suffix_of

_GRAMMARS: dict[str, tuple[str, str]] = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "java": ("tree_sitter_java", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "php only": ("tree_sitter_php", "language_php_only"),
}
# C's grammar reads a class as a function of the type `class`, and finds nothing wrong with it.
_IS_CPP = re.compile(
    r"^[ \t]*(class[ \t]+\w|namespace\b|template[ \t]*<|using[ \t]+\w|enum[ \t]+class\b"
    r"|(public|private|protected)[ \t]*:)|\w::~?\w",
    re.MULTILINE,
)
# `EXPORT int f(void)`, `class API Store`; alone on its line, `Q_OBJECT` or `BEGIN_DECLS(x)`.
_MACRO = re.compile(
    r"(?<!\w)[A-Z][A-Z0-9_]+(?=[ \t]+[A-Za-z_])"
    r"|^[ \t]*[A-Z][A-Z0-9_]+(\([^()]*\))?(?=[ \t]*\r?$)"
)
# The halves of `extern "C" {...}`, each in an #ifdef of its own, are not balanced for the grammar.
_EXTERN_C = re.compile(
    r"^[ \t]*#[ \t]*if(def[ \t]+|[ \t]+defined[ \t(]*)__cplusplus\b.*\n\s*"
    r"(extern[ \t]+\"C\"\s*\{|\}).*\n\s*#[ \t]*endif.*$",
    re.MULTILINE,
)
_CODE_LINE = re.compile(r"^(?![ \t]*#).+$", re.MULTILINE)


# One text is looked at several times in a row: for its symbols, its errors, its outline.
@lru_cache(maxsize=4)
def parse(path: str, text: str) -> Tree:
    """Parse a text in the language of its path, which must be known.

    Where it can be read in several ways, that with the fewest errors is taken: a `.h` as C or as
    C++, C and C++ with or without their macros, PHP without its tag, as the body of an edit is,
    or as the text of a page.
    """
    best: tuple[int, Tree] | None = None
    for language, variant in _readings(path, text):
        tree = Parser(_grammar(language)).parse(variant.encode("utf-8", errors="replace"))
        n_errors = sum(1 for _ in error_nodes(tree.root_node))
        if best is None or n_errors < best[0]:
            best = n_errors, tree
        if n_errors == 0:
            break
    assert best is not None
    return best[1]


def error_nodes(root: Node) -> Iterator[Node]:
    """Yield the nodes that are wrong or missing, in order of the text."""
    is_c = root.type == "translation_unit"
    todo = [root]
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            if not (is_c and _is_after_macro(node)):
                yield node
        elif node.has_error:
            todo += reversed(node.children)


def _is_after_macro(node: Node) -> bool:
    """Whether only a ";" is missed where a macro has a block: `TEST_CASE("a") {...}`."""
    statement = node.parent
    if node.type != ";" or statement is None or statement.type != "expression_statement":
        return False
    calls = [child.type for child in statement.named_children] == ["call_expression"]
    block = statement.next_named_sibling
    return calls and block is not None and block.type == "compound_statement"


def lacks_tag(path: str, text: str) -> bool:
    """Return whether a text is code of PHP without `<?php`: all of it would be shown as text."""
    if language_of(path) != "php" or "<?" in text:
        return False
    root = Parser(_grammar("php only")).parse(text.encode("utf-8", errors="replace")).root_node
    return not root.has_error and any(n.type != "comment" for n in root.named_children)


def _readings(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield the languages in which a text may be read and how it is then; the likely one first."""
    language = language_of(path)
    if language == "php" and "<?" not in text:
        yield "php only", text
    languages = [language]
    if suffix_of(path) == ".h":
        languages = ["cpp", "c"] if _IS_CPP.search(text) else ["c", "cpp"]
    for it in languages:
        yield it, text
    if language in ("c", "cpp"):
        for it in languages:
            yield it, _without_macros(text)


def _without_macros(text: str) -> str:
    """Return a text of C or C++ with spaces for what its grammar does not know of."""
    halves = [half[2] for half in _EXTERN_C.finditer(text)]
    if 2 * halves.count("}") == len(halves):
        text = _EXTERN_C.sub(_blank, text)
    return _CODE_LINE.sub(lambda line: _MACRO.sub(_blank, line[0]), text)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


@lru_cache(maxsize=16)
def _grammar(language: str) -> Language:
    module, function = _GRAMMARS[language]
    load: Callable[[], object] = getattr(import_module(module), function)
    return Language(load())
