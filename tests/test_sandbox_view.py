import socket
from pathlib import Path

import pytest

from qwenagent.sandbox import Overlay, Policy
from qwenagent.sandbox.seatbelt import profile
from qwenagent.sandbox.surroundings import surroundings
from qwenagent.sandbox.view import Kind, Place, own_home, settled, view


def place(kind: Kind, path: str, source: str = "") -> Place:
    return Place(kind, Path(path), Path(source or path))


@pytest.mark.parametrize(
    ("wishes", "kept"),
    [
        # In a hidden place what is shown comes after it, whatever the order of the wishes.
        (
            [place("read", "/home/me/.cargo"), place("hide", "/home")],
            [place("hide", "/home"), place("read", "/home/me/.cargo")],
        ),
        # What is seen anyway is not shown again, what is hidden anyway not hidden again.
        ([place("read", "/usr/lib")], []),
        (
            [place("hide", "/home"), place("hide", "/home/you"), place("mask", "/home/me/x")],
            [place("hide", "/home")],
        ),
        # A virtual environment in the tree stays writable, .git does not.
        (
            [place("write", "/t"), place("read", "/t/.venv"), place("freeze", "/t/.git")],
            [place("write", "/t"), place("freeze", "/t/.git")],
        ),
        # Nothing to hold still where nothing is writable.
        ([place("freeze", "/usr/.git")], []),
        # For one path the tree wins over hiding it, and a mask over showing it.
        (
            [place("hide", "/t"), place("private", "/t"), place("write", "/t")],
            [place("write", "/t")],
        ),
        (
            [place("hide", "/h"), place("read", "/h/a"), place("mask", "/h/a/key")],
            [place("hide", "/h"), place("read", "/h/a"), place("mask", "/h/a/key")],
        ),
    ],
)
def test_settled(wishes, kept):
    assert list(settled(wishes)) == kept


def test_mounts_are_shown_and_only_that_of_the_tree_is_written(tmp_path):
    tree, copy, lib = tmp_path / "t", tmp_path / "copy", tmp_path / "t" / "node_modules"
    lib.mkdir(parents=True)
    copy.mkdir()
    policy = Policy(tree, mounts={tree: copy, lib: lib}, protected=())
    places = view(policy, {}, "/bin/true", sockets=tmp_path / "none")
    assert Place("write", tree, copy) in places
    assert Place("freeze", lib, lib) in places


def test_an_overlay_shows_the_candidates_own_settings(tmp_path):
    tree, over = tmp_path / "t", Overlay(tmp_path / "up", tmp_path / "work")
    for path in (tree, over.upper):
        path.mkdir()
        (path / "AGENTS.md").write_text("x", encoding="utf-8")
    (tree / ".envrc").write_text("x", encoding="utf-8")
    policy = Policy(tree, overlay=over, protected=("AGENTS.md", ".envrc", ".github", "CLAUDE.md"))
    places = view(policy, {}, "/bin/true", sockets=tmp_path / "none")
    assert [p for p in places if p.path.is_relative_to(tree)] == [
        Place("overlay", tree, tree),
        Place("freeze", tree / "AGENTS.md", over.upper / "AGENTS.md"),
        Place("freeze", tree / ".envrc", tree / ".envrc"),
        Place("hide", tree / ".github", tree / ".github"),
    ]


def test_listening_sockets_are_masked_but_for_those_of_the_tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    Path("t").mkdir()
    with socket.socket(socket.AF_UNIX) as out, socket.socket(socket.AF_UNIX) as own:
        out.bind("s p")
        own.bind("t/s")
        table = Path("table")
        lines = [f"0: 2 0 10000 1 01 77 {tmp_path}/{name}" for name in ("s p", "t/s", "gone")]
        table.write_text("Num Path\n" + "\n".join(lines) + "\n1: 2 0 0 1 01 7 @a\n", "utf-8")
        # Shown again, since the temporary folder of the test is in a private one.
        policy = Policy(tmp_path / "t", readable=(tmp_path,))
        places = view(policy, {}, "/bin/true", sockets=table)
    masks = [p.path for p in places if p.kind == "mask" and p.path.is_relative_to(tmp_path)]
    assert masks == [tmp_path / "s p"]


def test_surroundings(tmp_path):
    env = {
        "HOME": str(tmp_path),
        "PATH": "/bin",
        "TMPDIR": "/elsewhere",
        "XDG_RUNTIME_DIR": "/run/user/1",
        "DISPLAY": ":0",
    }
    policy = Policy(tmp_path / "t", network="all")
    home = own_home(policy, env)
    assert home == tmp_path
    expected = {
        "HOME": str(tmp_path),
        "PATH": "/bin",
        "TMPDIR": "/tmp",
        "npm_config_cache": f"{home}/.cache/npm",
    }
    assert surroundings(env, policy, home) == expected
    offline = {"CARGO_NET_OFFLINE": "true", "UV_OFFLINE": "1", "GOPROXY": "off"}
    assert surroundings(env, Policy(tmp_path / "t"), home) == {**expected, **offline}


def test_the_profile_for_seatbelt():
    places = [
        place("private", "/Users/me"),
        place("write", '/Users/me/a "b"'),
        place("freeze", '/Users/me/a "b"/.git'),
        place("read", "/Users/me/.cargo"),
        place("mask", "/Users/me/.cargo/credentials"),
    ]
    assert profile(places, Policy(Path("/x"), network="loopback")) == (
        "(version 1)\n"
        "(allow default)\n"
        "(deny file-write*)\n"
        '(allow file-write* (subpath "/dev"))\n'
        "(deny network*)\n"
        '(allow network* (local ip "localhost:*"))\n'
        '(allow network* (remote ip "localhost:*"))\n'
        '(deny file-read-data file-write* (subpath "/Users/me"))\n'
        '(allow file-read* file-write* (subpath "/Users/me/a \\"b\\""))\n'
        '(deny file-write* (subpath "/Users/me/a \\"b\\"/.git"))\n'
        '(allow file-read* (subpath "/Users/me/.cargo"))\n'
        '(deny file-read-data file-write* (subpath "/Users/me/.cargo/credentials"))\n'
        "(deny appleevent-send)\n"
        "(deny lsopen)\n"
        "(deny process-info* (target others))\n"
    )
    assert "(deny network*)" in profile([], Policy(Path("/x")))
    assert "network" not in profile([], Policy(Path("/x"), network="all"))
