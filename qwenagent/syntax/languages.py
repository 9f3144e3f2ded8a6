"""Which language a file is in, by its name. Loads no grammar."""

from __future__ import annotations

from pathlib import PurePosixPath

_LANGUAGES = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".jsx": "javascript",
    ".mjs": "javascript", ".cjs": "javascript", ".ts": "typescript", ".mts": "typescript",
    ".cts": "typescript", ".tsx": "tsx", ".go": "go", ".rs": "rust", ".java": "java", ".c": "c",
    ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hpp": "cpp", ".hh": "cpp",
    ".hxx": "cpp", ".rb": "ruby", ".rake": "ruby", ".gemspec": "ruby", ".ru": "ruby",
    ".php": "php",
}  # fmt: skip
_FILES = {"Gemfile": "ruby", "Rakefile": "ruby"}

_FENCE_INFO = {
    ".jsx": "jsx", ".sh": "bash", ".toml": "toml", ".json": "json", ".yaml": "yaml",
    ".yml": "yaml", ".html": "html", ".css": "css", ".sql": "sql", ".md": "markdown",
}  # fmt: skip
"""Words that are no names of languages with a grammar."""


def suffix_of(path: str) -> str:
    """Return the ending of a file's name, in small letters."""
    return PurePosixPath(path).suffix.lower()


def language_of(path: str) -> str:
    """Return the language of a file that there is a grammar for, empty if there is none.

    A header that may be of C or of C++ counts as C; both have the same rules.
    """
    return _FILES.get(PurePosixPath(path).name) or _LANGUAGES.get(suffix_of(path), "")


def fence_info(path: str) -> str:
    """Return the word after an opening fence for a file, empty if its language is not known."""
    return _FENCE_INFO.get(suffix_of(path)) or language_of(path)


def is_known(path: str) -> bool:
    """Return whether there is a grammar for this file."""
    return bool(language_of(path))
