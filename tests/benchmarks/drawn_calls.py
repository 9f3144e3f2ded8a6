"""Calls drawn by a real model at a temperature at which it makes no sense: all of them are valid.

    python -m tests.benchmarks.drawn_calls MODEL.gguf [--headers 1000] [--bodies 300]

In made-up repositories with odd names. Headers are drawn eight at a time; some of those that take
code get a body, too. Each is JSON, conforms to its tool's schema and names nothing outside. Each
edit applies, and is taken back to the same bytes, or is refused for a reason.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from qwenagent.engine import EmbeddedEngine, Engine, LoadSettings
from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.grammar import body_grammar, call_grammar, fence_for, search_body
from qwenagent.grammar.calls import OPENING
from qwenagent.protocol.messages import Prompt, Sampling
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import fence_info
from qwenagent.tools import SPECS, make_edit, refusal
from tests.states import State, check_call, make_state

WILD = Sampling(temperature=1.5, top_p=1.0, top_k=512, max_tokens=256)
N_AT_ONCE = 8
BODY_TOKENS = 160
BODIES_A_STATE = 4


def headers(engine: Engine, state: State, seed: int) -> list[str]:
    """Return the lines of calls, as many as differ among N_AT_ONCE."""
    grammar = call_grammar(state.offers, "a state")
    prompt = Prompt(state.messages, OPENING)
    sampling = replace(WILD, seed=seed * 1000)
    done = engine.complete(prompt, sampling=sampling, grammar=grammar, n=N_AT_ONCE)
    assert {one.stop for one in done} == {"stop"}, done
    return [OPENING + one.text for one in done]


def body(engine: Engine, state: State, line: str, call: ToolCall, seed: int) -> str | None:
    """Return the block behind a call, None if it came to no end."""
    path = str(call.arguments["path"])
    text = state.workspace.text(path) or ""
    fence = fence_for(text)
    if call.name == "search_replace":
        grammar = search_body(text, fence)
    else:
        grammar = body_grammar(fence, may_be_empty=call.name == "replace_lines")
    prompt = Prompt(state.messages, f"{line}\n{fence}{fence_info(path)}\n")
    sampling = replace(WILD, seed=seed, max_tokens=BODY_TOKENS)
    [done] = engine.complete(prompt, sampling=sampling, grammar=grammar)
    return done.text.rstrip("\n").removesuffix(fence) if done.stop == "stop" else None


def applied(state: State, call: ToolCall) -> str:
    """Carry an edit out and take it back; return what became of it."""
    before = files_of(state)
    try:
        edit = make_edit(state.workspace, call)
        if reason := refusal(edit, ""):
            return f"refused: {_kind(reason, edit.path)}"
        state.workspace.apply(edit)
    except (EditRefused, PathEscapes) as error:
        assert files_of(state) == before
        return f"refused: {_kind(error.message, str(call.arguments['path']))}"
    after = files_of(state)
    touched = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert touched <= {edit.path, edit.to}, (touched, call)
    state.workspace.rollback()
    assert files_of(state) == before, call
    return "applied, and taken back"


def files_of(state: State) -> dict[str, bytes]:
    """Return everything in the repository but git's own."""
    root = state.workspace.root
    found = (path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def _kind(reason: str, path: str) -> str:
    words = reason.replace(path, "FILE").partition(";")[0].partition(":")[0]
    return " ".join(words.split()[:5])


def draw(engine: Engine, folder: Path, n_headers: int, n_bodies: int) -> Iterator[tuple[str, str]]:
    """Yield (tool, what became of it) for each call; of a header alone that is "valid"."""
    seed = 0
    while n_headers > 0:
        state = make_state(folder / str(seed), seed)
        left = BODIES_A_STATE
        for line in headers(engine, state, seed)[:n_headers]:
            call = check_call(state, line)
            n_headers -= 1
            yield call.name, "valid"
            if left and n_bodies and SPECS[call.name].body == "code":
                left, n_bodies = left - 1, n_bodies - 1
                text = body(engine, state, line, call, seed)
                end = "refused: no end" if text is None else ""
                yield call.name, end or applied(state, replace(call, body=text))
        seed += 1


def main() -> None:
    """Draw, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--headers", type=int, default=1000)
    parser.add_argument("--bodies", type=int, default=300)
    options = parser.parse_args()
    settings = LoadSettings(options.model, 8192, len(os.sched_getaffinity(0)))
    engine = EmbeddedEngine("drawn", settings)
    start = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            seen = Counter(draw(engine, Path(folder), options.headers, options.bodies))
    finally:
        engine.close()
    n_valid = sum(n for (_, end), n in seen.items() if end == "valid")
    print(f"{n_valid:,} headers, all valid; {time.monotonic() - start:.0f} s")
    for (tool, end), n in sorted(seen.items()):
        print(f"{tool:16} {n:5}  {end}")


if __name__ == "__main__":
    main()
