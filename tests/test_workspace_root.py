from __future__ import annotations

import os
import resource
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from qwenagent.errors import EditRefused, NotARepository, PathEscapes, WorkspaceError
from qwenagent.workspace import Edit, PreImage, Repository, Workspace
from qwenagent.workspace.root import Root
from tests.conftest import run_git

CANARY = "canary-7f3b"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the repository that nothing may come out of or go into."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "store.py").write_text(CANARY)
    return folder


@pytest.fixture
def tree(repo: Path, outside: Path) -> Workspace:
    return Workspace(Repository.open(repo))


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "f.txt").write_text("old")
    return Root(tmp_path / "root")


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


# -- row 10: links, and what changes while one looks ----------------------------------------------


@pytest.mark.parametrize("target", ["../../outside", "../other", "../.git", "/nowhere/at/all"])
def test_row_10_no_link_is_followed_also_inside_of_the_tree(tree, target):
    # Fails without O_NOFOLLOW in root._ENTER.
    (tree.root / "other").mkdir()
    (tree.root / "other" / "store.py").write_text(CANARY)
    (tree.root / "pkg" / "link").symlink_to(target)
    calls: list[Callable[[], object]] = [
        lambda: tree.read("pkg/link/store.py"),
        lambda: tree.apply(Edit("pkg/link/store.py", CANARY, "x\n")),
        lambda: tree.apply(Edit("pkg/link/new/a.py", None, "x\n")),
        lambda: tree.adopt("pkg/link/store.py", b""),
    ]
    for call in calls:
        with pytest.raises(PathEscapes, match="goes through a link; name the file itself"):
            call()
    assert not tree.exists("pkg/link/store.py")
    assert contents(tree.root / "other") == {"store.py": CANARY.encode()}


def test_row_10_a_link_in_the_place_of_the_file(tree, outside):
    # Fails without both the look at the kind in Root.load and O_NOFOLLOW in root._READ.
    (tree.root / "link.py").symlink_to(outside / "store.py")
    calls: list[Callable[[], object]] = [
        lambda: tree.read("link.py"),
        lambda: tree.apply(Edit("link.py", CANARY, "x\n")),
        lambda: tree.apply(Edit("link.py", None, "x\n")),
    ]
    for call in calls:
        with pytest.raises(PathEscapes, match="link"):
            call()
    assert contents(outside) == {"store.py": CANARY.encode()}


@contextmanager
def swapping(folder: Path, target: Path) -> Iterator[Callable[[], int]]:
    """Put a link in the place of a folder and the folder back, again and again."""
    done = threading.Event()
    aside = folder.with_name("aside")
    n = 0

    def swap() -> None:
        nonlocal n
        while not done.is_set():
            folder.rename(aside)
            folder.symlink_to(target)
            time.sleep(0)
            folder.unlink()
            aside.rename(folder)
            n += 1

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield lambda: n
    finally:
        done.set()
        thread.join(10)


def test_row_10_a_link_swapped_in_between_is_not_followed(root, outside):
    # Fails without O_NOFOLLOW in root._ENTER: within a few dozen rounds.
    (root.path / "a" / "store.py").write_text("ours")
    (outside / "gone.py").write_text(CANARY)
    seen: dict[str, int] = {}
    with swapping(root.path / "a", outside) as n_swaps:
        start = time.monotonic()
        while (spent := time.monotonic() - start) < 0.8 or (n_swaps() < 20 and spent < 10):
            try:
                word = (root.data("a/store.py") or b"gone").decode()
            except OSError as error:
                word = type(error).__name__
            seen[word] = seen.get(word, 0) + 1
            with suppress(PathEscapes, OSError):
                root.replace("a/new.py", b"x", 0o644)
            with suppress(PathEscapes):
                root.remove("a/gone.py")
    assert set(seen) <= {"ours", "gone"}
    assert n_swaps() >= 20
    assert contents(outside) == dict.fromkeys(["store.py", "gone.py"], CANARY.encode())


def test_row_10_a_link_swapped_in_for_the_file_is_not_read(root, outside):
    # Fails without O_NOFOLLOW in root._READ.
    (root.path / "a" / "store.py").write_text("ours")
    seen: dict[str, int] = {}
    with swapping(root.path / "a" / "store.py", outside / "store.py") as n_swaps:
        start = time.monotonic()
        while (spent := time.monotonic() - start) < 0.8 or (n_swaps() < 20 and spent < 10):
            word = (root.data("a/store.py") or b"gone").decode()
            seen[word] = seen.get(word, 0) + 1
    assert n_swaps() >= 20
    assert set(seen) <= {"ours", "gone"}


def test_row_10_a_folder_that_became_a_link_after_the_edit_is_not_written_on_the_way_back(
    tree, outside
):
    # Fails when Journal._restore goes by absolute paths.
    tree.apply(Edit("pkg/store.py", tree.read("pkg/store.py").text, "x = 1\n"))
    tree.apply(Edit("pkg/new.py", None, "y = 1\n"))
    (outside / "new.py").write_text(CANARY)
    tree.expect_changes()
    (tree.root / "pkg").rename(tree.root / "moved")
    (tree.root / "pkg").symlink_to(outside)
    with pytest.raises(WorkspaceError, match=r"2 file\(s\) could not be put back: .*through a lin"):
        tree.rollback()
    assert CANARY not in tree.patch(whole_run=True)
    nothing = PreImage(None)
    assert tree.state() == {"pkg/store.py": nothing, "pkg/new.py": nothing}
    assert contents(outside) == dict.fromkeys(["store.py", "new.py"], CANARY.encode())


def test_row_10_a_file_that_became_a_link_after_the_edit_is_put_back(tree, outside):
    # Fails when Journal.present reads by absolute path: the patch then has the canary.
    before = tree.read("pkg/store.py").text
    tree.apply(Edit("pkg/store.py", before, "x = 1\n"))
    tree.expect_changes()
    (tree.root / "pkg" / "store.py").unlink()
    (tree.root / "pkg" / "store.py").symlink_to(outside / "store.py")
    assert CANARY not in tree.patch()
    tree.rollback()
    assert not (tree.root / "pkg" / "store.py").is_symlink()
    assert (tree.root / "pkg" / "store.py").read_text() == before
    assert contents(outside) == {"store.py": CANARY.encode()}


def test_row_10_a_hard_link_is_read_and_a_write_does_not_reach_its_other_name(tree, outside):
    # Fails when Root.replace writes into the file instead of putting a new one in its place.
    os.link(outside / "store.py", tree.root / "hard.py")
    assert tree.read("hard.py").text == CANARY
    tree.apply(Edit("hard.py", CANARY, "x = 1\n"))
    assert (tree.root / "hard.py").read_text() == "x = 1\n"
    assert contents(outside) == {"store.py": CANARY.encode()}


def test_row_10_a_temporary_name_that_is_taken_is_not_opened(root, outside, monkeypatch):
    # Fails without O_EXCL in root._CREATE.
    monkeypatch.setattr("qwenagent.workspace.root.secrets.token_hex", lambda _: "abcd1234")
    (root.path / ".qwenagent-abcd1234").symlink_to(outside / "new.py")
    with pytest.raises(FileExistsError):
        root.replace("b.txt", b"x", 0o644)
    assert contents(outside) == {"store.py": CANARY.encode()}


def test_row_11_a_root_that_is_replaced_by_a_link_stays_the_folder_that_was_opened(tree, outside):
    # Fails when Root._parent starts at self.path.
    before = tree.read("pkg/store.py").text
    moved = tree.root.with_name("moved away")
    tree.root.rename(moved)
    (outside / "pkg").mkdir()
    (outside / "pkg" / "store.py").write_text(CANARY)
    tree.root.symlink_to(outside)
    assert tree.read("pkg/store.py").text == before
    tree.journal.root.replace("pkg/store.py", b"x = 1\n", 0o644)
    assert (moved / "pkg" / "store.py").read_text() == "x = 1\n"
    assert contents(outside / "pkg") == {"store.py": CANARY.encode()}


def test_the_root_has_to_be_a_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotARepository, match="file cannot be opened: Not a directory"):
        Root(tmp_path / "file")


@pytest.mark.parametrize(
    "path", ["", ".", "/", "//x", "..", "a/../..", "a/../f", ".git/x", "a/.GIT", "GIT~1/x", "a\0"]
)
def test_paths_that_are_none_of_the_root(root, path):
    with pytest.raises(PathEscapes):
        root.look(path)
    with pytest.raises(PathEscapes):
        root.replace(path, b"x", 0o644)
    assert contents(root.path.parent) == {}


def test_a_path_longer_than_the_system_takes_is_walked(root):
    assert root.look("d/" * 3000 + "a.py") is None
    with pytest.raises(PathEscapes, match="cannot be looked at: File name too long"):
        root.look("x" * 300)


# -- row 19: what is no file ----------------------------------------------------------------------


def test_row_19_a_pipe_a_socket_and_a_device_are_not_opened(tree, tmp_path, monkeypatch):
    # Without the look at the kind in Root.load this test would wait at the pipe for ever, but for
    # O_NONBLOCK in root._READ.
    os.mkfifo(tree.root / "pipe.py")
    monkeypatch.chdir(tree.root)  # a socket's name has a short limit
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.py")
        for name, kind in (("pipe.py", "a pipe"), ("socket.py", "a socket")):
            with pytest.raises(EditRefused, match=f"^{name} is {kind}, and no file$"):
                tree.read(name)
            with pytest.raises(PathEscapes, match=f"^{name} is {kind}, and no file$"):
                tree.journal.root.load(name)
            with pytest.raises(EditRefused, match=f"^{name} exists by now$"):
                tree.apply(Edit(name, None, "x\n"))
            assert (tree.text(name), tree.is_file(name)) == (None, False)
    with pytest.raises(PathEscapes, match="null is a device, and no file"):
        Root(Path("/dev")).load("null")


def test_row_19_a_file_of_a_gigabyte_is_not_read(tree):
    # Sparse: it takes no room. Fails without the look at the size and the limit of what is read,
    # both in Workspace._bytes.
    with (tree.root / "big.txt").open("wb") as file:
        file.truncate(10**9)
    start = time.monotonic()
    with pytest.raises(EditRefused, match=r"^big\.txt has 1,000,000,000 bytes, more than the 2,0"):
        tree.read("big.txt")
    assert time.monotonic() - start < 1


# -- writing --------------------------------------------------------------------------------------


def test_a_write_keeps_mode_owner_and_extended_attributes(root):
    path = root.path / "a" / "f.txt"
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    try:
        os.setxattr(path, "user.origin", b"here")
    except (AttributeError, OSError):
        pytest.skip("no extended attributes on this file system")
    before = path.stat()
    root.replace("a/f.txt", b"new", stat.S_IMODE(before.st_mode))
    after = path.stat()
    assert path.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, before.st_uid, before.st_gid,
    )  # fmt: skip
    assert os.getxattr(path, "user.origin") == b"here"
    assert after.st_ino != before.st_ino


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """No file of this process may become larger: a stand-in for a disk that is full."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_a_write_that_does_not_fit_leaves_the_old_file_and_no_other(root):
    with small_files(100_000), pytest.raises(OSError, match="File too large"):
        root.replace("a/f.txt", b"x" * 200_000, 0o644)
    assert contents(root.path / "a") == {"f.txt": b"old"}


def test_an_edit_that_does_not_fit_is_refused_in_a_sentence(tree):
    old = tree.read("README.md").text
    with small_files(100_000), pytest.raises(EditRefused, match=r"^README.md cannot be written: "):
        tree.apply(Edit("README.md", old, "x\n" * 100_000))
    assert tree.read("README.md").text == old
    assert [p.name for p in tree.root.iterdir() if p.name.startswith(".qwenagent")] == []


def test_a_folder_in_the_place_of_the_file_stays(root):
    (root.path / "b").mkdir()
    with pytest.raises(IsADirectoryError):
        root.replace("b", b"x", 0o644)
    assert sorted(p.name for p in root.path.iterdir()) == ["a", "b"]


def test_folders_that_were_made_before_one_could_not_be_are_told(root):
    made: list[str] = []
    with pytest.raises(OSError, match="File name too long"):
        root.make_folders(f"b/c/{'x' * 300}/f", made)
    assert made == ["b", "b/c"]
    assert [root.remove_folder(path) for path in ("b", "b/c", "b", "b")] == [
        False,
        True,
        True,
        True,
    ]


def test_a_file_that_is_write_protected_is_refused(tree):
    (tree.root / "README.md").chmod(0o444)
    with pytest.raises(EditRefused, match=r"README\.md is write-protected; `chmod u\+w` allows it"):
        tree.apply(Edit("README.md", tree.read("README.md").text, "x\n"))
    assert (tree.root / "README.md").read_text() == "# Sample\n"


def test_handles_are_given_back(root):
    def n_open() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no list of open files here")
    (root.path / "link").symlink_to("a")
    (root.path / "own" / ".git").mkdir(parents=True)
    calls: list[Callable[[str], object]] = [
        root.look,
        root.load,
        root.twin,
        lambda path: root.replace(path, b"x", 0o644),
        root.remove,
        root.remove_folder,
    ]
    before = n_open()
    for path in ("a/f.txt", "link/f.txt", "own/f.txt", "gone/f.txt", "a", "a/f.txt/x", ".git/x"):
        for call in calls:
            with suppress(OSError, PathEscapes):
                call(path)
    assert n_open() == before


# -- row 16: names that look like something else --------------------------------------------------


@pytest.mark.parametrize(
    "name", ["--upload-pack=touch x", "-c", ":(exclude)*", ":!README.md", "*", "[a]", "%h", "@{u}"]
)
def test_row_16_a_name_is_never_an_option_or_a_pattern(tree, name):
    # Fails without `--` and GIT_LITERAL_PATHSPECS in the calls of git.
    (tree.root / name).write_text("a\n")
    tree.apply(Edit(name, "a\n", "b\n"))
    tree.apply(Edit(f"sub/{name}", None, "c\n"))
    assert {name, f"sub/{name}"} <= set(tree.files())
    tree.repository.commit(tree.changed(), "names")
    listed = run_git(tree.root, "show", "--pretty=", "--name-only", "-z", "HEAD").split("\0")
    assert sorted(filter(None, listed)) == sorted([name, f"sub/{name}"])
