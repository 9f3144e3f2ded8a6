"""pytest's plugins that load a library for which the project has no use.

pytest loads every plugin of its environment. Hypothesis' plugin imports all of Hypothesis at the
end of each run (`pytest_terminal_summary`, 6.170), anyio's all of anyio at the start: of a run of
1.3 s on two cores they take 1.0. An agent starts the same tests a hundred times.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qwenagent.errors import ChecksError
from qwenagent.sandbox import run

_PLUGINS = {"hypothesis": "hypothesispytest", "anyio": "anyio"}
"""By the word that who uses them writes somewhere."""
_READ = ("*.py", "*.toml", "*.cfg", "*.ini")
_LOOK_S = 10.0
_NOWHERE = 1


def unused_plugins(root: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options that leave those plugins out that a repository does not mention.

    Where it cannot be told none is left out.
    """
    unused = (name for word, name in _PLUGINS.items() if not _is_mentioned(word, root, env))
    return tuple(word for name in unused for word in ("-p", f"no:{name}"))


def _is_mentioned(word: str, root: Path, env: Mapping[str, str]) -> bool:
    if any(word in value for key, value in env.items() if key.startswith("PYTEST_")):
        return True
    look = ("git", "grep", "--untracked", "--quiet", "--fixed-strings", word, "--", *_READ)
    try:
        ran = run(look, cwd=root, env=env, timeout_s=_LOOK_S, max_output_bytes=10_000)
    except ChecksError:
        return True
    return ran.timed_out or ran.exit_code != _NOWHERE
