"""Which calls are legal now, and with which arguments: the state as a grammar sees it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Literal

from qwenagent.checks.testfiles import is_test_file
from qwenagent.grammar import Between, NewPath, Offer, OneOf, Switch
from qwenagent.grammar.choices import Choice
from qwenagent.loop.editing.targets import TEST_INFRASTRUCTURE, Targets
from qwenagent.loop.words.additions import addition
from qwenagent.protocol.events import Phase
from qwenagent.protocol.json import JsonObject
from qwenagent.protocol.tools import ToolCall
from qwenagent.registry import Profile
from qwenagent.syntax import is_known, symbols
from qwenagent.tools import SPECS
from qwenagent.workspace import Workspace

MAX_PATHS = 4000
"""More paths are not offered; those nearest to the top are."""
MAX_FOLDERS = 300
"""Folders in which a new file is offered; the grammar of 3,000 takes seconds to build."""
MAX_UNNAMED = 50
"""Files that are offered to a step that names none."""
MAX_RANGE_LINES = 2000
"""Longest file of which single lines can be replaced: the grammar has a rule for each line."""

SHORT_BYTES = 6000
"""A file up to this size is shown by one call."""
SHORT_BYTES_A_LINE = 20
"""Lines are not counted before they are read; they are rarely shorter on average."""

Form = Literal["whole", "symbol", "lines", "search"]
"""How an existing file is changed."""


@dataclass(frozen=True, slots=True)
class EditState:
    """What decides which edits are legal in a turn."""

    targets: Targets
    phase: Phase
    touched: tuple[str, ...] = ()
    """Files written in this attempt."""
    has_moved: bool = False
    """Whether files were deleted or renamed in this attempt: that may have been all."""
    changed: tuple[str, ...] = ()
    """Files that differ from the start of the step."""
    stuck: frozenset[str] = frozenset()
    """Files that the model wrote again as they were: others come first."""
    adding: frozenset[str] = frozenset()
    """Files in which the model looked for a name that is not there: it is to be added."""
    suspects: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By path, where a fault is looked for now: of files that are changed by symbol nothing else is
    offered."""
    may_be_done: bool = False
    """Whether the model may say that the step is complete: only where no test can."""
    form: Form | None = None
    """How files are changed, where that is possible; None is what suits their length."""
    request: str = ""
    """The step's text: what it orders to be added is added, and where it says."""


def legal_edits(workspace: Workspace, state: EditState, profile: Profile) -> list[Offer]:
    """Return the calls that may change something now, `done` and `give_up` where they apply."""
    if moves := move_offers(workspace, state.targets):
        return moves
    if missing := [p for p in state.targets.create if not workspace.exists(p)]:
        return create_offers(missing[:1])
    paths = _open_paths(workspace, state)
    offers = edit_offers(
        workspace,
        paths,
        profile.whole_file_lines,
        state.form,
        request=state.request,
        is_alone=state.targets.single,
        adding=state.adding,
        suspects=state.suspects,
    )
    if not state.targets.named:
        offers.append(new_file_offer(workspace))
    if state.phase == "repair" and profile.name == "large":
        offers.append(Offer(SPECS["give_up"]))
    if (state.touched and state.may_be_done) or (state.has_moved and not state.touched):
        offers.append(Offer(SPECS["done"]))
    return offers


def move_offers(workspace: Workspace, targets: Targets) -> list[Offer]:
    """Return the call for the first file that is still to be renamed, or to be deleted."""
    for old, new in targets.rename:
        if workspace.exists(old) and not workspace.exists(new):
            return [Offer(SPECS["rename_file"], {"path": OneOf((old,)), "to": OneOf((new,))})]
    for path in targets.delete:
        if workspace.exists(path):
            return [Offer(SPECS["delete_file"], {"path": OneOf((path,))})]
    return []


def _open_paths(workspace: Workspace, state: EditState) -> list[str]:
    """The files that may change now: the step's, or all code where it names none.

    What has to change and did not yet comes before everything else, in the plan's order.
    """
    written = {*state.changed, *state.stuck}
    if pending := [p for p in state.targets.must_change if p not in written]:
        return pending[:1]
    if state.targets.named:
        created = [p for p in state.targets.create if workspace.exists(p)]
        moved = [to for _, to in state.targets.rename if workspace.exists(to)]
        paths = [*state.targets.change, *moved, *(created if state.phase == "repair" else ())]
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


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model has in front of it: the same is not offered again."""

    whole: frozenset[str] = frozenset()
    """Files of which all is in the prompt."""
    calls: tuple[ToolCall, ...] = ()
    """Calls that were answered; nothing has been written since."""


def gather_offers(
    workspace: Workspace, *, may_give_up: bool, seen: Seen | None = None
) -> list[Offer]:
    """Return the calls for looking around, without those whose answer is in the prompt."""
    seen = seen or Seen()
    everything = nearest(workspace.files())
    paths = [path for path in everything if path not in seen.whole]
    starts = _unread(workspace, paths, _asked(seen, "read_file"))
    listed = [f for f in folders(everything) if {"folder": f} not in _asked(seen, "list_files")]
    outlined = [p for p in paths if is_known(p) and {"path": p} not in _asked(seen, "outline")]
    offers = [Offer(SPECS["edit"]), Offer(SPECS["search"])]
    if starts:
        offers.append(Offer(SPECS["read_file"], {"path": Switch(starts)}))
    if everything and listed:
        offers.append(Offer(SPECS["list_files"], {"folder": OneOf(tuple(listed))}))
    if outlined:
        offers.append(Offer(SPECS["outline"], {"path": OneOf(tuple(outlined))}))
    if may_give_up:
        offers.append(Offer(SPECS["give_up"]))
    return offers


def _asked(seen: Seen, name: str) -> list[JsonObject]:
    return [call.arguments for call in seen.calls if call.name == name]


def _unread(
    workspace: Workspace, paths: Iterable[str], read: Sequence[JsonObject]
) -> dict[str | int, dict[str, Choice]]:
    """Return where files may be read from; not from a line that one was read from already."""
    found: dict[str | int, dict[str, Choice]] = {}
    for path in paths:
        known = [int(str(call["start"])) for call in read if call["path"] == path]
        if start := _starts(workspace, path, known):
            found[path] = {"start": start}
    return found


def _starts(workspace: Workspace, path: str, known: Sequence[int]) -> Choice | None:
    # The number of lines is known only by reading; a start after the end is answered by the tool.
    size = (workspace.root / path).stat().st_size
    if size <= SHORT_BYTES:
        return None if known else OneOf((1,))
    last = size // SHORT_BYTES_A_LINE
    first = max(known) + 1 if known else 1
    return Between(first, last) if first <= last else None


def create_offers(paths: Iterable[str]) -> list[Offer]:
    """Return the call that creates one of `paths`."""
    return [Offer(SPECS["write_file"], {"path": OneOf(tuple(paths))})]


def new_file_offer(workspace: Workspace) -> Offer:
    """Return the call that creates a file wherever nothing is."""
    names: dict[str, set[str]] = {"": set(TEST_INFRASTRUCTURE)}
    for path in workspace.files():
        parts = PurePosixPath(path).parts
        for depth, part in enumerate(parts):
            folder = "/".join(parts[:depth])
            names.setdefault(folder, set(TEST_INFRASTRUCTURE)).add(part)
    shown = sorted((f for f in names if not hidden(f)), key=lambda f: (f.count("/"), f != "", f))
    taken: dict[str, frozenset[str]] = {}
    n_names = 0
    for folder in shown[:MAX_FOLDERS]:
        n_names += len(names[folder])
        if taken and n_names > MAX_PATHS:
            break  # with all its names or not at all: what is left out would look free
        taken[folder] = frozenset(names[folder])
    return Offer(SPECS["write_file"], {"path": NewPath(taken)})


def edit_offers(
    workspace: Workspace,
    paths: Sequence[str],
    whole_file_lines: int,
    form: Form | None = None,
    *,
    request: str = "",
    is_alone: bool = False,
    adding: Collection[str] = (),
    suspects: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[Offer]:
    """Return the calls that change existing files: whole if short, else by symbol or line.

    With `form` in this one, where the file has what it needs. A file that lacks a function which
    the step's text, `request`, orders gets that first, in its place. `is_alone`: the step is about
    one file. To those of `adding` something is added, whatever it is. `suspects`: see `EditState`.
    """
    by_form: dict[Form, list[str]] = {}
    for path in paths:
        text = workspace.text(path)
        if text is not None and (way := form_of(path, text, whole_file_lines, form)):
            by_form.setdefault(way, []).append(path)
    offers = []
    if whole := by_form.get("whole"):
        offers.append(Offer(SPECS["rewrite_file"], {"path": OneOf(tuple(whole))}))
    if with_symbols := by_form.get("symbol"):
        by_name: dict[str | int, dict[str, Choice]] = {}
        after: dict[str | int, dict[str, Choice]] = {}
        for path in [path for path in with_symbols if path in suspects] or with_symbols:
            new = addition(path, workspace.text(path) or "", request, is_alone=is_alone)
            names = OneOf(_symbol_names(workspace, path))
            if path in suspects and not (new or path in adding):
                by_name[path] = {"symbol": OneOf(tuple(suspects[path]))}
                continue
            after[path] = {"after": OneOf(new.after) if new else names}
            if not (new or path in adding):  # it would be looked for among those that are there
                by_name[path] = {"symbol": names}
        if by_name:
            offers.append(Offer(SPECS["replace_symbol"], {"path": Switch(by_name)}))
        if after:
            offers.append(Offer(SPECS["insert_symbol"], {"path": Switch(after)}))
    if by_line := by_form.get("lines"):
        ranges: dict[str | int, dict[str, Choice]] = {
            p: {"start": _range(_n_lines(workspace.text(p) or ""))} for p in by_line
        }
        offers.append(Offer(SPECS["replace_lines"], {"path": Switch(ranges)}))
    if searched := by_form.get("search"):
        offers.append(Offer(SPECS["search_replace"], {"path": OneOf(tuple(searched))}))
    return offers


def form_of(path: str, text: str, whole_file_lines: int, wanted: Form | None) -> Form | None:
    """Return how a file is changed, None if there is no way.

    A file that has not what `wanted` needs is changed in the way that suits it.
    """
    n_lines = _n_lines(text)
    possible: dict[Form, bool] = {
        "whole": n_lines <= whole_file_lines or wanted == "whole",
        "symbol": bool(symbols(path, text)),
        "lines": n_lines <= MAX_RANGE_LINES,
        "search": wanted == "search" and bool(text.strip()),
    }
    order: list[Form] = [wanted] if wanted else []
    return next((way for way in [*order, *possible] if possible[way]), None)


def _n_lines(text: str) -> int:
    return text.count("\n") + 1


def _symbol_names(workspace: Workspace, path: str) -> tuple[str, ...]:
    return tuple(symbol.name for symbol in symbols(path, workspace.text(path) or ""))


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
