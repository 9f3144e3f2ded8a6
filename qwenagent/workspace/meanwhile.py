"""What somebody else does to the tree while the agent works on it: noticed, told, left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from qwenagent.errors import PathEscapes, WorkspaceError
from qwenagent.workspace.aside import put_aside
from qwenagent.workspace.history import History
from qwenagent.workspace.journal import Journal, PreImage
from qwenagent.workspace.points import Place
from qwenagent.workspace.refs import Refs
from qwenagent.workspace.repository import Repository

Tell = Callable[[str, str], None]
"""Takes a sentence for the user, and a hint or nothing."""
_AGAIN = "commit or stash what is yours, then run again: what is done is not done again"


class ChangedMeanwhile(WorkspaceError):
    """Somebody else changed what the step is working on. Theirs stays, the step does not."""


def _nobody(*_: object) -> None:
    """Nobody is told."""


class Meanwhile:
    """Watches the files of a journal, and HEAD. Looks when it is asked to, not by itself."""

    def __init__(self, repository: Repository, journal: Journal) -> None:
        self._root = repository.root
        self._journal = journal
        self._refs = Refs(repository.root)
        self._history = History(repository.root)
        self._left: list[str] = []
        self._told: set[str] = set()
        self._merged: set[tuple[str, str]] = set()
        """Files, and texts of theirs that hold what was told of already."""
        self.place: Place | None = None
        """Where HEAD was when we looked last."""
        self.tell: Tell = _nobody
        journal.on_theirs = self._leave
        journal.on_doubt = self._doubt

    def stand(self) -> None:
        """Take where HEAD is now for the place to work at."""
        self.place = self._refs.place()

    def require_place(self) -> None:
        """Check that the branch is the one that we stand on; commits on top of it are told.

        Raises:
            ChangedMeanwhile: it is another one, its history was rewritten, or the user has
                committed a file that the step is working on.
        """
        self._look_at_head()
        self.require_ours()

    def require_ours(self) -> None:
        """Check that no file of the journal was changed by somebody else, but let go of it.

        Raises:
            ChangedMeanwhile: one was, now or since the last check.
        """
        self._journal.let_go()
        self.stop_if_left()

    def stop_if_left(self) -> None:
        """Raise if a file was let go of since the last check.

        Raises:
            ChangedMeanwhile: one was.
        """
        left, self._left = list(dict.fromkeys(self._left)), []
        if left:
            raise ChangedMeanwhile(
                f"{', '.join(left)} changed while the step was carried out, so the step ends here",
                hint=_AGAIN,
            )

    def forget(self) -> None:
        """Take what was let go of as told."""
        self._left.clear()

    def tell_merged(self, path: str, theirs: str, merged: str) -> None:
        """Tell that a change of ours went into a file beside theirs; once for each of theirs."""
        if (path, theirs) not in self._merged:
            self._say(
                f"{path} was changed by somebody else since it was read; both changes are in it", ""
            )
        self._merged |= {(path, theirs), (path, merged)}

    def let_go_of_commits(self) -> None:
        """Let go of files that the user has committed; never raises for what git says."""
        try:
            now = self._refs.place()
            if self.place and self.place.head and now.head != self.place.head:
                self._let_go_of(self._history.changed(self.place.head, now.head))
        except WorkspaceError:  # the repository is broken or gone; files are put back all the same
            return

    def _look_at_head(self) -> None:
        now, was = self._refs.place(), self.place
        self.place = now if was is None else was
        if was is None or now == was:
            return
        if now.branch != was.branch:
            raise ChangedMeanwhile(
                f"{now.shown} was checked out while the step was carried out on {was.shown}, so "
                "the step ends here",
                hint=f"`git switch {was.shown}`, then run again: what is done is not done again",
            )
        if not self._history.contains(was.head, now.head):
            raise ChangedMeanwhile(
                f"the history of {was.shown} was rewritten while the step was carried out: "
                f"{was.head[:12]} is not in it any more; the step ends here",
                hint=_AGAIN,
            )
        n = len(self._history.messages(was.head, now.head))
        self._say(f"{n} commit(s) were made on {was.shown} meanwhile; the work goes on on top", "")
        self._let_go_of(self._history.changed(was.head, now.head))
        self.place = now

    def _let_go_of(self, names: Iterable[str]) -> None:
        self._journal.let_go(self._root / name for name in names)

    def _leave(self, path: Path, image: PreImage) -> None:
        """Tell of a file that is let go of; what it was lies aside, unless git has that."""
        name, now = path.relative_to(self._root).as_posix(), self._journal.present(path)
        self._left.append(name)
        what = "deleted" if now is None else "changed or committed"
        hint = ""
        if image.data is not None and image.data != now and not self._is_committed(name, image):
            aside = self._put_aside(name, image.data)
            hint = f"as it was before the step it lies in {aside}" if aside else ""
        self._say(
            f"{name} was {what} by somebody else while the step was carried out; it stays as it is",
            hint,
        )

    def _doubt(self, path: Path, data: bytes | None) -> None:
        """Keep what a file got while tests ran: mostly it is theirs, but it may be the user's."""
        if data is None:
            return
        name = path.relative_to(self._root).as_posix()
        aside = self._put_aside(name, data)
        told = "\0" if path in self._journal.adopted else name  # a command may change hundreds
        if told not in self._told:
            self._told.add(told)
            self._say(
                f"{name} changed while a command ran, and is put back",
                f"if you changed it: your version lies in {aside}" if aside else "",
            )

    def _say(self, message: str, hint: str = "") -> None:
        """Tell, if that can be done: files are put back also where nothing can be written down.

        Whoever cannot take this will not take what comes next either, which ends the run.
        """
        with suppress(OSError):
            self.tell(message, hint)

    def _is_committed(self, name: str, image: PreImage) -> bool:
        try:
            return self._history.content("HEAD", name) == image.data
        except WorkspaceError:
            return False

    def _put_aside(self, name: str, data: bytes) -> str:
        try:
            return put_aside(self._root, name, data)
        except (OSError, PathEscapes):
            return ""
