import importlib
import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.errors import PathEscapes
from qwenagent.sandbox import Candidate, Level, Sandbox
from qwenagent.sandbox.bubblewrap import Bubblewrap
from tests.sandbox_stage import Stage, listing, namespaces, stage

FILES = ["code.py", "pkg/mod.py", "pkg/run.sh", "doc"]


def without_overlays(box: Sandbox) -> Sandbox:
    assert isinstance(box.wrapper, Bubblewrap)
    return replace(box, wrapper=replace(box.wrapper, overlays=False))


@pytest.fixture(params=["overlay", "copy"])
def inside(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    box = namespaces()
    if request.param == "overlay" and not box.overlays:
        pytest.skip("no overlays here: bubblewrap is older than 0.11, or the kernel makes none")
    found = stage(box if request.param == "overlay" else without_overlays(box), tmp_path.resolve())
    tree = found.tree
    (tree / "pkg").mkdir()
    (tree / "pkg" / "mod.py").write_text("VALUE = 'original'\n", encoding="utf-8")
    (tree / "pkg" / "run.sh").write_text("#!/bin/sh\necho original\n", encoding="utf-8")
    (tree / "pkg" / "run.sh").chmod(0o755)
    (tree / "pkg" / "built.so").write_bytes(b"\x7fELF")
    (tree / "doc").symlink_to("pkg")
    (tree / "node_modules" / "lib").mkdir(parents=True)
    (tree / "node_modules" / "lib" / "index.js").write_text("lib", encoding="utf-8")
    (tree / "node_modules" / "own").symlink_to("../pkg")
    return found


def shell(inside: Stage, candidate: Candidate, text: str) -> str:
    return inside.shell(text, candidate.policy(inside.policy())).output


def test_a_candidate_is_the_tree_with_its_own_files(inside):
    before = listing(inside.tree)
    with Candidate.of(inside.tree, inside.box, FILES) as candidate:
        candidate.write("pkg/mod.py", b"VALUE = 'candidate'\n")
        candidate.write("pkg/run.sh", b"#!/bin/sh\necho candidate\n")
        candidate.write("new/deep/f.txt", "ü\r\n".encode())
        candidate.delete("code.py")
        candidate.delete("never/there.py")
        told = shell(
            inside,
            candidate,
            "pwd -P; ls; cat pkg/mod.py node_modules/own/mod.py doc/mod.py new/deep/f.txt "
            "node_modules/lib/index.js; pkg/run.sh; test -s pkg/built.so && echo built; "
            "echo later > pkg/mod.py; echo more > pkg/more; rm pkg/run.sh; cat pkg/mod.py",
        )
        assert told == (
            f"{inside.tree}\ndoc\nnever\nnew\nnode_modules\npkg\n"
            + "VALUE = 'candidate'\n" * 3
            + "ü\nlibcandidate\nbuilt\nlater\n"
        )
        assert shell(inside, candidate, "cat pkg/more; ls pkg") == "more\nbuilt.so\nmod.py\nmore\n"
    assert listing(inside.tree) == before


def test_candidates_do_not_see_each_other(inside):
    with (
        Candidate.of(inside.tree, inside.box, FILES) as one,
        Candidate.of(inside.tree, inside.box, FILES) as two,
    ):
        one.write("code.py", b"VALUE = 'one'\n")
        two.write("code.py", b"VALUE = 'two'\n")
        told = [shell(inside, candidate, "cat code.py; touch x") for candidate in (one, two)]
    assert told == ["VALUE = 'one'\n", "VALUE = 'two'\n"]


def test_git_is_read_only_in_a_candidate_too(inside):
    before = listing(inside.tree)
    with Candidate.of(inside.tree, inside.box, FILES) as candidate:
        words = "touch .git/hooks/x .github/x; cat .git/config | head -n 1"
        assert shell(inside, candidate, words).endswith("[core]\n")
    assert listing(inside.tree) == before


@pytest.mark.parametrize("path", ["../x", "/etc/x", "pkg/../../x", "", ".", "doc/x", "a\0b"])
def test_paths_that_lead_out_are_refused(inside, path):
    before = listing(inside.home)
    with (
        Candidate.of(inside.tree, inside.box, FILES) as candidate,
        pytest.raises(PathEscapes),
    ):
        candidate.write(path, b"x")
    assert listing(inside.home) == before


def test_a_link_is_replaced_and_not_followed(inside):
    with Candidate.of(inside.tree, inside.box, FILES) as candidate:
        candidate.write("doc", b"now a file\n")
        assert shell(inside, candidate, "cat doc") == "now a file\n"
    assert (inside.tree / "doc").is_symlink()


def test_closing_removes_it_whatever_is_in_it(inside):
    candidate = Candidate.of(inside.tree, inside.box, FILES)
    shell(inside, candidate, "mkdir -p closed/in; touch closed/in/x; chmod 0 closed/in closed")
    folder = Path(candidate._folder)
    assert folder.is_dir()
    candidate.close()
    candidate.close()
    assert not folder.exists()


def venv(tree: Path, *options: str) -> Path:
    folder = tree / ".venv"
    argv = [sys.executable, "-m", "venv", "--without-pip", *options, str(folder)]
    subprocess.run(argv, check=True)
    return folder


def import_value(inside: Stage, candidate: Candidate | None) -> str:
    policy = inside.policy()
    code = "import thing; print(thing.VALUE)"
    argv = [str(inside.tree / ".venv" / "bin" / "python"), "-c", code]
    ran = inside.run(argv, candidate.policy(policy) if candidate else policy, cwd=inside.tree)
    return ran.output


def editable(inside: Stage) -> None:
    source = inside.tree / "src" / "thing"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("VALUE = 'original'\n", encoding="utf-8")


def test_an_editable_install_is_of_the_candidate(tmp_path):
    found = stage(namespaces(), tmp_path.resolve())
    inside = replace(found, tree=tmp_path.resolve() / "tree")
    editable(inside)
    site = next(venv(inside.tree).glob("lib/python*/site-packages"))
    (site / "thing.pth").write_text(f"{inside.tree}/src\n", encoding="utf-8")
    before = listing(inside.tree)
    for box in (inside.box, without_overlays(inside.box)):
        with Candidate.of(inside.tree, box, ["src/thing/__init__.py"]) as candidate:
            candidate.write("src/thing/__init__.py", b"VALUE = 'candidate'\n")
            assert import_value(inside, candidate) == "candidate\n"
    assert import_value(inside, None) == "original\n"
    assert listing(inside.tree) == before


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("hatchling", "pip")),
    reason="building an editable install without a network needs hatchling",
)
def test_a_real_editable_install_is_of_the_candidate(tmp_path):
    found = stage(namespaces(), tmp_path.resolve())
    inside = replace(found, tree=tmp_path.resolve() / "tree")
    editable(inside)
    (inside.tree / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
        "[project]\nname = 'thing'\nversion = '1'\n"
        "[tool.hatch.build]\ndev-mode-dirs = ['src']\n",
        encoding="utf-8",
    )
    venv(inside.tree)
    python = str(inside.tree / ".venv" / "bin" / "python")
    pip_package = importlib.import_module("pip")
    assert pip_package.__file__
    pip = [sys.executable, "-m", "pip", "--isolated", "--python", python, "install", "-q"]
    # pip runs the build with the venv's Python, which has no hatchling of its own.
    env = {**os.environ, "PYTHONPATH": str(Path(pip_package.__file__).parent.parent)}
    options = ["--no-index", "--no-build-isolation", "--no-deps", "-e", str(inside.tree)]
    subprocess.run([*pip, *options], check=True, env=env)
    with Candidate.of(inside.tree, inside.box, ["src/thing/__init__.py"]) as candidate:
        candidate.write("src/thing/__init__.py", b"VALUE = 'candidate'\n")
        assert import_value(inside, candidate) == "candidate\n"
    assert import_value(inside, None) == "original\n"


def test_without_mount_namespaces_there_is_no_racing():
    assert (Sandbox.off().level, Sandbox.off().races) == (Level.NONE, False)


def test_a_worktree_has_candidates_too(inside):
    git = inside.home / "main" / ".git"
    (git / "objects").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/w\n", encoding="utf-8")
    tree = inside.home / "worktree"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {git}\n", encoding="utf-8")
    (tree / "a").write_text("a", encoding="utf-8")
    with Candidate.of(tree, inside.box, ["a"]) as candidate:
        policy = candidate.policy(inside.policy())
        for _ in range(2):
            ran = inside.shell(f"cat a .git '{git}/HEAD'", policy, cwd=tree)
            assert (ran.output, ran.broke) == (f"agitdir: {git}\nref: refs/heads/w\n", ())
