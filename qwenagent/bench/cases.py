"""The prompts and grammars that are measured. Made up here; nothing is taken from any task."""

from __future__ import annotations

from importlib import resources

from qwenagent.grammar import Grammar, Offer, OneOf, Switch, body_grammar, call_grammar
from qwenagent.grammar.calls import OPENING
from qwenagent.protocol.messages import Message, Prompt
from qwenagent.tools import SPECS

SYSTEM = Message("system", "You change code in a git repository. Answer with one call.")
ASK = "Write a Python module with a class Stack: push, pop, peek, len, with docs."
_LINE = '{{"name": "{name}", "arguments": {{"path": "{path}"}}}}\n```python\n'


def call_case() -> tuple[Prompt, Grammar]:
    """A call that is chosen among six hundred."""
    paths = tuple(f"src/package_{i}/module_{j}.py" for i in range(10) for j in range(10))
    symbols = OneOf(tuple(f"Class{i}.method" for i in range(5)))
    offers = [
        Offer(SPECS["rewrite_file"], {"path": OneOf(paths)}),
        Offer(SPECS["replace_symbol"], {"path": Switch({p: {"symbol": symbols} for p in paths})}),
        Offer(SPECS["search"]),
    ]
    return Prompt((SYSTEM, Message("user", ASK)), OPENING), call_grammar(offers, "benchmark")


def trie_case() -> tuple[Prompt, Grammar]:
    """A call that names one of 5,000 paths."""
    paths = tuple(f"src/area_{i}/part_{j}/file_{k}.py" for i in range(10) for j in range(10)
                  for k in range(50))  # fmt: skip
    offers = [Offer(SPECS["outline"], {"path": OneOf(paths)})]
    return Prompt((SYSTEM, Message("user", ASK)), OPENING), call_grammar(offers, "benchmark")


def body_case() -> tuple[Prompt, Grammar]:
    """A body of new code: nothing in the prompt to copy from."""
    opening = _LINE.format(name="write_file", path="src/stack.py")
    return Prompt((SYSTEM, Message("user", ASK)), opening), body_grammar("```")


def rewrite_case() -> tuple[Prompt, Grammar, str]:
    """A file of 120 lines that is to be written again with three lines changed, and its text."""
    text = resources.files(__package__).joinpath("ledger.txt").read_text(encoding="utf-8")
    order = (
        f"File `app/ledger.py`:\n```python\n{text}```\n\nAmounts are to be rounded to four places:"
        " change `, 2)` to `, 4)` in the three calls of `round`; nothing else changes.\n"
        "Write the complete new content of app/ledger.py."
    )
    opening = _LINE.format(name="rewrite_file", path="app/ledger.py")
    return Prompt((SYSTEM, Message("user", order)), opening), body_grammar("```"), text


def long_prompt(n_words: int) -> Prompt:
    """A prompt of about 2,000 tokens: an invented module of `n_words` classes."""
    text = module(n_words)
    return Prompt((SYSTEM, Message("user", f"```python\n{text}```\nSay in a word what that is.")))


def module(n_classes: int) -> str:
    """Return a Python module with classes of eight lines each."""
    return "".join(
        f"class Shape{i}:\n"
        f'    """Shape number {i}, measured in {("cm", "mm", "inches")[i % 3]}."""\n\n'
        f"    def __init__(self, width, height):\n"
        f"        self.width = width + {i}\n"
        f"        self.height = height\n\n"
        f"    def area(self):\n"
        f"        return self.width * self.height\n\n\n"
        for i in range(n_classes)
    )
