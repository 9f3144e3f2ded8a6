"""The prompt of a step, on an exact budget: counted with the model's own tokenizer, never cut
silently.

Order: system, the plan's goal, the rules of the repository and its map, which stay the same for a
run and are read once; then other files and tests, which mostly stay for a step, the step's files,
failures, the step, and last what to write now. A small model does what stands last and copies what
stands near it: with the step first, or its file far from the end, the 1.5B wrote other files'
contents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Literal

from qwenagent import assets
from qwenagent.checks import reduce_output
from qwenagent.checks.testfiles import is_test_file
from qwenagent.engine import Engine
from qwenagent.grammar import fence_for
from qwenagent.loop.editing.houserules import NO_RULES, RULES_HEAD, Rules
from qwenagent.loop.editing.phases import Form, form_of
from qwenagent.loop.editing.targets import Targets, identifiers
from qwenagent.loop.evidence.suspects import NO_SPECTRUM, Spectrum, suspicion
from qwenagent.loop.evidence.testcode import source_of_test
from qwenagent.loop.evidence.testsource import MAX_SHOWN, files_of_tests, files_to_show
from qwenagent.loop.ports import Ports
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import ContextBuilt, ContextItem
from qwenagent.protocol.messages import Message
from qwenagent.sandbox import clean_output
from qwenagent.syntax import Symbol, fence_info, is_known, outline, symbols
from qwenagent.tools import cut_lines
from qwenagent.workspace import Workspace

PLAN_LINES, PLAN_CHARS = 30, 1600
FAILURE_CHARS = 2400
ADVICE_LINES, ADVICE_CHARS = 60, 3000
NEIGHBOUR_LINES = 60
"""Other files up to this length are shown whole, longer ones as outlines."""
MAX_NEIGHBOURS = 12
NEIGHBOUR_TOKENS = 1000
"""For all files together that the step does not name."""
TESTS_SHARE = 0.4
"""Of the budget, for all tests of long files: the more of them, the more alike."""
FOCUSED_TESTS = 3
"""Tests that fail which are shown with nothing but the code."""
MAX_SUSPECTS = 5
"""Functions of a long file that are shown because failures point to them."""
Purse = Literal["", "aside", "tests"]
_SHOWN_WHOLE: tuple[Form, ...] = ("whole", "lines", "search")
"""Ways of changing a file for which all of it has to be seen."""


@dataclass(frozen=True, slots=True)
class Background:
    """What the prompts of all steps of a plan begin with: the same text, which is read once."""

    plan_text: str = ""
    """What the plan says about all its steps."""
    map_text: str = ""
    """What the repository's files define; empty where they are few enough to be shown."""
    rules: Rules = NO_RULES


@dataclass(frozen=True, slots=True)
class Brief:
    """What a step's prompt is made from."""

    step: Step
    targets: Targets
    background: Background
    test_command: str
    failing: TestRun | None
    whole_file_lines: int
    budget_tokens: int
    form: Form | None = None
    """How files are to be changed; None is what suits their length."""
    spectrum: Spectrum = NO_SPECTRUM
    """What the tests of the failing run use."""
    advice: str = ""
    """Of a larger model, as it came."""
    found: Mapping[str, str] = field(default_factory=dict)
    """By path, files as the step found them. The outline of a long one stays what it was then, so
    that it is read once; what the step has changed in it since is shown behind it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A candidate for the prompt."""

    what: str
    text: str
    how: str = "whole"
    purse: Purse = ""
    """What it is paid from besides the budget: all files that the step does not name share one, and
    so do tests of long files."""
    is_new: bool = False
    """True for what the step has changed: it stands behind all others of its kind."""


def system_message() -> Message:
    """Return the part of the prompt that never changes.

    It lists no tools: measured with the 1.5B, twelve tools in sight cost more steps than anything
    else in the prompt. The order names those that are legal now, where there is a choice.
    """
    return Message("system", assets.read("prompts", "system.md").strip())


def prompt_tokens(ports: Ports) -> int:
    """Tokens for a prompt: the profile's, fewer where n_ctx leaves no room for an answer."""
    profile, n_ctx = ports.profile, ports.engine.describe().n_ctx
    return min(profile.context_tokens, max(n_ctx - profile.max_body_tokens, n_ctx // 2))


def build(
    brief: Brief, workspace: Workspace, engine: Engine, order: str
) -> tuple[tuple[Message, ...], ContextBuilt]:
    """Return the conversation that opens a step, and what went into it.

    `order` is what the model is told to do now. The step's text and the order are always in;
    the rest goes in by priority while it fits, and what does not is reported.
    """
    system = system_message()
    must = [Section("step", f"The step:\n{brief.step.text.strip()}"), Section("order", order)]
    room = brief.budget_tokens - engine.count(system.text) - 16
    room -= sum(engine.count(section.text) + 2 for section in must)
    purses = {
        "": brief.budget_tokens,
        "aside": NEIGHBOUR_TOKENS,
        "tests": int(TESTS_SHARE * brief.budget_tokens),
    }
    chosen, included = list[Section](), list[ContextItem]()
    left_out = list(brief.background.rules.cut)
    for section in _wanted(brief, workspace):
        n_tokens = engine.count(section.text) + 2
        item = ContextItem(section.what, n_tokens, section.how)
        limit = min(room, purses[section.purse])
        if n_tokens > limit:
            left_out.append(replace(item, how=f"only {max(limit, 0)} tokens left"))
            continue
        room -= n_tokens
        purses[section.purse] -= n_tokens
        chosen.append(section)
        included.append(item)
    messages = (system, Message("user", "\n\n".join(_arranged(chosen, must))))
    total = brief.budget_tokens - room
    return messages, ContextBuilt(tuple(included), tuple(left_out), total, brief.budget_tokens)


def build_focused(brief: Brief, workspace: Workspace, engine: Engine, path: str, code: str) -> str:
    """Return what is shown of code that fails: itself, its failures, the first tests that fail."""
    shown = [
        f"File {_named(path)}:\n{fenced(code, fence_info(path))}",
        *_failures(brief, workspace),
    ]
    room = int(TESTS_SHARE * brief.budget_tokens)
    failed = list(brief.failing.failures) if brief.failing else []
    homes = files_of_tests(workspace, failed)
    for test in [test for test in failed if test in homes][:FOCUSED_TESTS]:
        home = homes[test]
        for section in _failing_tests(home, workspace.text(home) or "", [test]):
            room -= engine.count(section.text)
            shown += [section.text] if room >= 0 else []
    return "\n\n".join(shown)


def files_shown_whole(event: ContextBuilt) -> frozenset[str]:
    """Return the paths of the files of which a prompt holds everything."""
    kinds = ("file ", "other ", "test ")
    return frozenset(
        item.what.partition(" ")[2]
        for item in event.included
        if item.how == "whole" and item.what.startswith(kinds)
    )


def symbols_shown(event: ContextBuilt) -> frozenset[tuple[str, str]]:
    """Return path and name of the symbols whose code a prompt holds as excerpts."""
    shown = (item.what.partition(" ") for item in event.included if item.how == "excerpt")
    parts = (rest.rpartition(" ") for kind, _, rest in shown if kind == "file")
    return frozenset((path, name) for path, _, name in parts)


def _arranged(chosen: list[Section], must: list[Section]) -> list[str]:
    """Return the texts in the order of the prompt; `must` comes last."""
    kinds = ["plan", "rules", "map", "other", "test", "file", "failures", "advice"]
    ordered = sorted(chosen, key=lambda one: (kinds.index(one.what.split(" ")[0]), one.is_new))
    return [section.text for section in (*ordered, *must)]


def _wanted(brief: Brief, workspace: Workspace) -> Iterable[Section]:
    """Yield what the prompt should hold, most important first."""
    if brief.advice.strip():
        yield Section("advice", _advice(brief.advice))
    for path in brief.targets.change:
        yield from _file(path, brief, workspace)
    yield from (Section("failures", text) for text in _failures(brief, workspace))
    yield from _tests(brief, workspace)
    yield from _background(brief.background)
    yield from _neighbours(brief, workspace)


def _failures(brief: Brief, workspace: Workspace) -> Iterable[str]:
    if brief.failing and not brief.failing.green:
        # Reports of a runner hold what its output was cleaned of: `&#x202e;`, say.
        reduced = clean_output(reduce_output(brief.failing, workspace.root, FAILURE_CHARS))
        yield f"{_named(brief.test_command)} fails:\n{fenced(reduced, '')}"


def _background(background: Background) -> Iterable[Section]:
    if plan := background.plan_text.strip():
        yield Section("plan", f"The plan:\n{cut_lines(plan, PLAN_LINES, PLAN_CHARS)}")
    if rules := background.rules.text:
        yield Section("rules", f"{RULES_HEAD}\n{fenced(rules, '')}")
    if files := background.map_text:
        head = "What the files of the repository define:"
        yield Section("map", f"{head}\n{fenced(files, '')}", "outline")


def _advice(text: str) -> str:
    shown = cut_lines(clean_output(text.strip("\n")), ADVICE_LINES, ADVICE_CHARS)
    return assets.fill(assets.read("prompts", "advice.md"), advice=fenced(shown, "")).strip()


def _file(path: str, brief: Brief, workspace: Workspace) -> Iterable[Section]:
    """A file that is to change: whole, or its outline and the symbols that the step is about."""
    text = workspace.text(path)
    if text is None:
        return
    way = form_of(path, text, brief.whole_file_lines, brief.form)
    is_shown = text.count("\n") < brief.whole_file_lines or way in _SHOWN_WHOLE
    if is_shown or not is_known(path):
        shown = numbered(text) if way == "lines" else text
        yield Section(f"file {path}", f"File {_named(path)}:\n{fenced(shown, fence_info(path))}")
        return
    before = _code_by_name(path, brief.found.get(path, text))
    now = _code_by_name(path, text)
    listed = brief.found.get(path, text) if before.keys() <= now.keys() else text
    head = f"File {_named(path)} ({listed.count(chr(10)) + 1} lines), its outline:"
    yield Section(
        f"file {path}",
        f"{head}\n{fenced(outline(path, listed, numbered=False), fence_info(path))}",
        "outline",
    )
    new = [name for name, code in now.items() if code != before.get(name)]
    lines = text.split("\n")
    for symbol in _relevant(path, text, brief, workspace.files(), new):
        if symbol.n_lines <= brief.whole_file_lines:
            title = f"{_named(symbol.name)} in {_named(path)}:"
            yield Section(
                f"file {path} {symbol.name}",
                f"{title}\n{fenced(symbol.code_in(lines), fence_info(path))}",
                "excerpt",
                is_new=symbol.name in new,
            )


def _code_by_name(path: str, text: str) -> dict[str, str]:
    lines = text.split("\n")
    return {symbol.name: symbol.code_in(lines) for symbol in symbols(path, text)}


def _relevant(
    path: str, text: str, brief: Brief, files: Collection[str], new: Collection[str]
) -> Iterable[Symbol]:
    """Return the symbols that the step names, those that failures point to, and the new ones."""
    wanted, known = identifiers(brief.step), symbols(path, text)
    named = [s for s in known if s.name.rpartition(".")[2] in wanted]
    run = brief.failing
    found = suspicion(path, text, run, brief.spectrum, files) if run else {}
    inmost = [
        s for s in known if s.name in new and not any(n.startswith(f"{s.name}.") for n in new)
    ]
    return dict.fromkeys([*named, *list(found)[:MAX_SUSPECTS], *inmost])


def shown_tests(brief: Brief, workspace: Workspace) -> list[tuple[str, str]]:
    """Return path and text of the test files that the prompt shows, or parts of."""
    failed = brief.failing.failures if brief.failing else {}
    named = files_to_show(workspace, brief.step, brief.test_command, failed)
    others = [path for path in named if path not in brief.targets.change][:MAX_SHOWN]
    texts = [(path, workspace.text(path)) for path in others]
    return [(path, text) for path, text in texts if text is not None]


def _tests(brief: Brief, workspace: Workspace) -> Iterable[Section]:
    """The source of the tests that have to pass."""
    failed = list(brief.failing.failures) if brief.failing else []
    homes = files_of_tests(workspace, failed)
    for path, text in shown_tests(brief, workspace):
        if text.count("\n") <= brief.whole_file_lines:
            yield Section(f"test {path}", f"Test {_named(path)}:\n{fenced(text, fence_info(path))}")
        else:
            own = (test for test in failed if homes.get(test, path) == path)
            yield from _failing_tests(path, text, own)


def _failing_tests(path: str, text: str, failed: Iterable[str]) -> Iterable[Section]:
    found = (source_of_test(test, path, text) for test in failed)
    for name, code in dict.fromkeys(filter(None, found)):
        head = f"Test {_named(name)} in {_named(path)}:"
        text = f"{head}\n{fenced(code, fence_info(path))}"
        yield Section(f"test {path} {name}", text, "excerpt", "tests")


def _neighbours(brief: Brief, workspace: Workspace) -> Iterable[Section]:
    """Other source files, the nearest first: short ones whole, of others what they define."""
    for path in _other_sources(brief, workspace)[:MAX_NEIGHBOURS]:
        text = workspace.text(path)
        if text is None or not text.strip():
            continue
        what = f"other {path}"
        purse: Purse = "" if path in brief.step.mentions else "aside"
        if text.count("\n") <= NEIGHBOUR_LINES:
            head = f"Another file, {_named(path)}:"
            yield Section(what, f"{head}\n{fenced(text, fence_info(path))}", purse=purse)
        elif rows := outline(path, text, numbered=False):
            head = f"Outline of another file, {_named(path)}:"
            yield Section(what, f"{head}\n{fenced(rows, '')}", "outline", purse)


def _other_sources(brief: Brief, workspace: Workspace) -> list[str]:
    """Return the files that the step names, and without a map the rest, the nearest first."""
    shown = {*brief.targets.change, *brief.targets.create}
    homes = {PurePosixPath(path).parent for path in shown}
    others = [
        path
        for path in workspace.files()
        if is_known(path) and path not in shown and not is_test_file(path)
    ]
    if brief.background.map_text:
        others = [path for path in others if path in brief.step.mentions]
    return sorted(
        others,
        key=lambda p: (
            p not in brief.step.mentions,
            PurePosixPath(p).parent not in homes,
            p.count("/"),
            p,
        ),
    )


def _named(name: str) -> str:
    """Return a name as a code span on one line, which it cannot leave."""
    return f"`{' '.join(clean_output(name).split()).replace('`', chr(39))}`"


def numbered(text: str) -> str:
    """Return a text with the number of each line before it."""
    rows = text.removesuffix("\n").split("\n")
    width = len(str(len(rows)))
    return "\n".join(f"{n:>{width}}  {row}" for n, row in enumerate(rows, 1))


def fenced(text: str, info: str) -> str:
    """Return a text in a fence that it cannot close."""
    fence = fence_for(text)
    return f"{fence}{info}\n{text.rstrip(chr(10))}\n{fence}"
