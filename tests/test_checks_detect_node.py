import json
import subprocess

import pytest

from qwenagent.checks import parse_command
from qwenagent.checks.detect import Found, detect, detect_found
from tests.needs import needs
from tests.test_checks_detect import write


def package(test: str = "", **more: object) -> str:
    scripts = {"test": test} if test else {}
    return json.dumps({"name": "x", "scripts": scripts, **more})


@pytest.mark.parametrize(
    ("script", "command"),
    [
        ("jest", "npm test"),
        ("jest --watchman=false -w 2", "npm test"),
        ("jest --watch", "npm test -- --watch=false"),
        ("NODE_ENV=test jest --coverage --watchAll", "npm test -- --watchAll=false"),
        ("jest --watchAll=false", "npm test"),
        ("vitest", "npm test -- --run"),
        ("vitest --coverage", "npm test -- --run"),
        ("vitest run --coverage", "npm test"),
        ("vitest --run", "npm test"),
        ("vitest watch", "npm test -- --run"),
        ("tsc --noEmit && vitest", "npm test -- --run"),
        ("vitest && eslint .", "CI=1 npm test"),
        ("eslint-plugin-vitest check vitest.config.ts", "npm test"),
        ("react-scripts test", "npm test -- --watchAll=false"),
        (
            "react-scripts --openssl-legacy-provider test --env=jsdom",
            "npm test -- --watchAll=false",
        ),
        ("craco test --watchAll=false", "npm test"),
        ("ng test", "npm test -- --watch=false"),
        ("mocha --watch spec", "npm test -- --no-watch"),
        ("node --test --watch", "npm test -- --no-watch"),
        ("node --test", "npm test"),
        ("turbo run test", "npm test"),
    ],
)
def test_a_script_that_watches_is_made_to_end(tmp_path, script, command):
    write(tmp_path, {"package.json": package(script)})
    expected = parse_command(command, "detected")
    found = Found(".", "package.json", expected, "script test in package.json")
    assert detect_found(tmp_path) == found


@pytest.mark.parametrize(
    ("scripts", "command"),
    [
        ({"test": "nodemon --exec jest"}, None),
        ({"test": "jest --watch && echo done"}, None),
        ({"test": "vitest --ui", "test:ci": "vitest run"}, "npm run test:ci"),
        ({"test": "nodemon x", "test:unit": "vitest"}, "npm run test:unit -- --run"),
        ({"test": "npm run test:unit", "test:unit": "vitest"}, "CI=1 npm test"),
        ({"test": "npm run watch", "watch": "jest --watch"}, None),
        ({"test": "npm run unit", "unit": "jest --watch"}, "npm run unit -- --watch=false"),
        ({"test": "npm run lint && jest", "lint": "eslint ."}, "npm test"),
        ({"test": "jest", "test:ci": "jest --ci"}, "npm test"),
        ({"test": "true", "unit": "mocha"}, "npm run unit"),
        ({"test": " ", "tests": "mocha 'a b'"}, "npm run tests"),
        ({"test": 'mocha "unclosed'}, "npm test"),
        ({"test": ["jest"]}, None),
        ({"build": "tsc"}, None),
    ],
)
def test_scripts_among_others(tmp_path, scripts, command):
    write(tmp_path, {"package.json": json.dumps({"scripts": scripts})})
    assert detect(tmp_path) == (command and parse_command(command, "detected"))


VITEST = package(devDependencies={"vitest": "^3"})


@pytest.mark.parametrize(
    ("files", "command", "why"),
    [
        ({"package.json": VITEST}, "npx --no-install vitest run", "vitest in package.json"),
        (
            {"package.json": VITEST, "pnpm-lock.yaml": ""},
            "pnpm exec vitest run",
            "vitest in package.json",
        ),
        (
            {"package.json": VITEST, "bun.lockb": ""},
            "bun run vitest run",
            "vitest in package.json",
        ),
        (
            {"package.json": package(dependencies={"jest": "29"}), "yarn.lock": ""},
            "yarn run jest",
            "jest in package.json",
        ),
        ({"package.json": package(jest={})}, "npx --no-install jest", "jest in package.json"),
        (
            {"package.json": package(), "jest.config.mjs": ""},
            "npx --no-install jest",
            "jest.config.mjs",
        ),
        (
            {"package.json": package(), ".mocharc.json": ""},
            "npx --no-install mocha",
            ".mocharc.json",
        ),
        ({"package.json": package(ava={})}, "npx --no-install ava", "ava in package.json"),
        (
            {"package.json": package("vitest"), "pnpm-lock.yaml": ""},
            "pnpm run test --run",
            "script test in package.json",
        ),
        (
            {"package.json": package("vitest"), "yarn.lock": ""},
            "yarn test --run",
            "script test in package.json",
        ),
        (
            {"package.json": package("jest", packageManager="pnpm@9.1.0"), "yarn.lock": ""},
            "pnpm test",
            "script test in package.json",
        ),
        (
            {"package.json": "\ufeff" + package("jest").replace(",", ",\r\n"), "bun.lock": ""},
            "bun run test",
            "script test in package.json",
        ),
        (
            {"package.json": package(), "test/cart.mjs": "import { test } from 'node:test'"},
            "node --test",
            "node:test in test/cart.mjs",
        ),
        (
            {
                "package.json": package(),
                "spec/a b.spec.js": 'require("node:test")',
                "spec/c.spec.js": 'require("assert")',
                "index.js": "",
            },
            "node --test 'spec/a b.spec.js'",
            "node:test in spec/a b.spec.js",
        ),
        (
            {"package.json": package(), "a.test.ts": "import { test } from 'bun:test'"},
            "bun test",
            "bun:test in a.test.ts",
        ),
    ],
)
def test_runners_and_managers(tmp_path, files, command, why):
    write(tmp_path, files)
    expected = Found(".", "package.json", parse_command(command, "detected"), why)
    assert detect_found(tmp_path) == expected
    assert detect_found(tmp_path, files=files) == expected


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {"deno.json": '{"tasks": {"dev": {"command": "x"}, "test": "deno test -A"}}'},
            ("deno.json", "deno task test", "task test in deno.json"),
        ),
        (
            {"deno.jsonc": '{ // settings\n "test": {}}', "cart_test.ts": ""},
            ("deno.jsonc", "deno test", "deno.jsonc and cart_test.ts"),
        ),
        ({"deno.json": '{"tasks": {"dev": "x"}, "test": {}}'}, None),
    ],
)
def test_deno(tmp_path, files, found):
    write(tmp_path, files)
    expected = found and Found(".", found[0], parse_command(found[1], "detected"), found[2])
    assert detect_found(tmp_path) == expected


WORKSPACE = {
    "package.json": json.dumps({"private": True, "workspaces": ["packages/*"]}),
    "yarn.lock": "",
    "packages/ui/package.json": package("vitest"),
    "packages/ui/src/button.ts": "",
    "packages/api/package.json": package("jest"),
    "packages/types/package.json": package(),
}


@pytest.mark.parametrize(
    ("folder", "project", "command"),
    [
        ("packages/ui/src", "packages/ui", "yarn test --run"),
        ("packages/api", "packages/api", "yarn test"),
        ("packages/types", None, None),
        (".", None, None),
    ],
)
def test_a_workspace_has_its_lock_file_above(tmp_path, folder, project, command):
    write(tmp_path, WORKSPACE)
    found = detect_found(tmp_path, tmp_path / folder)
    place = found and (found.folder, found.command.cwd, found.command.shown)
    assert place == (project and (project, project, command))


def test_a_package_without_tests_leaves_it_to_the_workspace(tmp_path):
    write(tmp_path, {**WORKSPACE, "package.json": package("turbo run test")})
    found = detect(tmp_path, tmp_path / "packages/types")
    assert found == parse_command("yarn test", "detected")


def test_json_that_is_nested_without_end_is_no_hint(tmp_path):
    write(tmp_path, {"package.json": "[" * 100_000, "composer.json": "[" * 100_000})
    assert detect(tmp_path) is None


@needs("node")
@pytest.mark.parametrize("name", ["spec/a b.mjs", "a.test.mjs", "test/deep/a.mjs"])
def test_the_node_command_that_is_found_runs(tmp_path, name):
    write(tmp_path, {name: "import { test } from 'node:test'\ntest('a', () => {})\n"})
    found = detect(tmp_path)
    assert found is not None
    ran = subprocess.run(found.argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "pass 1\n" in ran.stdout


def test_where_there_are_no_tests_the_compiler_of_typescript_tells(tmp_path):
    files = {"package.json": package(), "tsconfig.json": "{}", "src/a.ts": "let a = 1\n"}
    write(tmp_path, files)
    assert detect(tmp_path) is None  # it is not installed, and nothing is fetched
    write(tmp_path, {"node_modules/.bin/tsc": ""})
    found = detect_found(tmp_path)
    assert found is not None
    assert found.command == parse_command("npx --no-install tsc --noEmit", "detected")
    assert found.why == "tsconfig.json, and no tests"
    write(tmp_path, {"src/a.test.ts": "import { test } from 'vitest'\n"})
    write(tmp_path, {"package.json": package(devDependencies={"vitest": "1"})})
    assert "vitest" in str(detect(tmp_path))


def test_the_compiler_of_typescript_hides_no_tests_elsewhere(tmp_path):
    typed = {"package.json": package(), "tsconfig.json": "{}"}
    write(tmp_path, {"node_modules/.bin/tsc": "", "package.json": package(), "tsconfig.json": "{}"})
    write(tmp_path, {f"packages/plain/{name}": text for name, text in typed.items()})
    write(tmp_path, {"packages/tested/package.json": package("jest")})
    for folder in (".", "packages/plain"):
        found = detect_found(tmp_path, tmp_path / folder)
        assert found is not None
        assert found.folder == "packages/tested"
    write(tmp_path, {"packages/other/package.json": package("jest")})
    assert detect(tmp_path) is None  # one of them has to be named
    write(tmp_path, {"package.json": package("jest")})
    assert str(detect(tmp_path, tmp_path / "packages/plain")) == str(detect(tmp_path))
