"""Test files of node that end before their tests do, or only seem to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner, parse_command
from qwenagent.protocol.checks import TestRun
from tests.needs import needs, program
from tests.reports_stage import write

pytestmark = needs("node")

FILE = "tests/a.test.js"
SAID = "E   Error: process.exit(0) ended this test file before its tests did"
TESTS = """\
const test = require("node:test");
const assert = require("node:assert");
const { add } = require("../lib.js");
test("one", () => assert.equal(add(1, 1), 2));
test("two", async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(add(2, 2), 4);
});
test("three", () => assert.equal(add(3, 2), 6));
"""
MODULE = """\
import { add } from "../lib.js";
import test from "node:test";
import assert from "node:assert";
test("one", () => assert.equal(add(1, 1), 3));
"""
ADD = "exports.add = (a, b) => a + b;\n"


def run_in(tmp_path: Path, files: dict[str, str], text: str = f"node --test {FILE}") -> TestRun:
    root = tmp_path / "my project"
    root.mkdir()
    write(root, files)
    path = f"{Path(shutil.which('node') or '').parent}:/usr/bin:/bin"
    return TestRunner(root, {"PATH": path}).run(parse_command(text, "flag"), timeout_s=60)


@pytest.mark.parametrize(
    ("lib", "at"),
    [
        (f"{ADD}process.exit(0);\n", "\nat lib.js:2: process.exit(0);"),
        (f"{ADD}process.exit();\n", "\nat lib.js:2: process.exit();"),
        (f"{ADD}process.exitCode = 0;\nprocess.reallyExit();\n", "\nat lib.js:3: "),
        (f"{ADD}setTimeout(process.exit, 0, 0);\n", ""),
        ("exports.add = (a, b) => {\n  if (a === 2) process.exit(0);\n  return a + b;\n};\n", ""),
    ],
    ids=["import", "no-code", "really", "timer", "in-a-test"],
)
def test_an_exit_of_the_tested_code_is_a_failure(tmp_path, lib, at):
    run = run_in(tmp_path, {FILE: TESTS, "lib.js": lib})
    assert (run.exit_code, run.green, run.statuses[FILE]) == (1, False, "failed")
    assert run.failures[FILE].startswith(f"{SAID}{at}")


@pytest.mark.parametrize("text", ["node --test", f"node --test --test-reporter=tap {FILE}"])
def test_an_exit_of_a_module_is_a_failure(tmp_path, text):
    package = '{"type": "module", "scripts": {"test": "node --test"}}'
    lib = "export const add = (a, b) => a + b;\nprocess.exit(0);\n"
    run = run_in(tmp_path, {FILE: MODULE, "lib.js": lib, "package.json": package}, text)
    assert (run.exit_code, run.green, run.statuses) == (1, False, {FILE: "failed"})
    assert "process.exit(0) ended this test file before its tests did" in run.output


@needs("npm")
def test_an_exit_behind_npm_is_a_failure_and_npm_s_own_is_none(tmp_path):
    package = f'{{"scripts": {{"test": "node --test {FILE}"}}}}'
    lib = f"{ADD}process.exit(0);\n"
    run = run_in(tmp_path, {FILE: TESTS, "lib.js": lib, "package.json": package}, "npm test")
    assert (run.exit_code, run.statuses) == (1, {FILE: "failed"})
    assert run.failures == {FILE: f"{SAID}\nat lib.js:2: process.exit(0);"}


FINE = """\
const test = require("node:test");
const assert = require("node:assert");
const { fork, spawnSync } = require("node:child_process");
const { Worker } = require("node:worker_threads");
const cli = require("../cli.js");
test("replaced", () => {
  const { exit } = process;
  const seen = [];
  process.exit = (code) => seen.push(code);
  cli.main();
  process.exit = exit;
  assert.deepEqual(seen, [0]);
});
test("thrown out of", () => {
  const { exit } = process;
  process.exit = () => { throw new Error("left"); };
  assert.throws(cli.main, /left/);
  process.exit = exit;
});
test("a program", () => {
  const show = "console.log(Object.keys(process.env).join()); process.exit()";
  const ran = spawnSync(process.execPath, ["-e", show], { encoding: "utf8" });
  assert.deepEqual([ran.status, ran.stderr], [0, ""]);
  assert.doesNotMatch(ran.stdout, /TEST_RUNNER/);
});
test("a fork", (t, done) => {
  const child = fork(require.resolve("../child.js"));
  child.on("exit", (code) => done(code ? new Error(`ended with ${code}`) : undefined));
});
test("a thread", (t, done) => {
  const thread = new Worker("process.exit(0)", { eval: true });
  thread.on("exit", (code) => done(code ? new Error(`ended with ${code}`) : undefined));
});
"""


@pytest.mark.parametrize("text", [f"node --test {FILE}", "npm test"])
def test_ends_that_are_no_end_of_the_test_file(tmp_path, text):
    if text.startswith("npm"):
        program("npm")
    package = f'{{"scripts": {{"test": "node --test {FILE}"}}}}'
    cli = "exports.main = () => process.exit(0);\n"
    files = {FILE: FINE, "cli.js": cli, "child.js": "process.exit(0);\n", "package.json": package}
    run = run_in(tmp_path, files, text)
    names = ("replaced", "thrown out of", "a program", "a fork", "a thread")
    assert run.statuses == {f"{FILE}::{name}": "passed" for name in names}
    assert (run.failures, run.green) == ({}, True)


@pytest.mark.parametrize(
    "script",
    [
        "setTimeout(() => process.exit(0), 5);\n",
        'process.on("exit", () => process.exit());\n',
        'require("harness");\n',
    ],
)
def test_a_script_may_end_as_it_likes_and_is_no_test(tmp_path, script):
    harness = 'process.on("exit", (code) => process.exit(code));\n'
    run = run_in(tmp_path, {FILE: script, "node_modules/harness/index.js": harness})
    assert (run.exit_code, run.green, run.statuses) == (0, True, {})


def test_an_exit_with_another_code_is_as_it_was(tmp_path):
    run = run_in(tmp_path, {FILE: TESTS, "lib.js": f"{ADD}process.exit(3);\n"})
    assert (run.green, run.statuses) == (False, {FILE: "failed"})
    assert "ended this test file" not in run.output


def test_node_s_own_end_is_left_alone(tmp_path):
    tests = 'require("node:test")("x", () => {});\nsetInterval(() => {}, 1000);\n'
    run = run_in(tmp_path, {FILE: tests}, f"node --test --test-force-exit {FILE}")
    if "bad option" in run.output:
        pytest.skip("this node cannot be forced to exit")
    assert (run.statuses, run.green) == ({f"{FILE}::x": "passed"}, True)
