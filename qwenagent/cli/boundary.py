"""The one place where errors end: as a message and an exit code, a bug as a log."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import click

from qwenagent.cli.app import cli
from qwenagent.cli.codes import BUG, ENVIRONMENT, INTERRUPTED, NOT_DONE
from qwenagent.cli.report import write_report
from qwenagent.cli.words import spread_files, usage_words
from qwenagent.errors import QwenAgentError, UsageError

_FREE = "free some, then run again"
_OWNER = "look at its owner and mode: ls -ld"
_ENVIRONMENT_ERRNOS = {
    errno.ENOSPC: ("no space left on the device for {}", _FREE),
    errno.EDQUOT: ("the disk quota is used up, for {}", _FREE),
    errno.EFBIG: ("{} is as large as a file may become", "raise the limit: ulimit -f unlimited"),
    errno.EROFS: ("{} is on a file system that is mounted read-only", "mount it for writing"),
    errno.EACCES: ("no permission to write or read {}", _OWNER),
    errno.EPERM: ("the system does not permit this with {}", _OWNER),
    errno.ENOTDIR: ("a part of the path {} is a file, and a folder is needed", _OWNER),
    errno.EMFILE: ("too many open files, at {}", "raise the limit: ulimit -n 4096"),
    errno.EIO: ("the device cannot read or write {}", "look at the system's log: dmesg"),
}


def main(args: Sequence[str] | None = None) -> None:
    """Run the program and exit with its code."""
    # A worker is started as `python -c ...`, which looks for modules in the current folder first:
    # in the user's repository. Commands of the project do not get this, see `sandbox`.
    os.environ["PYTHONSAFEPATH"] = "1"
    _open_missing_streams()
    sys.exit(guarded(sys.argv[1:] if args is None else args))


def guarded(args: Sequence[str]) -> int:
    """Run a command; every error ends here as one message and an exit code."""

    def run() -> int:
        code = cli.main(spread_files(args), prog_name="qwenagent", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)

    return told(run, args)


def told(work: Callable[[], int], args: Sequence[str]) -> int:
    """Do some work and return its code; whatever ends it early is told as of a command `args`."""
    try:
        return work()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        _say_error(*usage_words(error))
        return UsageError.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except QwenAgentError as error:
        _say_error(error.message, error.hint)
        return error.exit_code
    except BrokenPipeError:
        _drop_output()
        return NOT_DONE
    except Exception as error:  # the one boundary: what nobody expected is told and reported
        if isinstance(error, OSError) and error.errno in _ENVIRONMENT_ERRNOS:
            return _end_for_environment(error)
        _say_error(
            f"this is a bug in qwenagent ({type(error).__name__})",
            f"please report {write_report(args, error)}",
        )
        return BUG


def _end_for_environment(error: OSError) -> int:
    message, hint = _ENVIRONMENT_ERRNOS[error.errno or 0]
    if error.filename is None:
        _drop_output()
    name = os.fsdecode(error.filename) if error.filename else "the output"
    _say_error(message.format(name), f"{hint} {name}" if hint == _OWNER else hint)
    return ENVIRONMENT


def _say_error(message: str, hint: str) -> None:
    """Nothing can be done where that cannot be said either; the exit code remains."""
    from qwenagent.ui import revealed

    # Names of files and branches, and what git says, are in it as they come.
    with suppress(OSError):
        click.echo(f"error: {revealed(message)}", err=True)
        if hint:
            click.echo(f"  {revealed(hint)}", err=True)


def _drop_output() -> None:
    """Nobody takes what is still to be printed; Python would complain when it flushes it."""
    with suppress(OSError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _open_missing_streams() -> None:
    """Give a process that was started without stdin, stdout or stderr one that leads nowhere.

    Otherwise the next file that is opened gets their number, and what is printed goes into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace"))
