"""The one place where errors end: as a message and an exit code, a bug as a log."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence

import click

from qwenagent.cli.app import cli
from qwenagent.cli.codes import BUG, ENVIRONMENT, INTERRUPTED, NOT_DONE
from qwenagent.cli.report import write_report
from qwenagent.cli.words import spread_files
from qwenagent.errors import QwenAgentError, UsageError

_ENVIRONMENT_ERRNOS = {
    errno.ENOSPC: ("no space left on the device for {}", "free some, then run again"),
    errno.EDQUOT: ("the disk quota is used up, for {}", "free some, then run again"),
    errno.EROFS: ("{} is on a file system that is mounted read-only", ""),
    errno.EACCES: ("no permission to write or read {}", "look at its owner and mode (ls -ld)"),
    errno.EPERM: ("the system does not permit this with {}", ""),
    errno.EMFILE: ("too many open files, at {}", "raise the limit: ulimit -n 4096"),
}


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
            message, hint = _ENVIRONMENT_ERRNOS[error.errno]
            _say_error(message.format(error.filename or "a file"), hint)
            return ENVIRONMENT
        _say_error(
            f"this is a bug in qwenagent ({type(error).__name__})",
            f"please report {write_report(args, traceback.format_exc())}",
        )
        return BUG


def _say_error(message: str, hint: str) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)
