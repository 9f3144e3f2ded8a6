"""pytest's plugins that load a library for which the project has no use.

pytest loads every plugin of its environment. Hypothesis' plugin imports all of Hypothesis at the
end of each run (`pytest_terminal_summary`, 6.170), anyio's all of anyio at the start: of a run of
1.2 s on two cores they take 0.9. An agent starts the same tests a hundred times.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qwenagent.errors import WorkspaceError
from qwenagent.workspace import Repository, Workspace

_PLUGINS = {"hypothesis": "hypothesispytest", "anyio": "anyio"}
"""By the word that who uses them writes somewhere."""
_READ = (".py", ".toml", ".cfg", ".ini")


def unused_plugins(root: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options that leave those plugins out that a repository does not mention.

    None where there is no repository to look at.
    """
    try:
        tree = Workspace(Repository.open(root))
        unused = [name for word, name in _PLUGINS.items() if not _is_mentioned(word, tree, env)]
    except WorkspaceError:
        return ()
    return tuple(word for name in unused for word in ("-p", f"no:{name}"))


def _is_mentioned(word: str, tree: Workspace, env: Mapping[str, str]) -> bool:
    if any(word in value for key, value in env.items() if key.startswith("PYTEST_")):
        return True
    read = (path for path in tree.holding(word) if path.endswith(_READ))
    return any(word in (tree.text(path) or "") for path in read)
