from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.errors import PathEscapes
from qwenagent.protocol.protected import PROTECTED_FILES, PROTECTED_FOLDERS
from qwenagent.workspace import Edit, Repository, Workspace, confine, is_protected
from qwenagent.workspace.paths import require_inside
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
    said = (
        r"^(d/){40} \.\.\. has 6,004 characters in 3,001 names; up to 4,096 in 100 are a path here$"
    )
    with pytest.raises(PathEscapes, match=said):
        confine(repo, "d/" * 3000 + "a.py")
    with pytest.raises(PathEscapes, match="in 101 names; up to"):
        confine(repo, "d/" * 100 + "a.py")
    assert confine(repo, "d/" * 99 + "a.py").name == "a.py"


def test_a_loop_of_links(repo):
    (repo / "one").symlink_to("two")
    (repo / "two").symlink_to("one")
    with pytest.raises(PathEscapes, match="through a link"):
        confine(repo, "one/a.py")


# -- row 9: what decides what runs outside of this program ----------------------------------------


@pytest.mark.parametrize(
    "path",
    [".git::$INDEX_ALLOCATION/config", ".git:x", "GIT~1/config", "git~1", "git~12 .", "GI7EBA~1",
     "gi7d29~1", "GITHUB~1/workflows/a.yml", "VSCODE~1/x", "GITMOD~1", "ENVRC~1", "GITLAB~1.YML",
     ".\u200cgit/x", ".gi\ufefft", "\u200e.git", ".g\u206ait/x", "\u00ad.github/x",
     ".cursor/rules/a.md", ".claude/settings.json", ".codex/config.toml", ".mcp.json",
     ".windsurfrules", ".clinerules", ".husky/pre-commit", ".v\u017fcode/tasks.json"],
)  # fmt: skip
def test_row_09_what_other_systems_take_for_a_protected_name(folder, path):
    # Fails without `as_stored` and `_SHORT_NAME` in protocol/protected.py.
    assert is_protected(path)
    with pytest.raises(PathEscapes):
        confine(folder, path)


def test_row_09_ordinary_names_are_not_taken_for_short_ones():
    names = [
        "git",
        "git~",
        "a~1",
        "gitter~1",
        "backup~1.py",
        "vscode",
        "x.git",
        "a:b",
        ":git",
        "~1",
    ]
    assert [name for name in names if is_protected(name)] == []


@pytest.mark.parametrize("path", sorted([*PROTECTED_FOLDERS, *PROTECTED_FILES]))
def test_row_09_every_protected_name_is_refused_also_when_it_is_not_there(repo, path):
    # Fails without `is_protected` in paths.require_inside.
    tree = Workspace(Repository.open(repo))
    before = sorted(p.name for p in repo.iterdir())
    for place in (path, path.upper(), f"pkg/{path}"):
        with pytest.raises(PathEscapes, match="belongs to git, an editor or CI"):
            tree.apply(Edit(place, None, "x\n"))
    assert sorted(p.name for p in repo.iterdir()) == before


@pytest.mark.parametrize(
    "path", ["a`b.py", "x`:\n```\nFile `a.py", "a\u2028b", "\u202egnp.py", "a\u2066b", "a\u200fb"]
)
def test_row_18_a_name_that_could_forge_a_heading_is_none(repo, path):
    # Fails without _UNSPEAKABLE in paths.
    (repo / path.replace("/", "")).write_text("x\n")
    tree = Workspace(Repository.open(repo))
    assert tree.files() == [".gitignore", "README.md", "pkg/store.py"]
    with pytest.raises(PathEscapes, match="is not a name that a file can have here"):
        tree.read(path)


@pytest.mark.parametrize(
    ("path", "plain"), [("a.py/", "a.py"), ("./a//b/", "a/b"), ("a/./b", "a/b")]
)
def test_a_path_is_taken_as_a_listing_has_it(path, plain):
    assert require_inside(path) == plain
