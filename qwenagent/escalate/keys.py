"""A provider's key: from the environment, the system's keyring, or a command of the user's.

Never from a repository. The key itself is in no representation, message or log.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from qwenagent.errors import KeyMissing
from qwenagent.protocol.messages import Cancel

_COMMAND_S = 60.0
"""A password manager may ask its user first."""
_POLL_S = 0.05
_LONGEST = 8192
"""More is no key, and no header either."""


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where a key is, asked in this order. Nothing at all: the provider wants none."""

    variable: str = ""
    """Name of an environment variable."""
    keyring: str = ""
    """Name of a service in the system's keyring; the user name is the provider's name."""
    command: tuple[str, ...] = ()
    """What prints the key: ["pass", "show", "anthropic"]. No shell reads it."""

    def __bool__(self) -> bool:
        return bool(self.variable or self.keyring or self.command)


class Key:
    """A secret, and where it came from."""

    __slots__ = ("_text", "origin")

    def __init__(self, text: str, origin: str) -> None:
        self._text = text
        self.origin = origin

    def __repr__(self) -> str:
        return f"Key(from {self.origin})"

    def __reduce__(self) -> str:
        raise TypeError("a key does not leave its process")

    def reveal(self) -> str:
        """Return the secret itself, for the one header that carries it."""
        return self._text

    def scrubbed(self, text: str) -> str:
        """Return a text without the key: some servers repeat a wrong one."""
        return text.replace(self._text, "[key]") if self._text else text


NO_KEY = Key("", "nowhere")


def read_key(
    name: str, source: KeySource, environ: Mapping[str, str], cancel: Cancel | None = None
) -> Key:
    """Return the key of the provider `name`; `NO_KEY` if it wants none, or `cancel` is set.

    Raises:
        KeyMissing: none of the sources has one; the message says where was looked.
    """
    if not source:
        return NO_KEY
    if source.variable and (found := environ.get(source.variable, "").strip()):
        return _checked(Key(found, f"the environment variable {source.variable}"))
    if source.keyring and (found := _from_keyring(name, source.keyring)):
        return _checked(Key(found, f"the keyring, service {source.keyring}"))
    if source.command:
        return _from_command(name, source.command, environ, cancel)
    raise KeyMissing(f"there is no key for {name}", hint=_where(name, source))


def _where(name: str, source: KeySource) -> str:
    ways = []
    if source.variable:
        ways.append(f"set the environment variable {source.variable}")
    if source.keyring:
        ways.append(f"`keyring set {source.keyring} {name}`")
    return " or ".join(ways)


def _checked(key: Key) -> Key:
    text = key.reveal()
    if not (text.isascii() and text.isprintable()) or " " in text or len(text) > _LONGEST:
        raise KeyMissing(
            f"{key.origin} holds no key: {len(text)} characters with some that no key has",
            hint="a key is one line of ASCII without blanks",
        )
    return key


def _from_keyring(name: str, service: str) -> str:
    """Return the key, or nothing; a keyring that is not there is an error, as it was asked for."""
    try:
        keyring = import_module("keyring")
    except ImportError:
        raise KeyMissing(
            f"the key for {name} is to come from the keyring, and `keyring` is not installed",
            hint="pip install 'qwenagent[keyring]'",
        ) from None
    errors = import_module("keyring.errors")
    try:
        return (keyring.get_password(service, name) or "").strip()
    except errors.KeyringError as error:
        raise KeyMissing(
            f"the keyring does not give the key for {name}: {type(error).__name__}",
            hint="is a desktop session running? An environment variable works without one",
        ) from None


# -- a command ------------------------------------------------------------------------------------


def _from_command(
    name: str, command: tuple[str, ...], environ: Mapping[str, str], cancel: Cancel | None
) -> Key:
    program = _program(name, command[0], environ)
    try:
        process = subprocess.Popen(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(program).anchor,  # not the repository, whose files could have a say there
            env=dict(environ),
        )
    except OSError as error:
        raise KeyMissing(
            f"{command[0]}, which has the key for {name}, does not start: {error.strerror}"
        ) from None
    with process:
        output = _output(process, cancel)
    if cancel is not None and cancel.is_set():
        return NO_KEY
    lines = output.decode("utf-8", errors="replace").split()
    if process.returncode or len(lines) != 1:
        raise KeyMissing(
            f"{command[0]} does not give the key for {name}: exit code {process.returncode}, "
            f"{len(lines)} words where one is a key",
            hint="run it yourself to see what it says",
        )
    return _checked(Key(lines[0], f"the command {command[0]}"))


def _program(name: str, word: str, environ: Mapping[str, str]) -> str:
    """Return the absolute path of a program; what is relative may be a file of a repository."""
    folders = [f for f in environ.get("PATH", "").split(os.pathsep) if Path(f).is_absolute()]
    is_name = os.sep not in word and (os.altsep or os.sep) not in word
    found = shutil.which(word, path=os.pathsep.join(folders)) if is_name else word
    if found and Path(found).is_absolute():
        return found
    raise KeyMissing(
        f"{word}, which has the key for {name}, is not a program in PATH",
        hint="name it as it is in PATH, or by its absolute path",
    )


def _output(process: subprocess.Popen[bytes], cancel: Cancel | None) -> bytes:
    end = time.monotonic() + _COMMAND_S
    while True:
        try:
            return process.communicate(timeout=_POLL_S)[0]
        except subprocess.TimeoutExpired:
            if time.monotonic() > end or (cancel is not None and cancel.is_set()):
                process.kill()
                return b""  # not what it still prints: a child of it may hold the pipe open
        except BaseException:
            process.kill()
            raise
