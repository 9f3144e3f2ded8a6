"""The index as it was before a commit, for when that commit is not made."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import GitFailed
from qwenagent.workspace.git import Git


@dataclass(frozen=True, slots=True)
class IndexCopy:
    """A copy of an index. Only entries are put back, so that what others stage meanwhile stays."""

    git: Git
    file: Path

    @classmethod
    def take(cls, git: Git, index: Path, folder: Path) -> IndexCopy:
        """Copy an index, which may not be there yet, into a folder.

        Raises:
            OSError: it cannot be copied.
        """
        copy = folder / "index"
        if index.exists():
            shutil.copyfile(index, copy)
        return cls(git, copy)

    def put_back(self, paths: Iterable[str]) -> bool:
        """Give these paths the entries that they had; return whether that could be done."""
        wanted = set(paths)
        try:
            listed = self.git.ask("ls-files", "-z", "-s", env={"GIT_INDEX_FILE": str(self.file)})
            entries = [entry for entry in listed.split("\0") if entry]
            had = [entry for entry in entries if entry.partition("\t")[2] in wanted]
            kind = self.git.ask("rev-parse", "--show-object-format").strip()
            nothing = "0" * (64 if kind == "sha256" else 40)
            # Removed first: a file may have taken the place of a folder.
            gone = [f"0 {nothing}\t{path}" for path in sorted(wanted)]
            lines = "".join(f"{line}\0" for line in (*gone, *had))
            self.git.run("update-index", "-z", "--index-info", stdin=lines)
        except GitFailed:
            return False
        return True
