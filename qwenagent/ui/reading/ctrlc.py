"""Ctrl-C as a key of the session, also where the program was started with its signal ignored.

A script ignores it for what it puts into the background, and whatever is started from there on,
a window with a shell in it too, inherits that.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import TextIO


def hear_ctrl_c(stdin: TextIO) -> Callable[[], None]:
    """Have Ctrl-C raise KeyboardInterrupt if it is ignored; return what undoes that.

    Changes nothing where nobody types: without a terminal, or in another thread than the main one.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    in_main = threading.current_thread() is threading.main_thread()
    if not (ignored and in_main and stdin.isatty()):
        return _nothing
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return _ignore


def _ignore() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _nothing() -> None:
    """Nothing was changed."""
