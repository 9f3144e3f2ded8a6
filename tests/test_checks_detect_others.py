import subprocess
from dataclasses import replace

import pytest

from qwenagent.checks import parse_command
from qwenagent.checks.detect import Found, detect, detect_found, explain_none
from qwenagent.protocol.checks import TestCommand
from tests.needs import needs
from tests.test_checks_detect import write

CMAKE = "cmake_minimum_required(VERSION 3.20)\nproject(x NONE)\nenable_testing()\n"
TEST_PROJECT = '<PackageReference Include="Microsoft.NET.Test.Sdk" />'
CTEST = "cmake --build build && ctest --test-dir build --output-on-failure"


@pytest.mark.parametrize(
    ("files", "manifest", "command", "why"),
    [
        # cargo
        ({"Cargo.toml": "[workspace]\n"}, "Cargo.toml", "cargo test", "Cargo.toml"),
        (
            {"Cargo.toml": "[package]\n[workspace]\nmembers = ['crates/*']\n"},
            "Cargo.toml",
            "cargo test --workspace",
            "Cargo.toml",
        ),
        (
            {"Cargo.toml": "[package]\n[workspace]\ndefault-members = ['.']\n"},
            "Cargo.toml",
            "cargo test",
            "Cargo.toml",
        ),
        (
            {"Cargo.toml": "[package]\n", "scripts/test_a.py": "import pytest"},
            "Cargo.toml",
            "cargo test",
            "Cargo.toml",
        ),
        (
            {"Cargo.toml": "[package]\n", "pyproject.toml": "[tool.pytest.ini_options]"},
            "pyproject.toml",
            "python -m pytest",
            "pytest section in pyproject.toml",
        ),
        # go
        (
            {
                "go.work": "go 1.22\n\nuse (\n\t./api // the server\n\t./b\n\t./gone\n\t../c\n)\n",
                "api/go.mod": "",
                "b/go.mod": "",
            },
            "go.work",
            "go test ./api/... ./b/...",
            "go.work",
        ),
        (
            {"go.work": 'use .\nuse "./a b"\n', "go.mod": "", "a b/go.mod": ""},
            "go.work",
            "go test ./... './a b/...'",
            "go.work",
        ),
        # jvm, wrappers that cannot be started and none
        ({"pom.xml": ""}, "pom.xml", "mvn -B -ntp test", "pom.xml"),
        ({"pom.xml": "", "mvnw": ""}, "pom.xml", "sh ./mvnw -B -ntp test", "pom.xml"),
        (
            {"build.gradle.kts": ""},
            "build.gradle.kts",
            "gradle --no-daemon --console=plain test",
            "build.gradle.kts",
        ),
        # .NET
        (
            {"Shop.sln": "", "src/Shop.csproj": "", "test/Shop.Test.csproj": TEST_PROJECT},
            "Shop.sln",
            "dotnet test",
            "test project test/Shop.Test.csproj",
        ),
        (
            {"A.sln": "", "B.sln": "", "T.fsproj": TEST_PROJECT},
            "A.sln",
            "dotnet test A.sln",
            "test project T.fsproj",
        ),
        # ruby
        ({".rspec": "", "Gemfile": ""}, "Gemfile", "bundle exec rspec", ".rspec"),
        (
            {"a.gemspec": "", "spec/cart_spec.rb": ""},
            "a.gemspec",
            "rspec",
            "spec/cart_spec.rb",
        ),
        (
            {"Rakefile": "Rake::TestTask.new(:test)\n", "Gemfile.lock": ""},
            "Rakefile",
            "bundle exec rake test",
            "task test in Rakefile",
        ),
        (
            {"Gemfile": "", "bin/rails": "", "test/models/cart_test.rb": ""},
            "Gemfile",
            "bin/rails test",
            "bin/rails and test/models/cart_test.rb",
        ),
        # php
        (
            {"composer.json": "{}", "phpunit.xml.dist": "", "vendor/bin/phpunit": ""},
            "composer.json",
            "vendor/bin/phpunit",
            "phpunit.xml.dist",
        ),
        ({"phpunit.xml": ""}, "phpunit.xml", "phpunit", "phpunit.xml"),
        (
            {"composer.json": '{"scripts": {"test": ["@lint", "pest"]}}'},
            "composer.json",
            "composer test",
            "script test in composer.json",
        ),
        # mix, swift, ctest
        ({"mix.exs": ""}, "mix.exs", "mix test", "mix.exs"),
        ({"Package.swift": ""}, "Package.swift", "swift test", "Package.swift"),
        (
            {"CMakeLists.txt": CMAKE, "build/CTestTestfile.cmake": ""},
            "CMakeLists.txt",
            CTEST,
            "tests in CMakeLists.txt, configured in build",
        ),
        # recipes
        (
            {"CMakeLists.txt": CMAKE, "Makefile": ".PHONY: test\ntest:: all\n"},
            "Makefile",
            "make test",
            "target test in Makefile",
        ),
        (
            {"justfile": "build:\n\n@test *args: build\n"},
            "justfile",
            "just test",
            "recipe test in justfile",
        ),
        (
            {".justfile": "test mode='fast':\n"},
            ".justfile",
            "just test",
            "recipe test in .justfile",
        ),
    ],
)
def test_other_projects(tmp_path, files, manifest, command, why):
    write(tmp_path, files)
    expected = Found(".", manifest, parse_command(command, "detected"), why)
    assert detect_found(tmp_path) == expected
    tracked = [name for name in files if not name.startswith(("vendor/", "build/"))]
    assert detect_found(tmp_path, files=tracked) == expected


@pytest.mark.parametrize(
    "files",
    [
        {"justfile": "test name:\n", "Justfile": "tests:\n"},
        {"justfile": "test := '1'\n"},
        {"CMakeLists.txt": CMAKE},
        {"CMakeLists.txt": "enable_testing()\n", "build/CTestTestfile.cmake": ""},
        {"Shop.sln": "", "Shop.csproj": ""},
        {"Shop.csproj": "", "Tests/readme.md": TEST_PROJECT},
        {"composer.json": '{"scripts": []}'},
        {"Gemfile": "", "Rakefile": "task :build\n"},
    ],
)
def test_no_tests_are_told(tmp_path, files):
    write(tmp_path, files)
    assert detect_found(tmp_path) is None


MAVEN = {
    "mvnw": "#!/bin/sh\n",
    "pom.xml": "<modules><!-- <module>old</module> --><module>services</module></modules>",
    "services/pom.xml": "<modules>\n <module>api</module>\n <module>a b</module></modules>",
    "services/api/pom.xml": "",
    "services/api/src/main/java/A.java": "",
    "services/a b/pom.xml": "",
    "old/pom.xml": "",
}
GRADLE = {
    "gradlew": "#!/bin/sh\n",
    "settings.gradle.kts": "include(':core')",
    "core/build.gradle.kts": "",
    "core/src/a.kt": "",
}


@pytest.mark.parametrize(
    ("files", "folder", "found"),
    [
        (
            MAVEN,
            "services/api/src/main",
            (
                "services/api",
                "pom.xml",
                ".",
                "./mvnw -B -ntp test -pl services/api -am",
                "pom.xml, a module of pom.xml",
            ),
        ),
        (
            MAVEN,
            "services/a b",
            (
                "services/a b",
                "pom.xml",
                ".",
                "./mvnw -B -ntp test -pl 'services/a b' -am",
                "pom.xml, a module of pom.xml",
            ),
        ),
        (MAVEN, "old", ("old", "pom.xml", "old", "../mvnw -B -ntp test", "pom.xml")),
        (MAVEN, ".", (".", "pom.xml", ".", "./mvnw -B -ntp test", "pom.xml")),
        (
            GRADLE,
            "core/src",
            (
                "core",
                "build.gradle.kts",
                ".",
                "./gradlew --no-daemon --console=plain -p core test",
                "build.gradle.kts, a project of settings.gradle.kts",
            ),
        ),
        (
            GRADLE,
            ".",
            (
                ".",
                "settings.gradle.kts",
                ".",
                "./gradlew --no-daemon --console=plain test",
                "settings.gradle.kts",
            ),
        ),
    ],
)
def test_a_module_is_run_from_its_build(tmp_path, files, folder, found):
    write(tmp_path, files)
    for name in ("mvnw", "gradlew"):
        if name in files:
            (tmp_path / name).chmod(0o755)
    project, manifest, cwd, text, why = found
    words = parse_command(text, "detected").argv
    expected = Found(project, manifest, TestCommand(words, text, "detected", cwd), why)
    assert detect_found(tmp_path, tmp_path / folder) == expected


def test_a_build_folder_that_is_missing_is_said(tmp_path):
    write(tmp_path, {"CMakeLists.txt": CMAKE, "src/main.c": ""})
    assert explain_none(tmp_path, tmp_path / "src") == (
        "no test command was found: CMakeLists.txt defines tests, but no build folder is "
        "configured: `cmake -B build`"
    )


@needs("ctest")
def test_the_ctest_command_that_is_found_builds_and_runs(tmp_path):
    listed = (
        "add_custom_target(made ALL COMMAND ${CMAKE_COMMAND} -E touch made)\n"
        "add_test(NAME t COMMAND ${CMAKE_COMMAND} -E cat made)\n"
    )
    write(tmp_path, {"CMakeLists.txt": CMAKE + listed})
    subprocess.run(["cmake", "-B", "build"], cwd=tmp_path, capture_output=True, check=True)
    found = detect(tmp_path)
    assert found is not None
    ran = subprocess.run(found.argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "100% tests passed" in ran.stdout


@pytest.mark.parametrize(
    "text", ["<!--" * 50_000, f"<module>{' ' * 100_000}", "<module>a\n</module>"]
)
def test_a_pom_that_is_slow_to_read(tmp_path, text):
    write(tmp_path, {"pom.xml": text, "a/pom.xml": ""})
    found = detect(tmp_path, tmp_path / "a")
    is_module = text.endswith("</module>")
    shown = "mvn -B -ntp test -pl a -am" if is_module else "mvn -B -ntp test"
    assert found == replace(parse_command(shown, "detected"), cwd="." if is_module else "a")
