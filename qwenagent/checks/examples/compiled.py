"""Writes the programs that evaluate examples in Go and Rust, and reads what compilers say of them.

A program is written outside of the repository, and built there but for what Cargo keeps in its own
folder. An example that does not compile for a reason of its own (a result of two values, a type
that cannot be shown) says nothing about the project, so it is left out.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from qwenagent.checks.examples.program import Job, Program, Verdict
from qwenagent.checks.invocation import not_found
from qwenagent.checks.smallfile import text_of, toml_of
from qwenagent.plan.examples.literals import Language, called_names
from qwenagent.plan.values import Example
from qwenagent.sandbox import find_program

COMPILED: tuple[Language, ...] = ("go", "rust")

_RESULTS = "QWENAGENT_RESULTS"
_GO_SOURCE = "qwenagent_examples_test.go"
_CALLS = "// CALLS"
_PACKAGE = re.compile(r"^package\s+(\w+)", re.MULTILINE)
_FLOAT = re.compile(r"[-+]?(?:\d[\d_]*\.[\d_]*(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)(?:_?f(?:32|64))?")
_ERROR = re.compile(
    r"^(?P<file>\S.*?\.(?:go|rs)):(?P<line>\d+):(?:\d+:)? (?:error(?:\[\w+\])?: )?(?P<said>.*)$",
    re.MULTILINE,
)
_WARNING = re.compile(r"warning\b")
_MISSING = re.compile(r"undefined: |cannot find |unresolved import|failed to resolve|no `\w+` in ")


def package_of(example: Example, where: Mapping[str, str], language: Language) -> str | None:
    """Return the folder of the Go package or Rust crate that an example is about.

    It is "" for languages that are not compiled, and None if it is about none or several.
    """
    if language not in COMPILED:
        return ""
    paths = _files(example, where, language)
    found = {_crate(path) if language == "rust" else path.parent for path in paths}
    folder = found.pop() if len(found) == 1 else None
    return str(folder) if folder else None


def is_there(example: Example, job: Job, language: Language) -> Verdict | None:
    """Return a verdict if a file is not there that an example needs."""
    files = map(str, _files(example, job.where, language))
    gone = next((path for path in files if not (job.root / path).is_file()), "")
    return Verdict(False, f"cannot be called: {gone} is not there") if gone else None


def _files(
    example: Example, where: Mapping[str, str], language: Language
) -> tuple[PurePosixPath, ...]:
    names = called_names(example.call, language)
    return tuple(PurePosixPath(where[name]) for name in names if name in where)


def _crate(path: PurePosixPath) -> PurePosixPath | None:
    """Return the folder of the crate whose library a file belongs to."""
    source = _source(path)
    is_program = path == source / "main.rs" or path.is_relative_to(source / "bin")
    return source.parent if source.name == "src" and not is_program else None


def _source(path: PurePosixPath) -> PurePosixPath:
    """Return the nearest folder above that is called src."""
    return next((it for it in path.parents if it.name == "src"), path.parent)


def blamed(program: Program, output: str) -> dict[str, Verdict]:
    """Return what a build that failed says of examples, by id, of at least one of them.

    What is not there fails. Where the project itself does not build, all do.
    """
    verdicts: dict[str, Verdict] = {}
    for error in _ERROR.finditer(output):
        if _WARNING.match(error["said"]):
            continue
        if not error["file"].endswith(program.source):
            where = f"{error['file'].removeprefix('./')}:{error['line']}"
            said = f"cannot be called: {where}: {error['said']}"
            return dict.fromkeys(program.lines.values(), Verdict(False, said))
        if example_id := program.lines.get(int(error["line"])):
            passed = False if _MISSING.match(error["said"]) else None
            verdicts.setdefault(example_id, Verdict(passed, f"cannot be called: {error['said']}"))
    return verdicts or dict.fromkeys(program.lines.values(), Verdict(None, "was not built"))


def go_program(job: Job) -> Program:
    """Write a test that is laid over the package in the job's folder.

    Raises:
        ChecksError: Go is not there.
    """
    go = find_program("go", cwd=job.folder, env=job.tools.env)
    if go is None:
        raise not_found("go", job.tools)
    sources = (path for path in sorted(job.folder.glob("*.go")) if "_test." not in path.name)
    packages = (_PACKAGE.search(text_of(path)) for path in sources)
    package = next((found[0] for found in packages if found), "package main")
    statements = [
        f'\tqwenagentJudge("{example_id}", func() (interface{{}}, interface{{}}) '
        f"{{ got := {it.call}; want := got; want = {it.expected}; return got, want }})"
        for example_id, it in job.calls.items()
    ]
    text, lines = _filled(job, "probe.go", statements)
    written, program = job.scratch / _GO_SOURCE, str(job.scratch / "examples.test")
    written.write_text(text.replace("package PACKAGE", package), encoding="utf-8")
    overlay = job.scratch / "overlay.json"
    replaced = {str(job.folder / _GO_SOURCE): str(written)}
    overlay.write_text(json.dumps({"Replace": replaced}), encoding="utf-8")
    # -e: all errors, not the first ten.
    options = ("-c", "-o", program, "-overlay", str(overlay), "-vet=off", "-gcflags=-e")
    return Program(
        (program, "-test.run", "^TestQwenagentExamples$"),
        (go, "test", *options, "."),
        {_RESULTS: str(job.results)},
        _GO_SOURCE,
        lines,
    )


def rust_program(job: Job) -> Program | None:
    """Write a program that depends on the crate in the job's folder; None if it has no library.

    Raises:
        ChecksError: Cargo is not there.
    """
    cargo = find_program("cargo", cwd=job.folder, env=job.tools.env)
    if cargo is None:
        raise not_found("cargo", job.tools)
    package = toml_of(job.folder / "Cargo.toml").get("package")
    if not isinstance(package, dict) or not (job.folder / "src" / "lib.rs").is_file():
        return None
    statements = [_rust_statement(*call, job.where) for call in job.calls.items()]
    text, lines = _filled(job, "probe.rs", statements)
    main = job.scratch / "src" / "main.rs"
    main.parent.mkdir()
    main.write_text(text, encoding="utf-8")
    path, name = json.dumps(str(job.folder)), json.dumps(str(package.get("name")))
    manifest = job.scratch / "Cargo.toml"
    manifest.write_text(
        '[package]\nname = "qwenagent-examples"\nversion = "0.0.0"\nedition = "2021"\n'
        f"[dependencies]\nsubject = {{ path = {path}, package = {name} }}\n"
        "[workspace]\n",  # so that it is no member of one above
        encoding="utf-8",
    )
    top = _workspace(job.folder)
    if (top / "Cargo.lock").is_file():
        shutil.copyfile(top / "Cargo.lock", job.scratch / "Cargo.lock")
    options = ("--offline", "--quiet", "--manifest-path", str(manifest))
    return Program(
        (cargo, "run", *options),
        (cargo, "build", "--message-format", "short", *options),
        # What the project's tests have built is used again.
        {_RESULTS: str(job.results), "CARGO_TARGET_DIR": str(top / "target")},
        "src/main.rs",
        lines,
    )


def _rust_statement(example_id: str, example: Example, where: Mapping[str, str]) -> str:
    names = [name for name in called_names(example.call, "rust") if name in where]
    uses = "".join(f"use {'::'.join(('subject', *_modules(where[it]), it))}; " for it in names)
    same = f"got == {example.expected}"
    if _FLOAT.fullmatch(example.expected):
        same = f"close(got as f64, {example.expected} as f64)"
    body = f'{uses}let got = {example.call}; ({same}, format!("{{:?}}", got))'
    return f'    judge("{example_id}", || {{ {body} }});'


def _modules(path: str) -> tuple[str, ...]:
    """Return the modules that a file below src stands for."""
    file = PurePosixPath(path)
    parts = file.relative_to(_source(file)).with_suffix("").parts
    return parts[:-1] if parts[-1] in ("lib", "mod") else parts


def _workspace(folder: Path) -> Path:
    """Return the folder of the workspace that a crate belongs to, its own if it is none's."""
    tops = (it for it in folder.parents if "workspace" in toml_of(it / "Cargo.toml"))
    return next(tops, folder)


def _filled(job: Job, name: str, statements: list[str]) -> tuple[str, dict[int, str]]:
    """Return a program with one statement a line for the calls, and the ids by line."""
    source = Path(__file__).with_name(name).read_text(encoding="utf-8")
    seconds = max(1, round(job.seconds))
    for mark, value in (("MILLISECONDS", seconds * 1000), ("SECONDS", seconds)):
        source = source.replace(mark, str(value))
    head, _, tail = source.partition(_CALLS)
    first = head.count("\n") + 1
    return head + "\n".join(statements) + tail, dict(enumerate(job.calls, start=first))
