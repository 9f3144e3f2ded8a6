"""What a run does before the model, and what a step asks of the tree, in a repository of any size.

    python -m tests.benchmarks.large_repository [--files 50000] [--megabytes 200] [--keep FOLDER]

Makes such a repository in a temporary folder (with `--keep` in FOLDER, where a second call finds
it) and prints the seconds of each part: the first time, then the best of three.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qwenagent.checks import detect
from qwenagent.loop.editing.targets import find_targets
from qwenagent.plan import task_plan
from qwenagent.protocol.json import Json
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import run_gather
from qwenagent.workspace import Repository, Workspace

PER_FOLDER = 25
ROUNDS = 3
TASK = "Fix `total` in `module_00007.py` and in `area_3/part_4/module_04080.py`."


def names(n_files: int) -> Iterator[str]:
    """Yield repository paths, `PER_FOLDER` a folder, two folders deep."""
    yield "pyproject.toml"
    for n in range(n_files - 1):
        folder = n // PER_FOLDER
        yield f"area_{folder % 40}/part_{folder // 40}/module_{n:05}.py"


def text_of(n: int, size: int) -> str:
    """Return Python code of about `size` bytes."""
    block = f"def function_{n}_%05d(value):\n    return value * {n} + 1  # of module {n}\n\n\n"
    return "".join(block % i for i in range(max(1, size // len(block))))


def stream(n_files: int, size: int) -> Iterator[bytes]:
    """Yield what `git fast-import` reads: one commit of `n_files` files."""
    yield b"commit refs/heads/main\ncommitter A. Tester <tester@example.org> 1700000000 +0000\n"
    yield b"data 5\nfirst\n"
    for n, name in enumerate(names(n_files)):
        data = b"[project]\nname = 'x'\n" if not n else text_of(n, size).encode()
        yield f"M 100644 inline {name}\ndata {len(data)}\n".encode() + data + b"\n"


def build(root: Path, n_files: int, n_bytes: int) -> None:
    """Make the repository."""
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main", "--template="], cwd=root, check=True)
    command = ["git", "-c", "core.compression=1", "fast-import", "--quiet"]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE) as importer:
        assert importer.stdin
        for part in stream(n_files, n_bytes // n_files):
            importer.stdin.write(part)
    subprocess.run(["git", "reset", "-q", "--hard", "main"], cwd=root, check=True)


def parts(root: Path) -> dict[str, Callable[[], object]]:
    """Return what a run does before the model, in order, then what a step asks."""
    repository = Repository.open(root)
    tree = Workspace(repository)
    (step,) = task_plan(TASK).steps

    def look(name: str, **arguments: Json) -> object:
        return run_gather(tree, ToolCall(name, arguments))

    return {
        "open": lambda: Repository.open(root),
        "head": repository.head,
        "require_clean": repository.require_clean,
        "files": repository.files,
        "find_targets": lambda: find_targets(step, tree),
        "detect": lambda: detect(root),
        "snapshot": lambda: repository.snapshot("refs/qwenagent/benchmark", "benchmark"),
        "- files again": tree.files,
        "- list_files": lambda: look("list_files", folder="."),
        "- search, rare": lambda: look("search", text="function_4711_00003"),
        "- search, common": lambda: look("search", text="return"),
    }


@contextmanager
def repository_of(options: argparse.Namespace) -> Iterator[Path]:
    """Give the repository of this size, kept or temporary."""
    n_bytes = options.megabytes * 1_000_000
    if options.keep:
        if not options.keep.exists():
            build(options.keep, options.files, n_bytes)
        yield options.keep
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repository"
        build(root, options.files, n_bytes)
        yield root


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with repository_of(options) as root:
        first = {name: seconds(work) for name, work in parts(root).items()}
        rounds = [parts(root) for _ in range(ROUNDS)]
        best = {name: min(seconds(r[name]) for r in rounds) for name in first}
        for name in first:
            print(f"{name:18} first {first[name]:7.3f} s   then {best[name]:7.3f} s")
        together = [n for n in first if not n.startswith("-")]
        sums = [sum(times[n] for n in together) for times in (first, best)]
        print(f"{'before the model':18} first {sums[0]:7.3f} s   then {sums[1]:7.3f} s")


if __name__ == "__main__":
    main()
