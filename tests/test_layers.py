"""Starting is cheap: a command loads only what it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"rich", "prompt_toolkit", "llama_cpp", "numpy", "git", "httpx2", "tree_sitter", "psutil"}


@pytest.mark.parametrize(
    "args", [["--version"], ["run", "--help"], ["run", "missing.md", "--frob"]]
)
def test_help_and_usage_load_nothing_heavy(args):
    code = (
        "import sys\nfrom qwenagent.cli.boundary import guarded\nguarded(sys.argv[1:])\n"
        "print('\\nloaded', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded[0] == "loaded"
    assert "click" in loaded
    assert set(loaded) & HEAVY == set()
