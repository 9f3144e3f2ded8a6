"""A session with a real model: a question, a bug fixed by conversation alone, undone and redone.

    python -m tests.benchmarks.session_real --model 1.5b [--out FOLDER] [--columns 92] [--rows 36]

Works on a small sample repository in a temporary folder and writes what the screen showed as SVG
files into FOLDER, by default those that the README shows; session.svg moves. Exits with 1 if the
tests are not green at the end.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.benchmarks.film import Filmed, film, style_of
from tests.conftest import GIT_ENVIRONMENT
from tests.loop_stage import make_repository
from tests.terminal_stage import CHECKOUT, Terminal, terminal_env

LIMIT_S = 600.0
CART = '''"""A shopping cart."""


class Cart:
    """Things to buy, with prices in cents."""

    def __init__(self):
        self.lines = []

    def add(self, name, price, quantity=1):
        """Put something in."""
        self.lines.append((name, price, quantity))

    def total(self):
        """Return what all of it costs."""
        return sum(price for name, price, quantity in self.lines)

    def count(self):
        """Return how many things there are."""
        return sum(quantity for name, price, quantity in self.lines)
'''
TEST = """from cart import Cart


def test_count():
    cart = Cart()
    cart.add("pen", 120, 3)
    assert cart.count() == 3


def test_total():
    cart = Cart()
    cart.add("pen", 120, 3)
    cart.add("ink", 500)
    assert cart.total() == 860
"""
FILES = {"cart.py": CART, "test_cart.py": TEST, ".gitignore": "__pycache__/\n.pytest_cache/\n"}
FILES["pyproject.toml"] = "[tool.pytest.ini_options]\ntestpaths = ['.']\n"


def wait(terminal: Terminal, text: str) -> None:
    """Wait until a text is on the screen, for as long as a model may take."""
    limit = time.monotonic() + LIMIT_S
    while True:
        try:
            return terminal.waits_for(text)
        except AssertionError:
            if time.monotonic() > limit:
                raise


def picture(terminal: Terminal, columns: int, title: str) -> str:
    """Return the screen as SVG."""
    console = Console(
        record=True, width=columns, file=io.StringIO(), force_terminal=True, legacy_windows=False
    )
    rows = terminal.cells()
    last = max((n for n, row in enumerate(rows) if any(c.data.strip() for c in row)), default=0)
    for row in rows[: last + 1]:
        line = Text(no_wrap=True, end="")
        for style, cells in groupby(row, style_of):
            line.append("".join(cell.data or " " for cell in cells), style)
        line.rstrip()
        console.print(line, soft_wrap=True)
    # A README is no place from which fonts are fetched.
    return re.sub(r"@font-face \{[^}]*\}\s*", "", console.export_svg(title=title))


def play(terminal: Terminal, columns: int, out: Path) -> None:
    """Have the conversation; write a picture of each main screen."""

    def keep(name: str) -> None:
        path = out / f"{name}.svg"
        path.write_text(picture(terminal, columns, "qwenagent"), encoding="utf-8")
        print(f"{path}\n" + "\n".join(f"    {line}" for line in terminal.lines()), flush=True)

    wait(terminal, "a task, a question")
    terminal.type("/")
    wait(terminal, "/plan")
    keep("start")
    terminal.type("\x15What does Cart.total in cart.py return, and is that right?\r")
    wait(terminal, "prompt tokens")
    keep("question")
    terminal.type("The total has to count the quantity of each line. Fix it in cart.py\r")
    wait(terminal, "Approve? ")
    keep("approval")
    terminal.type("y\r")
    wait(terminal, "tokens read")
    keep("task")
    for command, sign in (("/diff", "cart.py +"), ("/undo", "undone:"), ("/redo", "redone:")):
        terminal.type(f"{command}\r")
        wait(terminal, f"> {command}")
        wait(terminal, sign)
        if command == "/diff":
            keep("diff")
    terminal.type("/quit\r")
    terminal.ends()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", type=Path, default=Path("tests/screens"))
    parser.add_argument("--columns", type=int, default=92)
    parser.add_argument("--rows", type=int, default=36)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name.startswith("QWENAGENT_")}
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = terminal_env(**kept, **GIT_ENVIRONMENT, PYTHONPATH=str(CHECKOUT), PATH=tools)
    with tempfile.TemporaryDirectory() as folder:
        root = make_repository(Path(folder) / "shop", FILES)
        argv = [sys.executable, "-m", "qwenagent", "--model", options.model]
        size = {"columns": options.columns, "rows": options.rows}
        with Filmed(argv, cwd=root, env=env, **size) as terminal:
            play(terminal, options.columns, options.out)
        moving = options.out / "session.svg"
        moving.write_text(film(terminal.frames, options.columns), encoding="utf-8")
        print(f"{moving}: {len(terminal.frames)} frames")
        tests = [sys.executable, "-m", "pytest", "-q"]
        sys.exit(subprocess.run(tests, cwd=root, env=env, check=False).returncode)


if __name__ == "__main__":
    main()
