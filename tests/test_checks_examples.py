import os
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner
from qwenagent.checks.examples import SHOWN, example_check, places, runnable
from qwenagent.errors import ChecksError
from qwenagent.plan import Example
from qwenagent.plan.examples import find_examples
from qwenagent.protocol.checks import TestRun
from tests.needs import needs

NODE = shutil.which("node")
FOLDERS = [Path(it).parent for it in (sys.executable, NODE) if it]
FOLDERS += [Path(it).parent for it in map(shutil.which, ("go", "cargo")) if it]
PATH = os.pathsep.join([*map(str, FOLDERS), "/usr/bin", "/bin"])


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "my project"
    folder.mkdir()
    return folder


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def tree(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def read_in(root: Path) -> Callable[[str], str]:
    return lambda path: (root / path).read_text(encoding="utf-8")


def run_all(
    root: Path,
    examples: Sequence[Example],
    where: dict[str, str],
    timeout_s: float = 60,
    cancel: threading.Event | None = None,
) -> TestRun | None:
    # Go keeps what it builds below HOME.
    runner = TestRunner(root, {"PATH": PATH, "HOME": str(Path.home())})
    return example_check(examples, where, runner, root, timeout_s=timeout_s, cancel=cancel)


def check(root: Path, text: str, where: dict[str, str], timeout_s: float = 60) -> TestRun:
    examples = find_examples(text)
    assert examples, "the text has no examples"
    run = run_all(root, examples, where, timeout_s)
    assert run is not None
    return run


SLUG = "def slugify(text):\n    return '-'.join(text.lower().split())\n"
SAID = '- `slugify("A b")` returns `"a-b"`\n- `slugify("")` returns `""`\n'


def test_red_before_and_green_after(root):
    where = {"slugify": "slug.py"}
    before = check(root, SAID, where)
    first = '`slugify("A b")` returns `"a-b"`'
    assert (before.command, before.exit_code, before.green) == (SHOWN, 1, False)
    assert before.statuses == {first: "failed", '`slugify("")` returns `""`': "failed"}
    assert before.failures[first] == (
        'slugify("A b") raised ImportError, expected "a-b"\nE   ImportError: slug.py is not there'
    )
    write(root, {"slug.py": "def slugify(text):\n    return text.upper()\n"})
    wrong = check(root, SAID, where)
    assert wrong.failures == {first: 'slugify("A b") gave \'A B\', expected "a-b"'}
    write(root, {"slug.py": SLUG})
    after = check(root, SAID, where)
    assert after.green
    assert set(after.statuses.values()) == {"passed"}
    assert tree(root) == ["slug.py"]


LAYOUTS = [
    ({"slug.py": SLUG}, "slug.py"),
    ({"src/slug.py": SLUG}, "src/slug.py"),
    ({"src/pkg/__init__.py": "", "src/pkg/slug.py": SLUG}, "src/pkg/slug.py"),
    (
        {
            "pkg/__init__.py": "",
            "pkg/sub/__init__.py": "",
            "pkg/words.py": "SEP = '-'\n",
            "pkg/sub/slug.py": "from ..words import SEP\n" + SLUG.replace("'-'", "SEP"),
        },
        "pkg/sub/slug.py",
    ),
    ({"pkg/__init__.py": SLUG}, "pkg/__init__.py"),
    (
        {"app/words.py": "SEP = '-'\n", "app/slug.py": "from .words import SEP\n" + SLUG},
        "app/slug.py",
    ),
    ({"app/words.py": "SEP = 1\n", "app/slug.py": "import words\n" + SLUG}, "app/slug.py"),
    ({"app/words.py": "", "app/slug.py": "from app import words\n" + SLUG}, "app/slug.py"),
    ({"my-app/words.py": "", "my-app/slug.py": "import words\n" + SLUG}, "my-app/slug.py"),
    ({"my-slug.py": SLUG}, "my-slug.py"),
    ({"json.py": SLUG}, "json.py"),
    ({"test/helpers.py": SLUG}, "test/helpers.py"),
    ({"slug.py": "from dataclasses import dataclass\n" + SLUG}, "slug.py"),
]


@pytest.mark.parametrize(
    ("files", "path"), LAYOUTS, ids=lambda it: it if isinstance(it, str) else ""
)
def test_a_file_is_imported_as_the_project_would(root, files, path):
    write(root, files)
    run = check(root, SAID, {"slugify": path})
    assert run.green, run.failures


VALUES = """
def one(): return 1
def yes(): return True
def third(): return 0.1 + 0.2
def whole(): return 2.0
def nan(): return float("nan")
def pair(): return (1, 2)
def listed(): return [1, 2]
def lazy(): yield from (1, 2)
def endless():
    while True: yield 1
def nested(): return {"a": [0.1 + 0.2, (True,)]}
def nothing(): pass
def number(text):
    return int(text)
class Odd:
    def __repr__(self): raise OSError("no repr")
    def __eq__(self, other): raise OSError("no eq")
def odd(): return Odd()
async def later(): return 3
class Money:
    def __init__(self, n): self.n = n
    @classmethod
    def parse(cls, text): return int(text)
def add(a, b): return (a.n + b.n)
def leave(): raise SystemExit(3)
"""


COMPARED = [
    ("`one()` is `1`", True),
    ("`one()` is `True`", False),
    ("`yes()` is `True`", True),
    ("`yes()` is `true`", True),
    ("`yes()` is `1`", False),
    ("`third()` is `0.3`", True),
    ("`third()` is `0.31`", False),
    ("`whole()` is `2`", True),
    ('`nan()` is `float("nan")`', True),
    ('`one()` is `float("nan")`', False),
    ("`pair()` is `(1, 2)`", True),
    ("`pair()` is `[1, 2]`", False),
    ("`listed()` is `[1, 2]`", True),
    ("`listed()` is `[1.0, 2]`", True),
    ("`listed()` is `[True, 2]`", False),
    ("`lazy()` yields `[1, 2]`", True),
    ("`endless()` yields `[1, 1]`", False),
    ('`nested()` is `{"a": [0.3, (True,)]}`', True),
    ("`nothing()` is `None`", True),
    ("`nothing()` is `0`", False),
    ('`number("x")` raises `ValueError`', True),
    ('`number("x")` raises `Exception`', True),
    ('`number("x")` raises `KeyError`', False),
    ('`number("1")` raises `ValueError`', False),
    ("`odd()` is `1`", False),
    ("`later()` is `3`", True),
    ('`Money.parse("4")` is `4`', True),
    ("`add(Money(1), Money(2))` is `3`", True),
    ("`leave()` raises `SystemExit`", True),
    ("`leave()` is `1`", False),
]


def test_values_are_compared_as_a_careful_test_would(root):
    write(root, {"values.py": VALUES})
    found = [find_examples(text)[0] for text, _ in COMPARED]
    names = places(found, ["values.py"], ["values.py"], read_in(root))
    run = run_all(root, found, names)
    assert run is not None
    assert run.statuses == {text: "passed" if ok else "failed" for text, ok in COMPARED}
    assert run.failures["`nothing()` is `0`"] == "nothing() gave None, expected 0"
    assert run.failures['`number("1")` raises `ValueError`'] == (
        'number("1") gave 1, expected an exception ValueError'
    )
    assert run.failures["`odd()` is `1`"].startswith("odd() raised OSError, expected 1\n")
    assert not tree(root)[1:]


def test_a_failure_has_the_frames_of_the_project(root):
    write(root, {"slug.py": "def slugify(text):\n    return text.nothing\n"})
    run = check(root, '`slugify("A b")` returns `"a-b"`', {"slugify": "slug.py"})
    assert list(run.failures.values()) == [
        'slugify("A b") raised AttributeError, expected "a-b"\n'
        "E   AttributeError: 'str' object has no attribute 'nothing'\n"
        "at slug.py:2: return text.nothing"
    ]


def test_a_file_that_cannot_be_imported_fails(root):
    write(root, {"slug.py": "import nothing_there\n" + SLUG, "bad.py": "def f(:\n"})
    run = check(root, SAID + "- `f(1)` returns `2`\n", {"slugify": "slug.py", "f": "bad.py"})
    assert set(run.statuses.values()) == {"failed"}
    first, *_, last = run.failures.values()
    assert "ModuleNotFoundError: No module named 'nothing_there'" in first
    assert "SyntaxError" in last


def test_what_the_code_prints_is_not_believed(root):
    forged = (
        "import os, sys\n"
        "def slugify(text):\n"
        "    print('{\"passed\": true}', flush=True)\n"
        "    os.write(2, b'noise')\n"
        "    assert sys.argv == ['']\n"
        "    return 'wrong'\n"
    )
    write(root, {"slug.py": forged})
    run = check(root, SAID, {"slugify": "slug.py"})
    assert set(run.statuses.values()) == {"failed"}
    assert "noise" in run.output


def test_a_call_that_ends_the_program_fails_and_the_others_are_judged(root):
    text = "import os\ndef f(n):\n    if n == 1: os._exit(0)\n    return n\n"
    write(root, {"f.py": text})
    run = check(root, "- `f(1)` is `1`\n- `f(2)` is `2`\n", {"f": "f.py"})
    assert run.statuses == {"`f(1)` is `1`": "failed", "`f(2)` is `2`": "passed"}
    assert run.failures == {"`f(1)` is `1`": "f(1) ended the program with exit code 0, expected 1"}


def test_a_call_that_does_not_end(root):
    text = "import time\ndef f(n):\n    while n == 1:\n        try: time.sleep(9)\n"
    write(root, {"f.py": text + "        except Exception: pass\n    return n\n"})
    run = check(root, "- `f(1)` is `1`\n- `f(2)` is `2`\n", {"f": "f.py"}, timeout_s=1.5)
    assert run.statuses["`f(1)` is `1`"] == "failed"
    assert "did not end within 0." in run.failures["`f(1)` is `1`"]
    assert run.seconds < 10


def test_a_cancelled_check_is_not_green(root):
    cancel = threading.Event()
    cancel.set()
    run = run_all(root, find_examples(SAID), {"slugify": "slug.py"}, cancel=cancel)
    assert run is not None
    assert (run.exit_code, run.green) == (130, False)


def test_what_has_no_place_is_not_run(root):
    assert run_all(root, find_examples(SAID), {}) is None
    assert run_all(root, find_examples(SAID), {"slugify": "slug.rb"}) is None


def test_a_project_without_an_interpreter(root, tmp_path):
    runner = TestRunner(root, {"PATH": str(tmp_path / "nothing")})
    write(root, {"slug.js": ""})
    with pytest.raises(ChecksError, match="node not found"):
        example_check(find_examples(SAID), {"slugify": "slug.js"}, runner, root, timeout_s=10)


ESM = """
export const slugify = (text) => text.toLowerCase().split(" ").filter(Boolean).join("-");
export function third() { return 0.1 + 0.2; }
export async function later() { return { a: [1, null], b: undefined }; }
export function fail() { throw new RangeError("no"); }
export function loop() { for (;;); }
export const isEven = (n) => n % 2 === 0;
export default function main() { return [1]; }
"""
JAVASCRIPT = {
    '`slugify("A b")` returns `"a-b"`': "passed",
    "`third()` returns `0.3`": "passed",
    "`later()` returns `{a: [1, null]}`": "passed",
    "`later()` returns `{a: [1]}`": "failed",
    "`fail()` throws `RangeError`": "passed",
    "`fail()` throws `TypeError`": "failed",
    "`isEven(2)` returns true": "passed",
    "`isEven(2)` returns `1`": "failed",
    "`main()` returns `[1]`": "passed",
    '`main()` returns `"1"`': "failed",
}


@needs("node")
def test_modules_of_javascript(root):
    write(root, {"src/slug.mjs": ESM})
    found = [find_examples(text)[0] for text in JAVASCRIPT]
    names = dict.fromkeys(["slugify", "third", "later", "fail", "isEven", "main"], "src/slug.mjs")
    run = run_all(root, found, names)
    assert run is not None
    assert run.statuses == JAVASCRIPT
    assert run.failures["`isEven(2)` returns `1`"] == "isEven(2) gave true, expected 1"
    assert run.failures["`fail()` throws `TypeError`"] == (
        "fail() threw RangeError, expected an exception TypeError\n"
        "E   RangeError: no\n"
        'at src/slug.mjs:5: export function fail() { throw new RangeError("no"); }'
    )
    assert tree(root) == ["src/slug.mjs"]


@needs("node")
@pytest.mark.parametrize(
    "text",
    [
        "module.exports = { slugify: (text) => text.toLowerCase().replace(' ', '-') };",
        "exports.slugify = (text) => text.toLowerCase().replace(' ', '-');",
        "module.exports = function slugify(text) { return text.toLowerCase().replace(' ', '-'); };",
    ],
)
def test_common_js(root, text):
    write(root, {"slug.js": text})
    assert check(root, SAID, {"slugify": "slug.js"}).green


@needs("node")
def test_what_javascript_does_not_export_fails(root):
    write(root, {"slug.js": "function slugify() {}\n"})
    run = check(root, '`slugify("a")` returns `"a"`', {"slugify": "slug.js"})
    assert list(run.failures.values()) == [
        'slugify("a") threw Error, expected "a"\nE   Error: slug.js does not export slugify'
    ]


PLACES = [
    # wanted, files, place
    (["slug.py"], {"slug.py": SLUG}, "slug.py"),
    (["slug.py"], {}, "slug.py"),
    (["slug.py", "tests/test_slug.py", "README.md"], {}, "slug.py"),
    (["pkg/__init__.py", "pkg/slug.py"], {"pkg/__init__.py": ""}, "pkg/slug.py"),
    (["a.py", "b.py"], {}, None),
    (["a.py", "b.py"], {"a.py": "", "b.py": SLUG}, "b.py"),
    (["a.py", "b.py"], {"a.py": SLUG, "b.py": SLUG}, None),
    (["a.py", "b.py"], {"a.py": ""}, "b.py"),
    (["new.py"], {"old.py": SLUG}, "new.py"),
    (["a.py"], {"a.py": "", "lib/slug.py": SLUG}, "lib/slug.py"),
    (["a.py"], {"a.py": "", "b.py": SLUG, "c.py": SLUG}, "a.py"),
    ([], {"b.py": SLUG, "tests/test_slug.py": SLUG}, "b.py"),
    ([], {"b.py": SLUG, "c.py": SLUG}, None),
    ([], {"b.py": "slugify()\n"}, None),
    (["slug.rb"], {}, None),
    (["slug.js"], {}, "slug.js"),
    (["tests/slug.py"], {}, None),
    ([], {"b.js": "export function slugify() {}\n"}, "b.js"),
]


@pytest.mark.parametrize(("wanted", "files", "place"), PLACES)
def test_where_a_name_is_defined(wanted, files, place):
    expected = {"slugify": place} if place else {}
    assert places(find_examples(SAID), wanted, list(files), files.get) == expected


BOARD = (
    "class Board:\n    def total(self):\n        return 0\n\n\ndef twice(a):\n    return 2 * a\n"
)


def test_a_method_of_the_steps_file_has_no_place():
    examples = find_examples("A new one is empty: `total()` is 0, and `twice(2)` is 4.")
    read = {"board.py": BOARD}.get
    assert places(examples, ["board.py"], ["board.py"], read) == {"twice": "board.py"}


def test_calls_of_what_turned_out_to_be_a_method_are_left_out(root):
    text = "`total()` is 0, and `twice(2)` is 4."
    where = {"total": "board.py", "twice": "board.py"}
    assert check(root, text, where).n_failed == 2
    write(root, {"board.py": BOARD})
    run = check(root, text, where)
    assert (list(run.statuses.values()), run.green) == (["passed"], True)
    [only] = [it for it in find_examples(text) if it.call == "total()"]
    none = run_all(root, [only], where)
    assert none is not None
    assert (none.statuses, none.failures, none.green) == ({}, {}, False)


@needs("node")
def test_methods_of_javascript_are_left_out(root):
    write(root, {"board.mjs": "export class Board {\n  total() {\n    return 0;\n  }\n}\n"})
    run = check(
        root, "`total()` is 0, and `twice(2)` is 4.", dict.fromkeys(("total", "twice"), "board.mjs")
    )
    assert list(run.statuses.values()) == ["failed"]
    assert "does not export twice" in next(iter(run.failures.values()))


def test_what_python_itself_defines_is_not_looked_for_in_new_files():
    found = find_examples('`sorted(tokens("b a"))` is `["a", "b"]` and `len([1])` is `1`.')
    where = places(found, ["new.py"], [], lambda path: None)
    assert where == {"tokens": "new.py"}
    assert runnable(found, where) == {"python": found[:1]}


GO_MODULE = "module example.org/harbour\n\ngo 1.16\n"
GO = """package harbour

import (
	"errors"
	"os"
)

func Metres(cm int) int { return (cm + 99) / 100 }
func Wrong(cm int) int { return cm }
func Third() float64 { return 0.1 + 0.2 }
func Words(n int) []string { return []string{"a", "b"}[:n] }
func None() []string { return nil }
func Count() map[string]int { return map[string]int{"a": 1} }
func Broken(n int) int { panic("not written yet") }
func Quit(n int) int { os.Exit(n); return n }
func Loop() int { for { } }
func Check(n int) error { if n > 1 { return errors.New("too many") }; return nil }
func Parse(text string) (int, error) { return 1, nil }
"""
IN_GO = {
    "`Metres(1201)` is `13`": "",
    "`Wrong(1)` is `2`": "Wrong(1) gave 1, expected 2",
    "`Third()` is `0.3`": "",
    '`Words(1)` is `[]string{"a"}`': "",
    '`Words(2)` is `[]string{"a"}`': 'Words(2) gave []string{"a", "b"}, expected []string{"a"}',
    "`None()` is `[]string{}`": "",
    '`Count()` is `map[string]int{"a": 1}`': "",
    "`Broken(2)` is `3`": "Broken(2) panicked: not written yet, expected 3",
    "`Quit(2)` is `3`": "Quit(2) ended the program with exit code 2, expected 3",
    "`Loop()` is `3`": "Loop() did not end within 5 s, expected 3",
    "`Check(1)` is `nil`": "",
    "`Check(2)` is `nil`": "Check(2) gave the error too many, expected nil",
    "`Gone(2)` is `3`": "Gone(2) cannot be called: undefined: Gone, expected 3",
}


def told(run: TestRun | None) -> dict[str, str]:
    """Return what was said of each example that was judged, "" if it holds."""
    assert run is not None
    return {text: run.failures.get(text, "") for text in run.statuses}


@needs("go")
def test_calls_in_go(root):
    write(root, {"go.mod": GO_MODULE, "fee.go": GO})
    said = [*IN_GO, '`Parse("1")` is `1`']  # of two values nobody knows which is meant
    found = [find_examples(text)[0] for text in said]
    names = {example.call.partition("(")[0]: "fee.go" for example in found}
    before = tree(root)
    assert told(run_all(root, found, names)) == IN_GO
    assert tree(root) == before


@needs("go")
def test_a_package_in_go_that_does_not_build(root):
    write(root, {"go.mod": GO_MODULE, "a/fee.go": "package a\n\nfunc Metres() int { return x }\n"})
    run = check(
        root, "`Metres()` is `2`\n\n`Other()` is `1`", {"Metres": "a/fee.go", "Other": "b.go"}
    )
    assert run.failures == {
        "`Metres()` is `2`": "Metres() cannot be called: fee.go:3: undefined: x, expected 2",
        "`Other()` is `1`": "Other() cannot be called: b.go is not there, expected 1",
    }


RUST_MANIFEST = '[package]\nname = "pallet-labels"\nversion = "0.1.0"\nedition = "2021"\n'
RUST = """
pub mod text;
pub fn metres(cm: u32) -> u32 { (cm + 99) / 100 }
pub fn third() -> f64 { 0.1 + 0.2 }
pub fn words(n: usize) -> Vec<String> { vec!["a".to_string(), "b".to_string()][..n].to_vec() }
pub fn half(n: u32) -> Option<u32> { if n % 2 == 0 { Some(n / 2) } else { None } }
pub fn broken(_n: u32) -> u32 { todo!() }
pub fn deep(n: u64) -> u64 { if n == u64::MAX { 0 } else { deep(n + 1) + deep(n + 2) } }
pub fn endless() -> u32 { loop { std::thread::yield_now(); } }
fn hidden() -> u32 { 1 }
pub struct Odd;
pub fn odd() -> Odd { let _ = hidden(); Odd }
"""
RUST_TEXT = "pub fn shout(text: &str) -> String { text.to_uppercase() }\n"
IN_RUST = {
    "`metres(1201)` is `13`": "",
    "`metres(1)` is `2`": "metres(1) gave 1, expected 2",
    "`third()` is `0.3`": "",
    '`words(1)` is `vec!["a"]`': "",
    "`half(4)` is `Some(2)`": "",
    "`half(3)` is `Some(2)`": "half(3) gave None, expected Some(2)",
    "`broken(3)` is `2`": "broken(3) panicked: not yet implemented, expected 2",
    "`endless()` is `2`": "endless() did not end within 5 s, expected 2",
    '`shout("a \\"b\\"")` is `"A"`': 'shout("a \\"b\\"") gave "A \\"B\\"", expected "A"',
}
OTHERS = ("`gone(2)` is `3`", "`hidden()` is `1`", "`odd()` is `1`")


@needs("cargo")
def test_calls_in_rust(root):
    files = {"Cargo.toml": RUST_MANIFEST, "src/lib.rs": RUST, "src/text/mod.rs": RUST_TEXT}
    write(root, files)
    # What is private, or cannot be compared, is nothing that an example can be about.
    found = [find_examples(text)[0] for text in [*IN_RUST, *OTHERS]]
    names = {example.call.partition("(")[0]: "src/lib.rs" for example in found}
    verdicts = told(run_all(root, found, {**names, "shout": "src/text/mod.rs"}))
    gone = verdicts.pop("`gone(2)` is `3`")
    assert gone.startswith("gone(2) cannot be called: unresolved import")
    assert verdicts == IN_RUST
    assert [path for path in tree(root) if not path.startswith("target/")] == sorted(files)


@needs("cargo")
def test_a_crate_that_does_not_build(root):
    members = '[workspace]\nmembers = ["a"]\n'
    lib = "pub fn metres() -> u32 { x }\n"
    write(root, {"Cargo.toml": members, "a/Cargo.toml": RUST_MANIFEST, "a/src/lib.rs": lib})
    run = check(root, "`metres()` is `2`", {"metres": "a/src/lib.rs"})
    (failure,) = run.failures.values()
    assert failure.startswith("metres() cannot be called: a/src/lib.rs:1: cannot find value `x`")


@needs("cargo")
def test_a_program_in_rust_has_nothing_to_call(root):
    write(
        root, {"Cargo.toml": RUST_MANIFEST, "src/main.rs": "fn main() {}\nfn two() -> u8 { 2 }\n"}
    )
    run = check(root, "`two()` is `2`", {"two": "src/main.rs"})
    assert (run.statuses, run.collected) == ({}, False)
