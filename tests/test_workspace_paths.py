from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.errors import PathEscapes
from qwenagent.workspace import confine, is_protected
from tests.conftest import run_git


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stays as it is: names alone are looked at."""
    root = tmp_path_factory.mktemp("my repo")
    (root / ".git").mkdir()
    return root


@pytest.mark.parametrize(
    "path",
    [
        "a.py",
        "new folder/ü.py",
        "./a.py",
        "-x",
        ":x",
        "[a].py",
        'a"b',
        "it's",
        ".gitignore",
        "a.git",
    ],
)
def test_paths_inside(folder, path):
    assert confine(folder, path) == folder / path


@pytest.mark.parametrize(
    "path",
    ["", ".", "/etc/passwd", "../x", "a/../../x", "a/..", "a\\b", "C:\\x", "a\0b", "a\nb", "a\x1bb",
     "\udcff.py", "x" * 256, "ü" * 128],
)  # fmt: skip
def test_what_is_no_path_of_the_repository(folder, path):
    with pytest.raises(PathEscapes):
        confine(folder, path)


@pytest.mark.parametrize(
    "path",
    [".git/config", ".GIT/config", "pkg/.git/hooks/pre-commit", ".git", ".Git./x", ".git /x",
     ".g\u200cit/config", ".github/workflows/a.yml", ".vscode/tasks.json", "pkg/.envrc",
     ".qwenagentignore", "pkg/.qwenagentignore", ".gitattributes", ".GitModules",
     ".qwenagent.toml", ".qwenagent/x", ".gitlab-ci.yml",
     "./.git/config"],
)  # fmt: skip
def test_protected_at_any_depth_and_in_any_case(folder, path):
    assert is_protected(path)
    with pytest.raises(PathEscapes, match="belongs to git, an editor or CI"):
        confine(folder, path)


def test_look_alikes_are_not_protected():
    assert not [p for p in ("git/config", ".gitignore", "github/x", "envrc") if is_protected(p)]


@pytest.mark.parametrize("target", ["..", "pkg", ".git", "/nowhere/at/all"])
def test_a_folder_that_is_a_link(repo, target):
    (repo / "link").symlink_to(target)
    with pytest.raises(PathEscapes, match="through a link"):
        confine(repo, "link/config")


@pytest.mark.parametrize("target", ["../outside.txt", "README.md", "gone"])
def test_a_file_that_is_a_link(repo, target):
    (repo.parent / "outside.txt").write_text("secret")
    (repo / "link.txt").symlink_to(target)
    with pytest.raises(PathEscapes, match="through a link"):
        confine(repo, "link.txt")


def test_a_repository_inside_of_the_repository(repo):
    inner = repo / "vendor" / "lib"
    inner.mkdir(parents=True)
    run_git(inner, "init", "-q")
    with pytest.raises(PathEscapes, match="repository of its own"):
        confine(repo, "vendor/lib/a.py")
    assert confine(repo, "vendor/other.py") == repo / "vendor" / "other.py"


def test_the_repository_itself_may_be_reached_through_a_link(repo, tmp_path):
    (tmp_path / "door").symlink_to(repo)
    assert confine(tmp_path / "door", "README.md") == Path(tmp_path / "door" / "README.md")


@pytest.mark.parametrize("path", ["a\\b", "C:\\x", "pkg/a\\b.py"])
def test_a_backslash_is_told_as_such(folder, path):
    with pytest.raises(PathEscapes) as caught:
        confine(folder, path)
    assert caught.value.message == (
        f"{path} has a backslash, which is no part of a name on every system"
    )


def test_a_path_longer_than_the_system_takes(repo):
    with pytest.raises(PathEscapes, match=r"^(d/){40} cannot be looked at: File name too long$"):
        confine(repo, "d/" * 3000 + "a.py")


def test_a_loop_of_links(repo):
    (repo / "one").symlink_to("two")
    (repo / "two").symlink_to("one")
    with pytest.raises(PathEscapes, match="through a link"):
        confine(repo, "one/a.py")
