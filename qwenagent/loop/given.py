"""A test that the plan gives: written before the model is asked, taken away if the step fails."""

from __future__ import annotations

from dataclasses import replace

from qwenagent.checks.given import GivenTest, given_test
from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.loop.editing.edited import edit_applied
from qwenagent.plan import Step
from qwenagent.plan.markdown.leaves import pieces
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import EventStream
from qwenagent.workspace import Edit, Workspace


class GivenFile:
    """The file of a given test."""

    def __init__(self, tree: Workspace, given: GivenTest) -> None:
        self.path = given.path
        self.command = given.command
        self._tree = tree
        self._text = given.text

    @classmethod
    def of(cls, step: Step, suite: TestCommand | None, tree: Workspace) -> GivenFile | None:
        """Return the file for a step's test, None if the step gives none.

        Raises:
            ChecksError: it cannot be known how it is run, or where it would have to be.
        """
        given = given_test(step, tree.files(), suite, tree.text)
        return GivenFile(tree, given) if given else None

    def write(self, events: EventStream) -> str:
        """Write it as part of the tree that the step starts from; return why not, if not.

        It is taken away when the tree abandons the step.
        """
        old = self._tree.text(self.path)
        if old == self._text:
            return ""
        edit = Edit(self.path, old, self._text)
        try:
            self._tree.apply(edit)
        except (EditRefused, PathEscapes) as error:
            return error.message
        self._tree.ground()
        events.emit(edit_applied(edit))
        return ""

    def step_without(self, step: Step) -> Step:
        """Return the step as one that is not about this file.

        Its code goes out of the text: the prompt shows the file, and what stands in the step
        itself a small model writes into the file that it is to change.
        """
        return replace(
            step,
            text=_without_code(step.text, step.test_code or "", f"(see `{self.path}`)"),
            files=tuple(path for path in step.files if path != self.path),
            mentions=tuple(path for path in step.mentions if path != self.path),
        )


def _without_code(text: str, code: str, instead: str) -> str:
    """Return a Markdown text without the fenced block that holds `code`."""
    lines = text.split("\n")
    for piece in pieces(text):
        if piece.kind == "code" and piece.text.strip() == code.strip():
            return "\n".join([*lines[: piece.start], instead, *lines[piece.end :]])
    return text
