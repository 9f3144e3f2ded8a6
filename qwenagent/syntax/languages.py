"""The languages with a grammar, by file suffix."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import PurePosixPath

from tree_sitter import Language, Parser, Tree

_MODULES: dict[str, tuple[str, str]] = {
    ".py": ("tree_sitter_python", "language"),
    ".pyi": ("tree_sitter_python", "language"),
    ".js": ("tree_sitter_javascript", "language"),
    ".jsx": ("tree_sitter_javascript", "language"),
    ".mjs": ("tree_sitter_javascript", "language"),
    ".cjs": ("tree_sitter_javascript", "language"),
    ".ts": ("tree_sitter_typescript", "language_typescript"),
    ".mts": ("tree_sitter_typescript", "language_typescript"),
    ".cts": ("tree_sitter_typescript", "language_typescript"),
    ".tsx": ("tree_sitter_typescript", "language_tsx"),
    ".go": ("tree_sitter_go", "language"),
    ".rs": ("tree_sitter_rust", "language"),
}

_FENCE_INFO = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".jsx": "jsx", ".mjs": "javascript",
    ".cjs": "javascript", ".ts": "typescript", ".mts": "typescript", ".cts": "typescript",
    ".tsx": "tsx", ".go": "go", ".rs": "rust", ".java": "java", ".c": "c", ".h": "c",
    ".cpp": "cpp", ".hpp": "cpp", ".rb": "ruby", ".php": "php", ".sh": "bash", ".toml": "toml",
    ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".html": "html", ".css": "css", ".sql": "sql",
    ".md": "markdown",
}  # fmt: skip


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def fence_info(path: str) -> str:
    """Return the word after an opening fence for a file, empty if its language is not known."""
    return _FENCE_INFO.get(_suffix(path), "")


def is_known(path: str) -> bool:
    """Return whether there is a grammar for this file."""
    return _suffix(path) in _MODULES


@lru_cache(maxsize=16)
def _language(suffix: str) -> Language:
    module, function = _MODULES[suffix]
    load: Callable[[], object] = getattr(import_module(module), function)
    return Language(load())


def parse(path: str, text: str) -> Tree:
    """Parse a text in the language of its path, which must be known."""
    return Parser(_language(_suffix(path))).parse(text.encode("utf-8", errors="replace"))
