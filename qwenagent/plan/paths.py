"""Names in Markdown that look like files of a repository. Never looks at a disk."""

from __future__ import annotations

import posixpath
import re

from qwenagent.plan.command import is_shell
from qwenagent.plan.markdown.inline import split_code, word_set
from qwenagent.plan.markdown.leaves import pieces

_SUFFIXES = word_set(
    "py pyi pyx ipynb js jsx mjs cjs ts tsx mts cts vue svelte astro go rs c h cc cpp cxx hpp hh "
    "java kt kts swift rb php cs fs scala clj cljs ex exs erl hs ml lua pl pm jl dart zig nim sol "
    "sh bash zsh fish ps1 bat cmd sql html htm css scss sass less json json5 jsonc jsonl yaml yml "
    "toml ini cfg conf xml md mdx rst adoc txt csv tsv lock proto graphql gql tf tfvars hcl gradle "
    "cmake mk svg j2 jinja jinja2 tmpl tpl gbnf properties plist in mod sum env example"
)
_NAMES = word_set(
    "Makefile GNUmakefile Dockerfile Containerfile Justfile justfile Procfile Rakefile Gemfile "
    "Pipfile Jenkinsfile Vagrantfile Brewfile CODEOWNERS LICENSE .gitignore .gitattributes "
    ".dockerignore .editorconfig .env .eslintrc .prettierrc .babelrc .flake8 .pylintrc .npmrc "
    ".nvmrc .coveragerc BUILD WORKSPACE"
)
_PRODUCTS = word_set(
    "node.js vue.js next.js nuxt.js express.js react.js three.js d3.js chart.js socket.io "
    "asp.net docs.rs"
)
_AMBIGUOUS = word_set("in mod sum env example c h")
_AMBIGUOUS_OK = word_set("go.mod go.sum MANIFEST.in .env.example")

_URL = re.compile(
    r"(?:\b(?:https?|ftp|file|ssh|git|wss?)://|www\.|mailto:)[^\s)>\"']*", re.IGNORECASE
)
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev|edu|gov)/", re.IGNORECASE)
_LINK = re.compile(r"\]\(\s*<?([^\s()<>]{1,300})>?")
_ESCAPE = re.compile(r"\\([_.*\-\[\]#+`~])")
# Marks that stand on a letter are none themselves. Where words are written without blanks between
# them, as in Chinese, a name ends where they begin.
LETTER = (
    r"[^\W\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u30ff\u3130-\u318f"
    r"\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]|[\u0300-\u036f]"
)
"""A letter of a name, as a pattern."""
_BARE = re.compile(rf"(?:[.@\\/+\-\[\]]|{LETTER})+")
_GROUP = r"\([\w.-]{1,60}\)"  # a folder of routes, as in Next.js and Expo
_PART = r"[^\s\"'`,;:=(){}<>|*?$/\\]"
_IN_GROUPS = re.compile(rf"(?:(?:{_GROUP}){_PART}*/|{_PART}+/)+{_PART}+")
_IN_CODE = re.compile(r"[^\s\"'`,;:=(){}<>|*?$]+(?=(\()?)")
_PLACE = re.compile(r"(?:::.*|:\d+(?:[-:]\d+)*|#L?\d+(?:-L?\d+)?)$")
_COMMENT = re.compile(r"\s*(?:#|//|--|;|<!--|/\*)+\s*(\S+)\s*(?:-->|\*/)?\s*$")
_REMARK = re.compile(r"[(\uff08][^()\uff08\uff09]*[)\uff09]")
_LENGTH_LIMIT = 300  # characters of a path; keeps the regular expressions above quick


def as_path(name: str) -> str | None:
    """Return a name as a POSIX path inside the repository, None if it cannot be one."""
    if len(name) > _LENGTH_LIMIT:
        return None
    name = _PLACE.sub("", name.strip()).replace("\\", "/").strip()
    if not name or name.startswith(("/", "~")) or re.match(r"[A-Za-z]:", name):
        return None
    if re.search(r"[*?<>|{}\"\x00-\x1f]|://", name) or name.endswith("/"):
        return None
    path = posixpath.normpath(name)
    return None if path == "." or path.split("/")[0] == ".." else path


def looks_like_file(name: str) -> bool:
    """Tell a file name from an identifier: known suffix, known name, or a slash and a suffix."""
    folder, _, last = name.rpartition("/")
    stem, dot, suffix = last.rpartition(".")
    if last in _NAMES or last in _AMBIGUOUS_OK:
        return True
    if stem in {"self", "this", "cls"} or ("@" in name[1:] and not folder):
        return False
    if not dot or not stem or last.casefold() in _PRODUCTS or not re.search(r"\w", stem):
        return False
    if folder:
        return re.fullmatch(r"[A-Za-z0-9]{1,10}", suffix) is not None and suffix.isdigit() is False
    ambiguous = suffix in _AMBIGUOUS - {"c", "h"} or (suffix in {"c", "h"} and len(stem) == 1)
    return suffix.lower() in _SUFFIXES and not ambiguous and not stem[0].isdigit()


def mentioned(markdown: str) -> tuple[str, ...]:
    """Return the files named in a text, in order, each once.

    Blocks of code count with their info string, their first line if it is a comment that is a
    path, and, for shell, all of their words.
    """
    found: list[str] = []
    for piece in pieces(markdown):
        if piece.kind == "code":
            found += _in_code_block(piece.info, piece.text)
        else:
            found += [path for line in piece.text.split("\n") for path in _in_line(line)]
    return tuple(dict.fromkeys(found))


def _in_line(line: str) -> list[str]:
    line = _URL.sub(" ", line)
    names: list[str] = []
    for is_code, text in split_code(line):
        names += _words_of_code(text) if is_code else _words_of_text(text)
    return _files(names)


def _words_of_code(text: str) -> list[str]:
    return [name for word in text.split() for name in _names_in_word(word)]


def _names_in_word(word: str) -> list[str]:
    """Return a path with folders in brackets as it is, else the parts between brackets."""
    if "/(" in word or word.startswith("("):
        whole = _PLACE.sub("", word[:_LENGTH_LIMIT])
        if _IN_GROUPS.fullmatch(whole):
            return [whole]
    return [found[0] for found in _IN_CODE.finditer(word) if not found[1]]


def _words_of_text(text: str) -> list[str]:
    links = [(link.start(1), link[1]) for link in _LINK.finditer(text)]
    text = _LINK.sub(lambda link: "](" + " " * (len(link[0]) - 2), text)
    # An escape becomes as long as it was, so that the order of places stays.
    text = _ESCAPE.sub(r"\1", text)
    bare = [(run.start(), run[0]) for run in _BARE.finditer(text) if _stands_alone(run)]
    return [name for _, name in sorted(bare + links)]


def _stands_alone(run: re.Match[str]) -> bool:
    """Tell a name from a call "f.c(x)", a placeholder "<name>.py" and a pattern "*.py"."""
    start, end = run.span()
    before, after = run.string[max(0, start - 1) : start], run.string[end : end + 1]
    return before not in {"~", "$", "%", "}", ">", "*"} and after not in {"(", "*", "{", "<"}


def _files(names: list[str]) -> list[str]:
    paths = (
        as_path(name.strip("[]").rstrip("."))
        for name in names
        if not _DOMAIN.match(name[:_LENGTH_LIMIT])
    )
    return [path for path in paths if path is not None and looks_like_file(path)]


def _in_code_block(info: str, code: str) -> list[str]:
    names = [*_words_behind_language(info), *_path_in_comment(code)]
    if is_shell(info):
        names += [word for line in code.split("\n") for word in _words_of_code(line)]
    return _files(names)


def named_by_block(info: str, code: str) -> str:
    """Return the file that a block names as its own place, "" if it names none.

    By its info string ("python tests/a.py", `title="a.js"`), else by a comment in its first line.
    """
    found = _files(_words_behind_language(info)) or _files(_path_in_comment(code))
    return found[0] if found else ""


def _words_behind_language(info: str) -> list[str]:
    return list(filter(None, re.split(r"[\s=:\"'{}]+", info)[1:]))


def _path_in_comment(code: str) -> list[str]:
    """Return what the first line holds if it is a comment of one word."""
    comment = _COMMENT.match(code.split("\n", 1)[0][:_LENGTH_LIMIT])
    return [comment[1]] if comment else []


def listed(text: str) -> tuple[list[str], list[str]]:
    """Read one value of a `Files:` field: (paths, names that are none).

    Remarks in parentheses or after a dash are no names. A code span may hold a path with spaces.
    """
    spans = split_code(text)
    if any(is_code for is_code, _ in spans):
        names = _code_outside_parentheses(spans)
    else:
        names = _names_in_plain_list(text)
    paths = [(name, as_path(name)) for name in names]
    good = [path for _, path in paths if path is not None]
    return good, [name for name, path in paths if path is None]


def _code_outside_parentheses(spans: list[tuple[bool, str]]) -> list[str]:
    names: list[str] = []
    depth = 0
    for is_code, text in spans:
        if not is_code and depth == 0:
            segments = (part.strip(" *_") for part in _REMARK.sub(" ", text).split(","))
            names += [part for part in segments if " " not in part and _listable(part)]
        if not is_code:
            depth = max(0, depth + sum((c in "(\uff08") - (c in ")\uff09") for c in text))
        elif depth == 0 and _listable(text):
            names.append(text)
    return names


def _names_in_plain_list(text: str) -> list[str]:
    links = _LINK.findall(text)
    if links:
        return [link for link in links if _listable(link)]
    text = " ".join(_REMARK.sub(" ", _ESCAPE.sub(r"\1", text)).split())
    parts = re.split(r"[,;、\uff0c]|\s(?:and|und|or|&|\+)\s", text)
    names = (re.split(r"\s+[-\u2013—:#]+\s+|:\s+", part.strip(" *_-"))[0] for part in parts)
    words = (word.strip("*\"'").rstrip(".:") for name in names for word in name.split())
    return [word for word in words if _listable(word)]


def _listable(name: str) -> bool:
    return looks_like_file(name) or ("/" in name and " " not in name and "(" not in name)
