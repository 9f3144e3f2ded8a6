"""What is read from the output of cargo."""

from __future__ import annotations

import pytest

from qwenagent.checks.reports import Report, nothing_ran_cargo, read_cargo
from qwenagent.checks.reports.places import Places
from tests import reports_stage
from tests.reports_stage import recorded, write

root = reports_stage.root


CRATES = {
    "Cargo.toml": '[package]\nname = "my-calc"\n[workspace]\nmembers = ["crates/*"]\n',
    "src/lib.rs": "",
    "tests/it.rs": "",
    "crates/inner/Cargo.toml": '[package]\nname = "inner"\n',
    "crates/inner/src/lib.rs": "",
    "crates/inner/tests/it.rs": "#[test]\nfn it_adds() { assert!(inner::one() == 2); }\n",
}


def test_cargo(root):
    write(root, CRATES)
    report = read_cargo(recorded("cargo-text", root), Places(root, root))
    assert report.statuses == {
        "crates/inner/src/lib.rs::tests::adds": "passed",
        "crates/inner/tests/it.rs::it_adds": "failed",
        "src/lib.rs::tests::adds": "passed",
        "src/lib.rs::tests::does_not_panic": "failed",
        "src/lib.rs::tests::booms": "failed",
        "src/lib.rs::tests::later": "skipped",
        "src/lib.rs::tests::is_wrong": "failed",
        "src/lib.rs::tests::panics": "passed",
        "src/lib.rs::tests::result": "failed",
        "tests/it.rs::it_adds": "passed",
        "src/lib.rs::doctest add": "failed",
        "src/lib.rs::doctest add#2": "passed",
    }
    assert report.failures == {
        "crates/inner/tests/it.rs::it_adds": (
            "E   assertion failed: inner::one() == 2\n"
            "at crates/inner/tests/it.rs:2: fn it_adds() { assert!(inner::one() == 2); }"
        ),
        "src/lib.rs::tests::does_not_panic": (
            "E   note: test did not panic as expected at src/lib.rs:44:8"
        ),
        "src/lib.rs::tests::booms": (
            "E   called `Option::unwrap()` on a `None` value\nat src/lib.rs:15\nat src/lib.rs:32"
        ),
        "src/lib.rs::tests::is_wrong": (
            "E   assertion `left == right` failed: sum of 1\n"
            "E    left: 3\nE   right: 4\nat src/lib.rs:28"
        ),
        "src/lib.rs::tests::result": 'E   Error: "bad"',
        "src/lib.rs::doctest add": (
            "E   assertion `left == right` failed\nE    left: 3\nE   right: 4\nat src/lib.rs:5"
        ),
    }


def test_cargo_that_does_not_compile(root):
    write(root, {"Cargo.toml": '[package]\nname = "bad"\n', "src/lib.rs": ""})
    report = read_cargo(recorded("cargo-does-not-compile", root), Places(root, root))
    assert report.statuses == {"src/lib.rs": "failed"}
    lines = report.failures["src/lib.rs"].splitlines()
    assert lines[:2] == [
        "E   error[E0425]: cannot find value `y` in this scope",
        "E    --> src/lib.rs:5:16",
    ]
    assert "E   error[E0308]: mismatched types" in lines
    assert len(lines) <= 25


def test_a_test_program_that_dies(root):
    write(root, {"Cargo.toml": '[package]\nname = "bad"\n', "src/lib.rs": ""})
    text = (
        "     Running unittests src/lib.rs (target/debug/deps/bad-1a2b)\n\nrunning 2 tests\n"
        "test a ... ok\nerror: test failed, to rerun pass `--lib`\n\nCaused by:\n"
        "  process didn't exit successfully: `/x/bad-1a2b` (signal: 6, SIGABRT: process abort)\n"
    )
    assert read_cargo(text, Places(root, root)) == Report(
        {"src/lib.rs::a": "passed", "src/lib.rs": "failed"},
        {"src/lib.rs": ("E   the test program ended (signal: 6, SIGABRT: process abort)")},
    )


def test_a_panic_as_older_versions_print_it(root):
    write(root, {"Cargo.toml": '[package]\nname = "old"\n', "src/lib.rs": ""})
    text = (
        "     Running unittests (target/debug/deps/old-1a2b)\nrunning 1 test\n"
        "test a - should panic ... FAILED\n\nfailures:\n\n---- a stdout ----\n"
        "thread 'a' panicked at 'assertion failed: `(left == right)`\n  left: `3`,\n"
        " right: `4`', src/lib.rs:3:5\nnote: run with `RUST_BACKTRACE=1` for more\n\n"
        "failures:\n    a\n\ntest result: FAILED. 0 passed; 1 failed\n"
    )
    report = read_cargo(text, Places(root, root))
    assert list(report.statuses.values()) == ["failed"]
    assert "assertion failed: `(left == right)`" in "".join(report.failures.values())


def test_cargo_that_runs_nothing():
    assert nothing_ran_cargo("running 0 tests\n\nrunning 0 tests\n")
    assert not nothing_ran_cargo("running 0 tests\n\nrunning 1 test\n")
    assert not nothing_ran_cargo("error: no such command\n")


@pytest.mark.parametrize("members", [".", "./", "crates/a**", "*", "/crates/*", "../*"])
def test_a_workspace_whose_members_are_odd(root, members):
    write(root, {"Cargo.toml": f"[workspace]\nmembers = ['{members}']\n"})
    text = "   Doc-tests a\n\nrunning 1 test\ntest src/lib.rs - f (line 1) ... ok\n\n"
    statuses = read_cargo(text, Places(root, root)).statuses
    assert statuses == {"src/lib.rs::doctest f": "passed"}


def test_a_member_beside_its_workspace_is_found(root):
    write(
        root,
        {
            "Cargo.toml": "[workspace]\nmembers = ['.', 'crates/*']\n[package]\nname = 'top'\n",
            "crates/in/Cargo.toml": "[package]\nname = 'in-it'\n",
            "crates/in/src/lib.rs": "",
        },
    )
    text = "   Doc-tests in_it\n\nrunning 1 test\ntest src/lib.rs - f (line 1) ... ok\n\n"
    statuses = read_cargo(text, Places(root, root)).statuses
    assert statuses == {"crates/in/src/lib.rs::doctest f": "passed"}
