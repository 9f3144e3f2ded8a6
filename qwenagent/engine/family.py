"""Qwen 2.5 Coder: template, token ids, habits. The only module that knows the family.

The template is the ChatML of the model's own tokenizer_config, without the tool section: this
family ignores its `<tool_call>` form, so calls are forced by a grammar instead (see `grammar`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qwenagent.protocol.messages import Prompt

IM_START = 151644
IM_END = 151645
ENDOFTEXT = 151643
FIM_PREFIX, FIM_MIDDLE, FIM_SUFFIX = 151659, 151660, 151661
FIRST_SPECIAL = ENDOFTEXT
"""Every id from here on is a control token or one of the family's marks."""

# Ids from the official GGUF files. A grammar's character classes match the text of control
# tokens, and nothing else keeps the model from writing <|fim_prefix|> into a file.
_END_OF_SENTENCE = 128247
"""`</s>`, a control token by the files: a grammar reads its text, an answer gets none."""
NEVER_WRITTEN = frozenset(
    {IM_START, _END_OF_SENTENCE, *range(151646, 151657), *range(151659, 151665)}
)
"""Control tokens that no answer may contain: vision, FIM and repository marks."""

ENDS_OF_TURN = (IM_END, ENDOFTEXT)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a rendered prompt: one control token, or text in which none can be written."""

    token: int | None = None
    text: str = ""


def render(prompt: Prompt) -> Iterator[Segment]:
    """Yield the ChatML of a prompt, up to where the assistant goes on; of a gap, what is around it.

    A gap is written as the model was trained to fill it in: beginning, end, middle.
    """
    if prompt.gap:
        yield Segment(FIM_PREFIX)
        yield Segment(text=prompt.gap.before)
        yield Segment(FIM_SUFFIX)
        yield Segment(text=prompt.gap.after)
        yield Segment(FIM_MIDDLE)
        return
    for message in prompt.messages:
        yield Segment(IM_START)
        yield Segment(text=f"{message.role}\n{message.text}")
        yield Segment(IM_END)
        yield Segment(text="\n")
    yield Segment(IM_START)
    yield Segment(text=f"assistant\n{prompt.opening}")
