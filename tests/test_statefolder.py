"""The folder of qwenagent's own in a repository, which may bring links along."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.statefolder import state_folder, write_unlinked


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "repo"
    made.mkdir()
    return made


def test_it_is_made_once_and_git_does_not_see_it(root):
    for _ in range(2):
        assert state_folder(root) == root / ".qwenagent"
        assert (root / ".qwenagent" / ".gitignore").read_text() == "*\n"


def test_what_the_user_ignores_there_stays_and_what_was_cut_short_is_written(root):
    ignore = state_folder(root) / ".gitignore"
    ignore.write_text("*.patch\n")
    state_folder(root)
    assert ignore.read_text() == "*.patch\n"
    ignore.write_text("")
    state_folder(root)
    assert ignore.read_text() == "*\n"


@pytest.mark.parametrize("there", [False, True])
def test_a_link_leads_nothing_out_of_the_repository(root, there):
    outside = root.parent / "outside"
    if there:
        outside.touch()
    (root / ".qwenagent").mkdir()
    (root / ".qwenagent" / ".gitignore").symlink_to("../../outside")
    with pytest.raises(OSError, match=r"\.qwenagent/\.gitignore is a link; remove it"):
        state_folder(root)
    assert outside.exists() == there
    assert not there or outside.read_bytes() == b""


def test_the_folder_itself_is_no_link_and_no_file(root):
    (root / ".qwenagent").symlink_to("..")
    with pytest.raises(NotADirectoryError, match="is a link; remove it"):
        state_folder(root)
    (root / ".qwenagent").unlink()
    (root / ".qwenagent").touch()
    with pytest.raises(NotADirectoryError, match="is a file, and a folder is needed"):
        state_folder(root)


def test_a_file_is_written_to_the_byte_or_not_at_all(root):
    path = root / "step-1.patch"
    write_unlinked(path, "ä\r\n\udcff\n", new=True)
    assert path.read_bytes() == "ä\r\n".encode() + b"\xff\n"
    with pytest.raises(FileExistsError):
        write_unlinked(path, "b", new=True)
    write_unlinked(path, "b")
    assert path.read_bytes() == b"b"
