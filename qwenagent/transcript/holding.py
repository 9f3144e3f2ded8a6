"""Whether somebody writes a file at this moment: a lock that ends with its process.

The one who writes has it alone, those who ask share it: they are never taken for a writer, and
neither number nor start time of a process have to be kept.
"""

from __future__ import annotations

import time

try:
    import fcntl
except ImportError:  # Windows: nobody knows, and the caller goes by the file's time
    HAS_LOCKS = False
else:
    HAS_LOCKS = True

_N_TRIES = 20
_PAUSE_S = 0.01
"""Who asks reads two lines of a file; a writer does not wait for more than that."""


def hold(handle: int) -> None:
    """Say that an open file is being written, for as long as it is open."""
    if not HAS_LOCKS:
        return
    for _ in range(_N_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        except OSError:  # a file system without locks
            return
        else:
            return


def is_held(handle: int) -> bool:
    """Return whether somebody writes an open file; if not, nobody begins to while it is open."""
    if HAS_LOCKS:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False
