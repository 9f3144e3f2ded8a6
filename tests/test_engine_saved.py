"""Prompts kept on disk: the next program starts warm, and damage costs only the saving."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from qwenagent.engine import EmbeddedEngine, LoadSettings
from qwenagent.engine.context import Context
from qwenagent.engine.llama import Model, start_backend
from qwenagent.engine.saved import STALE_S, SavedPrompts
from qwenagent.protocol.messages import Completion, Message, Prompt, Sampling

pytestmark = pytest.mark.model

LINES = "".join(f"{i}: the value of item {i} is {i * i}\n" for i in range(40))
ASK = Prompt(
    (Message("system", f"You know this table.\n{LINES}"), Message("user", "Count to twenty.")),
    "1, 2, 3, 4, 5,",
)
"""Some 600 tokens, and an answer that every machine is sure of."""
GREEDY = Sampling(max_tokens=12)
ROOMY = 10**9


@pytest.fixture(scope="module")
def settings(test_gguf: Path, n_threads: int) -> LoadSettings:
    return LoadSettings(test_gguf, n_ctx=1024, n_threads=n_threads)


@pytest.fixture(scope="module")
def context(settings: LoadSettings) -> Iterator[Context]:
    start_backend(quiet=True)
    model = Model(settings)
    context = Context(model, settings)
    yield context
    context.close()
    model.close()


@pytest.fixture(scope="module")
def first_read(context: Context) -> list[int]:
    """Six hundred tokens that the context has read once."""
    ids = [100 + i % 900 for i in range(600)]
    for at in (0, 512):
        context.decode(ids[at : at + 512])
    return ids


@pytest.fixture(scope="module")
def held(context: Context, first_read: list[int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the context held then, so that no test has to read them again."""
    path: Path = tmp_path_factory.mktemp("held") / "held"
    context.keep(600)
    assert context.save(path)
    return path


@pytest.fixture
def ids(context: Context, first_read: list[int], held: Path) -> list[int]:
    """The tokens that the context holds now."""
    assert context.load(held)
    return first_read


def test_costs_are_kept_where_no_prompt_is(settings, tmp_path):
    """Costs that are measured anew make other batches, and those other answers now and then."""
    bare = replace(settings, cache=tmp_path, cache_bytes=0)
    kept = []
    for _ in range(2):
        with closing(EmbeddedEngine("test", bare)) as engine:
            engine.complete(ASK, sampling=GREEDY)
        kept.append((tmp_path / "costs.json").read_bytes())
    assert kept[0] == kept[1]
    assert [path.name for path in tmp_path.iterdir()] == ["costs.json"]


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    cache: Path
    answer: Completion


def answer(settings: LoadSettings, cache: Path | None) -> Completion:
    engine = EmbeddedEngine("test", replace(settings, cache=cache))
    try:
        return engine.complete(ASK, sampling=GREEDY)[0]
    finally:
        engine.close()


def states(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.state"))


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def loaded(context: Context, saved: SavedPrompts, ids: list[int]) -> bool:
    context.keep(0)
    saved.load_better(context, ids)
    return context.tokens == ids


# -- whole engines -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first(settings: LoadSettings, tmp_path_factory: pytest.TempPathFactory) -> FirstAnswer:
    """A cache folder after its first answer."""
    cache = tmp_path_factory.mktemp("first")
    before = os.umask(0)
    try:
        return FirstAnswer(cache, answer(settings, cache))
    finally:
        os.umask(before)


def test_the_next_program_starts_warm_and_says_the_same(settings, first):
    cold, warm = first.answer, answer(settings, first.cache)
    assert cold.usage.cached_tokens == 0
    assert warm.usage.prompt_tokens >= 512
    assert warm.usage.cached_tokens == warm.usage.prompt_tokens - 1
    assert warm.text == cold.text
    assert cold.text.startswith(" 6, 7, 8,")


@pytest.mark.slow
def test_without_a_cache_the_same_is_said(settings, first):
    done = answer(settings, None)
    assert (done.usage.cached_tokens, done.text) == (0, first.answer.text)


def test_what_is_kept_is_for_the_users_eyes_only(first):
    [folder] = (first.cache / "prompts").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.suffix: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        ".state": 0o600,
        ".tokens": 0o600,
    }


def test_a_damaged_state_is_read_anew_and_saved_again(settings, first, tmp_path):
    """The middle of the file is what llama.cpp itself would load without a word."""
    shutil.copytree(first.cache, tmp_path, dirs_exist_ok=True)
    [state] = states(tmp_path / "prompts")
    data = bytearray(state.read_bytes())
    half = len(data) // 2
    data[half : half + 4096] = bytes(4096)
    state.write_bytes(data)
    second = answer(settings, tmp_path)
    assert (second.usage.cached_tokens, second.text) == (0, first.answer.text)
    third = answer(settings, tmp_path)
    assert third.usage.cached_tokens == third.usage.prompt_tokens - 1
    assert third.text == first.answer.text


@pytest.mark.slow
def test_two_programs_that_keep_the_same_prompt_at_once(settings, tmp_path):
    done: list[Completion] = []
    alone = replace(settings, n_threads=1)
    threads = [
        threading.Thread(target=lambda: done.append(answer(alone, tmp_path))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done[0].text == done[1].text
    [state] = states(tmp_path / "prompts")
    assert sorted(path.suffix for path in state.parent.iterdir()) == [".state", ".tokens"]
    third = answer(alone, tmp_path)
    assert third.text == done[0].text
    assert third.usage.cached_tokens == third.usage.prompt_tokens - 1


FULL_DISK = """
import resource, sys
from pathlib import Path
from qwenagent.engine import EmbeddedEngine, LoadSettings
from tests.test_engine_saved import ASK, GREEDY

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    gguf, cache = sys.argv[1:]
    # One thread: two that wait for each other starve where others use the cores.
    settings = LoadSettings(Path(gguf), 1024, 1, cache=Path(cache))
    engine = EmbeddedEngine("test", settings)
    for _ in range(2):
        sys.stdout.write(engine.complete(ASK, sampling=GREEDY)[0].text + "\\n")
    engine.close()
"""


@pytest.mark.slow
def test_a_full_disk_costs_only_the_saving(settings, tmp_path):
    script = tmp_path / "full_disk.py"
    script.write_text(FULL_DISK, encoding="utf-8")
    cache = tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, script, settings.path, cache],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first == second
    assert first.startswith(" 6, 7, 8,")
    kept = [name for name in everything(cache) if name != "costs.json"]
    assert len(kept) == 2, "prompts and its one folder"
    assert not any((cache / name).is_file() for name in kept), "nothing half written"


# -- the files ---------------------------------------------------------------------------------


def test_what_was_saved_is_loaded_by_another_one(context, ids, tmp_path):
    SavedPrompts(tmp_path, "key", ROOMY).keep(context)
    assert loaded(context, SavedPrompts(tmp_path, "key", ROOMY), ids)
    assert not loaded(context, SavedPrompts(tmp_path, "another key", ROOMY), ids)
    assert len(states(tmp_path)) == 1


def test_short_prompts_and_small_gains_are_not_worth_a_file(context, ids, tmp_path):
    saved = SavedPrompts(tmp_path, "key", ROOMY)
    context.keep(511)
    saved.keep(context)
    assert everything(tmp_path) == []
    context.decode(ids[511:512])
    saved.keep(context)
    assert len(states(tmp_path)) == 1
    context.decode(ids[512:])
    saved.keep(context)
    assert len(states(tmp_path)) == 1
    context.keep(89)  # of 600 wanted tokens 512 are saved, and 512 more than 89 would be 601
    saved.load_better(context, ids)
    assert context.tokens == ids[:89]


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1001])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def scrambled(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(path.stat().st_size))


def one_bit_off(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def pickled(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    (path / "within").mkdir(parents=True)


DAMAGE = [truncated, emptied, scrambled, one_bit_off, pickled, replaced_by_a_folder, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("suffix", [".state", ".tokens"])
def test_damaged_files_are_removed_and_not_loaded(
    context: Context,
    ids: list[int],
    tmp_path: Path,
    suffix: str,
    damage: Callable[[Path], object],
) -> None:
    SavedPrompts(tmp_path, "key", ROOMY).keep(context)
    [state] = states(tmp_path)
    damage(state.with_suffix(suffix))
    again = SavedPrompts(tmp_path, "key", ROOMY)
    context.keep(0)
    again.load_better(context, ids)
    assert context.tokens == []
    assert states(tmp_path) == []


def test_a_removed_file_is_saved_again_by_the_same_process(context, ids, held, tmp_path):
    saved = SavedPrompts(tmp_path, "key", ROOMY)
    saved.keep(context)
    [state] = states(tmp_path)
    truncated(state)
    assert not loaded(context, saved, ids)
    assert everything(tmp_path) == [state.parent.name]
    assert context.load(held)
    saved.keep(context)
    assert loaded(context, SavedPrompts(tmp_path, "key", ROOMY), ids)


def test_behind_a_damaged_file_the_second_best_is_loaded(context, ids, tmp_path):
    saved = SavedPrompts(tmp_path, "key", ROOMY)
    other = SavedPrompts(tmp_path / "other", "key", ROOMY)
    saved.keep(context)
    [best] = states(tmp_path)
    context.keep(520)
    other.keep(context)
    for path in (tmp_path / "other").glob("*/*"):
        shutil.move(path, best.parent / path.name)
    emptied(best)
    context.keep(0)
    SavedPrompts(tmp_path, "key", ROOMY).load_better(context, ids)
    assert context.tokens == ids[:520]


def test_a_state_that_is_longer_than_the_context_is_left_for_others(context, ids, tmp_path):
    SavedPrompts(tmp_path, "key", ROOMY).keep(context)
    context.keep(0)
    n_ctx, context.n_ctx = context.n_ctx, 599
    try:
        SavedPrompts(tmp_path, "key", ROOMY).load_better(context, ids)
    finally:
        context.n_ctx = n_ctx
    assert context.tokens == []
    assert len(states(tmp_path)) == 1


def test_least_lately_used_go_first_whatever_their_key_and_never_the_newest(context, ids, tmp_path):
    SavedPrompts(tmp_path, "a", ROOMY).keep(context)
    [of_a] = states(tmp_path)
    size = of_a.stat().st_size
    SavedPrompts(tmp_path, "b", ROOMY).keep(context)
    [of_b] = set(states(tmp_path)) - {of_a}
    long_ago = time.time() - 1000
    os.utime(of_a, (long_ago, long_ago))
    os.utime(of_b, (long_ago + 1, long_ago + 1))
    assert loaded(context, SavedPrompts(tmp_path, "a", ROOMY), ids)  # a use
    SavedPrompts(tmp_path, "c", 2 * size).keep(context)
    assert of_a in states(tmp_path)
    assert of_b not in states(tmp_path)
    assert not of_b.with_suffix(".tokens").exists()
    assert len(states(tmp_path)) == 2
    SavedPrompts(tmp_path, "d", 0).keep(context)
    [of_d] = states(tmp_path)
    assert of_d.parent.name == hashlib.sha256(b"d").hexdigest()[:16]


def test_another_keys_files_are_not_touched(context, ids, tmp_path):
    SavedPrompts(tmp_path, "a", ROOMY).keep(context)
    [of_a] = states(tmp_path)
    emptied(of_a)
    b = SavedPrompts(tmp_path, "b", ROOMY)
    assert not loaded(context, b, ids)
    assert of_a.read_bytes() == b""
    assert of_a.with_suffix(".tokens").exists()


def test_what_killed_processes_left_is_removed_after_a_while(context, ids, tmp_path):
    SavedPrompts(tmp_path, "key", ROOMY).keep(context)
    [state] = states(tmp_path)
    kept = everything(tmp_path)
    elsewhere = tmp_path / "another-key"
    (elsewhere / "new-old").mkdir(parents=True)
    (elsewhere / "new-old" / "x.state").write_bytes(b"half")
    leftovers = [
        elsewhere / "abc.12345",
        elsewhere / "alone.tokens",
        state.with_suffix(".12345"),
        state.with_suffix(".npy"),
    ]
    for path in leftovers:
        path.write_bytes(b"half")
    fresh = state.with_suffix(".54321")
    fresh.write_bytes(b"being written")
    long_ago = time.time() - STALE_S - 60
    for path in [*leftovers, elsewhere / "new-old", state, state.with_suffix(".tokens")]:
        os.utime(path, (long_ago, long_ago))
    assert loaded(context, SavedPrompts(tmp_path, "key", ROOMY), ids)
    assert everything(tmp_path) == sorted(
        [*kept, "another-key", fresh.relative_to(tmp_path).as_posix()]
    )


def test_after_a_failed_save_no_further_one_is_tried(context, ids, tmp_path):
    folder = tmp_path / "prompts"
    folder.write_text("in the way", encoding="utf-8")
    saved = SavedPrompts(folder, "key", ROOMY)
    saved.keep(context)
    folder.unlink()
    saved.keep(context)
    assert not folder.exists()
