"""Why an edit of a step is not written, of all reasons the one that weighs most.

Reasons that words may have led to are given up after a while: then the edit is taken as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from qwenagent.loop.editing.asker import Overruled
from qwenagent.loop.editing.importing import Imports
from qwenagent.loop.editing.phases import form_of
from qwenagent.loop.editing.targets import Targets, is_infrastructure
from qwenagent.loop.ports import Ports
from qwenagent.loop.words.promised import lacking
from qwenagent.plan import Step
from qwenagent.protocol.events import OVERRULED
from qwenagent.tools import changed_parameters, refusal
from qwenagent.workspace import Edit

DOUBTFUL_REFUSED = 2
"""Edits of a step that are refused for what only its words say against them."""


class Refusals:
    """Looks at the edits of one step before they are written."""

    def __init__(
        self,
        ports: Ports,
        step: Step,
        targets: Targets,
        imports: Imports,
        plan_text: str,
        *,
        speaks: bool,
    ) -> None:
        """`speaks`: whether a test speaks for the step."""
        self._loop = ports.settings.loop
        self._whole_file_lines = ports.profile.whole_file_lines
        self._step = step
        self._targets = targets
        self._imports = imports
        self.request = f"{step.text}\n{plan_text}"
        """What may allow that something goes."""
        self._speaks = speaks
        self.adding: set[str] = set()
        """Files for whose code a name was wanted that is not there: something new is meant."""
        self._seen: set[Edit] = set()
        self._was_overruled = False
        self._n_doubtful = 0

    def why(self, edit: Edit, overruled: Overruled | None, coming: Sequence[str] = ()) -> str:
        """Return why an edit is not to be written, empty if it is fine.

        `overruled` is what the grammar refused of its call, `coming` the files that are about to be
        made with it.
        """
        is_again = edit in self._seen and self._targets.single
        self._seen.add(edit)
        not_meant = self._not_meant(edit.path, overruled)
        steering = next(filter(is_infrastructure, (edit.path, edit.to)), "")
        if steering and edit.path not in self._targets.all:
            return f"{steering} decides how tests run and is not part of the step"
        if not_meant or is_again:
            return not_meant or "the same change was tried before"
        if edit.new is None or edit.to:
            return ""
        unresolved = self._imports.unresolved(edit, (*self._targets.create, *coming))
        return refusal(edit, self.request, unresolved) or self._doubtful(edit, edit.new)

    def _not_meant(self, path: str, overruled: Overruled | None) -> str:
        """Return why a call is not what the model wanted; the last attempts are taken as they are.

        A second time the model is right to insist: then what it wants cannot be had.
        """
        if overruled is None or overruled.doubt.cut < OVERRULED or self._was_overruled:
            return ""
        self._was_overruled = True
        if overruled.argument == "symbol":
            self.adding.add(path)
        wanted = overruled.doubt.wanted.strip() or "something else"
        return f"for {overruled.argument} {wanted!r} was wanted, which cannot be had here"

    def _doubtful(self, edit: Edit, new: str) -> str:
        """Return what a file lacks of what the step says, or which callers would fail.

        Tests tell that better. What is written part by part cannot have everything at once.
        """
        if self._speaks or not self._targets.single:
            return ""
        old, request = edit.old or "", self._step.text
        reason = lacking(edit.path, old, new, request) if self._is_whole(edit) else ""
        if not reason and edit.path.endswith(".py"):
            reason = changed_parameters(old, new, request)
        self._n_doubtful += bool(reason)
        return reason if self._n_doubtful <= DOUBTFUL_REFUSED else ""

    def _is_whole(self, edit: Edit) -> bool:
        if edit.old is None:
            return True
        way = form_of(edit.path, edit.old, self._whole_file_lines, self._loop.form or None)
        return way == "whole"
