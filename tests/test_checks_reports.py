import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.checks.reports import (
    Report,
    add_tsc_errors,
    nothing_ran,
    read_cargo,
    read_go,
    read_jest,
    read_jest_text,
    read_junit,
    read_mocha,
    read_node,
    read_node_spec,
    read_tap,
    read_unittest,
    read_vitest_text,
)
from qwenagent.checks.reports.places import Places
from tests import reports_stage
from tests.reports_stage import as_file, recorded, write

root = reports_stage.root

JEST = {
    "src/cart.test.js::total::adds": "passed",
    "src/cart.test.js::total::is wrong (a.b) [x] $1": "failed",
    "src/cart.test.js::total::deep": "failed",
    "src/cart.test.js::total::each 1": "passed",
    "src/cart.test.js::total::each 2": "failed",
    "src/cart.test.js::total::same": "passed",
    "src/cart.test.js::total::same#2": "passed",
    "src/cart.test.js::throws": "failed",
    "src/cart.test.js::later": "skipped",
    "src/cart.test.js::todo": "skipped",
    "src/missing.test.js": "failed",
    "src/syntax.test.js": "failed",
}
JEST_FAILED = {test: status for test, status in JEST.items() if status == "failed"}


def test_jest(root):
    write(root, {"src/cart.test.js": "1\n2\n3\n4\n    expect(total([1, 2])).toBe(4);\n"})
    report = read_jest(as_file("jest29-report", root), Places(root, root))
    assert report.statuses == JEST
    assert report.failures["src/cart.test.js::total::is wrong (a.b) [x] $1"] == (
        "E   Error: expect(received).toBe(expected) // Object.is equality\n"
        "E   Expected: 4\nE   Received: 3\n"
        "at src/cart.test.js:5: expect(total([1, 2])).toBe(4);"
    )
    assert report.failures["src/cart.test.js::throws"] == (
        "E   TypeError: no cart\nat src/cart.js:2\nat src/cart.test.js:12"
    )
    assert report.failures["src/missing.test.js"] == (
        "E   Cannot find module './nothing' from 'src/missing.test.js'\nat src/missing.test.js:1"
    )
    assert report.failures["src/syntax.test.js"] == (
        "E   SyntaxError: src/syntax.test.js: Unexpected token (1:10)\n"
        "E   > 1 | const x = ;\nE       |           ^\nE     2 |"
    )


def test_vitest(root):
    report = read_jest(as_file("vitest4-report", root), Places(root, root))
    assert report.statuses == JEST
    assert report.failures["src/cart.test.js::total::deep"] == (
        "E   AssertionError: expected { a: 1, b: [ 1, 2 ] } to deeply equal { a: 1, b: [ 1, 3 ] }\n"
        "at src/cart.test.js:7"
    )
    assert report.failures["src/syntax.test.js"].splitlines()[:3] == [
        "E   Parse failure: Parse failed with 1 error:",
        "E   Unexpected token",
        "E   1: const x = ;",
    ]


def test_jest_and_vitest_without_a_report(root):
    jest = read_jest_text(recorded("jest29-text", root), Places(root, root))
    assert jest.statuses == JEST_FAILED
    assert jest.failures["src/cart.test.js::throws"] == (
        "E   TypeError: no cart\nat src/cart.js:2\nat src/cart.test.js:12"
    )
    vitest = read_vitest_text(recorded("vitest4-text", root), Places(root, root))
    assert vitest.statuses == JEST_FAILED
    assert vitest.failures["src/cart.test.js::total::each 2"] == (
        "E   AssertionError: expected 2 to be 1 // Object.is equality\n"
        "E   - Expected\nE   + Received\nE   - 1\nE   + 2"
    )


def test_jest_prints_a_tree_for_a_single_file(root):
    text = (
        "FAIL src/a.test.js (5.1 s)\n  total\n    ✓ adds (2 ms)\n    ○ skipped later\n"
        "    deep\n      ✕ sub (1 ms)\n  ✓ top\n\n"
        "  ● total \u203a deep \u203a sub\n\n    Error: x\n"
    )
    assert read_jest_text(text, Places(root, root)) == Report(
        {
            "src/a.test.js::total::adds": "passed",
            "src/a.test.js::total::skipped later": "skipped",
            "src/a.test.js::total::deep::sub": "failed",
            "src/a.test.js::top": "passed",
        },
        {"src/a.test.js::total::deep::sub": "E   Error: x"},
    )


NODE = {
    "test/cart.test.js::total::adds": "passed",
    'test/cart.test.js::total::is wrong "here" [x]': "failed",
    "test/cart.test.js::total::deep": "failed",
    "test/cart.test.js::total::same": "passed",
    "test/cart.test.js::total::same#2": "passed",
    "test/cart.test.js::throws": "failed",
    "test/cart.test.js::later": "skipped",
    "test/cart.test.js::todo": "skipped",
    "test/cart.test.js::outer::inner": "failed",
    "test/cart.test.js::outer": "failed",
    "test/missing.test.js": "failed",
    "test/syntax.test.js": "failed",
}
NODE_TEXT = {test.removeprefix("test/cart.test.js::"): status for test, status in NODE.items()}


@pytest.mark.parametrize("version", ["18", "20", "22"])
def test_node_events(root, version):
    report = read_node(as_file(f"node{version}-events", root), Places(root, root))
    assert report.statuses == NODE
    assert report.failures['test/cart.test.js::total::is wrong "here" [x]'] == (
        "E   AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:\n"
        "E   3 !== 4\nat test/cart.test.js:7"
    )
    inner = report.failures["test/cart.test.js::outer::inner"].splitlines()
    assert inner[:2] == ["E   expected: true", "E   actual: false"]
    assert inner[-1] == "at test/cart.test.js:16"
    assert "E   SyntaxError: Unexpected token ';'" in report.failures["test/syntax.test.js"]
    assert report.failures["test/missing.test.js"].startswith(
        "E   Error: Cannot find module '../nothing'"
    )


@pytest.mark.parametrize("version", ["18", "20", "22"])
def test_node_tap(root, version):
    report = read_tap(recorded(f"node{version}-tap", root), Places(root, root))
    assert report.statuses == NODE_TEXT
    assert report.failures['total::is wrong "here" [x]'] == (
        "E   Expected values to be strictly equal:\nE   3 !== 4\nat test/cart.test.js:7"
    )


def test_a_file_of_node_that_passed_is_no_test(root):
    write(root, {"test/a.test.js": "", "test/b c.test.mjs": ""})
    full = root / "test/a.test.js"
    end = "\u2139 tests 3\n"
    spec = f"\u2714 {full} (2.8ms)\n\u2714 test/b c.test.mjs (1ms)\n\u2714 a.js (1ms)\n{end}"
    assert read_node_spec(spec, Places(root, root)).statuses == {"a.js": "passed"}
    broken = spec.replace("\u2714", "\u2716", 1)
    assert read_node_spec(broken, Places(root, root)).statuses == {
        "test/a.test.js": "failed",
        "a.js": "passed",
    }
    tap = f"# Subtest: {full}\nok 1 - {full}\n# Subtest: a.js\nok 2 - a.js\n"
    assert read_tap(tap, Places(root, root)).statuses == {"a.js": "passed"}
    assert read_tap(tap.replace("ok 1", "not ok 1"), Places(root, root)).statuses == {
        "test/a.test.js": "failed",
        "a.js": "passed",
    }


def test_node_spec(root):
    report = read_node_spec(recorded("node20-spec", root), Places(root, root))
    assert report.statuses == {t: s for t, s in NODE_TEXT.items() if t != "outer"}
    assert report.failures["throws"] == (
        "E   TypeError [Error]: no cart\nat lib/cart.js:2\nat test/cart.test.js:13"
    )


def test_mocha(root):
    report = read_mocha(recorded("mocha12-text", root), Places(root, root))
    assert report.statuses == {
        "throws": "failed",
        "later": "skipped",
        "total::adds": "passed",
        'total::is wrong "here" [x]': "failed",
        "total::deep": "failed",
        "total::same": "passed",
        "total::same#2": "passed",
    }
    assert report.failures["throws"] == (
        "E   TypeError: no cart\nat lib/cart.js:2\nat test/cart.js:13"
    )
    broken = read_mocha(recorded("mocha12-syntax-error", root), Places(root, root))
    assert broken.statuses == {"test/syn.js": "failed"}
    assert (
        broken.failures["test/syn.js"].splitlines()[-1] == "E   SyntaxError: Unexpected token ';'"
    )


GO = {
    "go.mod": "module example.com/m\n",
    "calc/calc_test.go": "package calc\nfunc TestAdd(t *testing.T) {}\nfunc TestGood(t *testing.T)"
    " {}\nfunc TestLater(t *testing.T) {}\nfunc ExampleAdd() {}\n",
    "vet/boom_test.go": "package vet\nfunc TestFine(t *testing.T) {}\nfunc TestBoom(t *testing.T)"
    " {}\n",
}


@pytest.mark.parametrize("name", ["go119-events", "go119-text"])
def test_go(root, name):
    write(root, GO)
    found = read_go(recorded(name, root), Places(root, root))
    assert found.report.statuses == {
        "vet/boom_test.go::TestFine": "passed",
        "vet/boom_test.go::TestBoom": "failed",
        "calc/calc_test.go::TestAdd": "failed",
        "calc/calc_test.go::TestAdd/small_one": "passed",
        "calc/calc_test.go::TestAdd/bad_[x]/y": "failed",
        "calc/calc_test.go::TestGood": "passed",
        "calc/calc_test.go::TestLater": "skipped",
        "calc/calc_test.go::ExampleAdd": "failed",
        "broken/broken.go": "failed",
    }
    assert found.report.failures == {
        "vet/boom_test.go::TestBoom": (
            "E   panic: runtime error: invalid memory address or nil pointer dereference\n"
            "at calc/calc.go:7\n"
            "at vet/boom_test.go:10"
        ),
        "calc/calc_test.go::TestAdd": "E   a subtest failed",
        "calc/calc_test.go::TestAdd/bad_[x]/y": (
            "E   Add(1, 2) = 3,\nE   want 4\nat calc/calc_test.go:15"
        ),
        "calc/calc_test.go::ExampleAdd": "E   got:\nE   3\nE   want:\nE   4",
        "broken/broken.go": (
            'E   broken/broken.go:3: cannot use "x" (untyped string constant) as int value in '
            "return statement\nE   broken/broken.go:4: undefined: y"
        ),
    }
    assert '"Action"' not in found.text
    assert "--- FAIL: TestAdd (0.00s)" in found.text
    assert not found.nothing_ran


def test_a_go_build_failure_as_newer_versions_report_it(root):
    write(root, {"go.mod": "module example.com/m\n"})
    package = "example.com/m/broken"
    events: list[dict[str, str]] = [
        {"ImportPath": f"{package} [{package}.test]", "Action": "build-output", "Output": said}
        for said in (f"# {package} [{package}.test]\n", "broken/a.go:3:2: undefined: x\n")
    ]
    events += [
        {"ImportPath": f"{package} [{package}.test]", "Action": "build-fail"},
        {"Action": "start", "Package": package},
        {"Action": "output", "Package": package, "Output": f"FAIL\t{package} [build failed]\n"},
        {"Action": "fail", "Package": package, "FailedBuild": f"{package} [{package}.test]"},
    ]
    output = "".join(json.dumps(event) + "\n" for event in events)
    found = read_go(output, Places(root, root))
    assert found.report == Report(
        {"broken/a.go": "failed"}, {"broken/a.go": "E   broken/a.go:3: undefined: x"}
    )


def test_a_go_test_that_did_not_end(root):
    events = [
        {"Action": "run", "Package": "m", "Test": "TestA"},
        {"Action": "output", "Package": "m", "Test": "TestA", "Output": "=== RUN   TestA\n"},
    ]
    found = read_go("".join(json.dumps(event) + "\n" for event in events), Places(root, root))
    assert found.report == Report(
        {"m::TestA": "failed"}, {"m::TestA": "E   the test run ended in the middle of this test"}
    )


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("?   \tm/none\t[no test files]\n", True),
        ("ok  \tm/calc\t0.002s [no tests to run]\n", True),
        ("ok  \tm/calc\t0.002s\n", False),
        ("--- PASS: TestA (0.00s)\nok  \tm/calc\t0.002s\n?   \tm/none\t[no test files]\n", False),
    ],
)
def test_go_that_runs_nothing(root, text, nothing):
    assert read_go(text, Places(root, root)).nothing_ran is nothing


def test_lines_of_json_that_are_too_deep_are_left_out(root):
    deep = f'{{"Action": {"[" * 100_000}\n'
    assert read_go(f"{deep}ok  \tm/calc\t0.002s\n", Places(root, root)).report == Report()
    path = root / "report"
    path.write_text(deep, encoding="utf-8")
    assert read_node(path, Places(root, root)) == read_jest(path, Places(root, root)) == Report()


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("No tests found, exiting with code 1\n", True),
        ("No test files found, exiting with code 1\n", True),
        ("Error: No test files found: x\n", True),
        ("\n  0 passing (1ms)\n", True),
        ("\u2139 tests 0\n", True),
        ("# tests 0\n", True),
        ("\u2139 tests 1\n", False),
        ("  10 passing (1ms)\n", False),
        ("Ran 0 tests in 0.0s\nRan 3 tests in 0.1s\n", False),
    ],
)
def test_runners_that_say_that_nothing_ran(text, nothing):
    assert nothing_ran(text) is nothing


def test_typescript_that_does_not_compile(root):
    report = Report()
    text = (
        "src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.\n"
        "src/a.ts:9:1 - error TS2304: Cannot find name 'y'.\nDone.\n"
    )
    add_tsc_errors(report, text, Places(root, root))
    assert report == Report(
        {"src/a.ts": "failed"},
        {
            "src/a.ts": (
                "E   src/a.ts:3: error TS2322: Type 'string' is not assignable to type 'number'.\n"
                "E   src/a.ts:9: error TS2304: Cannot find name 'y'."
            )
        },
    )


def test_django(root):
    text = (
        "Found 2 test(s).\nOperations to perform:\n  Apply all migrations: a\n"
        "test_good (shop.tests.CartTest.test_good) ... ok\n"
        "test_bad (shop.tests.CartTest.test_bad) ... FAIL\n\n" + "=" * 70 + "\n"
        "FAIL: test_bad (shop.tests.CartTest.test_bad)\n" + "-" * 70 + "\n"
        "Traceback (most recent call last):\n"
        f'  File "{root}/shop/tests.py", line 9, in test_bad\n    self.assertEqual(1, 2)\n'
        "AssertionError: 1 != 2\n\n" + "-" * 70 + "\nRan 2 tests in 0.001s\n\nFAILED (failures=1)\n"
    )
    assert read_unittest(text, Places(root, root)) == Report(
        {"shop.tests.CartTest.test_bad": "failed", "shop.tests.CartTest.test_good": "passed"},
        {
            "shop.tests.CartTest.test_bad": (
                "E   AssertionError: 1 != 2\nat shop/tests.py:9: self.assertEqual(1, 2)"
            )
        },
    )


def test_ids_of_pytest_count_from_the_repository(root):
    write(root, {"back/end/tests/test_a.py": ""})
    case = '<testcase classname="tests.test_a.TestX" name="test_y[a::b]" file="tests/test_a.py"/>'
    path = root.parent / "report"
    path.write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>", encoding="utf-8")
    wanted = {"back/end/tests/test_a.py::TestX::test_y[a::b]": "passed"}
    end = root / "back/end"
    for places in (
        Places(root, end),
        Places(root, end / "tests"),
        Places(root, root, (end / "tests", end)),
    ):
        assert read_junit(path, places).statuses == wanted


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"testResults": [{"name": 3}]}', "null\n"),
        # Whatever the tests write there: the report's place is theirs to write to.
        '{"testResults": [3, null, []]}',
        '{"testResults": [{"status": "passed", "assertionResults": [1, "a", null]}]}',
        '{"type": "test:start", "name": "a", "nesting": "deep"}',
        '{"type": "test:start", "name": "a", "nesting": -1}',
        '{"type": "test:start", "name": "a", "nesting": 1e18}',
        '<?xml version="1.0" encoding="no-such"?><testsuites/>',
        '<?xml version="1.0" encoding="gbk"?><testsuites/>',
    ],
)
def test_reports_that_are_none(root, text):
    path = root.parent / "report"
    path.write_text(text, encoding="utf-8")
    for read in (read_jest, read_node, read_junit):
        assert read(path, Places(root, root)).statuses == {}
        assert read(root / "missing", Places(root, root)).statuses == {}


def test_half_a_character_is_in_no_place(root):
    path = root.parent / "report"
    case = {"title": "t", "status": "failed", "failureMessages": ["no\n at f (/\ud800.js:1:2)"]}
    told = {"testResults": [{"name": "/a/\ud800.js", "assertionResults": [case]}]}
    path.write_text(json.dumps(told), encoding="utf-8")
    wanted = Report({"/a/\ud800.js::t": "failed"}, {"/a/\ud800.js::t": "E   no"})
    assert read_jest(path, Places(root, root)) == wanted


def test_names_and_numbers_that_are_too_long_are_no_places(root):
    write(root, {"Cargo.toml": "[package]\nname = 'a'\n"})
    text = f"     Running unittests {'a' * 300} (target/debug/deps/b-1)\n\nrunning 0 tests\n"
    assert read_cargo(text, Places(root, root)) == Report()
    digits = "9" * 5000
    assert not nothing_ran(f"Ran {digits} tests in 1s\n")
    said = f"=== RUN   TestA\n    a_test.go:{digits}: odd\n--- FAIL: TestA (0.00s)\nFAIL\tm\t0.1s\n"
    assert read_go(said, Places(root, root)).report.statuses == {"m::TestA": "failed"}


@pytest.mark.parametrize("name", ["Cargo.toml", "a_test.go", "go.mod"])
def test_a_pipe_in_the_place_of_a_file_is_not_read(root, name):
    os.mkfifo(root / name)
    assert read_cargo("   Doc-tests a\n", Places(root, root)) == Report()
    text = "=== RUN   TestA\n--- PASS: TestA (0.00s)\nok  \tm\t0.1s\n"
    (root / "m").symlink_to(root)
    assert list(read_go(text, Places(root, root)).report.statuses.values()) == ["passed"]


TEXT_READERS: list[Callable[[str, Places], object]] = [
    *(read_cargo, read_go, read_jest_text, read_mocha, read_node_spec, read_tap),
    *(read_unittest, read_vitest_text),
]


@pytest.mark.parametrize("read", TEXT_READERS)
@given(text=st.text(max_size=300))
def test_any_text_can_be_read(read, text):
    assert read(text, Places(Path("/repo"), Path("/repo"))) is not None
