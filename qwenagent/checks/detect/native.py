"""Cargo, Go, CMake, mix and Swift: the manifest alone says how tests are run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from qwenagent.checks.detect.place import Found, Place
from qwenagent.checks.detect.tree import join

CARGO, MIX, SWIFT, CMAKE = "Cargo.toml", "mix.exs", "Package.swift", "CMakeLists.txt"
GO = ("go.work", "go.mod")
_BUILD_FOLDERS = ("build", "_build", "out", "cmake-build-debug", "cmake-build-release")
_CTEST = re.compile(
    r"^[ \t]*(?:enable_testing|add_test|gtest_discover_tests|catch_discover_tests"
    r"|doctest_discover_tests)\s*\(|^[ \t]*include\s*\(\s*CTest\s*\)",
    re.IGNORECASE | re.MULTILINE,
)


def cargo(place: Place) -> Found | None:
    """Find a crate or a workspace of crates."""
    if not place.has(CARGO):
        return None
    tables = set(re.findall(r"^[ \t]*\[(\w+)\]", place.read(CARGO), re.MULTILINE))
    # At the root of a workspace that is a crate itself, cargo tests this one only.
    all_of = {"package", "workspace"} <= tables and "default-members" not in place.read(CARGO)
    return place.found("cargo test --workspace" if all_of else "cargo test", CARGO, CARGO)


def go(place: Place) -> Found | None:
    """Find a Go module, or the modules of a workspace."""
    if modules := list(_go_modules(place)):
        return place.found(shlex.join(["go", "test", *modules]), "go.work", "go.work")
    return place.found("go test ./...", "go.mod", "go.mod") if place.has("go.mod") else None


def mix(place: Place) -> Found | None:
    """Find an Elixir project."""
    return place.found("mix test", MIX, MIX) if place.has(MIX) else None


def swift(place: Place) -> Found | None:
    """Find a Swift package."""
    return place.found("swift test", SWIFT, SWIFT) if place.has(SWIFT) else None


def ctest(place: Place) -> Found | None:
    """Find a CMake project with tests and a folder in which it was configured."""
    build = next((f for f in _BUILD_FOLDERS if place.is_file(f"{f}/CTestTestfile.cmake")), "")
    if not build or not _has_ctest(place):
        return None
    # ctest builds nothing: alone it would test what was there before an edit.
    text = f"cmake --build {build} && ctest --test-dir {build} --output-on-failure"
    return place.found(text, f"tests in {CMAKE}, configured in {build}", CMAKE)


def ctest_lacks(place: Place) -> str:
    """Say what a CMake project with tests still needs, "" if this is none."""
    if not _has_ctest(place) or ctest(place):
        return ""
    return f"{CMAKE} defines tests, but no build folder is configured: `cmake -B build`"


def _has_ctest(place: Place) -> bool:
    text = place.read(CMAKE)
    return re.search(r"^[ \t]*project\s*\(", text, re.IGNORECASE | re.MULTILINE) is not None and (
        _CTEST.search(text) is not None
    )


def _go_modules(place: Place) -> Iterator[str]:
    """Yield the patterns for the modules that go.work uses and that are there."""
    text = re.sub(r"//.*", "", place.read("go.work"))
    for block, single in re.findall(r"^use\s+(?:\(([^)]*)\)|([^(\n]+))", text, re.MULTILINE):
        for used in re.findall(r'"[^"]+"|`[^`]+`|\S+', block or single):
            path = join(".", used.strip('"`')).removeprefix("./")
            if not path.startswith("..") and place.is_file(f"{path}/go.mod"):
                yield "./..." if path == "." else f"./{path}/..."
