"""Functions that get other parameters than their callers give."""

from __future__ import annotations

import pytest

from qwenagent.tools import changed_parameters

OLD = "class Shop:\n    def add(self, name, count=1): ...\n\n    def close(self): ...\n"


@pytest.mark.parametrize(
    ("before", "after", "request_", "told"),
    [
        ("close(self)", "close(self, hour)", "Write `Shop`.", "`Shop.close` would ask for `hour`"),
        ("close(self)", "close(self, *, hour)", "Write it.", "would ask for `hour`"),
        ("close(self)", "close(self, hour=18)", "Write it.", ""),
        ("close(self)", "close(self, *hours)", "Write it.", ""),
        ("name, count=1", "name, count", "Write it.", "`Shop.add` would ask for `count`"),
        ("name, count=1", "title, count=1", "Write it.", ""),
        ("self, name, count=1", "self", "Write it.", "`Shop.add` would not take `name`"),
        ("self, name, count=1", "self, **fields", "Write it.", ""),
        # Wanted: as code, or spoken of as a parameter.
        ("close(self)", "close(self, hour)", "Have `close(hour)` take it.", ""),
        ("close(self)", "close(self, hour)", "Add an hour parameter.", ""),
        ("close(self)", "close(self, hour)", "The hour is 18.", "would ask for `hour`"),
        # Nobody else's business.
        ("def close(self)", "def _close(self)", "Write it.", ""),
        ("Shop", "_Shop", "Write it.", ""),
        ("class Shop:", "class Shop(", "Write it.", ""),
    ],
)
def test_what_callers_would_not_expect(before, after, request_, told):
    reason = changed_parameters(OLD, OLD.replace(before, after), request_)
    assert (told in reason) if told else not reason


def test_functions_of_tests_take_what_their_runner_gives():
    old, new = "def test_shop(): ...\n", "def test_shop(tmp_path): ...\n"
    assert not changed_parameters(old, new, "Write it.")


def test_private_functions_are_looked_over():
    old, new = "def _walk(node): ...\n", "def _walk(node, depth): ...\n"
    assert not changed_parameters(old, new, "Write it.")
