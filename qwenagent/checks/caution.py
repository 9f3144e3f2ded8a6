"""What makes a command more than a program with its arguments, in words for who approves it.

A command with a caution is asked about each time. Starts nothing and looks at no file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from qwenagent.checks.anatomy import dissect, program_indexes
from qwenagent.checks.command import (
    count_assignments,
    is_shell,
    needs_shell,
    program_name,
    unquoted,
)
from qwenagent.protocol.checks import TestCommand

_SPECIAL = ";|&<>$`\n(){}*?[]~!#"
_OPERATORS = frozenset(";|&()\n")
_SHELLS = frozenset(
    [
        *("sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "csh", "tcsh", "busybox"),
        *("cmd", "powershell", "pwsh"),
    ]
)
_RIGHTS = frozenset({"sudo", "doas", "su", "pkexec", "runas"})
_STARTERS = frozenset(
    [
        *("env", "timeout", "nohup", "nice", "ionice", "time", "stdbuf", "setsid", "xargs", "exec"),
        *("parallel", "watch", "entr", "strace", "ltrace", "gdb", "chroot", "unshare", "nsenter"),
        *("command", "builtin", "eval", "source", ".", "flock", "script", "expect", "xvfb-run"),
        *("cross-env", "conda", "mamba", "pixi", "mise", "direnv", "nix", "nix-shell", "docker"),
        *("podman", "systemd-run", "at", "crontab", "start", "open"),
    ]
)
_FETCHERS = frozenset({"npx", "uvx", "bunx", "pipx"})
_FETCHING = frozenset(
    [("npm", "exec"), ("npm", "x"), ("pnpm", "dlx"), ("yarn", "dlx"), ("bun", "x"), ("uv", "tool")]
)
_FAR = frozenset(
    ["curl", "wget", "ssh", "scp", "sftp", "rsync", "nc", "ncat", "netcat", "telnet", "ftp"]
)
_OWN_LANGUAGE = frozenset({"awk", "gawk", "mawk", "nawk", "sed", "ed", "ex", "vi", "vim", "emacs"})
# Options that make a program run code or another program, or write where it only seems to read:
# CVE-2026-24887 (find), CVE-2025-58764 (rg), CVE-2025-64755 (sed).
_DOING: dict[str, tuple[str, ...]] = {
    "python": ("-c",),
    "pypy": ("-c",),
    "node": ("-e", "--eval", "-p", "--print", "-r", "--require", "--import"),
    "deno": ("eval",),
    "bun": ("-e", "--eval", "-p"),
    "perl": ("-e", "-E", "-M"),
    "ruby": ("-e", "-r"),
    "php": ("-r", "-R", "-B", "-E"),
    "lua": ("-e", "-l"),
    "rscript": ("-e",),
    "osascript": ("-e",),
    "find": ("-exec", "-ok", "-delete", "-fprint", "-fls"),
    "git": ("-c", "--config-env", "--exec-path", "-C", "--git-dir"),
    "rg": ("--pre", "--hostname-bin", "-z"),
    "sort": ("-o", "--output", "--compress-program"),
    "tree": ("-o",),
    "tar": ("-I", "--to-command", "--checkpoint-action", "--use-compress-program", "--rsh-command"),
    "make": ("--eval", "SHELL="),
    "gmake": ("--eval", "SHELL="),
    "cargo": ("--config",),
    "go": ("-exec", "-toolexec", "-vettool"),
}


def cautions(command: TestCommand) -> tuple[str, ...]:
    """Return what is special about a command, a sentence each; none if it is plain."""
    found = dict.fromkeys([*_of_text(command), *_of_words(command.argv)])
    return tuple(found)


def programs(command: TestCommand) -> tuple[str, ...]:
    """Return the programs that a command names, those that start others too, each once."""
    argv = command.argv
    if is_shell(argv):
        return tuple(dict.fromkeys([argv[0], *_programs_in(argv[2])]))
    return tuple(dict.fromkeys(argv[i] for i in _starts(argv)))


def starts_another(argv: Sequence[str]) -> bool:
    """True for a shell, and for a program whose arguments name the one that is meant."""
    return any(program_name(argv[i]) in _SHELLS | _RIGHTS | _STARTERS for i in _starts(argv))


def _of_text(command: TestCommand) -> Iterator[str]:
    bare = unquoted(command.shown)
    special = [char for char in _SPECIAL if char in bare]
    signs = " ".join(special).replace("\n", "a new line")
    if is_shell(command.argv) and needs_shell(command.shown):
        yield f"a shell reads this, because of {signs or 'its words'}"
        names = _programs_in(command.shown)
        yield f"it starts {', '.join(names)}" if names else "what it starts cannot be told"
        for name in names:
            yield from _foreign_letters(name)
    elif is_shell(command.argv):
        yield "a shell reads this"
    elif special:
        yield f"{signs}: a shell would read this otherwise than it is run here"
    if set_now := re.findall(r"(?:^|[\s;|&(])([A-Za-z_]\w*)=", bare):
        where = "before a program" if is_shell(command.argv) else "for the program"
        if count_assignments(command.shown.split()) or is_shell(command.argv):
            yield f"sets {', '.join(dict.fromkeys(set_now))} {where}"


def _of_words(argv: Sequence[str]) -> Iterator[str]:
    if is_shell(argv):
        return
    place = dissect(argv)
    for i in _starts(argv):
        is_module = i == place.program and place.kind in ("pytest", "unittest")
        # What follows `python -m pytest` is for pytest.
        yield from _of_program(argv[i], argv[i + 1 : place.arguments if is_module else None])


def _of_program(word: str, own: Sequence[str]) -> Iterator[str]:
    name = program_name(word)
    yield from _foreign_letters(word)
    if word != word.strip() or not word:
        yield "the program's name begins or ends with a blank"
    if name in _SHELLS and any(re.match(r"[-/]\w*[cC]|[-+]o|-s$|--rcfile", w) for w in own):
        yield f"{name} runs a text as a program"
    if name in _RIGHTS:
        yield f"{name} runs a program with another user's rights"
    if name in _STARTERS:
        yield f"{name} starts another program"
    if (name in _FETCHERS and "--no-install" not in own[:1]) or (name, *own[:1]) in _FETCHING:
        yield f"{name} may fetch a package and run it"
    if name in _FAR:
        yield f"{name} talks to another machine"
    if name in _OWN_LANGUAGE:
        yield f"{name} runs a text in a language of its own"
    if doing := [w for w in own if _is_doing(name, w)]:
        shown = ", ".join(w.partition("=")[0][:40] for w in doing)
        yield f"{shown}: {name} then does more than it seems to"


def _foreign_letters(word: str) -> Iterator[str]:
    if not word.isascii():
        signs = ", ".join(f"U+{ord(c):04X}" for c in dict.fromkeys(word) if not c.isascii())
        yield f"the program's name has letters that may only look familiar: {signs}"


def _is_doing(name: str, word: str) -> bool:
    """True for such an option, also where its value is joined to it: `-cprint(1)`, `-execdir`."""
    for option in _DOING.get(name, ()):
        if word == option or (len(option) > 2 and word.startswith(option)):
            return True
        if len(option) == 2 and word.startswith(option) and not word.startswith("--"):
            return True
        # `python -Bc code`: short options in one word.
        if name in ("python", "perl", "ruby") and re.fullmatch(rf"-\w*{option[1]}", word):
            return len(option) == 2
    return False


def _starts(argv: Sequence[str]) -> Iterator[int]:
    """Yield the index of every word that names a program, as far as can be told."""
    found = program_indexes(argv)
    yield from found
    for last in found[-1:]:
        if program_name(argv[last]) == "bundle" and [*argv[last + 1 : last + 2]] == ["exec"]:
            yield from (last + 2,) if last + 2 < len(argv) else ()


def _programs_in(text: str) -> list[str]:
    """Return the first word of each simple command of a shell text; it need not be exact."""
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.commenters = ""
    lexer.whitespace_split = True
    found: dict[str, None] = {}
    is_first = True
    try:
        for word in lexer:
            if _OPERATORS.issuperset(word):
                is_first = True
            elif is_first and not re.match(r"[A-Za-z_]\w*=", word):
                found[word] = None
                is_first = False
    except ValueError:
        return []
    return list(found)
