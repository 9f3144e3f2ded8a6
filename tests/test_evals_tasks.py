"""Tasks as they are read: from JSON lines, in HumanEval's form, of exercism, of a folder."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.errors import AssetError, UsageError
from qwenagent.evals import Check, Task, load_tasks, select, shipped_tasks
from qwenagent.evals.grading import missing_tool, write_files
from qwenagent.evals.task import REGRESSION
from tests.evals_stage import TASK, make_grader, make_tree

LINE = {
    "id": "kettle",
    "prompt": "Boil the “wäter”.",
    "base": {"src/kettle.py": "def boil(): ...\n"},
    "tests": {"tests/test_kettle.py": "from kettle import boil\n"},
    "checks": [[REGRESSION, ["tests/test_old.py"]], ["step1", ["tests/test_kettle.py", "-x"]]],
    "editable": ["src/kettle.py"],
    "visible": False,
    "seen_tests": ["tests/test_old.py"],
    "pythonpath": "src",
    "author": "a field that nobody reads",
}
_OPTIONS = ("-q", "--tb=short", "-p", "no:cacheprovider", "-o", "pythonpath=src")
_PYTEST = ("python", "-P", "-m", "pytest", *_OPTIONS)
PROBLEM = {
    "task_id": "Made/7",
    "prompt": 'def half(n):\n    """Half of n, rounded down."""\n',
    "test": "def check(candidate):\n    assert candidate(7) == 3\n",
    "entry_point": "half",
    "canonical_solution": "    return n // 2\n",
}


def write_lines(path: Path, *lines: object) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


# -- JSON lines ----------------------------------------------------------------------------------


def test_a_json_line_is_a_task(tmp_path):
    data = write_lines(tmp_path / "my tasks.jsonl", LINE, "", {**LINE, "id": "two"})
    task = Task(
        suite="my tasks",
        kind="plan",
        id="kettle",
        language="python",
        level=0,
        prompt="Boil the “wäter”.",
        base={"src/kettle.py": "def boil(): ...\n"},
        tests={"tests/test_kettle.py": "from kettle import boil\n"},
        checks=(
            Check(REGRESSION, (*_PYTEST, "tests/test_old.py")),
            Check("step1", (*_PYTEST, "tests/test_kettle.py", "-x")),
        ),
        files=("src/kettle.py",),
        visible=False,
        seen=(*_PYTEST, "tests/test_old.py"),
    )
    assert load_tasks("plan", data) == [task, replace(task, id="two")]
    assert (task.name, task.steps) == ("plan/kettle", ("step1",))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("no JSON", "invalid character"),
        ('{"id": "kettle"', "truncated"),
        ("[]", "Expected `object`"),
        ({k: v for k, v in LINE.items() if k != "prompt"}, "missing required field `prompt`"),
        ({**LINE, "visible": "yes"}, "Expected `bool`, got `str` - at `$.visible`"),
        ({**LINE, "base": {"a.py": 1}}, "Expected `str`, got `int` - at `$.base[...]`"),
        ({**LINE, "checks": []}, "length >= 1 - at `$.checks`"),
        ({**LINE, "id": "a/../../b"}, "cannot be the id of a task"),
        ({**LINE, "id": ""}, "cannot be the id of a task"),
        ({**LINE, "base": {"../a.py": ""}}, "'../a.py' is no path of a file in a repository"),
        ({**LINE, "editable": ["/etc/a"]}, "'/etc/a' is no path of a file in a repository"),
        ({**LINE, "tests": {".git/hooks/x": ""}}, "is no path of a file in a repository"),
    ],
)
def test_a_line_that_is_no_task(tmp_path, line, told):
    data = write_lines(tmp_path / "tasks.jsonl", LINE, "", line)
    with pytest.raises(UsageError) as caught:
        load_tasks("edit", data)
    assert caught.value.message.startswith(f"{data}, line 3: ")
    assert told in caught.value.message


def test_two_checks_of_one_name_are_refused(tmp_path):
    checks = [["tests", ["tests/a.py"]], ["more", []], ["tests", ["tests/b.py"]]]
    data = write_lines(tmp_path / "tasks.jsonl", {**LINE, "checks": checks})
    told = r"tasks\.jsonl, line 1: task kettle has more than one check named tests; give each"
    with pytest.raises(UsageError, match=told):
        load_tasks("edit", data)


def test_an_id_that_is_there_twice(tmp_path):
    lines = write_lines(tmp_path / "tasks.jsonl", LINE, LINE, {**LINE, "id": "other"})
    problems = write_lines(tmp_path / "problems.jsonl", PROBLEM, PROBLEM)
    with pytest.raises(UsageError, match=r"tasks\.jsonl: kettle is there more than once"):
        load_tasks("fix", lines)
    with pytest.raises(UsageError, match=r"problems\.jsonl: Made-7 is there more than once"):
        load_tasks("call", problems)


def test_a_file_that_is_not_text(tmp_path):
    data = tmp_path / "tasks.jsonl"
    data.write_bytes(b'{"id": "\xff"}\n')
    with pytest.raises(UsageError, match=r"cannot be read: it is not UTF-8: byte 8 is 0xff"):
        load_tasks("edit", data)


def test_what_is_no_file_of_tasks(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere is no file of tasks or a checkout of exercism"):
        load_tasks("edit", tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"is no file of tasks$"):
        load_tasks("plan", tmp_path)
    with pytest.raises(UsageError, match="no problems for single calls ship") as caught:
        load_tasks("call")
    assert "--data" in caught.value.hint


# -- HumanEval -----------------------------------------------------------------------------------


def test_a_problem_of_humaneval_is_a_task_plain_and_gzipped(tmp_path):
    without = {**PROBLEM, "task_id": "Made/8", "canonical_solution": ""}
    plain = write_lines(tmp_path / "Made.jsonl", PROBLEM, without)
    packed = tmp_path / "Made.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    tasks = load_tasks("call", plain)
    assert load_tasks("call", packed) == tasks
    one, two = tasks
    assert one.prompt == PROBLEM["prompt"]
    assert one.base == {"solution.py": PROBLEM["prompt"]}
    assert one.oracle == {"solution.py": PROBLEM["prompt"] + "    return n // 2\n"}
    assert (one.suite, one.name, one.files) == ("Made", "call/Made-7", ("solution.py",))
    assert two.oracle is None


def test_the_tests_of_a_problem_see_all_of_the_solution(tmp_path):
    test = "def check(candidate):\n    assert candidate(8) == twice(2) == 4\n"
    prompt = "def twice(n):\n    return n + n\n\n\n" + PROBLEM["prompt"]
    data = write_lines(tmp_path / "made.jsonl", {**PROBLEM, "prompt": prompt, "test": test})
    [task] = load_tasks("call", data)
    tree = make_tree(tmp_path, task.base)
    assert not make_grader().grade(task, tree, tmp_path / "graded").solved
    write_files(tree, task.oracle or {})
    assert make_grader().grade(task, tree, tmp_path / "graded").solved


def test_a_line_that_is_no_problem(tmp_path):
    data = write_lines(tmp_path / "made.jsonl", PROBLEM, {"task_id": "Made/8"})
    with pytest.raises(UsageError, match=r"made\.jsonl, line 2: .*missing required field `prompt`"):
        load_tasks("call", data)


@pytest.mark.parametrize("damage", ["short", "flipped", "header"])
def test_a_broken_gzip_is_told(tmp_path, damage):
    whole = gzip.compress(json.dumps(PROBLEM).encode() * 50)
    flipped = bytearray(whole)
    flipped[20] ^= 0xFF
    data = tmp_path / "made.jsonl.gz"
    data.write_bytes(
        {"short": whole[:-20], "flipped": bytes(flipped), "header": whole[:2] + b"no gzip"}[damage]
    )
    with pytest.raises(UsageError, match=r"made\.jsonl\.gz cannot be read: ."):
        load_tasks("call", data)


# -- exercism ------------------------------------------------------------------------------------


def make_checkout(folder: Path) -> Path:
    """A checkout with two exercises of our own: one of one file, one with a helper to look at."""
    bell = {"files": {"solution": ["bell.py"], "test": ["bell_test.py"]}, "blurb": "Ring."}
    lamp = {"solution": ["lamp.py"], "test": ["lamp_test.py"], "example": [".meta/example.py"]}
    practice = "exercises/practice"
    write_files(
        folder,
        {
            f"{practice}/lamp/.meta/config.json": json.dumps(
                {"files": {**lamp, "editor": ["wires.py"]}}
            ),
            f"{practice}/lamp/.meta/example.py": "def lit():\n    return True\n",
            f"{practice}/lamp/.docs/introduction.md": "# Lamps\n",
            f"{practice}/lamp/.docs/instructions.md": "Light it.\n",
            f"{practice}/lamp/.docs/instructions.append.md": "Quickly.\n",
            f"{practice}/lamp/lamp.py": "def lit():\n    pass\n",
            f"{practice}/lamp/wires.py": "WIRES = 2\n",
            f"{practice}/lamp/lamp_test.py": "from lamp import lit\n\n\n"
            "def test_lit():\n    assert lit()\n",
            f"{practice}/bell/.meta/config.json": json.dumps(bell),
            f"{practice}/bell/.docs/instructions.md": "Ring it.\n",
            f"{practice}/bell/bell.py": "",
            f"{practice}/bell/bell_test.py": "import bell\n",
        },
    )
    return folder


def test_an_exercise_is_a_task(tmp_path):
    checkout = make_checkout(tmp_path)
    bell, lamp = load_tasks("edit", checkout)
    assert lamp == Task(
        suite="exercism-python",
        kind="edit",
        id="lamp",
        language="python",
        level=0,
        prompt="# Lamps\n\nLight it.\n\nQuickly.\n\nChange the code in `lamp.py`. Keep the names "
        "of functions and classes: other code uses them. Use only the standard library.\n",
        base={"lamp.py": "def lit():\n    pass\n", "wires.py": "WIRES = 2\n"},
        tests={"lamp_test.py": "from lamp import lit\n\n\ndef test_lit():\n    assert lit()\n"},
        checks=(
            Check(
                "tests",
                (
                    *("python", "-P", "-m", "pytest", "-q", "--tb=short", "-o", "pythonpath=."),
                    "lamp_test.py",
                ),
            ),
        ),
        files=("lamp.py",),
        visible=False,
        oracle={"lamp.py": "def lit():\n    return True\n"},
    )
    assert (bell.id, bell.oracle) == ("bell", None)
    assert load_tasks("edit", checkout / "exercises" / "practice") == [bell, lamp]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (".meta/config.json", "{", "truncated"),
        (".meta/config.json", '{"files": {"solution": "lamp.py"}}', "Expected `array`"),
        (
            ".meta/config.json",
            '{"files": {"solution": ["gone.py"], "test": ["lamp_test.py"]}}',
            "No such file",
        ),
        (
            ".meta/config.json",
            '{"files": {"solution": ["../bell/bell.py"], "test": ["lamp_test.py"]}}',
            "no path of a file in a repository",
        ),
        (
            ".meta/config.json",
            '{"files": {"solution": ["a\\u0000.py"], "test": ["lamp_test.py"]}}',
            "embedded null",
        ),
    ],
)
def test_an_exercise_that_cannot_be_read(tmp_path, name, text, told):
    lamp = make_checkout(tmp_path) / "exercises" / "practice" / "lamp"
    (lamp / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_tasks("edit", tmp_path)
    assert caught.value.message.startswith(f"{lamp}: ")
    assert told in caught.value.message


# -- a folder of tasks ---------------------------------------------------------------------------

META = 'language = "go"\nlevel = 2\nfiles = ["a.go"]\n[checks]\ntests = "go test ./..."\n'


def make_shipped(folder: Path, kind: str, meta: str = META, **more: str) -> Path:
    files = {
        "task.toml": meta,
        "task.md": "Do it.\n",
        "start/a.go": "package a\n",
        "tests/a_test.go": "package a\n",
        "hidden/deep/b_test.go": "package b\n",
        "hidden/__pycache__/b.pyc": "no text",
        "oracle/a.go": "package a // solved\n",
        **more,
    }
    write_files(folder / kind / "one", files)
    return folder


def test_a_folder_is_a_task(tmp_path):
    fix = Task(
        suite="shipped",
        kind="fix",
        id="one",
        language="go",
        level=2,
        prompt="Do it.\n",
        base={"a.go": "package a\n", "a_test.go": "package a\n"},
        tests={"a_test.go": "package a\n", "deep/b_test.go": "package b\n"},
        checks=(Check("tests", ("go", "test", "./...")),),
        files=("a.go",),
        visible=True,
        seen=("go", "test", "./..."),
        oracle={"a.go": "package a // solved\n"},
    )
    assert shipped_tasks("fix", make_shipped(tmp_path, "fix")) == [fix]
    assert shipped_tasks("edit", make_shipped(tmp_path, "edit")) == [
        replace(fix, kind="edit", visible=False, seen=())
    ]


def test_a_plan_is_in_its_repository_and_shows_its_old_tests(tmp_path):
    meta = META + 'regression = "go test ./old"\n'
    [task] = shipped_tasks("plan", make_shipped(tmp_path, "plan", meta))
    assert task.base["plan.md"] == "Do it.\n"
    assert task.prompt.startswith("Carry out every step of `plan.md`")
    assert task.prompt.endswith("\n\nDo it.\n")
    assert (task.seen, task.steps) == (("go", "test", "./old"), ("tests",))


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ("language = ", "Invalid value"),
        (META.replace("go", "cobol", 1), "cobol"),
        (META.replace("level = 2", "level = 4"), r"\$\.level"),
        (META.replace('files = ["a.go"]\n', ""), "files"),
    ],
)
def test_a_malformed_folder(tmp_path, meta, told):
    with pytest.raises(AssetError, match=rf"task fix/one: .*{told}"):
        shipped_tasks("fix", make_shipped(tmp_path, "fix", meta))


def test_a_folder_without_its_text(tmp_path):
    (make_shipped(tmp_path, "fix") / "fix" / "one" / "task.md").unlink()
    with pytest.raises(AssetError, match=r"task fix/one: .*task\.md"):
        shipped_tasks("fix", tmp_path)


BLOCK = "<<<<<<< SEARCH\n{}\n=======\n{}\n>>>>>>> REPLACE\n"
START = "package a\n\nvar x = 1\n\nvar y = 1\n// end\n// end\n"


def test_a_solution_may_be_edits(tmp_path):
    edits = BLOCK.format("var y = 1", "var y = 3") + "\n" + BLOCK.format("var x = 1", "var é = 2")
    files = {
        "start/deep er/b.go": START,
        "oracle/deep er/b.go.edits": edits,
        "oracle/c.go": "package c\n",
    }
    [task] = shipped_tasks("edit", make_shipped(tmp_path, "edit", **files))
    assert task.oracle == {
        "a.go": "package a // solved\n",
        "c.go": "package c\n",
        "deep er/b.go": "package a\n\nvar é = 2\n\nvar y = 3\n// end\n// end\n",
    }
    assert task.base["deep er/b.go"] == START


@pytest.mark.parametrize(
    ("name", "edits", "told"),
    [
        ("b.go", BLOCK.format("// end", "// over"), r"in b\.go 2 times, at 6, 7"),
        ("b.go", BLOCK.format("var z = 1", ""), r"b\.go has no such lines"),
        ("b.go", BLOCK.format("var x = 1 ", ""), r"b\.go has no such lines"),
        ("b.go", BLOCK.format("var x = 1", "") * 2, r"two blocks change line 3 of b\.go"),
        ("b.go", BLOCK.replace("{}\n", "", 1).format("x"), "nothing is searched for"),
        ("b.go", START, "'package a' is outside of a block"),
        ("b.go", BLOCK.format("var x = 1", "")[:-8], "a block has no line '>>>>>>> REPLACE'"),
        ("b.go", "", "0 blocks are none of 1 to 8"),
        ("c.go", BLOCK.format("package c", ""), r"there is no start/c\.go that could be edited"),
        ("a.go", BLOCK.format("package a", ""), r"a\.go is there as a whole too"),
    ],
)
def test_a_solution_whose_edits_do_not_fit(tmp_path, name, edits, told):
    files = {"start/b.go": START, f"oracle/{name}.edits": edits}
    with pytest.raises(AssetError, match=rf"task fix/one: oracle/{name}\.edits: .*{told}"):
        shipped_tasks("fix", make_shipped(tmp_path, "fix", **files))


# -- choosing ------------------------------------------------------------------------------------

MANY = [replace(TASK, id=f"t{i}", language="go" if i % 2 else "rust") for i in range(10)]


@pytest.mark.parametrize(
    ("wanted", "languages", "ids"),
    [
        ("", (), "t0 t1 t2 t3 t4 t5 t6 t7 t8 t9"),
        ("4", (), "t0 t2 t5 t7"),
        ("1", (), "t0"),
        ("99", ("go",), "t1 t3 t5 t7 t9"),
        ("2", ("rust", "go"), "t0 t5"),
        ("t7, t2,t7,", (), "t7 t2"),
        ("", ("rust",), "t0 t2 t4 t6 t8"),
    ],
)
def test_some_of_the_tasks(wanted, languages, ids):
    assert " ".join(task.id for task in select(MANY, wanted, languages)) == ids


@pytest.mark.parametrize(
    ("wanted", "languages", "told"),
    [
        ("t1,nosuch", (), "there is no task nosuch; there are t0, t1, t2, t3, t4"),
        ("t2", ("go",), "there is no task t2; there are t1, t3, t5, t7, t9"),
        ("0", (), "there is no task 0;"),
        ("²", (), "there is no task ²;"),
        ("", ("cobol",), "no task is in cobol; the languages are go, rust"),
        ("3", ("cobol", "ada"), "no task is in cobol, ada; the languages are go, rust"),
    ],
)
def test_what_is_not_there(wanted, languages, told):
    with pytest.raises(UsageError) as caught:
        select(MANY, wanted, languages)
    assert caught.value.message.startswith(told)


def test_of_many_tasks_not_all_are_listed():
    tasks = [replace(TASK, id=f"t{i}") for i in range(41)]
    with pytest.raises(UsageError, match="there is no task x; there are 41 others"):
        select(tasks, "x")
    with pytest.raises(UsageError, match="there are no tasks"):
        select([], "3")


# -- what a task is ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "fix"},
        {"id": "other"},
        {"language": "rust"},
        {"level": 2},
        {"prompt": "Something else.\n"},
        {"base": {"calc.py": ""}},
        {"base": {**TASK.base, "more.py": ""}},
        {"tests": {}},
        {"checks": (Check("tests", ("python",)),)},
        {"checks": (Check("other", TASK.checks[0].argv),)},
        {"files": ("calc.py", "more.py")},
        {"visible": True},
        {"seen": ("python",)},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_another_task_has_another_digest(fields):
    assert replace(TASK, **fields).digest != TASK.digest


def test_where_it_comes_from_and_how_it_is_solved_is_not_in_the_digest():
    assert replace(TASK, suite="elsewhere", oracle=None).digest == TASK.digest
    assert replace(TASK, oracle={"calc.py": ""}).digest == TASK.digest
    shuffled = replace(TASK, base=dict(reversed({**TASK.base, "a.py": ""}.items())))
    assert shuffled.digest == replace(TASK, base={**TASK.base, "a.py": ""}).digest


def test_a_task_whose_tool_is_missing(tmp_path):
    empty = {"PATH": str(tmp_path)}
    other = replace(TASK, checks=(Check("tests", ("no-such-tool", "test")),))
    assert (missing_tool(TASK, empty), missing_tool(other, empty)) == ("", "no-such-tool")
    (tmp_path / "no-such-tool").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "no-such-tool").chmod(0o755)
    assert missing_tool(other, empty) == ""
