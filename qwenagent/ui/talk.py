"""What is said in a session, on a terminal: messages, growing answers, what commands print."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from qwenagent.protocol.events import Answered, CommandRan, Phase
from qwenagent.ui import words
from qwenagent.ui.answer import GrowingText, draw_markdown
from qwenagent.ui.below import Below
from qwenagent.ui.extent import Extent
from qwenagent.ui.printable import revealed


class TalkView:
    """Draws a conversation. What the user has typed and seen is drawn only when it is past."""

    def __init__(self, console: Console, below: Below, extent: Extent) -> None:
        self._console = console
        self._below = below
        self._is_past = extent.is_past
        self._growing = GrowingText()
        self.answers = False
        """Whether what the model writes now is an answer in words."""

    def turn_started(self, phase: Phase) -> None:
        """The model is asked."""
        self.answers = phase == "answer"
        self._growing = GrowingText()

    def grow(self, text: str) -> None:
        """Take more of an answer: whole blocks are printed, what is left stands below."""
        if self._is_past:  # `Answered` has all of it
            return
        self._below.write(text)
        for block in self._growing.add(text):
            draw_markdown(block, self._console)
        self._below.rewrite(self._growing.rest)

    def turn_ended(self) -> None:
        """The answer has come to its end."""
        for block in self._growing.finish():
            draw_markdown(block, self._console)
        self.answers = False

    def said(self, text: str) -> None:
        """Print a message again."""
        if self._is_past:
            self._console.print()
            self._console.print(_message(text))

    def answered(self, event: Answered) -> None:
        """Print an answer again, and say if it is not whole."""
        if self._is_past:
            draw_markdown(event.text, self._console)
        if event.stop != "stop":
            note = Text(words.cut_answer(event), "yellow")
            self._console.print(Padding(note, (0, 0, 0, 2), expand=False))

    def ran(self, event: CommandRan) -> None:
        """Print again what a command has said."""
        if not self._is_past:
            return
        self._console.print()
        self._console.print(_message(event.line))
        if event.said.strip():
            self._console.print(Text(revealed(event.said).expandtabs(4).rstrip("\n")))


def _message(text: str) -> Text:
    shown = revealed(text).expandtabs(4).replace("\n", "\n  ")
    return Text(f"> {shown}", "bold", overflow="fold")
