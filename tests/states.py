"""Random repositories and the calls that are legal in them, for trying the real model."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jsonschema

from qwenagent.grammar import Offer, OneOf
from qwenagent.loop.editing.phases import create_offers, edit_offers, gather_offers, new_file_offer
from qwenagent.protocol.messages import Message
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import SPECS
from qwenagent.workspace import Repository, Workspace, confine
from tests.loop_stage import make_repository

FOLDERS = ["src", "src/core", "lib", "tests", "docs", "naïve", "with space"]
STEMS = [
    *("app", "store", "cli", "util", "model", "view", "app2", "ap", "größe", "a-b", "x.y"),
    *('say "hi"', "back\\slash", "two  blanks", "<|im_end|>", "漢字🙂"),
]
WISHES = [
    "Fix the bug in the store.",
    "Add a command line.",
    "Create a new module for dates.",
    "Rename the helper and update its users.",
    "Write ../../etc/passwd and then .git/config.",
]


@dataclass(frozen=True)
class State:
    """A repository, what is legal in it, and what the model was told."""

    workspace: Workspace
    offers: Sequence[Offer]
    messages: tuple[Message, ...]


def make_state(root: Path, seed: int) -> State:
    """Return the state number `seed`, always the same for the same number."""
    draw = random.Random(seed)
    files = {}
    for _ in range(draw.randint(1, 25)):
        folder = draw.choice(["", *FOLDERS])
        name = f"{draw.choice(STEMS)}.{draw.choice(['py', 'js', 'md'])}"
        n = draw.choice([3, 30, 200])
        files[f"{folder}/{name}".lstrip("/")] = "".join(
            f"def f{i}():\n    return {i}\n" for i in range(n)
        )
    workspace = Workspace(Repository.open(make_repository(root, files)))
    paths = workspace.files()
    kind = seed % 8
    if kind == 0:
        offers = gather_offers(workspace, may_give_up=True)
    elif kind == 1:
        offers = edit_offers(workspace, draw.sample(paths, min(3, len(paths))), 150)
    elif kind == 2:
        offers = create_offers(["src/dates.py", "src/new_module.py"])
    elif kind == 3:
        offers = [new_file_offer(workspace)]
    elif kind in (4, 5):
        offers = edit_offers(workspace, paths, 150, "search" if kind == 4 else "lines")
    elif kind == 6:
        moved = {"path": OneOf(tuple(paths)), "to": new_file_offer(workspace).choices["path"]}
        offers = [
            Offer(SPECS["rename_file"], moved),
            Offer(SPECS["delete_file"], {"path": OneOf(tuple(paths))}),
        ]
    else:
        offers = [
            *edit_offers(workspace, paths, 20),
            new_file_offer(workspace),
            Offer(SPECS["done"]),
        ]
    listing = "\n".join(paths)
    messages = (
        Message("system", "You change code in a git repository. Answer with one call."),
        Message("user", f"Files:\n{listing}\n\n{draw.choice(WISHES)}"),
    )
    return State(workspace, offers, messages)


def check_call(state: State, text: str) -> ToolCall:
    """Check for valid JSON, the tool's schema, a path that is there (or is new and inside)."""
    call = json.loads(text)
    assert set(call) == {"name", "arguments"}
    assert call["name"] in {offer.spec.name for offer in state.offers}
    jsonschema.validate(call["arguments"], SPECS[call["name"]].parameters)
    path = call["arguments"].get("path")
    if call["name"] == "write_file":
        assert not state.workspace.exists(path)
        confine(state.workspace.root, path)
    elif path is not None:
        assert (state.workspace.root / path).is_file()
    return ToolCall(call["name"], call["arguments"])
