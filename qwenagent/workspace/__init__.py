"""The user's repository: what is in it, what may be written, how to get back."""

from qwenagent.protocol.protected import is_protected
from qwenagent.workspace.diff import rename_diff, unified_diff
from qwenagent.workspace.git import CommitRefused
from qwenagent.workspace.hooks import HookRan, HookRunner
from qwenagent.workspace.journal import Journal, PreImage
from qwenagent.workspace.linked import LinkedTree, linked_tree
from qwenagent.workspace.lock import Holder, TreeBusy, tree_lock
from qwenagent.workspace.meanwhile import ChangedMeanwhile
from qwenagent.workspace.paths import confine
from qwenagent.workspace.points import About, Place, Point
from qwenagent.workspace.readonly import VENDORED
from qwenagent.workspace.repository import Repository
from qwenagent.workspace.rules import CommitRules
from qwenagent.workspace.since import FileChange, changes_since
from qwenagent.workspace.textfile import Run, TextFile
from qwenagent.workspace.tree import Edit, Workspace
from qwenagent.workspace.turning import Kept, NothingToTurn, Turned, Turning
from qwenagent.workspace.unfinished import Recovered, recover

__all__ = [
    "VENDORED",
    "About",
    "ChangedMeanwhile",
    "CommitRefused",
    "CommitRules",
    "Edit",
    "FileChange",
    "Holder",
    "HookRan",
    "HookRunner",
    "Journal",
    "Kept",
    "LinkedTree",
    "NothingToTurn",
    "Place",
    "Point",
    "PreImage",
    "Recovered",
    "Repository",
    "Run",
    "TextFile",
    "TreeBusy",
    "Turned",
    "Turning",
    "Workspace",
    "changes_since",
    "confine",
    "is_protected",
    "linked_tree",
    "recover",
    "rename_diff",
    "tree_lock",
    "unified_diff",
]
