import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from qwenagent.errors import ChecksError
from qwenagent.sandbox import Level, Limits, Ran, Sandbox
from qwenagent.sandbox.bubblewrap import Bubblewrap, find_bubblewrap
from tests.sandbox_stage import Stage, listing, namespaces, stage


@pytest.fixture
def inside(tmp_path: Path) -> Stage:
    return stage(namespaces(), tmp_path.resolve())


def test_the_tree_is_written_and_nothing_else_is_left_in_it(inside):
    ran = inside.shell("pwd -P; echo new > made; cat code.py; exit 3")
    assert replace(ran, seconds=0.0) == Ran(3, f"{inside.tree}\nVALUE = 1\n", 0.0)
    assert listing(inside.tree) == {
        ".git": None,
        ".git/config": b"[core]\n\tbare = false\n",
        ".git/hooks": None,
        "code.py": b"VALUE = 1\n",
        "made": b"new\n",
    }


def test_a_signal_is_a_negative_exit_code(inside):
    assert inside.shell("kill -SEGV $$").exit_code == -signal.SIGSEGV
    assert inside.shell("exit 200").exit_code == 200


def test_the_home_folder_is_another_one(inside):
    ran = inside.shell("ls -A ~; cat ~/.ssh/id; echo x > ~/made && cat ~/made")
    assert "the key" not in ran.output
    assert ran.output.endswith("x\n")
    assert sorted(path.name for path in inside.home.iterdir()) == [".ssh", inside.tree.name]


def test_toolchains_are_shown_without_their_secrets(inside):
    cargo = inside.home / ".cargo"
    (cargo / "registry").mkdir(parents=True)
    (cargo / "registry" / "index").write_text("crates", encoding="utf-8")
    (cargo / "credentials.toml").write_text("the token", encoding="utf-8")
    ran = inside.shell("cat ~/.cargo/registry/index ~/.cargo/credentials.toml; touch ~/.cargo/x")
    assert "crates" in ran.output
    assert "the token" not in ran.output
    assert not (cargo / "x").exists()


def test_a_tool_on_the_path_is_shown_wherever_it_lies(inside):
    tool = inside.home / "tools" / "bin" / "greet"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho hello\n", encoding="utf-8")
    tool.chmod(0o755)
    env = inside.env(PATH=f"{tool.parent}:/usr/bin:/bin")
    assert inside.run(["greet"], env=env).output == "hello\n"


def test_a_secret_folder_is_not_shown_by_a_link_to_it(inside):
    bin_folder = inside.tree / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    (inside.home / ".ssh" / "bin").mkdir()
    (inside.home / ".ssh" / "lib").mkdir()
    (bin_folder / "python").symlink_to(inside.home / ".ssh" / "bin" / "python")
    env = inside.env(PATH=f"{inside.home}/.ssh:{inside.home}:/usr/bin:/bin")
    assert "the key" not in inside.shell("cat ~/.ssh/id", env=env).output


def test_the_home_folder_itself_as_tree(inside):
    policy = replace(inside.policy(), tree=inside.home)
    ran = inside.shell(
        "cat .ssh/id; cat ~/.ssh/id; echo $HOME; touch made", policy, cwd=inside.home
    )
    assert "the key" not in ran.output
    assert ran.output.endswith("/tmp/home\n")
    assert (inside.home / "made").exists()


def test_a_home_folder_that_is_a_link_and_one_that_is_the_root(inside, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(inside.home)
    ran = inside.shell("cat ~/.ssh/id; echo $HOME", env=inside.env(HOME=str(link)))
    assert "the key" not in ran.output
    assert ran.output.endswith(f"{link}\n")
    ran = inside.shell("touch ~/x && echo $HOME", env=inside.env(HOME="/"))
    assert ran.output == "/tmp/home\n"


def test_git_and_ci_stay_as_they_are_and_missing_ones_missing(inside):
    words = (
        "for f in .git/config .git/hooks/x .github .vscode/x; do echo x > $f; mkdir -p $f/y; done"
    )
    before = listing(inside.tree)
    ran = inside.shell(words + "; mv .git .git2; rm -r .git; echo end")
    assert ran.output.endswith("end\n")
    assert listing(inside.tree) == before


def test_missing_settings_that_appear_are_moved_aside_and_told(inside):
    ran = inside.shell("echo x > .envrc; echo y > AGENTS.md")
    assert ran.broke == (
        "made .envrc: moved to .envrc.from-sandbox-1",
        "made AGENTS.md: moved to AGENTS.md.from-sandbox-1",
    )
    assert not (inside.tree / ".envrc").exists()
    assert (inside.tree / "AGENTS.md.from-sandbox-1").read_text(encoding="utf-8") == "y\n"


def test_a_protected_link_is_put_back(inside):
    (inside.tree / "ci").mkdir()
    (inside.tree / ".github").symlink_to("ci")
    ran = inside.shell("touch ci/x; rm .github; mkdir .github; touch .github/x")
    assert ran.broke == ("replaced the link .github: moved to .github.from-sandbox-1",)
    assert str((inside.tree / ".github").readlink()) == "ci"
    assert list((inside.tree / "ci").iterdir()) == []


def test_what_the_user_makes_meanwhile_stays(inside):
    made = inside.tree / ".github" / "by the user"
    timer = threading.Timer(0.5, lambda: made.write_text("x", encoding="utf-8"))
    timer.start()
    ran = inside.shell("sleep 1; ls .github")
    timer.join()
    assert (ran.output, ran.broke) == ("", ())
    assert made.read_text(encoding="utf-8") == "x"


def test_nested_repositories_and_the_folder_of_hooks(inside):
    (inside.tree / "sub" / ".git").mkdir(parents=True)
    (inside.tree / "my hooks").mkdir()
    config = "[core]\n\thooksPath = my hooks ; a comment\n"
    (inside.tree / ".git" / "config").write_text(config, encoding="utf-8")
    inside.shell("touch sub/.git/x 'my hooks/pre-commit' sub/y")
    assert not (inside.tree / "sub" / ".git" / "x").exists()
    assert not (inside.tree / "my hooks" / "pre-commit").exists()
    assert (inside.tree / "sub" / "y").exists()


def test_a_submodule_over_a_link_neither_shows_nor_stops_anything(inside):
    (inside.home / ".ssh" / "sub" / ".git").mkdir(parents=True)
    (inside.tree / "link").symlink_to(inside.home / ".ssh")
    (inside.tree / "own").mkdir()
    (inside.tree / "own" / ".git").mkdir()
    (inside.tree / "there").symlink_to("own")
    modules = "".join(f'[submodule "{p}"]\n\tpath = {p}\n' for p in ("link/sub", "there", "../x"))
    (inside.tree / ".gitmodules").write_text(modules, encoding="utf-8")
    ran = inside.shell("ls link/sub; touch own/.git/x; echo x > .gitmodules; echo end")
    assert "cannot access 'link/sub'" in ran.output
    assert ran.output.endswith("end\n")
    assert (inside.tree / ".gitmodules").read_text(encoding="utf-8") == modules
    assert list((inside.tree / "own" / ".git").iterdir()) == []


def test_who_is_killed_from_outside_is_no_sandbox_that_did_not_start(inside):
    def kill() -> None:
        pids = [pid for pid in named(name) if cmdline(pid)[:1] == [program]]
        os.kill(min(pids), signal.SIGKILL)

    assert isinstance(inside.box.wrapper, Bubblewrap)
    program = inside.box.wrapper.program
    name = f"sleep-{os.getpid()}-{time.monotonic_ns()}"
    (inside.tree / name).symlink_to("/bin/sleep")
    timer = threading.Timer(1.0, kill)
    timer.start()
    ran = inside.shell(f"./{name} 20")
    timer.join()
    assert (ran.exit_code, ran.seconds < 10) == (-9, True)


def test_the_git_folder_of_a_worktree_is_shown_and_not_written(inside):
    git = inside.home / "main" / ".git"
    own = git / "worktrees" / "w"
    own.mkdir(parents=True)
    (git / "objects").mkdir()
    (own / "HEAD").write_text("ref: refs/heads/w\n", encoding="utf-8")
    (own / "commondir").write_text("../..\n", encoding="utf-8")
    tree = inside.home / "w"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {own}\n", encoding="utf-8")
    policy = inside.policy()
    ran = inside.shell(f"cat '{own}/HEAD'; touch '{git}/x'", replace(policy, tree=tree), cwd=tree)
    assert ran.output.startswith("ref: refs/heads/w\n")
    assert not (git / "x").exists()
    lying = inside.home / "lying"
    lying.mkdir()
    (lying / ".git").write_text(f"gitdir: {inside.home}/.ssh\n", encoding="utf-8")
    told = inside.shell("cat ~/.ssh/id", replace(policy, tree=lying), cwd=lying)
    assert "the key" not in told.output


def test_temporary_files_are_private_and_a_writable_folder_is_not(inside, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    policy = inside.policy(writable=(shared,))
    ran = inside.shell(f"echo x > /tmp/made; echo y > '{shared}/made'; echo $TMPDIR", policy)
    assert ran.output == "/tmp\n"
    assert not Path("/tmp/made").exists()
    assert (shared / "made").read_text(encoding="utf-8") == "y\n"


def test_a_cache_is_kept(inside, tmp_path):
    policy = inside.policy(cache=tmp_path / "cache" / "of this")
    inside.shell("echo built > ~/.cache/result", policy)
    tool = inside.home / ".cache" / "ms-playwright"
    tool.mkdir(parents=True)
    (tool / "browser").write_text("browser", encoding="utf-8")
    ran = inside.shell("cat ~/.cache/result ~/.cache/ms-playwright/browser", policy)
    assert ran.output == "built\nbrowser"
    inside.shell("touch ~/.cache/ms-playwright/x", policy)
    assert [path.name for path in tool.iterdir()] == ["browser"]


def test_no_network_but_a_loopback_of_its_own(inside):
    code = (
        "import socket, sys\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname(), 1).close()\n"
        "print('own')\n"
        "try: socket.create_connection(('127.0.0.1', int(sys.argv[1])), 1); print('connected')\n"
        "except OSError as error: print(error.strerror)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        argv = [sys.executable, "-c", code, str(server.getsockname()[1])]
        assert inside.run(argv).output == "own\nConnection refused\n"
        assert inside.run(argv, inside.policy(network="all")).output == "own\nconnected\n"


def test_processes_of_the_machine_are_not_seen(inside):
    ran = inside.shell(f"ls /proc | grep -c '^[0-9]'; test -e /proc/{os.getpid()}/environ; echo $?")
    count, there = ran.output.split()
    assert int(count) < 10
    assert there == "1" or os.getpid() < 10


def test_no_capabilities_no_new_privileges_no_further_namespaces(inside):
    ran = inside.shell("grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status")
    assert [line.split()[1] for line in ran.output.splitlines()] == ["0" * 16, "0" * 16, "1"]
    assert isinstance(inside.box.wrapper, Bubblewrap)
    if inside.box.wrapper.locks_namespaces:
        assert inside.shell("unshare -U true").exit_code != 0


def test_nobody_outlives_a_command(inside):
    name = f"sleep-{os.getpid()}-{time.monotonic_ns()}"
    (inside.tree / name).symlink_to("/bin/sleep")
    words = f"setsid sh -c './{name} 50 >/dev/null 2>&1 & ' & sleep 0.3; echo out"
    assert inside.shell(words).output == "out\n"
    assert not named(name)
    ran = inside.shell(f"setsid ./{name} 50 >/dev/null 2>&1 & sleep 30", timeout_s=0.5)
    assert (ran.timed_out, ran.seconds < 4) == (True, True)
    assert not named(name)


def named(name: str) -> list[int]:
    found = psutil.process_iter(["cmdline", "status"])
    return [p.pid for p in found if name in " ".join(p.info["cmdline"] or [])]


def test_the_sandbox_ends_with_this_program(inside, tmp_path):
    name = f"sleep-{os.getpid()}-{time.monotonic_ns()}"
    (inside.tree / name).symlink_to("/bin/sleep")
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from qwenagent.sandbox import Policy, Sandbox\n"
        "tree = Path(sys.argv[1])\n"
        "Sandbox.find(os.environ).run([sys.argv[2], '60'], cwd=tree, env={}, policy=Policy(tree),"
        " timeout_s=60)\n"
    )
    argv = [sys.executable, "-c", code, str(inside.tree), f"./{name}"]
    with subprocess.Popen(argv) as program, contextlib.ExitStack() as stack:
        stack.callback(program.kill)
        wait_until(lambda: any(cmdline(pid)[1:] == ["60"] for pid in named(name)))
        program.kill()
    wait_until(lambda: not named(name))


def cmdline(pid: int) -> list[str]:
    try:
        return list(psutil.Process(pid).cmdline())
    except psutil.Error:
        return []


def wait_until(holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_cancel(inside):
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    ran = inside.shell("sleep 60", cancel=cancel)
    assert (ran.cancelled, ran.timed_out, ran.seconds < 5) == (True, False, True)


@pytest.mark.parametrize("box", ["namespaces", "off"])
@pytest.mark.parametrize(
    ("limits", "words", "told"),
    [
        (Limits(processes=20), "for i in $(seq 60); do sleep 9 & done; wait", "ended: processes "),
        (
            Limits(memory_bytes=60 << 20),
            "exec python3 -c \"import time; x = b'1' * (150 << 20); time.sleep(9)\"",
            "ended: memory ",
        ),
        (
            Limits(written_bytes=10 << 20),
            "head -c 40000000 /dev/zero > big; sleep 9",
            "ended: written to disk ",
        ),
    ],
)
def test_a_limit_ends_all_and_says_so(tmp_path, box, limits, words, told):
    found = namespaces() if box == "namespaces" else Sandbox.off()
    inside = stage(found, tmp_path.resolve())
    words = words.replace("python3", f"'{sys.executable}'")
    ran = inside.shell(words, inside.policy(limits=limits))
    assert [line[: len(told)] for line in ran.broke] == [told]
    assert (ran.exit_code < 0, ran.timed_out, ran.seconds < 8) == (True, False, True)


def test_a_file_that_grows_too_large(inside):
    limits = Limits(file_bytes=1 << 20)
    ran = inside.shell("exec head -c 3000000 /dev/zero > big", inside.policy(limits=limits))
    assert ran.exit_code == -signal.SIGXFSZ
    assert (inside.tree / "big").stat().st_size == 1 << 20


def test_the_private_folders_do_not_fill_the_memory(inside):
    policy = inside.policy(limits=Limits(private_bytes=1 << 20))
    words = "for d in /tmp ~ /dev /dev/shm /run; do head -c 300000000 /dev/zero > $d/x; done; "
    ran = inside.shell(words + "wc -c /tmp/x ~/x | head -n 2", policy)
    assert ran.output.count("No space left on device") == 3
    assert ran.output.count("Read-only file system") == 2
    sizes = [int(line.split()[0]) for line in ran.output.splitlines()[-2:]]
    assert sizes == [1 << 20, 1 << 20]


def test_sockets_of_the_machine_are_not_reachable(inside, tmp_path):
    path = tmp_path / "s"
    code = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1]); print('yes')"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        argv = [sys.executable, "-c", code, str(path)]
        policy = inside.policy(readable=(*inside.policy().readable, tmp_path))
        assert "yes" not in inside.run(argv, policy).output
        outside = inside.box.off().run(argv, cwd=inside.tree, env={}, policy=policy, timeout_s=9)
        assert outside.output == "yes\n"


def test_a_folder_that_is_not_there_is_an_error(inside):
    with pytest.raises(ChecksError, match=r"the sandbox did not start: bwrap: .*chdir"):
        inside.run(["/bin/true"], cwd=inside.tree / "missing")


def test_a_program_that_is_not_there_is_an_error(inside):
    with pytest.raises(ChecksError, match="'no-such-x' is not a program"):
        inside.run(["no-such-x"])


def test_a_bwrap_that_fails_is_not_taken(tmp_path, monkeypatch):
    refusing = tmp_path / "bwrap"
    refusing.write_text(
        "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n",
        encoding="utf-8",
    )
    refusing.chmod(0o755)
    monkeypatch.setattr("qwenagent.sandbox.bubblewrap.bundled", lambda: None)
    wrapper, why = find_bubblewrap(str(tmp_path))
    assert wrapper is None
    assert why.startswith(f"bubblewrap does not work here ({refusing}: bwrap: setting up uid map")
    assert find_bubblewrap(str(tmp_path / "empty"))[0] is None
    assert "apt install bubblewrap" in find_bubblewrap(str(tmp_path / "empty"))[1]


def test_without_a_sandbox_who_left_the_session_is_ended_all_the_same(tmp_path):
    name = f"sleep-{os.getpid()}-{time.monotonic_ns()}"
    inside = stage(Sandbox.off(), tmp_path.resolve())
    (inside.tree / name).symlink_to("/bin/sleep")
    ran = inside.shell(f"setsid ./{name} 50 >/dev/null 2>&1 & sleep 0.1; echo out")
    assert (inside.box.level, ran.output) == (Level.NONE, "out\n")
    assert not named(name)


def test_levels_have_an_order():
    assert Level.NONE < Level.SEATBELT < Level.NAMESPACES
