"""How much of bare decoding speed is left under a grammar, over the very same token ids.

    python -m tests.benchmarks.decode MODEL.gguf [--rounds 5]

Two arms, in turn: our decoding loop writes a call and a body under their grammars (cascade,
detokenising, stop checks, repetition guard), then the same token ids are fed one by one to a loop
that only decodes and takes the argmax. Prints tokens a second for each, and the ratio.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from qwenagent.engine import LoadSettings, default_threads
from qwenagent.engine.decoder import Decoder, Watch
from qwenagent.engine.llama import Context, Model, start_backend
from qwenagent.grammar import Grammar, Offer, OneOf, Switch, body_grammar, call_grammar
from qwenagent.grammar.calls import OPENING
from qwenagent.protocol.messages import Message, Prompt, Sampling
from qwenagent.tools import SPECS

MESSAGES = (
    Message("system", "You change code in a git repository. Answer with one call."),
    Message("user", "Write a Python module with a class Stack: push, pop, peek, len, with docs."),
)
PATHS = tuple(f"src/package_{i}/module_{j}.py" for i in range(10) for j in range(10))


def call_case() -> tuple[Prompt, Grammar, int]:
    """A call that is chosen from six hundred."""
    symbols = OneOf(tuple(f"Class{i}.method" for i in range(5)))
    offers = [
        Offer(SPECS["rewrite_file"], {"path": OneOf(PATHS)}),
        Offer(SPECS["replace_symbol"], {"path": Switch({p: {"symbol": symbols} for p in PATHS})}),
        Offer(SPECS["search"]),
    ]
    return Prompt(MESSAGES, OPENING), call_grammar(offers, "benchmark"), 64


def body_case() -> tuple[Prompt, Grammar, int]:
    """A body of code."""
    line = '{"name": "write_file", "arguments": {"path": "src/stack.py"}}'
    return Prompt(MESSAGES, f"{line}\n```python\n"), body_grammar("```"), 256


def constrained(
    decoder: Decoder, prompt: Prompt, grammar: Grammar, n: int
) -> tuple[list[int], float]:
    """Return the ids that our loop writes, and its decode seconds."""
    watch = Watch(lambda _: None, lambda *_: None, lambda: False)
    done = decoder.complete(prompt, grammar, Sampling(max_tokens=n), watch)
    n_prompt = done.usage.prompt_tokens
    ids = decoder.context.tokens[n_prompt:]
    return ids[: done.usage.completion_tokens], done.usage.decode_s


def bare(decoder: Decoder, prompt: Prompt, ids: list[int]) -> float:
    """Return the seconds that decode-and-argmax takes over `ids` after the same prompt."""
    context = decoder.context
    tokens = decoder.model.encode(prompt)
    context.keep(len(tokens) - 1)
    context.decode(tokens[len(context.tokens) :])
    start = time.perf_counter()
    for token in ids:
        np.argmax(context.logits())
        context.decode([token])
    return time.perf_counter() - start


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    settings = LoadSettings(options.model, n_ctx=2048, n_threads=default_threads())
    start_backend()
    model = Model(settings)
    decoder = Decoder(model, Context(model, settings))
    for name, case in (("call", call_case()), ("body", body_case())):
        prompt, grammar, n = case
        constrained(decoder, prompt, grammar, n)  # warm-up
        rates: dict[str, list[float]] = {"grammar": [], "bare": [], "ratio": []}
        for _ in range(options.rounds):
            ids, seconds = constrained(decoder, prompt, grammar, n)
            rates["grammar"].append(len(ids) / seconds)
            rates["bare"].append(len(ids) / bare(decoder, prompt, ids))
            rates["ratio"].append(rates["grammar"][-1] / rates["bare"][-1])
        print(f"{name}: {len(ids)} tokens, {options.rounds} rounds")
        for key, values in rates.items():
            low, middle, high = min(values), statistics.median(values), max(values)
            print(f"  {key:8} median {middle:8.3f}   min {low:8.3f}   max {high:8.3f}")


if __name__ == "__main__":
    main()
