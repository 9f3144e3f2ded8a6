import signal
from pathlib import Path

import pytest

from qwenagent.sandbox import Policy, Ran, explain

POLICY = Policy(Path("/home/ann/my repo"))
NO_NETWORK = "no network in the sandbox (--allow-network opens it)"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "OSError: [Errno 30] Read-only file system: '/home/ann/my repo/.git/hooks/pre-commit'",
            "tried to write .git/hooks/pre-commit: read-only in the sandbox, "
            "it runs or steers what comes later",
        ),
        (
            "touch: cannot touch '.github/x': Read-only file system",
            "tried to write .github/x: read-only in the sandbox, "
            "it runs or steers what comes later",
        ),
        (
            "Error: EROFS: read-only file system, open '/etc/motd'",
            "tried to write /etc/motd: outside of the repository all is read-only",
        ),
        ("sh: 1: Read-only file system", "tried to write where the sandbox is read-only"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", NO_NETWORK),
        ("OSError: [Errno 101] Network is unreachable", NO_NETWORK),
        ("Error: getaddrinfo EAI_AGAIN packages.example.org", NO_NETWORK),
        ("dial tcp: lookup proxy.golang.org: no such host", NO_NETWORK),
        (
            "ConnectionRefusedError: [Errno 111] Connection refused",
            "nothing answered on the sandbox's own loopback; services of this machine are not "
            "reachable from it (--allow-network opens them)",
        ),
        (
            "OSError: [Errno 28] No space left on device",
            "a private folder is full (/tmp and home take 1,024 MB each), or the disk is",
        ),
        (
            "OSError: [Errno 27] File too large",
            "a file was to become larger than 1,024 MB",
        ),
        ("sh: 1: Cannot fork", "no more processes could be started (limit 512)"),
    ],
)
def test_a_message_is_a_sentence(line, told):
    assert explain(Ran(1, f"x\n{line}\nagain: {line}\n", 1.0), POLICY) == (told,)


def test_a_path_that_is_there_outside_is_told_and_others_are_not(tmp_path):
    there = tmp_path / "a key"
    there.write_text("x", encoding="utf-8")
    missing = "FileNotFoundError: [Errno 2] No such file or directory: "
    output = f"{missing}'{there}'\n{missing}'{there}.no'\n{missing}'lib/x'\n{missing}'\\0'\n"
    told = (f"tried to reach {there}: not shown in the sandbox",)
    assert explain(Ran(1, output, 1.0), POLICY) == told


def test_endings_come_first():
    ran = Ran(-signal.SIGXFSZ, "Network is unreachable", 7.0, cut_bytes=5, broke=("ended: memory",))
    assert explain(ran, POLICY) == (
        "ended: memory",
        "a file was to become larger than 1,024 MB",
        "printed 5 bytes more than are kept",
        NO_NETWORK,
    )
    late = Ran(-15, "", 7.2, timed_out=True)
    assert explain(late, POLICY) == ("ended after 7 s with everything it had started",)


def test_a_good_run_and_an_open_network_need_no_sentence():
    assert explain(Ran(0, "ok\n", 1.0), POLICY) == ()
    opened = Policy(Path("/t"), network="all")
    assert explain(Ran(1, "Network is unreachable\nconnection refused\n", 1.0), opened) == ()
