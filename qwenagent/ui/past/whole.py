"""What the screen leaves out of a run: answers, what prompts were made of, results, output.

Knows events and words; not how they are drawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from qwenagent.protocol.events import (
    ContextBuilt,
    ContextItem,
    Event,
    TestsRan,
    TokenDelta,
    ToolEnded,
    ToolStarted,
    TurnStarted,
)
from qwenagent.protocol.tools import ToolCall
from qwenagent.ui import words


@dataclass(frozen=True, slots=True)
class Part:
    """A text from outside under a title of ours, as it came: not yet fit for showing."""

    title: str
    text: str
    path: str = ""
    """The file it belongs in, if it is code."""


class LeftOut:
    """Remembers the answers of a turn, so that a call's body is not given a second time."""

    def __init__(self) -> None:
        self._answers = ""
        self._is_answer = False

    def parts(self, event: Event) -> Iterator[Part]:
        """Yield what an event has beyond what the screen shows of it."""
        match event:
            case TurnStarted(phase=phase):
                self._answers = ""
                self._is_answer = phase == "answer"
            case ContextBuilt(included=included, left_out=left_out):
                yield Part("in the prompt", _items(included))
                if left_out:
                    yield Part("left out of the prompt", _items(left_out))
            case TokenDelta() if self._is_answer:
                pass  # the screen has it whole
            case TokenDelta(text=text, candidate=candidate):
                self._answers += text
                yield Part(f"answer {candidate + 1}" if candidate else "answer", text)
            case ToolStarted(call=call):
                yield from self._call(call)
            case ToolEnded(result=result):
                if result.content.strip() and words.outcome(result) != result.content.strip():
                    yield Part("result, as the model reads it", result.content)
            case TestsRan(run=run):
                if run.output.strip():
                    yield Part("output of the tests", run.output)
            case _:
                pass

    def _call(self, call: ToolCall) -> Iterator[Part]:
        shown = json.dumps(call.arguments, ensure_ascii=False)
        if any(not isinstance(v, (str, int, float)) for v in call.arguments.values()):
            yield Part("arguments", shown)
        if call.body and call.body not in self._answers:
            path = call.arguments.get("path")
            yield Part("body of the call", call.body, path if isinstance(path, str) else "")


def _items(items: tuple[ContextItem, ...]) -> str:
    return "\n".join(map(_item, items))


def _item(item: ContextItem) -> str:
    how = f" ({item.how})" if item.how else ""
    return f"{words.count(item.n_tokens):>7} tokens  {item.what}{how}"
