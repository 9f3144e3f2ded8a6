"""Where plans are written, in folders with links that a repository may bring along."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.cli.desk import require_free, write_new_plan, write_plan_file
from qwenagent.errors import QwenAgentError, UsageError

TEXT = "# Plan\n\n- [ ] größe\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository's folder, beside which something of the user's is."""
    made = tmp_path / "repo"
    made.mkdir()
    (tmp_path / "mine.md").write_text("mine\n")
    return made


def test_a_plan_gets_the_first_name_that_nothing_has(folder):
    (folder / "plan-2.md").mkdir()
    (folder / "plan-3.md").symlink_to("../outside.md")
    (folder / "plan-4.md").symlink_to("../mine.md")
    written = [write_new_plan(folder, TEXT) for _ in range(2)]
    assert written == [folder / "plan.md", folder / "plan-5.md"]
    assert {path.read_bytes() for path in written} == {TEXT.encode()}
    assert not (folder.parent / "outside.md").exists()
    assert (folder.parent / "mine.md").read_text() == "mine\n"


def test_there_are_not_endless_names(folder):
    (folder / "plan.md").touch()
    for n in range(2, 100):
        (folder / f"plan-{n}.md").touch()
    with pytest.raises(UsageError, match="there are 99 plans here"):
        write_new_plan(folder, TEXT)


def test_a_plan_that_cannot_be_written_is_told(folder):
    with pytest.raises(QwenAgentError, match=r"plan\.md cannot be written: Not a directory"):
        write_new_plan(folder.parent / "mine.md", TEXT)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("target", ["../outside.md", "../mine.md", "plan.md"])
def test_a_link_is_refused_before_and_while_it_is_written(folder, target, force):
    (folder / "plan.md").symlink_to(target)
    with pytest.raises(UsageError, match=r"plan\.md is a link, and none is followed"):
        require_free(folder / "plan.md", force=force)
    with pytest.raises(QwenAgentError, match=r"cannot be written: .*plan\.md is a link; remove it"):
        write_plan_file(folder / "plan.md", TEXT)
    assert (folder.parent / "mine.md").read_text() == "mine\n"
    assert not (folder.parent / "outside.md").exists()


def test_a_file_is_replaced_by_force_alone(folder):
    path = folder / "plan.md"
    require_free(path, force=False)
    write_plan_file(path, f"{TEXT}and more\n")
    with pytest.raises(UsageError, match="is there already"):
        require_free(path, force=False)
    require_free(path, force=True)
    write_plan_file(path, TEXT)
    assert path.read_bytes() == TEXT.encode()
