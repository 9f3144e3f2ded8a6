"""An edit that was written, as it is told. Writes nothing."""

from __future__ import annotations

from qwenagent.protocol.events import EditApplied, EditKind
from qwenagent.workspace import Edit, rename_diff, unified_diff


def edit_applied(edit: Edit) -> EditApplied:
    """Return the event that tells of an edit."""
    if edit.to:
        path, diff = f"{edit.path} -> {edit.to}", rename_diff(edit.path, edit.to)
    else:
        path, diff = edit.path, unified_diff(edit.path, edit.old, edit.new)
    rows = diff.split("\n")
    return EditApplied(
        path=path,
        kind=edit_kind(edit),
        diff=diff,
        added=sum(row.startswith("+") and not row.startswith("+++") for row in rows),
        removed=sum(row.startswith("-") and not row.startswith("---") for row in rows),
    )


def edit_kind(edit: Edit) -> EditKind:
    """Return what an edit does to its file."""
    if edit.to:
        return "renamed"
    if edit.new is None:
        return "deleted"
    return "created" if edit.old is None else "changed"
