import errno
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qwenagent.errors import ChecksError
from qwenagent.sandbox import Ran, find_program, run, scrubbed

PATH = os.environ.get("PATH", os.defpath)


def shell(text: str, cwd: Path, **options: Any) -> Ran:
    options = {"env": {"PATH": PATH}, "timeout_s": 20.0, **options}
    return run(["sh", "-c", text], cwd=cwd, **options)


def is_gone(pid: int) -> bool:
    words = ["ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    return state == "" or state.startswith("Z")


def waited_gone(pid: int, timeout_s: float = 3.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_gone(pid)


def pid_in(file: Path) -> int:
    return int(file.read_text(encoding="utf-8"))


def test_output_and_exit_code(tmp_path):
    ran = shell("echo out; echo err >&2; printf '\\033[31mred\\033[0m'; exit 3", tmp_path)
    assert replace(ran, seconds=0.0) == Ran(exit_code=3, output="out\nerr\nred", seconds=0.0)


def test_a_folder_with_spaces_and_arguments_arrive_unchanged(tmp_path):
    folder = tmp_path / "ein schöner Ordner"
    folder.mkdir()
    code = "import os, sys; print(os.getcwd()); print(sys.argv[1:])"
    words = ["a b", "$HOME", "*", "'", "", "ü"]
    ran = run(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        timeout_s=20,
    )
    assert ran.output == f"{folder.resolve()}\n{words}\n"


def test_bytes_that_are_no_utf8(tmp_path):
    assert shell("printf 'a\\377b'", tmp_path).output == "a\ufffdb"


def test_there_is_no_input(tmp_path):
    assert shell("cat; echo end", tmp_path).output == "end\n"


def test_secrets_are_not_visible_to_the_child(tmp_path):
    environ = {"PATH": PATH, "MY_API_KEY": "hunter2", "GIT_DIR": "/x", "SHOWN": "yes"}
    ran = run(["env"], cwd=tmp_path, env=scrubbed(environ), timeout_s=20)
    assert "SHOWN=yes" in ran.output
    assert "hunter2" not in ran.output
    assert "GIT_DIR" not in ran.output


def test_much_output_is_capped_and_drained(tmp_path):
    ran = shell("head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last", tmp_path)
    assert ran.exit_code == 0
    assert ran.cut_bytes == 50_000_006 - 1_000_000
    assert f"[... {ran.cut_bytes} bytes cut ...]" in ran.output
    assert ran.output.endswith("x\nlast\n")


def test_a_grandchild_is_gone_after_a_timeout(tmp_path):
    ran = shell("sleep 60 & echo $! > pid; wait", tmp_path, timeout_s=0.4)
    assert (ran.timed_out, ran.cancelled) == (True, False)
    assert ran.exit_code < 0
    assert ran.seconds < 3
    assert waited_gone(pid_in(tmp_path / "pid"))


def test_children_left_behind_are_ended_and_do_not_hold_us_up(tmp_path):
    ran = shell("sleep 60 & echo $! > pid; echo done", tmp_path)
    assert (ran.exit_code, ran.output, ran.timed_out) == (0, "done\n", False)
    assert ran.seconds < 3
    assert waited_gone(pid_in(tmp_path / "pid"))


def test_who_ignores_sigterm_is_killed(tmp_path):
    ran = shell("trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done", tmp_path, timeout_s=0.3)
    assert (ran.timed_out, ran.exit_code) == (True, -9)
    assert waited_gone(pid_in(tmp_path / "pid"))


def test_a_stranger_that_holds_the_pipe_open_is_ended_and_does_not_hold_us_up(tmp_path):
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    open('pid', 'w').write(str(os.getpid()))\n"
        "    time.sleep(60)\n"
        "while not os.path.exists('pid') or not open('pid').read(): time.sleep(0.01)\n"
        "print('leader ends')\n"
    )
    ran = run([sys.executable, "-c", code], cwd=tmp_path, env={}, timeout_s=20)
    assert waited_gone(pid_in(tmp_path / "pid"))
    assert (ran.exit_code, ran.output) == (0, "leader ends\n")
    assert ran.seconds < 5


def test_processes_that_end_while_others_are_looked_for(tmp_path, monkeypatch):
    real = os.stat

    def stat(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if str(path).startswith("/proc/"):  # what the kernel says of a process that is ending
            raise ProcessLookupError(errno.ESRCH, "No such process", path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", stat)
    assert shell("sleep 0.1 & echo out", tmp_path).output == "out\n"


def test_cancel_ends_the_command_soon(tmp_path):
    cancel = threading.Event()
    timer = threading.Timer(0.2, cancel.set)
    timer.start()
    ran = shell("sleep 60", tmp_path, cancel=cancel)
    timer.join()
    assert (ran.cancelled, ran.timed_out) == (True, False)
    assert ran.seconds < 2


def test_a_child_that_closes_its_output_is_waited_for(tmp_path):
    ran = shell("exec >&- 2>&-; sleep 0.3; exit 7", tmp_path)
    assert (ran.exit_code, ran.output) == (7, "")


def test_limits_hold_in_the_child(tmp_path):
    code = "import resource as r; print(r.getrlimit(r.RLIMIT_CORE), r.getrlimit(r.RLIMIT_FSIZE)[1])"
    ran = run([sys.executable, "-c", code], cwd=tmp_path, env={}, timeout_s=20)
    core, size = ran.output.rsplit(maxsplit=1)
    assert core == "(0, 0)"
    assert 0 < int(size) <= 2 << 30


def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(ChecksError, match="'no-such-program-x' is not a program") as error:
        run(["no-such-program-x"], cwd=tmp_path, env={"PATH": "/nowhere"}, timeout_s=1)
    assert "PATH=/nowhere" in error.value.message


def test_an_empty_command_and_a_missing_folder(tmp_path):
    with pytest.raises(ChecksError, match="an empty command"):
        run([], cwd=tmp_path, env={}, timeout_s=1)
    with pytest.raises(ChecksError, match="cannot start"):
        run([sys.executable], cwd=tmp_path / "missing", env={}, timeout_s=1)


def test_programs_are_found_as_the_child_would_find_them(tmp_path):
    tool = tmp_path / "my tools" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho hi\n", encoding="utf-8")
    assert find_program("my tools/tool", cwd=tmp_path, env={}) is None
    tool.chmod(0o755)
    assert find_program("my tools/tool", cwd=tmp_path, env={}) == str(tool)
    assert find_program("tool", cwd=tmp_path, env={"PATH": "my tools"}) == str(tool)
    assert find_program("tool", cwd=Path("/"), env={"PATH": "my tools"}) is None
    assert run(["./my tools/tool"], cwd=tmp_path, env={}, timeout_s=9).output == "hi\n"
