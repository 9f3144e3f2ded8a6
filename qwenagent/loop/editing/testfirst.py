"""A test that the model writes before the code, for a step of which no test speaks.

It guides the attempts and proves nothing: who misread the step tests what was misread. Of the
asserts that the 1.5B wrote for three exercises, programs that pass the exercise's own tests held
9 of 54, 20 of 45 and 2 of 10, so this is done only where the user wants it.
"""

from __future__ import annotations

from dataclasses import replace

from qwenagent.checks.given import place_for
from qwenagent.errors import ChecksError
from qwenagent.loop.editing.asker import Asker
from qwenagent.loop.editing.context import Background
from qwenagent.loop.editing.editor import Editor
from qwenagent.loop.editing.importing import Imports
from qwenagent.loop.editing.orders import prompt
from qwenagent.loop.editing.targets import Targets
from qwenagent.loop.given import GivenFile
from qwenagent.loop.ports import Ports
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import Warned


def written_test(
    step: Step,
    coming: tuple[str, ...],
    suite: TestCommand | None,
    ports: Ports,
    asker: Asker,
    imports: Imports,
    background: Background,
) -> GivenFile | None:
    """Have the model write a test for a step; None, and a word of it, if that comes to nothing.

    `coming` are the files that the step is to create. What was written is part of the tree that the
    step starts from, and goes when the tree abandons the step.

    Raises:
        Stopped, ContextOverflow, EngineCrashed: see `Asker.ask`.
    """
    tree = ports.workspace
    try:
        place = place_for(step, tree.files(), suite, tree.text)
    except ChecksError as error:
        ports.events.emit(Warned(f"no test is written first: {error.message}"))
        return None
    editor = Editor(
        ports,
        asker,
        _about_test(step, place.path),
        Targets(create=(place.path,)),
        imports=imports,
        test_command=place.path,
        background=background,
        speaks=True,
        coming=coming,
    )
    for attempt in range(ports.settings.loop.resamples + 1):
        editor.open("edit", None, think=attempt > 0)
        editor.edit("edit")
        if text := tree.text(place.path):
            tree.ground()
            code = replace(step, test_code=text, test_lang=place.language, test_path=place.path)
            return GivenFile.of(code, suite, tree)
    why = editor.refusal or "no answer came to its end"
    ports.events.emit(Warned(f"no test is written first: {why}"))
    return None


def _about_test(step: Step, path: str) -> Step:
    """Return the step of writing a test for a step."""
    return replace(
        step,
        title=f"A test for: {step.title}",
        text=prompt("test-first.md", path=path, step=step.text.strip()),
        files=(path,),
        mentions=(path, *step.mentions),
        examples=(),
    )
