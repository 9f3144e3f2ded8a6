"""The exception tree: codes, messages, and the way across a pipe."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator

import pytest

from qwenagent import errors
from qwenagent.errors import QwenAgentError

CODES = {
    "UsageError": 2,
    "ConfigError": 2,
    "AssetError": 3,
    "PlanError": 2,
    "UnknownModel": 2,
    "GrammarError": 3,
    "UnsupportedSchema": 3,
    "InvalidGrammar": 3,
    "ApprovalNeeded": 5,
}
RETRYABLE = {"DownloadFailed", "EngineCrashed"}


def tree(kind: type[QwenAgentError] = QwenAgentError) -> Iterator[type[QwenAgentError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


def ours() -> list[type[QwenAgentError]]:
    return [kind for kind in tree() if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", ours(), ids=lambda kind: kind.__name__)
def test_an_error_crosses_a_pipe(kind):
    error = kind("3 of 5, ü", hint="take 4")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert (copy.message, copy.hint, copy.args) == ("3 of 5, ü", "take 4", error.args)
    assert str(copy) == "3 of 5, ü\ntake 4"
    assert str(kind("alone")) == "alone"


@pytest.mark.parametrize("kind", ours(), ids=lambda kind: kind.__name__)
def test_every_error_has_its_exit_code(kind):
    assert kind.exit_code == CODES.get(kind.__name__, 4)
    assert kind.retryable is (kind.__name__ in RETRYABLE)


def test_the_tree_is_drawn_whole():
    drawn = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+\b", errors.__doc__ or "")) - {"ToolResult"}
    assert drawn == {kind.__name__ for kind in ours()}
