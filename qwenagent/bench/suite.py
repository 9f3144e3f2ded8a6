"""The measurements, one after the other; arms that are compared run in turn, round by round."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from qwenagent.bench import cases
from qwenagent.bench.arms import QUIET, Arms, Stock
from qwenagent.bench.figures import Figure, ratios
from qwenagent.engine import EmbeddedEngine, LoadSettings
from qwenagent.engine.decoder import Decoder
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Message, Prompt, Sampling

N_CTX = 8192
CALL_TOKENS = 64
BODY_TOKENS = 160
REWRITE_TOKENS = 1400
CANDIDATES = 8
CANDIDATE_TOKENS = 96
LONG_CLASSES = 25
"""Makes a prompt of about 2,000 tokens."""

Say = Callable[[str], None]


def run_bench(
    settings: LoadSettings, rounds: int, say: Say, only: frozenset[str] = frozenset()
) -> list[Figure]:
    """Measure everything, or the figures of some keys, and return them in order."""
    from qwenagent.engine.llama import start_backend

    start_backend(quiet=True)
    arms = Arms(settings)
    parts: list[tuple[tuple[str, ...], Callable[[], list[Figure]]]] = [
        (("grammar_ratio", "stock_grammar_ratio"), lambda: _grammar(arms, rounds)),
        (("trie_ratio",), lambda: _trie(arms, rounds)),
        (("warm_ratio",), lambda: _warm(arms, rounds)),
        (("candidates_ratio",), lambda: _candidates(arms, rounds)),
        (("lookup_ratio",), lambda: _rewrite(arms, rounds)),
        (("lookup_idle_ratio",), lambda: _idle(arms, rounds)),
        (("floor_ratio",), lambda: _floor(arms, rounds)),
    ]
    found: list[Figure] = []
    try:
        for keys, measure in parts:
            if not only or only.intersection(keys):
                say(f"measuring {', '.join(keys)}")
                found += measure()
    finally:
        arms.close()
    for keys, whole in (
        (("disk_ratio",), _disk),
        (("memory_overhead_mb",), _memory),
    ):
        if not only or only.intersection(keys):
            say(f"measuring {', '.join(keys)}")
            found += whole(settings, rounds)
    return found


def _grammar(arms: Arms, rounds: int) -> list[Figure]:
    """Our loop under a call's grammar and a body's, and the stock class, against a bare loop."""
    stock = Stock(arms.settings.path, N_CTX, arms.settings.n_threads)
    pairs = [(*cases.call_case(), CALL_TOKENS), (*cases.body_case(), BODY_TOKENS)]
    ours: list[float] = []
    theirs: list[float] = []
    decoder = arms.decoder()
    try:
        for prompt, grammar, n in pairs:  # warm-up: vocabulary index, compiled grammars
            arms.ours(decoder, prompt, grammar, n)
        for _ in range(rounds):
            n_all, s_ours, s_bare = 0, 0.0, 0.0
            for prompt, grammar, n in pairs:
                ids, done = arms.ours(decoder, prompt, grammar, n)
                n_all += done.usage.completion_tokens
                s_ours += done.usage.decode_s
                s_bare += arms.bare(prompt, ids) * done.usage.completion_tokens / len(ids)
            ours.append(s_bare / s_ours)
            prompt, grammar, n = pairs[1]
            speed = stock.write(arms.model, prompt, grammar, n)
            theirs.append(speed * s_bare / n_all)
    finally:
        stock.close()
    return [
        Figure("grammar_ratio", "decode under a grammar / bare loop, the same tokens",
               tuple(ours), "at least", 0.97),
        Figure("stock_grammar_ratio", "the stock class under the grammar / bare loop",
               tuple(theirs)),
    ]  # fmt: skip


def _trie(arms: Arms, rounds: int) -> list[Figure]:
    prompt, grammar = cases.trie_case()
    values = _against_bare(arms, prompt, grammar, CALL_TOKENS, rounds)
    what = "decode under a grammar with 5,000 paths / bare loop"
    return [Figure("trie_ratio", what, values, "at least", 0.90)]


def _against_bare(
    arms: Arms, prompt: Prompt, grammar: Grammar, n: int, rounds: int
) -> tuple[float, ...]:
    decoder = arms.decoder()
    arms.ours(decoder, prompt, grammar, n)
    values = []
    for _ in range(rounds):
        ids, done = arms.ours(decoder, prompt, grammar, n)
        bare_s = arms.bare(prompt, ids) / len(ids)
        values.append(bare_s / (done.usage.decode_s / done.usage.completion_tokens))
    return tuple(values)


def _warm(arms: Arms, rounds: int) -> list[Figure]:
    """The first token of the next turn of a conversation, against that of a cold start."""
    prompt = cases.long_prompt(LONG_CLASSES)
    follow = (Message("assistant", "Shapes."), Message("user", "And in two words?"))
    after = Prompt((*prompt.messages, *follow))
    cold, warm = [], []
    for _ in range(max(2, rounds // 2)):
        arms.context.keep(0)
        cold.append(_first_token(arms, prompt))
        warm.append(_first_token(arms, after))
    return [
        Figure("warm_ratio", "time to the first token, 2,000-token prompt: next turn / cold",
               ratios(warm, cold), "at most", 0.05,
               note=f"cold {np.median(cold):.1f} s, next turn {np.median(warm):.2f} s"),
    ]  # fmt: skip


def _first_token(arms: Arms, prompt: Prompt) -> float:
    start = time.perf_counter()
    arms.decoder().complete(prompt, None, [Sampling(max_tokens=1)], QUIET)
    return time.perf_counter() - start


def _candidates(arms: Arms, rounds: int) -> list[Figure]:
    """As a step draws them: at 0.8, so that some begin alike. Duplicates do not count.

    Both arms guess: the one answer from the prompt, the eight from each other as well.
    """
    prompt, grammar = cases.body_case()
    many, one = [], []
    decoder = arms.decoder(guesses=True)
    _warm_up(arms, decoder)
    for i in range(rounds):
        samplings = [
            Sampling(temperature=0.8, top_p=0.95, top_k=50, seed=100 * i + k,
                     max_tokens=CANDIDATE_TOKENS)
            for k in range(CANDIDATES)
        ]  # fmt: skip
        start = time.perf_counter()
        done = decoder.complete(prompt, grammar, samplings, QUIET)
        many.append(sum(c.usage.completion_tokens for c in done) / (time.perf_counter() - start))
        start = time.perf_counter()
        [single] = decoder.complete(prompt, grammar, samplings[:1], QUIET)
        one.append(single.usage.completion_tokens / (time.perf_counter() - start))
    what = f"tokens a second in all, {CANDIDATES} candidates / 1"
    cost = _batch_cost(arms, rounds)
    note = f"{np.median(many):.1f} against {np.median(one):.1f} tok/s; a batch of {CANDIDATES} "
    note += f"costs {cost:.1f} single tokens: the limit of text that is nowhere the same is "
    note += f"{CANDIDATES / cost:.2f}"
    return [Figure("candidates_ratio", what, ratios(many, one), "at least", 1.7, note=note)]


def _batch_cost(arms: Arms, rounds: int) -> float:
    """Return what a batch of CANDIDATES tokens with all their logits costs, in single tokens."""
    arms.read(arms.model.encode(cases.body_case()[0]))
    ratio = [arms.batch(CANDIDATES) / arms.batch(1) for _ in range(3 * rounds)]
    return float(np.median(ratio))


def _rewrite(arms: Arms, rounds: int) -> list[Figure]:
    """Writing a file again with three lines changed, with prompt lookup and without."""
    prompt, grammar, _ = cases.rewrite_case()
    plain, guessing = arms.decoder(), arms.decoder(guesses=True)
    _warm_up(arms, guessing)
    with_, without, same = [], [], True
    for _ in range(max(2, rounds // 2)):
        _, a = arms.ours(guessing, prompt, grammar, REWRITE_TOKENS)
        _, b = arms.ours(plain, prompt, grammar, REWRITE_TOKENS)
        with_.append(a.usage.completion_tokens / a.usage.decode_s)
        without.append(b.usage.completion_tokens / b.usage.decode_s)
        same = same and a.text == b.text
        right = a.usage.guessed_right / max(1, a.usage.guessed)
    note = f"{np.median(with_):.0f} against {np.median(without):.0f} tok/s, {right:.0%} of guesses "
    note += "right, " + ("the same text" if same else "another text")
    what = "rewriting 120 lines with three changed: lookup / plain"
    return [Figure("lookup_ratio", what, ratios(with_, without), "at least", 2.0, note=note)]


def _warm_up(arms: Arms, guessing: Decoder) -> None:
    """Let the costs of batches be measured, if they are not known, outside of what is timed."""
    prompt, grammar, _ = cases.rewrite_case()
    arms.ours(guessing, prompt, grammar, 64)


def _idle(arms: Arms, rounds: int) -> list[Figure]:
    prompt, grammar = cases.body_case()
    plain, guessing = arms.decoder(), arms.decoder(guesses=True)
    _warm_up(arms, guessing)
    with_, without = [], []
    for _ in range(rounds):
        _, a = arms.ours(guessing, prompt, grammar, BODY_TOKENS)
        _, b = arms.ours(plain, prompt, grammar, BODY_TOKENS)
        with_.append(a.usage.completion_tokens / a.usage.decode_s)
        without.append(b.usage.completion_tokens / b.usage.decode_s)
    what = "new code, nothing to copy: lookup / plain"
    return [Figure("lookup_idle_ratio", what, ratios(with_, without), "at least", 0.97)]


def _floor(arms: Arms, rounds: int) -> list[Figure]:
    """Plain decoding against the time that reading all weights once takes at memory speed."""
    prompt, _ = cases.body_case()
    ids = arms.model.tokenize(cases.module(3))[:64]
    n_bytes = arms.settings.path.stat().st_size
    shares, note = [], ""
    for _ in range(rounds):
        per_token = arms.bare(prompt, ids) / len(ids)
        bandwidth = memory_bandwidth(arms.settings.n_threads)
        shares.append((n_bytes / bandwidth) / per_token)
        note = f"{1 / per_token:.1f} tok/s; the floor is {bandwidth / n_bytes:.1f} tok/s at "
        note += f"{bandwidth / 1e9:.1f} GB/s"
    return [Figure("floor_ratio", "plain decoding / what memory bandwidth allows",
                   tuple(shares), note=note)]  # fmt: skip


def memory_bandwidth(n_threads: int) -> float:
    """Return bytes a second that this many threads read together from memory."""
    from concurrent.futures import ThreadPoolExecutor

    blocks = [np.ones(32_000_000, dtype=np.float32) for _ in range(n_threads)]
    with ThreadPoolExecutor(n_threads) as pool:
        best = 0.0
        for _ in range(5):
            start = time.perf_counter()
            list(pool.map(np.max, blocks))
            seconds = time.perf_counter() - start
            best = max(best, sum(block.nbytes for block in blocks) / seconds)
    return best


def _disk(settings: LoadSettings, rounds: int) -> list[Figure]:
    """The first token in a new process that finds the prompt on disk, against one that does not."""
    prompt = cases.long_prompt(LONG_CLASSES)
    cold, disk = [], []
    for _ in range(max(2, rounds // 2)):
        with TemporaryDirectory(prefix="qwenagent-bench-") as folder:
            own = replace(settings, cache=Path(folder))
            cold.append(_first_in_new_process(own, prompt))
            disk.append(_first_in_new_process(own, prompt))
    note = f"cold {np.median(cold):.1f} s, from disk {np.median(disk):.2f} s"
    what = "the same in a new process, from disk / cold"
    return [Figure("disk_ratio", what, ratios(disk, cold), "at most", 0.05, note=note)]


def _first_in_new_process(settings: LoadSettings, prompt: Prompt) -> float:
    engine = EmbeddedEngine("bench", settings)
    try:
        engine.start()
        start = time.perf_counter()
        engine.complete(prompt, sampling=Sampling(max_tokens=1))
        return time.perf_counter() - start
    finally:
        engine.close()


def _memory(settings: LoadSettings, rounds: int) -> list[Figure]:
    """The peak of a worker's memory after loading, a long prompt and eight candidates."""
    del rounds  # a peak is a peak
    engine = EmbeddedEngine("bench", replace(settings, cache=None))
    prompt, grammar = cases.body_case()
    try:
        engine.complete(cases.long_prompt(LONG_CLASSES), sampling=Sampling(max_tokens=8))
        sampling = Sampling(temperature=1.0, max_tokens=32)
        engine.complete(prompt, sampling=sampling, grammar=grammar, n=CANDIDATES)
        pid = engine.worker_pid
        assert pid
        peak = _peak_bytes(pid)
    finally:
        engine.close()
    overhead = (peak - settings.path.stat().st_size) / 1e6
    what = "peak resident memory minus the model file, context of 8,192"
    return [Figure("memory_overhead_mb", what, (overhead,), "at most", 450, "MB")]


def _peak_bytes(pid: int) -> int:
    """Return the most memory that a process ever held; where unknown, what it holds now."""
    import psutil

    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        return int(psutil.Process(pid).memory_info().rss)
