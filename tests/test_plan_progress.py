"""Progress of plans on disk: keyed by step, whole at any moment, never mistaken for another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.errors import PlanError
from qwenagent.plan import parse_plan
from qwenagent.plan.progress import Done, PlanProgress, ProgressFile, step_keys
from qwenagent.statefolder import state_folder

DONE = Done("solved", "green", "0 of 1", "1 of 1", "c0ffee")
PROGRESS = PlanProgress("qwenagent-plan", "main", "beef", {"b.py": "9f86"}, {"a1": DONE})
DAMAGED = ["", "{", "[]", '{"v":1,"plans":{"a":{"steps":{"x":{}}}}}', "\xff"]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    ProgressFile(tmp_path).write("plan.md", PROGRESS)
    assert ProgressFile(tmp_path).read("plan.md") == PROGRESS
    assert ProgressFile(tmp_path).read("other.md") == PlanProgress()


def test_plans_do_not_overwrite_each_other(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path)
    file.write("a.md", PROGRESS)
    file.write("b.md", PlanProgress("b"))
    assert (file.read("a.md"), file.read("b.md")) == (PROGRESS, PlanProgress("b"))


def test_git_does_not_see_the_folder(tmp_path: Path) -> None:
    ProgressFile(tmp_path).write("plan.md", PROGRESS)
    assert (tmp_path / ".qwenagent" / ".gitignore").read_text() == "*\n"
    assert sorted(p.name for p in (tmp_path / ".qwenagent").iterdir()) == [
        ".gitignore", "progress.json",
    ]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_is_named_with_the_way_out(text: str, tmp_path: Path) -> None:
    file = ProgressFile(tmp_path)
    state_folder(tmp_path)
    file.path.write_bytes(text.encode("latin-1"))
    with pytest.raises(PlanError, match="cannot be read") as caught:
        file.read("plan.md")
    assert str(file.path) in caught.value.message
    assert caught.value.hint.startswith("delete it")


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path)
    state_folder(tmp_path)
    file.path.write_text('{"v": 2, "plans": {}}')
    with pytest.raises(PlanError, match="version 2, known is 1"):
        file.read("plan.md")


def test_a_folder_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / ".qwenagent").symlink_to(elsewhere)
    with pytest.raises(NotADirectoryError, match="is a link"):
        ProgressFile(tmp_path).write("plan.md", PROGRESS)
    assert list(elsewhere.iterdir()) == []


def test_keys_follow_the_text_alone() -> None:
    def keys(text: str) -> list[str]:
        return step_keys(parse_plan(text).steps)

    plan = "- [ ] Fix `a.py`\n- [ ] Fix `b.py`\n- [ ] Run it\n- [ ] Run it\n"
    first = keys(plan)
    assert len(set(first)) == 4
    assert first[3] == f"{first[2]}#2"
    assert keys(plan.replace("[ ]", "[x]", 2)) == first
    assert keys(plan.replace("`b.py`", "`c.py`"))[::2] == first[::2]
    assert keys(plan.replace("`b.py`", "`c.py`"))[1] != first[1]
    assert keys("- [ ] Something new\n" + plan)[1:] == first
