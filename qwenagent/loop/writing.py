"""Plans that a model writes: for a task, and from a review of what was done. Carries out nothing.

Each can be written here or by a model elsewhere; what comes back is read by the same reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qwenagent import assets
from qwenagent.engine import Engine
from qwenagent.errors import AnswerMalformed, PlanError
from qwenagent.escalate import FileText, Material
from qwenagent.loop.editing.context import fenced
from qwenagent.loop.stop import Stop
from qwenagent.plan import Plan, Step, parse_plan, task_plan
from qwenagent.protocol.events import EventStream, Progress, TokenDelta, TurnEnded, TurnStarted
from qwenagent.protocol.messages import Message, Prompt, Sampling
from qwenagent.syntax import is_known, outline
from qwenagent.tools import cut_lines
from qwenagent.workspace import Workspace, unified_diff
from qwenagent.workspace.history import History

MAX_STEPS = 8
"""Of a plan written here, and of findings: more are not read by anybody."""
PLAN_TOKENS = 1500
"""Longest plan that is written here."""
TRIES = 3
MAP_CHARS = 6000
MAX_LISTED = 80
MAX_FILES = 8
PLAN_CHARS = 20_000
NOTHING = re.compile(r"[\s*_`#.]*no (?:further )?findings[\s*_`.!]*", re.IGNORECASE)
_FENCED = re.compile(r"\s*(`{3,})(?:markdown|md)?[ \t]*\n(.*)\n\1\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a model that writes here needs."""

    engine: Engine
    events: EventStream
    stop: Stop
    seed: int = 0


# -- a plan for a task --------------------------------------------------------------------------


def write_plan(desk: Desk, tree: Workspace, task: str, test: str = "") -> str:
    """Have the local model write a plan; return it as Markdown with at least one step.

    Raises:
        PlanError: there is no plan among several answers.
        Stopped: the run was stopped.
        ContextOverflow, EngineCrashed: see `Engine.complete`.
    """
    room_chars = 3 * max(desk.engine.describe().n_ctx - 2 * PLAN_TOKENS, 512)
    seen = about_repository(tree, task, tree.files(), min(room_chars, MAP_CHARS))
    order = _filled("plan.md", parts=seen, task=task, n_steps=str(MAX_STEPS))

    def read(answer: str) -> str:
        return rendered(_with_test(plan_of(answer), test))

    return _written(desk, order, read)


def task_material(tree: Workspace, task: str, test: str, may_go: Sequence[str]) -> Material:
    """Return what a model elsewhere may see for a plan: the map, and the files that are named.

    `may_go` are the repository's files that are not kept here.
    """
    tests = f"\n\nThe tests are run with `{test}`." if test else ""
    seen = about_repository(tree, task, may_go, MAP_CHARS)
    named = [path for path in task_plan(task).steps[0].mentions if path in set(may_go)]
    texts = ((path, tree.text(path)) for path in named[:MAX_FILES])
    files = tuple(FileText(path, text) for path, text in texts if text)
    return Material(f"{task.strip()}{tests}\n\n{seen}", "", "", files)


def about_repository(tree: Workspace, task: str, files: Sequence[str], n_chars: int) -> str:
    """Return the files of a repository and what they define, what the task names first."""
    named = set(task_plan(task).steps[0].mentions)
    ranked = sorted(files, key=lambda path: (path not in named, path.count("/"), path))
    listed = "\n".join(ranked[:MAX_LISTED])
    more = len(ranked) - MAX_LISTED
    listed += f"\n... and {more} more" if more > 0 else ""
    parts = [f"Files of the repository:\n{fenced(listed, '')}"]
    shown = ""
    for path in filter(is_known, ranked):
        rows = outline(path, tree.text(path) or "", numbered=False)
        entry = "".join(f"    {row}\n" for row in rows.splitlines())
        if entry and len(shown) + len(entry) > n_chars:
            break
        shown += f"{path}\n{entry}" if entry else ""
    parts += [f"What they define:\n{fenced(shown, '')}"] if shown else []
    return "\n\n".join(parts)


# -- a review -----------------------------------------------------------------------------------


def changes_since(tree: Workspace, base: str, tip: str = "HEAD") -> tuple[FileText, ...]:
    """Return the diff of each file that changed between two commits.

    Raises:
        GitFailed: there are no such commits.
    """
    history = History(tree.root)
    found = []
    for path in history.changed(base, tip):
        old, new = (_decoded(history.content(commit, path)) for commit in (base, tip))
        if diff := unified_diff(path, old, new):
            found.append(FileText(path, diff))
    return tuple(found)


def review_material(plan: Plan, plan_text: str, changes: Sequence[FileText]) -> Material:
    """Return what a model elsewhere may see for a review."""
    tests = f"\n\nThe tests are run with `{plan.test}`." if plan.test else ""
    return Material(f"{plan_text.strip()[:PLAN_CHARS]}{tests}", "", "", diffs=tuple(changes))


def review_here(desk: Desk, plan: Plan, changes: Sequence[FileText]) -> str:
    """Have the local model review; return the plan of its findings, empty if there are none.

    Raises: see `write_plan`.
    """
    n_chars = 3 * max(desk.engine.describe().n_ctx - 2 * PLAN_TOKENS, 512)
    steps = "\n".join(f"- {step.title}" for step in plan.steps)
    diff = "\n".join(change.text for change in changes)
    shown = cut_lines(diff, n_chars // 20, n_chars)
    order = _filled(
        "review.md", plan=fenced(steps, ""), diff=fenced(shown, ""), n_steps=str(MAX_STEPS)
    )
    return _written(desk, order, lambda answer: findings(answer, plan))


def findings(answer: str, plan: Plan) -> str:
    """Return the plan of what a review found, with at most MAX_STEPS steps; empty for nothing.

    Raises:
        PlanError: it is neither a plan nor the words for "nothing".
    """
    if NOTHING.fullmatch(_unwrapped(answer)):
        return ""
    found = plan_of(answer)
    title = f"Review of {plan.title}"
    return rendered(
        _with_test(replace(found, title=title, steps=found.steps[:MAX_STEPS]), plan.test)
    )


# -- what comes back ----------------------------------------------------------------------------


def plan_of(answer: str) -> Plan:
    """Read an answer that is a plan.

    Raises:
        PlanError: there is no step in it.
    """
    return parse_plan(_unwrapped(answer), "the answer")


def usable(read: Callable[[str], str]) -> Callable[[str], str]:
    """Return a reader for answers from elsewhere, to which an answer without steps is malformed."""

    def checked(answer: str) -> str:
        try:
            return read(answer)
        except PlanError as error:
            raise AnswerMalformed(f"the answer is no plan: {error.message}") from error

    return checked


def as_written(answer: str) -> str:
    """Return a plan from elsewhere as it was written, without a fence around it.

    Raises:
        PlanError: there is no step in it.
    """
    plan_of(answer)
    return f"{_unwrapped(answer).strip()}\n"


def rendered(plan: Plan) -> str:
    """Return a plan as the Markdown that `run` likes best."""
    parts = [f"# {plan.title}", plan.preamble.strip()]
    parts += [f"Test: `{plan.test}`"] if plan.test and plan.test not in plan.preamble else []
    parts += [_step(step) for step in plan.steps]
    return "\n\n".join(filter(None, parts)) + "\n"


def _step(step: Step) -> str:
    first, *rest = step.text.strip().split("\n")
    return "\n".join([f"- [ ] {first.strip()}", *(f"  {row}".rstrip() for row in rest)])


def _with_test(plan: Plan, test: str | None) -> Plan:
    return plan if plan.test or not test else replace(plan, test=test)


def _unwrapped(answer: str) -> str:
    """Return an answer without the one fence that is around all of it."""
    found = _FENCED.fullmatch(answer)
    return found[2] if found else answer


def _decoded(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace").replace("\r\n", "\n")


# -- asking the local model ---------------------------------------------------------------------


def _written(desk: Desk, order: str, read: Callable[[str], str]) -> str:
    """Ask until an answer can be read; the first time for the likeliest one."""
    for number in range(1, TRIES + 1):
        try:
            return read(_answer(desk, order, number))
        except PlanError as error:
            if number == TRIES:
                raise PlanError(
                    f"the local model wrote no plan in {TRIES} answers: {error.message}",
                    hint="--frontier has another model write it; a larger local one may, too",
                ) from error
    raise AssertionError("unreachable")


def _answer(desk: Desk, order: str, number: int) -> str:
    events = desk.events
    events.emit(TurnStarted(number, "edit"))
    sampling = Sampling(max_tokens=PLAN_TOKENS)
    if number > 1:
        sampling = replace(sampling, temperature=0.6, seed=desk.seed + number)
    [done] = desk.engine.complete(
        Prompt((Message("user", order),)),
        sampling=sampling,
        cancel=desk.stop,
        on_text=lambda at, text: events.emit(TokenDelta(text, at)),
        on_prefill=lambda n, total: events.emit(Progress("reading", n, total, "tokens")),
    )
    events.emit(TurnEnded(number, done.stop, done.usage))
    desk.stop.check()
    return done.text


def _filled(name: str, **values: str) -> str:
    return assets.fill(assets.read("prompts", name), **values).strip()
