"""Telling a shell command from prose and from other code. Never runs one."""

from __future__ import annotations

import re

from qwenagent.plan.markdown.inline import code_spans, split_code, word_set
from qwenagent.plan.markdown.leaves import language_of

_ALONE = word_set(
    "pytest py.test tox nox make ctest ninja phpunit rspec jest vitest mocha ava tsc mypy pyright "
    "rake check-all trial nosetests true false :"
)
_WITH_ARGUMENTS = word_set(
    "python python2 python3 py uv uvx poetry pipenv pdm hatch rye pixi conda npm npx pnpm yarn bun "
    "bunx deno node go cargo just task mvn gradle gradlew sbt lein bash sh zsh cmake meson bazel "
    "dotnet bundle ruby composer php swift mix rebar3 stack cabal dune opam zig nim julia Rscript "
    "lua busted dart flutter ruff flake8 black eslint biome prettier coverage unittest docker git "
    "grep test env timeout time xvfb-run pre-commit curl perl prove gcc clang java javac kotlinc "
    "vendor/bin/phpunit bin/rails rails manage.py tsx ts-node turbo nx lerna playwright cypress "
    "karma tape tap pip pip3 brew apt apt-get cd"
)
_SET_UP = re.compile(
    r"^(?:\w+ )?(?:-m )?"
    r"(?:npm|pnpm|yarn|bun|pip3?|uv pip|uv|poetry|bundle|composer|brew|apt|apt-get|go|cargo|gem) "
    r"(?:install|add|i|ci|sync|get|dev|start|serve|build|update|run dev|run start|"
    r"run serve|run build)\b|^cd\b|^git\b|^docker\b|^curl\b"
)
_ASSIGNMENTS = re.compile(r"^(?:[A-Za-z_]\w*=\S*\s+)+")
_PROMPT = re.compile(r"^(?:\$|>|%)\s+")
_LEAD = re.compile(r"^(?:please\s+)?(?:run|execute|with|using|via)\b\s*:?\s+", re.IGNORECASE)
_PROSE = re.compile(
    r"(?<!\S)(?:the|that|a|an|is|are|be|sure|should|must|works?|every|this|these|it)(?!\S)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_VERDICT = re.compile(
    r"\s+(?:(?:should|must|has to|still)\s+)*"
    r"(?:pass(?:es)?|succeeds?|is green|are green|exits? 0)\.?$",
    re.IGNORECASE,
)
_LENGTH_LIMIT = 4000  # characters; keeps the regular expressions above quick
_OR = re.compile(r"\bor\b|/", re.IGNORECASE)
_SHELL_LANGUAGES = word_set(
    "sh bash shell zsh fish console shell-session shellsession terminal cmd bat powershell ps1 pwsh"
)
_NO_LANGUAGE = frozenset({"", "text", "txt", "plain", "plaintext"})
_COMPOUND = re.compile(r"^(?:for|while|until|if|case|function|do|then)\b|<<|[|&({]$|^[})]")


def looks_like_command(text: str) -> bool:
    """Tell whether a piece of text is a command line of a program one would test with."""
    text = _ASSIGNMENTS.sub("", _PROMPT.sub("", text.strip()))
    words = text.split()
    if not words or "\n" in text:
        return False
    program = words[0].rsplit("/", 1)[-1] if "/" in words[0] else words[0]
    if words[0].startswith("./") and len(words[0]) > 2:
        return len(words) > 1 or not re.search(r"\.(?!sh$|bash$|bat$)\w+$", words[0])
    return program in _ALONE or (len(words) > 1 and program in _WITH_ARGUMENTS)


def is_set_up(command: str) -> bool:
    """Tell whether a command prepares or starts something and so tests nothing."""
    return _SET_UP.search(command) is not None


def command_in(text: str) -> str | None:
    """Return the command in the value of a `Test:` field, several joined by "&&"."""
    text = text.strip().strip("*").strip()
    if len(text) > _LENGTH_LIMIT:
        return None
    spans = split_code(text)
    found = [_bare(code) for is_code, code in spans if is_code and looks_like_command(code)]
    if found:
        between = " ".join(piece for is_code, piece in spans if not is_code)
        return found[0] if _OR.search(between) else " && ".join(dict.fromkeys(found))
    if len(spans) == 1 and spans[0][0]:
        return _bare(text.strip("`")) if named_program(spans[0][1]) else None
    return None if code_spans(text) else _command_in_prose(text)


def _bare(code: str) -> str:
    return _PROMPT.sub("", code.strip()).strip()


def named_program(code: str) -> bool:
    """Tell whether a code span may be a program nobody listed: it is neither a file nor code."""
    first, *rest = code.split() or [""]
    if not re.fullmatch(r"[\w./+-]+", first) or re.search(r"::|\w\(", code):
        return False
    is_file = re.search(r"\.(?!sh$|bash$|bat$)\w+$", first) is not None
    is_folder = first.endswith("/")
    return bool(rest) or ("/" in first and not is_file and not is_folder)


def _command_in_prose(text: str) -> str | None:
    text = _VERDICT.sub("", _LEAD.sub("", text))
    if re.search(r"[\w)'\"]\.$", text):
        text = text[:-1]
    return (
        _bare(text)
        if looks_like_command(text) and not _PROSE.search(_QUOTED.sub("", text))
        else None
    )


def commands_in_block(info: str, code: str) -> list[str]:
    """Return the commands of a fenced block, none if it is not shell."""
    language = language_of(info)
    if language not in _SHELL_LANGUAGES | _NO_LANGUAGE:
        return []
    lines = [line.strip() for line in code.replace("\\\n", " ").split("\n")]
    lines = [line for line in lines if line and not line.startswith("#")]
    if any(_PROMPT.match(line) for line in lines):
        # With prompts, what has none is output.
        lines = [_bare(line) for line in lines if _PROMPT.match(line)]
    if language in _NO_LANGUAGE and not all(map(looks_like_command, lines)):
        return []
    if any(_COMPOUND.search(line) for line in lines):
        return [code.strip()]
    return [re.sub(r"\s+", " ", line) if "\\\n" in code else line for line in lines]


def is_shell(info: str) -> bool:
    """Tell whether an info string names a shell."""
    return language_of(info) in _SHELL_LANGUAGES
