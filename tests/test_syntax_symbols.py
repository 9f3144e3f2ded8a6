import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.syntax import Symbol, beginning, fence_info, is_known, outline, symbols

PYTHON = '''\
"""Docstring."""
import os

LIMIT = 10
names: list[str] = []
a, b = 1, 2
undefined: int
LIMIT += 1
type Pair = tuple[int, int]

@decorator
@other(1)
class Store:
    kind = "x"

    @property
    def size(self) -> int:
        return 1

    @size.setter
    def size(self, value):
        self.value = value

    class Inner:
        async def run(self): ...

async def main():
    local = 1
    def nested(): ...
    class Local: ...

if os.name == "nt":
    WINDOWS = True
    def main(): ...
'''

JAVASCRIPT = """\
const LIMIT = 10, OTHER = 2;
let later;
const { x, y } = require("a");
export const add = (a, b) => a + b;
export default function run() {
  const inner = () => 1;
  function nested() {}
}
function* each() {}
const old = function () {};
export class Store extends Base {
  #secret = 1;
  handle = () => 1;
  static async load() {}
  get size() { return 1; }
  set size(v) {}
}
const api = {
  get() {},
};
const Anonymous = class {
  go() {}
};
if (x) {
  const block = 1;
}
describe("x", () => {
  const hidden = 1;
  function alsoHidden() {}
});
"""

TYPESCRIPT = """\
declare const VERSION: string;
export interface Shape { area(): number }
export type Id = string | number;
export enum Color { Red }
function pick(a: string): void;
function pick(a: number): void;
function pick(a: any) {}
@sealed
export abstract class Box<T> {
  @log()
  open(): void {}
  abstract close(): void;
  handle = (): void => {};
}
namespace Inner {
  export const one = 1;
}
"""

GO = """\
package main

const Limit = 10
const (
	A, B = iota, 2
	_    = 3
)
var (
	store = map[string]int{}
)
type Store[K comparable, V any] struct{}
type (
	Id   = int
	Pair struct{}
)
func (s *Store[K, V]) Get(key K) V { var local V; return local }
func (Pair) Sum() int { return 0 }
func init() {}
func init() { f := func() {}; f() }
type Shape interface{ Area() int }
"""

RUST = """\
const LIMIT: usize = 10;
static mut COUNT: u8 = 0;
#[derive(Debug)]
#[cfg(test)]
pub struct Store<T>(T);
impl<T> Store<T> {
    const ONE: u8 = 1;
    #[inline]
    pub fn get(&self) -> T { fn nested() {} todo!() }
}
impl fmt::Display for Store<u8> {
    fn fmt(&self) {}
}
pub trait Shape { fn area(&self) -> f64; }
pub enum Color { Red }
type Id = u32;
macro_rules! square { ($x:expr) => { $x * $x }; }
mod tests {
    const INSIDE: u8 = 1;
    #[test]
    fn works() {}
}
"""

CASES = {
    "a.py": (
        PYTHON,
        [
            ("LIMIT", "value", 4, 4, "LIMIT = 10"),
            ("names", "value", 5, 5, "names: list[str] = []"),
            ("Pair", "type", 9, 9, "type Pair = tuple[int, int]"),
            ("Store", "type", 11, 25, "class Store:"),
            ("Store.size", "function", 16, 18, "def size(self) -> int:"),
            ("Store.size#2", "function", 20, 22, "def size(self, value):"),
            ("Store.Inner", "type", 24, 25, "class Inner:"),
            ("Store.Inner.run", "function", 25, 25, "async def run(self): ..."),
            ("main", "function", 27, 30, "async def main():"),
            ("main#2", "function", 34, 34, "def main(): ..."),
        ],
    ),
    "a.js": (
        JAVASCRIPT,
        [
            ("LIMIT", "value", 1, 1, "const LIMIT = 10, OTHER = 2;"),
            ("OTHER", "value", 1, 1, "const LIMIT = 10, OTHER = 2;"),
            ("later", "value", 2, 2, "let later;"),
            ("add", "function", 4, 4, "export const add = (a, b) => a + b;"),
            ("run", "function", 5, 8, "export default function run() {"),
            ("each", "function", 9, 9, "function* each() {}"),
            ("old", "function", 10, 10, "const old = function () {};"),
            ("Store", "type", 11, 17, "export class Store extends Base {"),
            ("Store.handle", "function", 13, 13, "handle = () => 1;"),
            ("Store.load", "function", 14, 14, "static async load() {}"),
            ("Store.size", "function", 15, 15, "get size() { return 1; }"),
            ("Store.size#2", "function", 16, 16, "set size(v) {}"),
            ("api", "value", 18, 20, "const api = {"),
            ("api.get", "function", 19, 19, "get() {},"),
            ("Anonymous", "type", 21, 23, "const Anonymous = class {"),
            ("Anonymous.go", "function", 22, 22, "go() {}"),
        ],
    ),
    "a.ts": (
        TYPESCRIPT,
        [
            ("VERSION", "value", 1, 1, "declare const VERSION: string;"),
            ("Shape", "type", 2, 2, "export interface Shape { area(): number }"),
            ("Id", "type", 3, 3, "export type Id = string | number;"),
            ("Color", "type", 4, 4, "export enum Color { Red }"),
            ("pick", "function", 5, 5, "function pick(a: string): void;"),
            ("pick#2", "function", 6, 6, "function pick(a: number): void;"),
            ("pick#3", "function", 7, 7, "function pick(a: any) {}"),
            ("Box", "type", 8, 14, "export abstract class Box<T> {"),
            ("Box.open", "function", 10, 11, "open(): void {}"),
            ("Box.close", "function", 12, 12, "abstract close(): void;"),
            ("Box.handle", "function", 13, 13, "handle = (): void => {};"),
            ("Inner", "type", 15, 17, "namespace Inner {"),
            ("Inner.one", "value", 16, 16, "export const one = 1;"),
        ],
    ),
    "a.tsx": (
        "export const App = () => <div>{a}</div>;\nconst el = <App />;\nfunction F<T,>(x: T) {}\n",
        [
            ("App", "function", 1, 1, "export const App = () => <div>{a}</div>;"),
            ("el", "value", 2, 2, "const el = <App />;"),
            ("F", "function", 3, 3, "function F<T,>(x: T) {}"),
        ],
    ),
    "a.go": (
        GO,
        [
            ("Limit", "value", 3, 3, "const Limit = 10"),
            ("A", "value", 5, 5, "A, B = iota, 2"),
            ("B", "value", 5, 5, "A, B = iota, 2"),
            ("store", "value", 8, 10, "store = map[string]int{}"),
            ("Store", "type", 11, 11, "type Store[K comparable, V any] struct{}"),
            ("Id", "type", 13, 13, "Id   = int"),
            ("Pair", "type", 14, 14, "Pair struct{}"),
            (
                "Store.Get",
                "function",
                16,
                16,
                "func (s *Store[K, V]) Get(key K) V { var local V; return local }",
            ),
            ("Pair.Sum", "function", 17, 17, "func (Pair) Sum() int { return 0 }"),
            ("init", "function", 18, 18, "func init() {}"),
            ("init#2", "function", 19, 19, "func init() { f := func() {}; f() }"),
            ("Shape", "type", 20, 20, "type Shape interface{ Area() int }"),
        ],
    ),
    "a.rs": (
        RUST,
        [
            ("LIMIT", "value", 1, 1, "const LIMIT: usize = 10;"),
            ("COUNT", "value", 2, 2, "static mut COUNT: u8 = 0;"),
            ("Store", "type", 3, 5, "pub struct Store<T>(T);"),
            (
                "Store.get",
                "function",
                8,
                9,
                "pub fn get(&self) -> T { fn nested() {} todo!() }",
            ),
            ("Store.fmt", "function", 12, 12, "fn fmt(&self) {}"),
            ("Shape", "type", 14, 14, "pub trait Shape { fn area(&self) -> f64; }"),
            ("Shape.area", "function", 14, 14, "pub trait Shape { fn area(&self) -> f64; }"),
            ("Color", "type", 15, 15, "pub enum Color { Red }"),
            ("Id", "type", 16, 16, "type Id = u32;"),
            ("square", "function", 17, 17, "macro_rules! square { ($x:expr) => { $x * $x }; }"),
            ("tests", "type", 18, 22, "mod tests {"),
            ("tests.INSIDE", "value", 19, 19, "const INSIDE: u8 = 1;"),
            ("tests.works", "function", 20, 21, "fn works() {}"),
        ],
    ),
}


@pytest.mark.parametrize("path", CASES)
def test_symbols(path: str) -> None:
    text, expected = CASES[path]
    assert symbols(path, text) == tuple(Symbol(*row) for row in expected)


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("ä.py", "größe = 1\ndef naïve(x): return '🙂'\n", [("größe", 1), ("naïve", 2)]),
        ("a.py", "x = '🙂🙂🙂'; y = 2\n", [("x", 1), ("y", 1)]),
        ("A.PY", "def f(): ...", [("f", 1)]),
        ("a.pyi", "def f() -> int: ...\n\n\n", [("f", 1)]),
        ("a.js", "\n\nfunction 名前() {}", [("名前", 3)]),
        ("a.go", "package a\n\nfunc Ünï() {}\n", [("Ünï", 3)]),
        ("a.py", "", []),
        ("a.py", "\n\n  \n", []),
        ("a.go", "", []),
        ("a.txt", "def f(): ...", []),
        ("Makefile", "def f(): ...", []),
    ],
)
def test_names_and_rows(path: str, text: str, found: list[tuple[str, int]]) -> None:
    assert [(s.name, s.first_line) for s in symbols(path, text)] == found


@pytest.mark.parametrize(
    ("path", "text", "name", "begin"),
    [
        ("a.py", "def f(a):\n    f(a)\n", "f", "def f"),
        (
            "a.py",
            "class A:\n    @b.f\n    async def f(self): ...\n",
            "A.f",
            "    @b.f\n    async def f",
        ),
        ("a.py", "def f(): ...\ndef f(a): ...\n", "f#2", "def f"),
        ("a.py", "LIMIT = 3\n", "LIMIT", "LIMIT"),
        ("a.js", "/** It. */\nexport class A extends B {}\n", "A", "export class A"),
        ("a.js", "class A {\n  #b() { this.b(); }\n}\n", "A.#b", "  #b"),
        ("a.go", "func (s *Sale) Bid(n int) {}\n", "Sale.Bid", "func (s *Sale) Bid"),
        ("a.rs", "impl A {\n    pub fn b(&self) {}\n}\n", "A.b", "    pub fn b"),
        ("a.py", "def f(): ...\n", "g", ""),
        ("a.txt", "def f(): ...\n", "f", ""),
    ],
)
def test_how_the_code_of_a_symbol_begins(path: str, text: str, name: str, begin: str) -> None:
    assert beginning(path, text, name) == begin


def test_broken_files_show_what_can_be_seen() -> None:
    text = "def f():\n    return (1\n\ndef g():\n    pass\n\nclass A:\n    def m(self): pass\n"
    assert {"g", "A.m"} & {s.name for s in symbols("a.py", text)}
    for path in CASES:
        assert isinstance(symbols(path, "}{ ((( class def func fn \x00 \ud800"), tuple)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.data())
def test_lines_are_lines_of_the_text(path: str, data: st.DataObject) -> None:
    text = CASES[path][0]
    start = data.draw(st.integers(0, len(text)))
    cut = text[:start] + text[data.draw(st.integers(start, len(text))) :]
    n_lines = cut.count("\n") + 1
    found = symbols(path, cut)
    assert all(1 <= s.first_line <= s.last_line <= n_lines for s in found)
    assert len({s.name for s in found}) == len(found)


def test_a_symbol_counts_its_lines() -> None:
    [symbol] = symbols("a.py", "@d\ndef f():\n    return 1\n\n\n")
    assert (symbol.n_lines, symbol.signature) == (3, "def f():")


@pytest.mark.parametrize("path", CASES)
def test_deep_and_long_texts(path: str) -> None:
    one = {"py": "def f{}(): return 1", "go": "func f{}() {{}}", "rs": "fn f{}() {{}}"}
    row = one.get(path.rpartition(".")[2], "function f{}() {{}}")
    deep = "x = " + "(" * 5_000 + "1" + ")" * 5_000
    text = "\n".join(row.format(i) for i in range(20_000)) + "\n" + deep + "\n"
    found = [s for s in symbols(path, text) if s.kind == "function"]
    assert [found[0].name, found[19_999].name] == ["f0", "f19999"]


def test_outline() -> None:
    assert outline("a.py", PYTHON).split("\n")[3:6] == [
        "    11-25  class Store:",
        "    16-18      def size(self) -> int:",
        "    20-22      def size(self, value):",
    ]
    assert outline("a.txt", PYTHON) == ""
    assert outline("a.py", "") == ""


def test_an_outline_cuts_long_signatures() -> None:
    name = "f" * 100
    [row] = outline("a.py", f"def {name}(): ...").split("\n")
    assert row == "      1-1  " + f"def {name}"[:80]
    assert symbols("a.py", f"def {name}(): ...")[0].signature == f"def {name}(): ..."


@pytest.mark.parametrize(
    ("path", "info", "known"),
    [
        ("a.py", "python", True),
        ("src/a.TSX", "tsx", True),
        ("a.cts", "typescript", True),
        ("a.md", "markdown", False),
        (".gitignore", "", False),
        ("a", "", False),
        ("", "", False),
    ],
)
def test_languages(path: str, info: str, known: bool) -> None:
    assert (fence_info(path), is_known(path)) == (info, known)
