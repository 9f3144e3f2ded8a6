"""Programs that tests run as they are, and that a machine may lack."""

from __future__ import annotations

import shutil

import pytest


def needs(*programs: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test where one of the programs it runs is not installed."""
    missing = [name for name in programs if shutil.which(name) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"runs the real {' and '.join(missing)}, not installed here"
    )


def program(name: str) -> str:
    """Return the path of a program that the running test runs; skip the test without it."""
    if found := shutil.which(name):
        return found
    pytest.skip(f"runs the real {name}, not installed here")
