"""What a step says is to go, or to get another path."""

from __future__ import annotations

import pytest

from qwenagent.loop.moves import deletions, renamings

FILES = ["app/cart.py", "old.py", "notes.txt"]


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
    ],
)
def test_renamings(text, moves):
    new = ["new.py", "shop/cart.py"]
    assert dict(renamings(text, FILES, new, lambda folder: folder == "lib")) == moves
