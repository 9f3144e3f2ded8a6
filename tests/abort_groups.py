"""What could end the process in C: a program that does one group of it and says what it saw.

Run as `python -m tests.abort_groups GROUP MODEL FOLDER`. The last line of its output is JSON;
before it stands what was tried last, for when the process dies over it.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import llama_cpp.llama_cpp as lib
import numpy as np

from qwenagent.engine import LoadSettings, family
from qwenagent.engine.constraint import Constraint, Grammars
from qwenagent.engine.context import MAX_FORKS, MAX_ROWS, N_BATCH, Context, Part
from qwenagent.engine.decoder import Decoder
from qwenagent.engine.llama import Model, start_backend
from qwenagent.engine.writing import Watch
from qwenagent.errors import EngineError, InvalidGrammar
from qwenagent.grammar import Grammar, Offer, OneOf, body_grammar, call_grammar
from qwenagent.protocol.messages import Message, Prompt, Sampling
from qwenagent.tools import SPECS
from tests.grammar_tables import TABLES

N_TOKENS = 10_000
N_CTX = 256
PATHS = ("a.py", "a/b.py", "a/b/c d.py", "é.py", 'say "hi".py', "back\\slash.py")
CALLS = call_grammar([Offer(SPECS["outline"], {"path": OneOf(PATHS)})], "calls")
JSON = r"""root ::= value
value ::= object | array | string | number | "true" | "null"
object ::= "{" (string ":" value ("," string ":" value)*)? "}"
array ::= "[" (value ("," value)*)? "]"
string ::= "\"" [^"\\\x00-\x1F]* "\""
number ::= "-"? [0-9]{1,15} ("." [0-9]{1,5})?"""
ODD = {
    "json": JSON,
    "ambiguous": 'root ::= ("a" | "aa" | "aaa")* | "a"* "b"?',
    "optionals": "root ::= " + "[a-z]? " * 30,
    "nested": 'root ::= "(" root ")" | "[" root* "]" | [a-z ]+',
    "anything": "root ::= .*",
    "nothing": 'root ::= ""',
    "bytes of a character": 'root ::= ("é" | "\U0001f642" | "中")+',
    "control tokens": "root ::= <[151657]> [^<]* <[151658]>",
}
MALFORMED = {
    "empty": "",
    "blank": " \n\t\n",
    "a comment": "# root",
    "NUL at the beginning": '\0root ::= "a"',
    "NUL at the end": 'root ::= "a"\0',
    "NUL within": 'root ::= "a\0b"',
    "lone surrogate": 'root ::= "\udc80"',
    "lone surrogate in a comment": 'root ::= "a" # \ud800',
    "no root": 'start ::= "a"',
    "no name": '::= "a"',
    "no sign": 'root "a"',
    "half a sign": 'root :: "a"',
    "a name alone": "root",
    "undefined rule": "root ::= missing",
    "undefined rule far away": 'root ::= "a" b\nb ::= "b" | ("c" missing)?',
    "left recursion": "root ::= root",
    "left recursion behind nothing": 'root ::= "" root "a" | "b"',
    "left recursion behind an optional": 'root ::= "a"? root "b"',
    "left recursion of two": 'root ::= b "x"\nb ::= root "y" | "z"',
    "left recursion in a star": 'root ::= (root)* "a"',
    "open text": 'root ::= "a',
    "open class": "root ::= [a",
    "open bracket": 'root ::= ("a"',
    "closed bracket": 'root ::= "a")',
    "brackets the wrong way": 'root ::= )"a"(',
    "a quantifier alone": "root ::= *",
    "open quantifier": 'root ::= "a"{2',
    "no number": 'root ::= "a"{,}',
    "a word for a number": 'root ::= "a"{x}',
    "a negative number": 'root ::= "a"{-1}',
    "huge repetition": 'root ::= "a"{100000}',
    "number beyond 64 bits": 'root ::= "a"{99999999999999999999999999}',
    "open escape": 'root ::= "\\',
    "unknown escape": r'root ::= "\q"',
    "cut escape": r'root ::= "\x4',
    "no digits": r'root ::= "\uZZZZ"',
    "open token": "root ::= <[151657",
    "a token that is none": "root ::= <[x]>",
    "a stray sign": 'root ::= "a" ; "b"',
    "binary": "\x01\x02\x7f\xff" * 50,
    "a million names": "a " * 500_000,
    "a million quotes in a row": "root ::= " + '"' * 1_000_001,
    "a million brackets": "root ::= " + "(" * 1_000_000,
    "deep brackets": "root ::= " + "(" * 100_000 + '"a"' + ")" * 100_000,
    "deep rules": "root ::= r0\n"
    + "".join(f'r{i} ::= "" r{i + 1}\n' for i in range(100_000))
    + 'r100000 ::= "a"',
}
READABLE = {
    "a million characters of text": 'root ::= "' + "a" * 1_000_000 + '"',
    "a million characters of a class": "root ::= [" + "a" * 1_000_000 + "]",
    "a million characters of a comment": 'root ::= "a" #' + "x" * 1_000_000,
    "repetition of repetition": 'root ::= (("a"{1000}){1000}){1000}',
    "brackets in brackets": "root ::= " + "(" * 4_000 + '"a"' + ")" * 4_000,
    "stars of stars": "root ::= " + "(" * 100 + '"a"' + ")*" * 100,
    "a long chain": "root ::= r0\n"
    + "".join(f'r{i} ::= "a" r{i + 1}\n' for i in range(20_000))
    + 'r20000 ::= "a"',
    "3,000 alternatives": "root ::= " + " | ".join(f'"a{i}"' for i in range(3_000)),
}
NO_TOKENS = (-(2**31), -1, 2**31 - 1)


def note(what: str) -> None:
    """Say what comes next."""
    print(what, flush=True)


# -- grammars -------------------------------------------------------------------------------------


def random_tokens(model: Model, _: Path) -> dict[str, int]:
    """Offer random tokens to grammars, and follow those that are allowed."""
    grammars = Grammars(model)
    texts = [CALLS.text, body_grammar("```").text, *ODD.values(), *(t.gbnf for t in TABLES)]
    chance = random.Random(7)
    seen: Counter[str] = Counter()
    while seen["offered"] < N_TOKENS:
        text = texts[seen["grammars"] % len(texts)]
        note(text[:200])
        seen["grammars"] += 1
        seen += walk(model, grammars.constraint(Grammar(text, "random")), chance, seen["offered"])
    return dict(seen)


def walk(model: Model, state: Constraint, chance: random.Random, n_before: int) -> Counter[str]:
    """Offer tokens until 100 were; a third of them likely to fit, some of them no tokens."""
    seen: Counter[str] = Counter()
    fitting = after(model, state)
    while seen["offered"] < min(100, N_TOKENS - n_before):
        token = drawn(model, fitting, chance)
        seen["offered"] += 1
        if not state.allows(token):
            seen["refused"] += 1
            continue
        if token in family.ENDS_OF_TURN:
            seen["ends"] += 1
            break
        if chance.random() < 0.2:
            before, state = state, state.clone()
            before.close()
            seen["clones"] += 1
        state.accept(token)
        seen["accepted"] += 1
        fitting = after(model, state)
    state.close()
    return seen


def after(model: Model, state: Constraint) -> list[int]:
    """Return single bytes that fit and tokens that may, as many of both."""
    singles: list[int] = model.single_bytes[state.first_bytes()].tolist()
    tokens: list[int] = state.possible().tolist()
    return [*singles * (len(tokens) // max(len(singles), 1)), *tokens]


def drawn(model: Model, fitting: list[int], chance: random.Random) -> int:
    kinds: list[Sequence[int]] = [
        fitting,
        [*family.ENDS_OF_TURN, *sorted(family.NEVER_WRITTEN)],
        [*NO_TOKENS, model.n_vocab],
        range(model.n_vocab),
    ]
    [tokens] = chance.choices(kinds, weights=(60, 10, 5, 25))
    return chance.choice(tokens)


def malformed(model: Model, _: Path) -> dict[str, list[str]]:
    """Compile what is no grammar; return what was read all the same."""
    grammars = Grammars(model)
    refused, read = [], []
    for name, text in MALFORMED.items():
        note(name)
        try:
            grammars.constraint(Grammar(text, name)).close()
            read.append(name)
        except InvalidGrammar:
            refused.append(name)
    return {"refused": refused, "read": read}


def readable(model: Model, _: Path) -> dict[str, int]:
    """Follow large grammars for a few tokens; return how many each allowed."""
    grammars = Grammars(model)
    [token] = model.tokenize("a")
    followed = {}
    for name, text in READABLE.items():
        note(name)
        state = grammars.constraint(Grammar(text, name))
        n = 0
        while n < 20 and state.allows(token):
            state.accept(token)
            n += 1
        state.may_end()
        state.close()
        followed[name] = n
    return followed


def not_allowed(model: Model, _: Path) -> dict[str, bool]:
    """Ask for tokens that may not come: ends of the turn, control tokens, no tokens at all."""
    state = Grammars(model).constraint(Grammar('root ::= "a" .* "b"', "not allowed"))
    asked = [*family.ENDS_OF_TURN, *NO_TOKENS, model.n_vocab, *model.tokenize("b")]
    answers = {str(token): state.allows(token) for token in asked}
    state.close()
    return answers


# -- batches --------------------------------------------------------------------------------------


class Bench:
    """A context, and a text that is read again after each attempt to break it."""

    def __init__(self, model: Model, n_ctx: int = N_CTX) -> None:
        self.context = Context(model, LoadSettings(Path(), n_ctx, 1))
        self.ids = model.tokenize("def add(a, b):\n    return")
        self._logits = self._read()

    def _read(self) -> list[float]:
        self.context.keep(0)
        self.context.decode(self.ids)
        row: list[float] = self.context.logits().tolist()
        return row

    def attempt(self, name: str, action: Callable[[Context], object]) -> str:
        """Return how an attempt ended, and whether the context works as before after it."""
        note(name)
        try:
            ended = f"returned {action(self.context)}"
        except EngineError:
            ended = "error"
        for fork in range(1, MAX_FORKS + 1):
            self.context.drop(fork)
        near = np.allclose(self._read(), self._logits, atol=1e-3)
        return f"{ended}, {'works' if near else 'broken'}"

    def attempts(self, actions: dict[str, Callable[[Context], object]]) -> dict[str, str]:
        found = {name: self.attempt(name, action) for name, action in actions.items()}
        self.context.close()
        return found


def fill(context: Context, n_left: int = 0) -> None:
    """Read until the cache has room for `n_left` tokens."""
    while (n := context.n_ctx - len(context.tokens) - n_left) > 0:
        context.decode([220] * min(n, N_BATCH))


def overfill(context: Context) -> None:
    fill(context)
    context.decode([220])


def crowd(context: Context) -> None:
    """Let forks write until the cache is full."""
    fill(context, n_left=20)
    context.fork(MAX_FORKS)
    for position in range(len(context.tokens), context.n_ctx):
        context.read([Part([220], [1 + i], position, 1) for i in range(MAX_FORKS)])


def forked(*groups: list[int], n: int = 2) -> Callable[[Context], object]:
    """Return an attempt to read a token for each of these groups of forks."""

    def read(context: Context) -> None:
        context.fork(n)
        context.read([Part([220], group, len(context.tokens), 1) for group in groups])

    return read


def keeping(n_tokens: int) -> Callable[[Context], object]:
    """Return an attempt to keep so many tokens, which returns whether any were kept."""

    def keep(context: Context) -> bool:
        context.keep(n_tokens)
        return len(context.tokens) > 0

    return keep


def loading(path: Path) -> Callable[[Context], object]:
    """Return an attempt to load a file."""
    return lambda context: context.load(path)


def batches(model: Model, _: Path) -> dict[str, str]:
    """Hand llama.cpp batches that it cannot take."""
    wrong: dict[str, Callable[[Context], object]] = {
        "nothing": lambda c: c.decode([]),
        "too long": lambda c: c.decode([220] * (N_BATCH + 1)),
        "too many rows": lambda c: c.decode([220] * 40, n_rows=MAX_ROWS + 1),
        "no row": lambda c: c.decode([220] * 40, n_rows=0),
        "fewer than no rows": lambda c: c.decode([220] * 40, n_rows=-1),
        "a token beyond the vocabulary": lambda c: c.decode([model.n_vocab]),
        "a token far beyond": lambda c: c.decode([NO_TOKENS[-1]]),
        "a negative token": lambda c: c.decode([220, -1]),
        "a full cache": overfill,
        "forks in a full cache": crowd,
        "too many forks": lambda c: c.fork(MAX_FORKS + 1),
        "more tokens than forks": forked([1], [2], []),
        "nine forks": forked(*([1 + i] for i in range(9)), n=8),
        "nine forks in one token": forked([*range(1, 10)], n=8),
        "no forks": forked(),
        "the conversation as a fork": forked([0]),
        "a fork that is none": forked([300]),
        "a negative fork": forked([-1]),
        "a row that is not there": lambda c: c.logits(50),
        "a negative row": lambda c: c.logits(-5),
    }
    right: dict[str, Callable[[Context], object]] = {
        "keep less than nothing": keeping(-1),
        "keep more than there is": keeping(10**9),
        "as many rows as may be": lambda c: c.decode([220] * 40, n_rows=MAX_ROWS),
        "eight forks in one token": forked([*range(1, 9)], n=8),
    }
    return Bench(model).attempts(wrong | right)


# -- files ----------------------------------------------------------------------------------------


def with_kind(model: Model, path: Path, kind: int) -> None:
    """Save a state whose keys have another type, as another model's might."""
    params = lib.llama_context_default_params()
    params.n_ctx, params.type_k = N_CTX, kind
    pointer = lib.llama_init_from_model(model.pointer, params)
    ids = (lib.llama_token * 3)(1, 2, 3)
    lib.llama_decode(pointer, lib.llama_batch_get_one(ids, 3))
    lib.llama_state_seq_save_file(pointer, str(path).encode(), 0, ids, 3)
    lib.llama_free(pointer)


def states(model: Model, folder: Path) -> dict[str, str]:
    """Load what is no state, or none for this context. That files are whole, `saved` sees to."""
    bench = Bench(model)
    good = folder / "good é.state"
    assert bench.context.save(good)
    data = good.read_bytes()
    n = len(bench.ids)
    files = {
        "empty": b"",
        "one byte": b"g",
        "a text": b"def add(a, b):\n" * 1000,
        "random bytes": random.Random(7).randbytes(len(data)),
        "no numbers": bytes(len(data)),
        "another magic": b"xxxx" + data[4:],
        "another version": data[:4] + b"\x63" + data[5:],
        "fewer tokens": data[:8] + (n - 1).to_bytes(4, "little") + data[12:],
        "more tokens": data[:8] + (n + 1).to_bytes(4, "little") + data[12:],
        "too many tokens": data[:8] + b"\xff\xff\xff\x7f" + data[12:],
    }
    found = {"good": bench.attempt("good", lambda c: (c.load(good), c.tokens == bench.ids))}
    for name, content in files.items():
        path = folder / "damaged.state"
        path.write_bytes(content)
        found[name] = bench.attempt(name, loading(path))
    with_kind(model, folder / "other.state", lib.GGML_TYPE_Q8_0)
    more = {"other": folder / "other.state", "a folder": folder, "missing": folder / "missing"}
    for name, path in more.items():
        found[name] = bench.attempt(name, loading(path))
    long = Bench(model, 2 * N_CTX)
    fill(long.context, n_left=N_CTX - 20)
    assert long.context.save(folder / "long.state")
    long.context.close()
    small = Bench(model)
    found["too long"] = small.attempt("too long", lambda c: c.load(folder / "long.state"))
    small.context.close()
    bench.context.close()
    return found


# -- answers --------------------------------------------------------------------------------------


def answers(model: Model, _: Path) -> dict[str, list[bool]]:
    """Write answers, one or eight, up to the last place of a small cache."""
    context = Context(model, LoadSettings(Path(), N_CTX, 1))
    decoder = Decoder(model, context)
    opening = " ".join(str(number) for number in range(62))
    prompt = Prompt((Message("user", "Count on."),), opening)
    room = context.n_ctx - len(model.encode(prompt))
    assert 24 <= room <= 80
    found: dict[str, list[bool]] = {}
    for n, parts in ((1, 1), (8, 8), (8, 3), (3, 1)):
        max_tokens = room // parts
        note(f"{n} of {max_tokens}")
        samplings = [
            Sampling(temperature=1.5, top_p=1.0, seed=i, max_tokens=max_tokens) for i in range(n)
        ]
        watch = Watch(lambda *_: None, lambda *_: None, lambda: False)
        # It never ends by itself, and what is drawn differs.
        grammar = Grammar("root ::= [0-9] root", "digits")
        done = decoder.complete(prompt, grammar, samplings, watch)
        full = [c.stop == "length" and c.usage.completion_tokens == max_tokens for c in done]
        found[f"{n} in {parts} parts"] = full
    context.close()
    return found


GROUPS: dict[str, Callable[[Model, Path], object]] = {
    "random_tokens": random_tokens,
    "malformed": malformed,
    "readable": readable,
    "not_allowed": not_allowed,
    "batches": batches,
    "states": states,
    "answers": answers,
}


def main(group: str, gguf: str, folder: str) -> None:
    start_backend(quiet=True)
    model = Model(LoadSettings(Path(gguf), N_CTX, 1))
    found = GROUPS[group](model, Path(folder))
    model.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
