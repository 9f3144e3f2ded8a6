"""Which calls are legal now, and with which arguments: the state as a grammar sees it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from qwenagent.checks.testfiles import is_test_file
from qwenagent.grammar import Between, NewPath, Offer, OneOf, Switch
from qwenagent.grammar.choices import Choice
from qwenagent.loop.targets import TEST_INFRASTRUCTURE, Targets
from qwenagent.protocol.events import Phase
from qwenagent.registry import Profile
from qwenagent.syntax import is_known, symbols
from qwenagent.tools import SPECS
from qwenagent.workspace import Workspace

MAX_PATHS = 4000
"""More paths are not offered; those nearest to the top are."""
MAX_UNNAMED = 50
"""Files that are offered to a step that names none."""
MAX_RANGE_LINES = 2000
"""Longest file of which single lines can be replaced: the grammar has a rule for each line."""


@dataclass(frozen=True, slots=True)
class EditState:
    """What decides which edits are legal in a turn."""

    targets: Targets
    phase: Phase
    touched: tuple[str, ...] = ()
    """Files written in this attempt."""
    changed: tuple[str, ...] = ()
    """Files that differ from the start of the step."""
    stuck: frozenset[str] = frozenset()
    """Files that the model wrote again as they were: others come first."""
    may_be_done: bool = False
    """Whether the model may say that the step is complete: only where no test can."""


def legal_edits(workspace: Workspace, state: EditState, profile: Profile) -> list[Offer]:
    """Return the calls that may change something now, `done` and `give_up` where they apply."""
    if missing := [p for p in state.targets.create if not workspace.exists(p)]:
        return create_offers(missing[:1])
    offers = edit_offers(workspace, _open_paths(workspace, state), profile.whole_file_lines)
    if not state.targets.named:
        offers.append(new_file_offer(workspace))
    if state.phase == "repair" and profile.name == "large":
        offers.append(Offer(SPECS["give_up"]))
    if state.touched and state.may_be_done:
        offers.append(Offer(SPECS["done"]))
    return offers


def _open_paths(workspace: Workspace, state: EditState) -> list[str]:
    """The files that may change now: the step's, or all code where it names none.

    What has to change and did not yet comes before everything else.
    """
    if pending := [p for p in state.targets.must_change if p not in state.changed]:
        return pending
    if state.targets.named:
        created = [p for p in state.targets.create if workspace.exists(p)]
        paths = [*state.targets.change, *(created if state.phase == "repair" else ())]
    else:
        code = [p for p in nearest(workspace.files()) if is_known(p) and not is_test_file(p)]
        paths = list(itertools.islice(workspace.writable(code), MAX_UNNAMED))
    if state.phase != "repair":
        paths = [p for p in paths if p not in state.touched]
    return [p for p in paths if p not in state.stuck] or paths


def legal_paths(offers: Iterable[Offer]) -> list[str]:
    """Return the existing files that the edits among `offers` name."""
    found: dict[str, None] = {}
    for offer in offers:
        match offer.choices.get("path") if offer.spec.body == "code" else None:
            case OneOf(values):
                found |= {str(value): None for value in values}
            case Switch(cases):
                found |= {str(value): None for value in cases}
    return list(found)


def gather_offers(workspace: Workspace, *, may_give_up: bool) -> list[Offer]:
    """Return the calls for looking around."""
    paths = nearest(workspace.files())
    offers = [Offer(SPECS["edit"]), Offer(SPECS["search"])]
    if paths:
        starts: dict[str | int, dict[str, Choice]] = {p: _starts(workspace, p) for p in paths}
        offers.append(Offer(SPECS["read_file"], {"path": Switch(starts)}))
        offers.append(Offer(SPECS["list_files"], {"folder": OneOf(tuple(folders(paths)))}))
    if outlined := [p for p in paths if p.endswith((".py", ".js", ".ts", ".tsx", ".go", ".rs"))]:
        offers.append(Offer(SPECS["outline"], {"path": OneOf(tuple(outlined))}))
    if may_give_up:
        offers.append(Offer(SPECS["give_up"]))
    return offers


def _starts(workspace: Workspace, path: str) -> dict[str, Choice]:
    # The number of lines is known only by reading; a start after the end is answered by the tool.
    size = (workspace.root / path).stat().st_size
    return {"start": Between(1, max(1, size // 20)) if size > 6000 else OneOf((1,))}


def create_offers(paths: Iterable[str]) -> list[Offer]:
    """Return the call that creates one of `paths`."""
    return [Offer(SPECS["write_file"], {"path": OneOf(tuple(paths))})]


def new_file_offer(workspace: Workspace) -> Offer:
    """Return the call that creates a file wherever nothing is."""
    files = workspace.files()
    names: dict[str, set[str]] = {"": set(TEST_INFRASTRUCTURE)}
    for path in nearest(files):
        parts = PurePosixPath(path).parts
        for depth, part in enumerate(parts):
            folder = "/".join(parts[:depth])
            names.setdefault(folder, set(TEST_INFRASTRUCTURE)).add(part)
    taken = {f: frozenset(n) for f, n in names.items() if not hidden(f)}
    return Offer(SPECS["write_file"], {"path": NewPath(taken)})


def edit_offers(workspace: Workspace, paths: Sequence[str], whole_file_lines: int) -> list[Offer]:
    """Return the calls that change existing files: whole if short, else by symbol or line."""
    whole: list[str] = []
    by_symbol: dict[str | int, dict[str, Choice]] = {}
    by_line: dict[str | int, dict[str, Choice]] = {}
    for path in paths:
        text = workspace.text(path)
        if text is None:
            continue
        n_lines = text.count("\n") + 1
        names = tuple(s.name for s in symbols(path, text))
        if n_lines <= whole_file_lines:
            whole.append(path)
        elif names:
            by_symbol[path] = {"symbol": OneOf(names)}
        elif n_lines <= MAX_RANGE_LINES:
            by_line[path] = {"start": _range(n_lines)}
    offers = []
    if whole:
        offers.append(Offer(SPECS["rewrite_file"], {"path": OneOf(tuple(whole))}))
    if by_symbol:
        after = {p: {"after": c["symbol"]} for p, c in by_symbol.items()}
        offers.append(Offer(SPECS["replace_symbol"], {"path": Switch(by_symbol)}))
        offers.append(Offer(SPECS["insert_symbol"], {"path": Switch(after)}))
    if by_line:
        offers.append(Offer(SPECS["replace_lines"], {"path": Switch(by_line)}))
    return offers


def _range(n_lines: int) -> Switch:
    return Switch({n: {"end": Between(n, n_lines)} for n in range(1, n_lines + 1)})


def nearest(paths: Iterable[str]) -> list[str]:
    """Return at most MAX_PATHS paths, nearest to the top first, hidden ones not."""
    shown = [p for p in paths if not hidden(p)]
    return sorted(shown, key=lambda p: (p.count("/"), p))[:MAX_PATHS]


def hidden(path: str) -> bool:
    """Return whether a part of the path begins with a dot."""
    return any(part.startswith(".") for part in PurePosixPath(path).parts)


def folders(paths: Iterable[str]) -> list[str]:
    """Return the folders that hold `paths`, "." first."""
    found = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return [".", *sorted(found - {"."})]
