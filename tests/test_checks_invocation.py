from pathlib import Path

import pytest

from qwenagent.checks import parse_command
from qwenagent.checks.invocation import Asked, rejected_our_options, understand, with_report
from tests.reports_stage import write

REPORT = Path("/tmp/a b/report")
GUARD = "--require=/tmp/a b/exits.cjs"
NODE = [
    *("--test-reporter=spec", "--test-reporter-destination=stdout"),
    *("--test-reporter=file:///tmp/a%20b/reporter.mjs",),
    *("--test-reporter-destination=/tmp/a b/report",),
    GUARD,
]


def asked(text: str, folder: Path | None = None, **environ: str) -> Asked:
    argv = parse_command(text, "flag").argv
    return with_report(understand(argv, folder), REPORT, environ)


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("node --test a.js", ["node", "--test", *NODE, "a.js"]),
        (
            "node --test --test-reporter=dot",
            ["node", "--test", GUARD, "--test-reporter=dot"],
        ),
        ("npx jest a", ["npx", "jest", "--json", f"--outputFile={REPORT}", "a"]),
        ("npx jest --json", None),
        (
            "vitest run a",
            [
                *("vitest", "run", "--reporter=default", "--reporter=json"),
                *(f"--outputFile.json={REPORT}", "a"),
            ],
        ),
        (
            "vitest --reporter=dot",
            ["vitest", "--reporter=json", f"--outputFile.json={REPORT}", "--reporter=dot"],
        ),
        ("vitest --outputFile=x.json", None),
        ("npx mocha t", None),
        ("cargo test -p x -- -q", ["cargo", "test", "--no-fail-fast", "-p", "x", "--", "-q"]),
        ("cargo test --no-run", None),
        ("go test -count=1 ./...", ["go", "test", "-json", "-count=1", "./..."]),
        ("go test -c", None),
        ("python manage.py test shop", ["python", "manage.py", "test", "-v", "2", "shop"]),
        ("python -m unittest discover -f", ["python", "-m", "unittest", "discover", "-v", "-f"]),
        ("make test", None),
        ("npx jest | cat", None),
    ],
)
def test_what_a_runner_is_asked(text, argv):
    plain = parse_command(text, "flag").argv
    assert asked(text) == Asked(tuple(argv) if argv else plain)


def test_what_a_script_of_npm_is_asked(tmp_path):
    scripts = {
        "test": "NODE_ENV=test jest --ci",
        "unit": "node --test t/*.js",
        "node": "node --test t/a.js",
        "dot": "node --test --test-reporter=dot",
        "v": "npx vitest",
        "both": "tsc && jest",
        "dashes": "jest -- x",
    }
    lines = ", ".join(f'"{name}": "{text}"' for name, text in scripts.items())
    write(tmp_path, {"package.json": f'\ufeff{{"scripts": {{{lines}}}}}'})
    jest = ("--json", f"--outputFile={REPORT}")
    vitest = ("--reporter=default", "--reporter=json", f"--outputFile.json={REPORT}")
    assert asked("npm test", tmp_path).argv == ("npm", "test", "--", *jest)
    assert asked("npm -s run test -- -b", tmp_path).argv == (
        *("npm", "-s", "run", "test", "--", "-b"),
        *jest,
    )
    assert asked("yarn v", tmp_path).argv == ("yarn", "v", *vitest)
    assert asked("pnpm run test", tmp_path).argv == ("pnpm", "run", "test", *jest)
    for name in ("both", "dashes", "unit", "none"):
        assert asked(f"npm run {name}", tmp_path) == Asked(("npm", "run", name))
    node = asked("npm run node", tmp_path, NODE_OPTIONS="--no-warnings")
    assert node.argv == ("npm", "run", "node")
    assert node.env["NODE_OPTIONS"].startswith("--no-warnings --test-reporter=spec ")
    dot = asked("npm run dot", tmp_path)
    assert dot == Asked(("npm", "run", "dot"), {"NODE_OPTIONS": f'"{GUARD}"'})


@pytest.mark.parametrize(
    "text", ["", "[]", '{"scripts": 3}', '{"scripts": {"test": "jest \'"}}', "{", "[" * 100_000]
)
def test_a_package_json_that_says_nothing(tmp_path, text):
    write(tmp_path, {"package.json": text})
    assert asked("npm test", tmp_path) == Asked(("npm", "test"))
    assert asked("npm test", tmp_path / "missing") == Asked(("npm", "test"))


def test_runners_that_refuse_our_options():
    assert rejected_our_options("pytest", 4, "error: unrecognized arguments: -x")
    assert not rejected_our_options("pytest", 1, "unrecognized arguments")
    assert rejected_our_options("node", 9, "node: bad option: --test-reporter=spec")
    assert not rejected_our_options("node", 0, "bad option: --test-reporter")
    refused = "Error [ERR_ACCESS_DENIED]: Access to this API ... '/tmp/x/reporter.mjs'"
    assert rejected_our_options("node", 1, refused)
    refused = (
        "Error: Access to this API has been restricted\n    at Object.readFileSync (node:fs) {\n"
        "  code: 'ERR_ACCESS_DENIED',\n  permission: 'FileSystemRead',\n"
        "  resource: '/tmp/x/exits.cjs'\n}\n"
    )
    assert rejected_our_options("node", 1, refused)
    # In time that grows with the text alone.
    assert not rejected_our_options("node", 1, "ERR_ACCESS_DENIED" * 50_000)
    assert not rejected_our_options("other", 2, "Unknown option")
