"""Random repositories and the calls that are legal in them, for trying the real model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qwenagent.grammar import Offer
from qwenagent.loop.phases import create_offers, edit_offers, gather_offers, new_file_offer
from qwenagent.protocol.messages import Message
from qwenagent.tools import SPECS
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import make_repository

FOLDERS = ["src", "src/core", "lib", "tests", "docs", "naïve", "with space"]
STEMS = ["app", "store", "cli", "util", "model", "view", "app2", "ap", "größe", "a-b", "x.y"]
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
    kind = seed % 5
    if kind == 0:
        offers = gather_offers(workspace, may_give_up=True)
    elif kind == 1:
        offers = edit_offers(workspace, draw.sample(paths, min(3, len(paths))), 150)
    elif kind == 2:
        offers = create_offers(["src/dates.py", "src/new_module.py"])
    elif kind == 3:
        offers = [new_file_offer(workspace)]
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
