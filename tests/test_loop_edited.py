"""How an edit that was written is told."""

from __future__ import annotations

import pytest

from qwenagent.loop.editing.edited import edit_applied
from qwenagent.protocol.events import EditApplied
from qwenagent.workspace import Edit

HEAD = "diff --git a/a.py b/a.py\n"


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            Edit("a.py", "A = 1\nB = 2\n", "A = 1\nB = 3\n\n"),
            EditApplied(
                "a.py",
                "changed",
                f"{HEAD}--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@\n A = 1\n-B = 2\n+B = 3\n+\n",
                2,
                1,
            ),
        ),
        (
            Edit("a.py", None, "A = 1\n"),
            EditApplied(
                "a.py",
                "created",
                f"{HEAD}new file mode 100644\n--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+A = 1\n",
                1,
                0,
            ),
        ),
        (
            Edit("a.py", "A = 1\n", None),
            EditApplied(
                "a.py",
                "deleted",
                f"{HEAD}deleted file mode 100644\n--- a/a.py\n+++ /dev/null\n"
                "@@ -1 +0,0 @@\n-A = 1\n",
                0,
                1,
            ),
        ),
        (
            Edit("a.py", "A = 1\n", "A = 1\n", "b.py"),
            EditApplied(
                "a.py -> b.py",
                "renamed",
                "diff --git a/a.py b/b.py\nsimilarity index 100%\nrename from a.py\n"
                "rename to b.py\n",
                0,
                0,
            ),
        ),
    ],
    ids=["changed", "created", "deleted", "renamed"],
)
def test_each_kind(edit, told):
    assert edit_applied(edit) == told
