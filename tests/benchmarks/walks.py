"""Random walks through grammars: llama.cpp and the recogniser in Python agree at each token.

    python -m tests.benchmarks.walks MODEL.gguf [--walks 10000] [--seed 1]

Needs the vocabulary of the real model alone. Each walk takes tokens by random logits until its
call, or its body, is complete; then it is read back: a call is JSON, conforms to its tool's schema
and names nothing outside of the workspace, a block names lines that are in the file once.
"""

from __future__ import annotations

import argparse
import codecs
import itertools
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import jsonschema
import llama_cpp.llama_cpp as lib
import numpy as np

from qwenagent.engine import family
from qwenagent.engine.constraint import Constraint, Grammars
from qwenagent.engine.llama import Model, start_backend
from qwenagent.engine.sampler import Candidates
from qwenagent.grammar import (
    Between,
    Choice,
    Grammar,
    NewPath,
    Offer,
    OneOf,
    Recogniser,
    Switch,
    Text,
    body_grammar,
    call_grammar,
    fence_for,
    markers,
    search_body,
)
from qwenagent.grammar.calls import OPENING
from qwenagent.tools import SPECS

HOSTILE = (
    "a b", 'say "hi"', "back\\slash", "new\nline", "tab\t", "é漢🙂", "\u2028", "'", "[x]", "%s",
    "..", "-rf", ".git", "con", "a", "ab", "<|im_end|>", "del\x7f", "\x01", "bad\udcff", "{}",
)  # fmt: skip
MAX_TOKENS = 150
MAX_FOLDERS = 300
"""Folders in which new files may be written."""
FENCE = "```"
_N_REFUSED = 3
"""Tokens that llama.cpp refuses and the recogniser is asked about, for each token taken."""


class Vocabulary(Model):
    """The vocabulary of a model file without its weights: 1 s."""

    def __init__(self, path: Path) -> None:
        params = lib.llama_model_default_params()
        params.vocab_only = True
        self._model = lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise SystemExit(f"llama.cpp could not read the vocabulary of {path}")
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab = lib.llama_vocab_n_tokens(self.vocab)
        self._pieces = {}
        self._by_byte = []
        self._singles = np.full(256, -1, dtype=np.int32)


@dataclass(frozen=True)
class Stage:
    """Something to walk through."""

    kind: str
    grammar: Grammar
    files: frozenset[str] = frozenset()
    text: str = ""
    """The file that a search is in."""


@dataclass
class Tally:
    """What was seen."""

    finished: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    n_tokens: int = 0
    n_refused: int = 0


def files_of(draw: random.Random, n: int) -> frozenset[str]:
    """Return paths of which none is a folder of another."""
    parts = [*HOSTILE, *(f"{stem}{i}" for stem in ("mod", "test_", "größe") for i in range(20))]
    found = set()
    for _ in range(n):
        folder = "".join(f"d-{draw.choice(parts)}/" for _ in range(draw.randint(0, 3)))
        found.add(f"{folder}{draw.choice(parts)}{draw.choice(['.py', '.md', '', '.ts'])}")
    return frozenset(found)


def text_of(draw: random.Random, n: int) -> str:
    """Return a file of which many lines come again."""
    pool = [f"{'    ' * draw.randint(0, 3)}{draw.choice(HOSTILE)} = {i}" for i in range(n // 2 + 1)]
    pool += ["", "    return None", "}", "======= ", "<<<<<<< SEARCH", "carriage\r", "\x0c"]
    return "".join(f"{draw.choice(pool)}\n" for _ in range(n))


def taken(files: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return the names in each folder, of at most MAX_FOLDERS."""
    names: dict[str, set[str]] = {"": set()}
    for path in files:
        parts = path.split("/")
        for depth, part in enumerate(parts):
            names.setdefault("/".join(parts[:depth]), set()).add(part)
    nearest = sorted(names, key=lambda folder: (folder.count("/"), folder))[:MAX_FOLDERS]
    return {folder: frozenset(names[folder]) for folder in nearest}


def offers(draw: random.Random, files: frozenset[str]) -> list[Offer]:
    """Return a call of every tool, in a workspace with these files."""
    paths = sorted(files)
    starts: dict[str | int, Mapping[str, Choice]] = {
        path: {"start": Between(1, draw.randint(1, 3000))} for path in paths
    }
    lines: dict[str | int, Mapping[str, Choice]] = {
        start: {"end": Between(start, 60)} for start in range(1, 61)
    }
    symbols = OneOf(tuple(f"{name}.f" for name in HOSTILE))
    known: dict[str, dict[str, Choice]] = {
        "read_file": {"path": Switch(starts)},
        "list_files": {"folder": OneOf(tuple(taken(files)))},
        "write_file": {"path": NewPath(taken(files))},
        "replace_symbol": {"path": Switch({p: {"symbol": symbols} for p in paths[:50]})},
        "insert_symbol": {"path": Switch({p: {"after": symbols} for p in paths[:50]})},
        "replace_lines": {"path": Switch({p: {"start": Switch(lines)} for p in paths[:3]})},
        "rename_file": {"path": OneOf(tuple(paths)), "to": NewPath(taken(files))},
        "done": {"summary": Text(40)},
        "give_up": {"reason": Text(40)},
    }
    return [
        Offer(spec, known.get(name) or ({"path": OneOf(tuple(paths))} if _has_path(name) else {}))
        for name, spec in SPECS.items()
    ]


def _has_path(name: str) -> bool:
    properties = SPECS[name].parameters["properties"]
    return isinstance(properties, dict) and "path" in properties


def stages(seed: int, n_files: int, n_lines: int) -> list[Stage]:
    """Return what can be walked through in one workspace."""
    draw = random.Random(seed)
    files = files_of(draw, n_files)
    all_offers = offers(draw, files)
    text = text_of(draw, n_lines)
    fence = fence_for(text)
    calls = [Stage("call", call_grammar(all_offers, "all tools"), files)]
    calls += [
        Stage("call", call_grammar([offer], offer.spec.name), files)
        for offer in draw.sample(all_offers, 4)
    ]
    return [
        *calls,
        Stage("body", body_grammar(FENCE, may_be_empty=True)),
        Stage("body", body_grammar(FENCE, begin="  def f", may_have_more=True)),
        Stage("search", search_body(text, fence), text=text),
        Stage("search", search_body(text[: len(text) // 8], fence), text=text[: len(text) // 8]),
    ]


class Walker:
    """Takes tokens by chance, as far as both readers of the grammar agree."""

    def __init__(self, model: Vocabulary, seed: int) -> None:
        self.model = model
        self.grammars = Grammars(model)
        self.tally = Tally()
        self._chance = np.random.default_rng(seed)
        ends = "\n======== SEARCH\n>>>>>>>> REPLACE\n```"
        self._ends = sorted(set(model.tokenize(ends)))

    def walk(self, stage: Stage) -> None:
        """Go through a grammar once and look at what was written.

        Raises:
            AssertionError: the two do not agree, or what was written is wrong.
        """
        state = self.grammars.constraint(stage.grammar)
        recogniser = Recogniser(stage.grammar.text)
        try:
            written = self._write(state, recogniser, stage.grammar)
        finally:
            state.close()
        if not recogniser.complete:
            self.tally.cut[stage.kind] += 1
            return
        self.tally.finished[stage.kind] += 1
        text = written.decode()
        if stage.kind == "call":
            self.tally.tools[check_call(OPENING + text, stage.files)] += 1
        if stage.kind == "search":
            check_blocks(text, stage.text)

    def _write(self, state: Constraint, recogniser: Recogniser, grammar: Grammar) -> bytes:
        written = bytearray()
        read = 0
        for _ in range(MAX_TOKENS):
            assert state.may_end() == (recogniser.complete and read == len(written)), written
            if recogniser.complete and read == len(written):
                break
            token = self._choose(state, recogniser, written, read)
            state.accept(token)
            written += self.model.piece(token)
            found = _read(bytes(written[read:]))
            assert found
            assert recogniser.feed(found[0]), (grammar.origin, written)
            read += found[1]
            self.tally.n_tokens += 1
        return bytes(written[:read])

    def _choose(
        self, state: Constraint, recogniser: Recogniser, written: bytearray, read: int
    ) -> int:
        """Return a random token that llama.cpp allows; some that it refuses are looked at."""
        n_refused = 0
        for token in self._in_any_order(state):
            allowed = state.allows(token)
            if not allowed and n_refused == _N_REFUSED:
                continue
            if not self.model.piece(token):  # an id that is no token
                continue
            piece = bytes(written[read:]) + self.model.piece(token)
            found = _read(piece)
            # llama.cpp's classes take bytes that are no UTF-8 as well, which the engine replaces.
            if allowed and found:
                return token
            if not allowed and found and found[1] == len(piece) and b"\0" not in piece:
                n_refused += 1
                self.tally.n_refused += 1
                assert not recogniser.copy().feed(found[0]), (bytes(written), piece)
        raise AssertionError(f"nothing can follow {bytes(written)!r}")

    def _in_any_order(self, state: Constraint) -> Iterator[int]:
        """Yield tokens by chance: half of the time those that end something come first."""
        if self._chance.random() < 0.5:
            yield from map(int, self._chance.permutation(self._ends))
        # To look at all 150,000 takes longer than all the rest, and mostly need not be.
        yield from map(int, self._chance.integers(0, family.FIRST_SPECIAL, 16))
        possible = state.possible()
        order = self._chance.permutation(possible[possible < family.FIRST_SPECIAL])
        yield from map(int, order[:16])
        for start in range(0, len(order), 2000):
            some = order[start : start + 2000]
            candidates = Candidates(some, np.ones(len(some), dtype=np.float32))
            state.mask(candidates)
            yield from map(int, candidates.possible())


def _read(data: bytes) -> tuple[str, int] | None:
    """Return the whole characters in `data` and how many bytes they are; None if it is no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(data)
    except UnicodeDecodeError:
        return None
    rest = decoder.getstate()[0]
    if rest[:1] == b"\xed" and rest[1:2] >= b"\xa0":  # half a pair, which the decoder waits on
        return None
    return text, len(data) - len(rest)


def check_call(line: str, files: frozenset[str]) -> str:
    """Check a call and return its tool's name."""
    call = json.loads(line)
    assert list(call) == ["name", "arguments"], line
    name, arguments = call["name"], call["arguments"]
    jsonschema.validate(arguments, SPECS[name].parameters)
    new = {"write_file": "path", "rename_file": "to"}.get(name)
    for key in ("path", "to"):
        if key == new:
            check_new(arguments[key], files)
        elif key in arguments:
            assert arguments[key] in files, line
    return str(name)


def check_new(path: str, files: frozenset[str]) -> None:
    """A new path is inside, hides nothing, and is not there yet."""
    pure = PurePosixPath(path)
    assert not pure.is_absolute(), path
    assert pure.as_posix() == path, path
    assert not any(part.startswith(".") for part in pure.parts), path
    assert path not in files, path
    assert not any(str(parent) in files for parent in pure.parents), path
    assert not any(file.startswith(f"{path}/") for file in files), path


def check_blocks(body: str, text: str) -> None:
    """Each block's lines are in the file in one place."""
    marks = markers(text)
    hay = "\n" + text.removesuffix("\n") + "\n"
    for block in body.split(f"{marks.search}\n")[1:]:
        searched = block.partition(f"{marks.middle}\n")[0]
        assert searched, body
        found = [i for i in range(len(hay)) if hay.startswith("\n" + searched, i)]
        assert len(found) == 1, (searched, found)


def run(walker: Walker, n_walks: int, seed: int, sizes: Iterator[tuple[int, int]]) -> None:
    """Walk `n_walks` times, 25 times through each grammar of a workspace."""
    done = 0
    while done < n_walks:
        n_files, n_lines = next(sizes)
        seed += 1
        found = stages(seed, n_files, n_lines)
        n_here = min(25 * len(found), n_walks - done)
        for i in range(n_here):
            walker.walk(found[i % len(found)])
        done += n_here


def sizes(seed: int) -> Iterator[tuple[int, int]]:
    """Yield files and lines of workspaces: small ones, and now and then a large one."""
    draw = random.Random(seed)
    for n in itertools.count(1):
        yield (5000, 10_000) if n % 20 == 10 else (draw.randint(1, 300), draw.randint(1, 400))


def main() -> None:
    """Run the walks and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--walks", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start_backend(quiet=True)
    walker = Walker(Vocabulary(options.model), options.seed)
    start = time.process_time()
    run(walker, options.walks, options.seed, sizes(options.seed))
    tally = walker.tally
    print(
        f"{options.walks:,} walks, {tally.n_tokens:,} tokens, {time.process_time() - start:.0f} s"
    )
    print(f"finished {dict(tally.finished)}, ended by length {dict(tally.cut)}")
    print(f"refused by both: {tally.n_refused:,} tokens; disagreements: 0; wrong: 0")
    print(f"calls {dict(tally.tools)}")


if __name__ == "__main__":
    main()
