"""The user's repository: what is in it, what may be written, how to get back."""

from qwenagent.protocol.protected import is_protected
from qwenagent.workspace.diff import rename_diff, unified_diff
from qwenagent.workspace.git import CommitRefused
from qwenagent.workspace.hooks import HookRan, HookRunner
from qwenagent.workspace.journal import Journal, PreImage
from qwenagent.workspace.paths import confine
from qwenagent.workspace.readonly import VENDORED
from qwenagent.workspace.repository import Repository
from qwenagent.workspace.rules import CommitRules
from qwenagent.workspace.textfile import Run, TextFile
from qwenagent.workspace.tree import Edit, Workspace
from qwenagent.workspace.unfinished import Recovered, recover

__all__ = [
    "VENDORED",
    "CommitRefused",
    "CommitRules",
    "Edit",
    "HookRan",
    "HookRunner",
    "Journal",
    "PreImage",
    "Recovered",
    "Repository",
    "Run",
    "TextFile",
    "Workspace",
    "confine",
    "is_protected",
    "recover",
    "rename_diff",
    "unified_diff",
]
