"""The stream for everything that is printed while the prompt is on the screen."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import TextIO

from qwenagent.ui.lower_stream import LowerStream


class Above(io.TextIOWrapper):
    """Passes whole lines on; they appear above the prompt. Any thread may write.

    What is written without a line's end waits for it, since the prompt needs a line of its own.
    """

    def __init__(self, give: Callable[[str], None], stream: TextIO) -> None:
        below = io.BufferedWriter(LowerStream(stream))
        super().__init__(below, encoding=stream.encoding or "utf-8", newline="")
        self._give = give
        self._begun = ""
        self._lock = threading.Lock()

    def write(self, text: str, /) -> int:
        """Take text; pass on what ends with a line feed."""
        with self._lock:
            whole, feed, self._begun = (self._begun + text).rpartition("\n")
            if feed:
                self._give(whole + feed)
        return len(text)

    def finish(self) -> None:
        """Pass on the line that has no end yet."""
        if self._begun:
            self.write("\n")
