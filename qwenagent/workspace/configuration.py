"""What a repository's own configuration may not decide, and the settings that take it back.

    could start a program, or lead a write elsewhere           what takes its effect
    --------------------------------------------------------------------------------------------
    core.fsmonitor, core.hooksPath, hooks                      set to nothing
    hook.<name>.command                                        hook.<name>.enabled = false
    filter.<name>.clean/smudge/process                         set to the user's, else to nothing
    commit.gpgSign, tag.gpgSign, log.showSignature             false
    gpg.program, gpg.<format>.program, gpg.ssh.default...      the user's, where commits are signed
    core.pager, pager.*, interactive.diffFilter                no terminal, and GIT_PAGER
    core.editor, sequence.editor                               GIT_EDITOR, GIT_SEQUENCE_EDITOR
    diff.external, diff.<name>.command/textconv                nothing that we call shows a patch
    merge.<name>.driver, mergetool.*, rerere.enabled           no driver merges; rerere is off
    trailer.<name>.command, alias.*, tar.*, man.*, browser.*   nothing that we call reads them
    core.sshCommand, core.gitProxy, core.askPass,              no protocol is allowed, nothing is
      credential.*, url.*, remote.*, protocol.*, uploadpack.*,   fetched lazily, nobody is asked
      promisor remotes, core.alternateRefsCommand
    submodule.recurse, submodule.<name>.update,                off; submodules are never looked into
      status.submoduleSummary
    init.templateDir, commit.template                          --template=, a message is given
    include.path, includeIf, config.worktree                   read, and held to all of the above
    core.worktree, commondir, `gitdir:` files, links in .git   `gitfolder` refuses them
    bare repositories inside of the tree                       safe.bareRepository = explicit
    lfs.customtransfer.*, lfs.extension.*,                     refused: the user's git-lfs would
      lfs.standalonetransferagent                                run them

Knows no process: `git` asks for the entries and hands over the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qwenagent.errors import GitFailed

ALWAYS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.pager": "cat",
    "core.quotePath": "false",
    # Otherwise a file with the other line ends cannot be added at all.
    "core.safecrlf": "false",
    # Names that are `.git` to some file systems stay out of the tree.
    "core.protectNTFS": "true",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    # It would start `gpg.program` for each signed commit that `git log` shows.
    "log.showSignature": "false",
    "i18n.commitEncoding": "utf-8",
    "i18n.logOutputEncoding": "utf-8",
    # An empty helper empties the list.
    "credential.helper": "",
    # It would merge by the repository's drivers after a commit.
    "rerere.enabled": "false",
    # Under another style git takes fewer merges for clean.
    "merge.conflictStyle": "merge",
    "submodule.recurse": "false",
    "status.submoduleSummary": "false",
    "safe.bareRepository": "explicit",
    "diff.noprefix": "false",
    "diff.mnemonicPrefix": "false",
    "diff.relative": "false",
    # No process that goes on after the command.
    "maintenance.auto": "false",
    "gc.auto": "0",
}
"""Held over every configuration file in every call."""
DECIDING = r"^(filter|hook|gpg|lfs)\."
"""The keys whose entries `Entry.parse` is to be given."""
_TRUSTED = frozenset({"system", "global"})
_LFS = re.compile(r"lfs\.(customtransfer\.|extension\.|standalonetransferagent$)")
_FILTER_OFF = {"clean": "", "smudge": "", "process": "", "required": "false"}
_PROGRAMS = {
    "gpg.program": "gpg",
    "gpg.openpgp.program": "gpg",
    "gpg.x509.program": "gpgsm",
    "gpg.ssh.program": "ssh-keygen",
    "gpg.ssh.defaultkeycommand": "",
    "gpg.format": "openpgp",
}
_OPENPGP = ("gpg.program", "gpg.openpgp.program")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a configuration file."""

    is_users: bool
    """From the user's or the system's files, not from the repository's or one it includes."""
    origin: str
    key: str
    """Section and name in lower case, what is between them as written."""
    value: str

    @classmethod
    def parse(cls, out: str) -> list[Entry]:
        """Read what `git config -z --show-scope --show-origin` prints."""
        words = out.split("\0")
        found = []
        for scope, origin, entry in zip(words[::3], words[1::3], words[2::3], strict=False):
            if scope != "command":  # what we set ourselves
                key, _, value = entry.partition("\n")
                found.append(cls(scope in _TRUSTED, origin.removeprefix("file:"), key, value))
        return found


def refuse(entries: Iterable[Entry]) -> None:
    """Check that a repository sets nothing that cannot be taken back.

    Raises:
        GitFailed: it does; the message names key, file and the next move.
    """
    for entry in entries:
        if not entry.is_users and _LFS.match(entry.key):
            raise GitFailed(
                f"{entry.origin} sets {entry.key} = {entry.value[:80]}: git-lfs would run that",
                hint=f"`git config --unset-all {entry.key}` takes it out; in your own "
                "configuration (--global) it may stay",
            )


def own_filters(entries: Sequence[Entry]) -> list[str]:
    """Return the content filters that the repository defines and the user does not.

    Those of the user's configuration (git-lfs, usually) are the user's choice and run.
    """
    users, theirs = _by_owner(entries)
    known = {_filter(key) for key in users}
    return sorted(
        name
        for name in {_filter(key) for key in theirs} - {""}
        # Git looks at no `clean` beside a `process`, and that cannot be unset.
        if name not in known or theirs.keys() - users.keys() >= {f"filter.{name}.process"}
    )


def neutral(entries: Sequence[Entry]) -> dict[str, str]:
    """Return the settings that take back what the entries could start."""
    users, theirs = _by_owner(entries)
    off = own_filters(entries)
    settings = {f"filter.{name}.{what}": no for name in off for what, no in _FILTER_OFF.items()}
    for key in theirs:
        what = key.rpartition(".")[2]
        if (name := _filter(key)) and name not in off and what in _FILTER_OFF:
            settings[key] = users.get(key, _FILTER_OFF[what])
    for entry in entries:
        if entry.key.startswith("hook."):
            settings[f"{entry.key.rpartition('.')[0]}.enabled"] = "false"
    return settings


def signing(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the settings under which commits are signed, by the program of the user's choice."""
    users, repository = _by_owner(entries)
    # Both keys name one program; git takes the one that it reads last.
    openpgp = [value for key, value in users.items() if key in _OPENPGP]
    programs = _PROGRAMS | users | dict.fromkeys(_OPENPGP, openpgp[-1] if openpgp else "gpg")
    theirs = repository.keys() & _PROGRAMS.keys()
    if theirs.intersection(_OPENPGP):
        theirs.update(_OPENPGP)
    return {"commit.gpgSign": "true"} | {key: programs[key] for key in sorted(theirs)}


def _by_owner(entries: Iterable[Entry]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the user sets, and what the repository does; of several values the last."""
    users: dict[str, str] = {}
    theirs: dict[str, str] = {}
    for entry in entries:
        (users if entry.is_users else theirs)[entry.key] = entry.value
    return users, theirs


def _filter(key: str) -> str:
    """Return the name of the filter that a key is about, empty if it is about none."""
    return key.removeprefix("filter.").rpartition(".")[0] if key.startswith("filter.") else ""
