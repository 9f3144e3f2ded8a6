"""What a step says is to go, or to get another path."""

from __future__ import annotations

import pytest

from qwenagent.loop.words.moves import deletions, renamings

FILES = ["app/cart.py", "old.py", "notes.txt"]
COMMANDS = "Add a `reset` command"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Delete `old.py`.", ("old.py",)),
        ("Remove the unused file old.py, nothing imports it.", ("old.py",)),
        ("Remove the module `app/cart.py`", ("app/cart.py",)),
        ("Delete `cart.py`: it is empty", ("app/cart.py",)),
        ("Drop old.py and mend `app/cart.py`", ("old.py",)),
        ("First delete `old.py`, then delete `notes.txt`.", ("old.py", "notes.txt")),
        ("Remove `total` from `app/cart.py`.", ()),
        ("Remove `old.py` from the list in `notes.txt`.", ()),
        ("Remove `app/cart.py`'s dead code.", ()),
        ("Remove app/cart.py:total and its tests.", ()),
        ("Remove the comments in `old.py`.", ()),
        ("Delete `very_old.py`.", ()),
        ("Delete `old.pyc`.", ()),
        ("Write `old.py` anew.", ()),
        # Orders wherever a sentence, a clause or an item begins.
        ("- [ ] Delete `old.py`", ("old.py",)),
        ("**Remove** `old.py` (unused).", ("old.py",)),
        ("Please drop old.py now.", ("old.py",)),
        ("Mend app/cart.py and delete old.py", ("old.py",)),
        ("Move the code to app/cart.py, then delete old.py.", ("old.py",)),
        ("Delete old.py after moving its code to app/cart.py.", ("old.py",)),
        ("Clean up: delete `old.py`.", ("old.py",)),
        ("Do the following:\n1. Delete old.py\n2. Mend `app/cart.py`", ("old.py",)),
        ("Tidy the shop\n\n- Mend `app/cart.py`\n- Delete old.py", ("old.py",)),
        ("Delete `old.py`, `gone.py` and notes.txt.", ("old.py", "notes.txt")),
        ("Remove old.py from the repository.", ("old.py",)),
        ("Delete old.py\nFiles: app/cart.py", ("old.py",)),
        ("## Users are not told\n\nDelete old.py.", ("old.py",)),
        # No orders.
        ("Add a check to app/cart.py. Do not delete old.py.", ()),
        ("Don't ever delete old.py", ()),
        ("Do not, under any circumstances, delete old.py.", ()),
        ("Refactor app/cart.py without removing old.py", ()),
        ("Please don't:\n\n- delete old.py", ()),
        ("## Out of scope\n\nDelete old.py.", ()),
        ("Mend the bug in app/cart.py: a second run deletes notes.txt.", ()),
        ("The cleanup should stop the worker and delete notes.txt.", ()),
        ("Users stop it and delete notes.txt.", ()),
        ("If it fails, delete notes.txt.", ()),
        ("Delete notes.txt on exit.", ()),
        ("Delete old.py or rename it.", ()),
        ("Delete old.py?", ()),
        ("`old.py` should be deleted.", ()),
        (f"{COMMANDS} to stop the server and delete notes.txt.", ()),
        (f"{COMMANDS}: delete notes.txt.", ()),
        (f"{COMMANDS}:\n- stop the server\n- delete notes.txt", ()),
        (f"{COMMANDS}\n\n- stop the server\n- delete notes.txt", ()),
        ("`reset`: delete notes.txt", ()),
        ("> Delete old.py", ()),
        ("Mend it.\n\n```\nDelete old.py\n```", ()),
        ('Print "delete old.py".', ()),
        # Something of the file, not the file.
        ("Remove the old.py import in app/cart.py.", ()),
        ("Remove old.py usage from app/cart.py.", ()),
        ("Remove old.py\nimports from app/cart.py", ()),
        ("Remove old.py and legacy imports from app/cart.py.", ()),
        ("Delete `old.py` and `notes.txt` references.", ()),
        ("Remove the lines of old.py.", ()),
        ("Remove old.py: its imports.", ()),
        ("Delete everything but old.py", ()),
    ],
)
def test_deletions(text, gone):
    found = deletions(text, FILES)
    assert sorted(found) == sorted(gone)


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("Rename `old.py` to `new.py`.", {"old.py": "new.py"}),
        ("Rename the file old.py to the file new.py", {"old.py": "new.py"}),
        ("Move `app/cart.py` to `shop/cart.py`, mend imports.", {"app/cart.py": "shop/cart.py"}),
        ("Move `cart.py` into `lib/`.", {"app/cart.py": "lib/cart.py"}),
        ("Move `old.py` to `lib`.", {"old.py": "lib/old.py"}),
        ("Rename `total` in `app/cart.py` to `sum_of`.", {}),
        ("Move `total` from `app/cart.py` to `new.py`.", {}),
        ("Rename `old.py` to something better.", {}),
        ("Write `new.py` like `old.py`.", {}),
        ("Rename `cart.py` to `new.py`.", {"app/cart.py": "app/new.py"}),
        ("Rename `app/cart.py` to `new.py`.", {"app/cart.py": "app/new.py"}),
        ("Move `app/cart.py` to `new.py`.", {"app/cart.py": "new.py"}),
        (
            "Move `old.py` and `notes.txt` to lib/",
            {"old.py": "lib/old.py", "notes.txt": "lib/notes.txt"},
        ),
        (
            "Rename `old.py` to `new.py` and `cart.py` to `shop/cart.py`.",
            {"old.py": "new.py", "app/cart.py": "shop/cart.py"},
        ),
        ("Do not rename `old.py` to `new.py`.", {}),
        ("The script should rename `old.py` to `new.py`.", {}),
        ("Mend it without moving `old.py` to `new.py`.", {}),
        ("Rename `old.py` to `new.py` imports.", {}),
    ],
)
def test_renamings(text, moves):
    new = ["new.py", "shop/cart.py"]
    assert dict(renamings(text, FILES, new, lambda folder: folder == "lib")) == moves


def test_a_bare_name_of_two_files_deletes_none():
    assert deletions("Delete `cart.py`.", ["app/cart.py", "old/cart.py"]) == ()
    assert deletions("Delete `old/cart.py`.", ["app/cart.py", "old/cart.py"]) == ("old/cart.py",)
