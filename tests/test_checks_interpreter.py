import os
import sys
import venv
from pathlib import Path

import pytest

from qwenagent.checks import ProjectTools, project_tools
from qwenagent.sandbox import scrubbed

PYTEST_FOLDER = str(Path(pytest.__file__).resolve().parent.parent)


def make_venv(folder: Path, *, with_pytest: bool = False) -> str:
    venv.create(folder, symlinks=True)
    if with_pytest:
        packages = next(folder.glob("lib/python*/site-packages"))
        (packages / "shared.pth").write_text(f"{PYTEST_FOLDER}\n", encoding="utf-8")
    return str(folder / "bin" / "python")


def make_tool(folder: Path, name: str, text: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    tool.chmod(0o755)
    return str(tool)


def wrap(folder: Path, python: str) -> Path:
    """A python3 on PATH that is a script, as pyenv's shims are."""
    make_tool(folder, "python3", f'exec "{python}" "$@"')
    return folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "my project"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_an_environment_in_the_tree(root, name):
    python = make_venv(root / name)
    environ = {"PATH": "/bin", "VIRTUAL_ENV": "/other", "HOME": "/h", "PYTHONHOME": "/x"}
    assert project_tools(root, environ) == ProjectTools(
        python=python,
        runner=(),
        env={
            **scrubbed({"HOME": "/h"}),
            "PATH": f"{root / name / 'bin'}:/bin",
            "VIRTUAL_ENV": str(root / name),
        },
        why=f"{name} in the repository",
    )


def test_an_environment_whose_python_is_gone_is_passed_over(root, tmp_path):
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "pyvenv.cfg").touch()
    (root / ".venv" / "bin" / "python").symlink_to(tmp_path / "gone")
    other = make_venv(tmp_path / "other")
    tools = project_tools(root, {"PATH": "/bin", "VIRTUAL_ENV": str(tmp_path / "other")})
    assert (tools.python, tools.why) == (other, f"$VIRTUAL_ENV is {tmp_path / 'other'}")


def test_conda_after_virtual_env(root, tmp_path):
    conda = make_venv(tmp_path / "conda")
    environ = {"PATH": "/bin", "CONDA_PREFIX": str(tmp_path / "conda")}
    assert project_tools(root, environ).python == conda
    active = make_venv(tmp_path / "active")
    environ["VIRTUAL_ENV"] = str(tmp_path / "active")
    assert project_tools(root, environ).python == active


def test_uv_and_its_lock_file(root, tmp_path):
    (root / "uv.lock").touch()
    make_tool(tmp_path / "bin", "uv", "exit 1")
    tools = project_tools(root, {"PATH": str(tmp_path / "bin")})
    assert tools.python is None
    assert tools.runner == ("uv", "run", "--frozen", "--offline")
    assert project_tools(root, {"PATH": ""}).runner == ()


@pytest.mark.parametrize(("lock", "tool"), [("poetry.lock", "poetry"), ("Pipfile", "pipenv")])
def test_managers_are_asked_for_their_environment(root, tmp_path, lock, tool):
    python = make_venv(tmp_path / "managed")
    (root / lock).touch()
    make_tool(tmp_path / "bin", tool, f'echo "a warning" >&2; echo "{python}"')
    tools = project_tools(root, {"PATH": f"{tmp_path / 'bin'}:/bin"})
    assert (tools.python, tools.runner, tools.why) == (python, (), f"{lock} and {tool} on PATH")
    assert tools.env["PATH"].split(":")[0] == str(tmp_path / "managed" / "bin")


def test_a_manager_without_an_environment_is_passed_over(root, tmp_path):
    (root / "poetry.lock").touch()
    make_tool(tmp_path / "bin", "poetry", "exit 1")
    wrap(tmp_path / "bin", sys.executable)
    tools = project_tools(root, {"PATH": f"{tmp_path / 'bin'}:/bin"}, own="")
    assert tools.python == sys.executable


def test_a_shim_stands_for_its_interpreter_and_one_that_fails_is_passed_over(root, tmp_path):
    make_tool(tmp_path / "bin", "python3", "echo 'pyenv: version not installed' >&2; exit 127")
    make_tool(tmp_path / "bin", "python", f'exec "{sys.executable}" "$@"')
    tools = project_tools(root, {"PATH": f"{tmp_path / 'bin'}:/bin"}, own="")
    assert tools.python == sys.executable
    assert tools.env["PATH"] == f"{tmp_path / 'bin'}:/bin"


def test_our_own_environment_is_not_the_project_s(root, tmp_path):
    own = tmp_path / "own"
    make_venv(own, with_pytest=True)
    other = make_venv(tmp_path / "other", with_pytest=True)
    shims = wrap(tmp_path / "bin", other)
    environ = {"PATH": f"{own / 'bin'}:{shims}:/bin", "VIRTUAL_ENV": str(own)}
    tools = project_tools(root, environ, needs="pytest", own=str(own))
    assert tools.python == other
    assert tools.env["PATH"] == f"{shims}:/bin"
    assert "VIRTUAL_ENV" not in tools.env


def test_our_own_environment_if_it_is_active_and_no_other_has_the_module(root, tmp_path):
    own = tmp_path / "own"
    python = make_venv(own, with_pytest=True)
    other = make_venv(tmp_path / "other")
    shims = wrap(tmp_path / "bin", other)
    path = f"{own / 'bin'}:{shims}:/bin"
    active = project_tools(
        root, {"PATH": path, "VIRTUAL_ENV": str(own)}, needs="pytest", own=str(own)
    )
    assert active.python == python
    assert active.why == f"{own}, qwenagent's own environment: {other} has no pytest"
    assert active.env["PATH"] == f"{own / 'bin'}:{shims}:/bin"
    not_active = project_tools(root, {"PATH": path}, needs="pytest", own=str(own))
    assert not_active.python == other


def test_the_interpreter_behind_our_own_environment_is_the_last_resort(root, tmp_path):
    own = tmp_path / "own"
    make_venv(own)
    tools = project_tools(root, {"PATH": str(own / "bin")}, own=str(own))
    assert tools.python is not None
    assert Path(tools.python).resolve() == Path(sys.executable).resolve()
    assert not Path(tools.python).is_relative_to(own)
    assert tools.env["PATH"] == ""


def test_no_python_anywhere(root, tmp_path):
    tools = project_tools(root, {"PATH": str(tmp_path)}, own="")
    assert tools.python is None
    assert tools.why == "no Python in the repository, in $VIRTUAL_ENV or on PATH"


def test_node_s_tools_are_on_the_path(root, tmp_path):
    (root / "node_modules" / ".bin").mkdir(parents=True)
    tools = project_tools(root, {"PATH": str(tmp_path)}, own="")
    assert tools.env["PATH"] == f"{root / 'node_modules' / '.bin'}{os.pathsep}{tmp_path}"
