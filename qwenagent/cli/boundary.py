"""The one place where errors end: as a message and an exit code, a bug as a log."""

from __future__ import annotations

import errno
import os
import platform
import sys
import traceback
from collections.abc import Sequence

import click

from qwenagent import __version__
from qwenagent.cli.app import cli
from qwenagent.cli.codes import BUG, ENVIRONMENT, INTERRUPTED, NOT_DONE
from qwenagent.cli.words import spread_files
from qwenagent.errors import QwenAgentError, UsageError

_ENVIRONMENT_ERRNOS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
)


def main(args: Sequence[str] | None = None) -> None:
    """Run the program and exit with its code."""
    sys.exit(guarded(sys.argv[1:] if args is None else args))


def guarded(args: Sequence[str]) -> int:
    """Run a command; every error ends here as one message and an exit code."""
    try:
        code = cli.main(spread_files(args), prog_name="qwenagent", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        error.show()
        return UsageError.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except QwenAgentError as error:
        _say_error(error.message, error.hint)
        return error.exit_code
    except BrokenPipeError:
        # Nobody reads on; Python would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_DONE
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _ENVIRONMENT_ERRNOS:
            _say_error(str(error), "")
            return ENVIRONMENT
        _say_error(
            f"this is a bug in qwenagent ({type(error).__name__})",
            f"please report {_write_bug(args)}",
        )
        return BUG


def _say_error(message: str, hint: str) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)


def _write_bug(args: Sequence[str]) -> str:
    """Write what a report needs to a file and return its path, or all of it if that fails."""
    from importlib import metadata

    from qwenagent.transcript import state_dir

    try:
        binding = metadata.version("llama-cpp-python")
    except metadata.PackageNotFoundError:
        binding = "missing"
    system = f"Python {platform.python_version()}, {platform.platform()}"
    lines = [
        f"qwenagent {__version__}, llama-cpp-python {binding}, {system}",
        f"command: {list(args)}",
        f"transcripts: {state_dir() / 'runs'}",
        traceback.format_exc(),
    ]
    text = "\n".join(lines)
    path = state_dir() / "bug.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return f"this:\n{text}"
    return str(path)
