"""A task in plain words as a plan of one step, so that both take the same way."""

from __future__ import annotations

import hashlib

from qwenagent.errors import PlanError
from qwenagent.plan.examples import find_examples
from qwenagent.plan.markdown.inline import plain
from qwenagent.plan.paths import mentioned
from qwenagent.plan.values import Plan, Step

TITLE_CHARS = 72


def task_plan(text: str) -> Plan:
    """Return the plan whose only step is `text`.

    Raises:
        PlanError: the text is blank.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip(" #\t")]
    if not lines:
        raise PlanError("the task is empty", hint='say what to do: qwenagent "make test_x.py pass"')
    title = plain(lines[0].lstrip("# "))
    if len(title) > TITLE_CHARS:
        title = f"{title[: TITLE_CHARS - 1].rstrip()}…"
    digest = hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()
    step = Step(
        number=1,
        title=title,
        text=text.strip(),
        files=(),
        mentions=mentioned(text),
        test=None,
        test_code=None,
        test_lang="",
        done_when="",
        depends_on=(),
        checked=False,
        line=1,
        digest=digest,
        examples=find_examples(text),
    )
    return Plan("", title, "", None, (step,), (), digest)
