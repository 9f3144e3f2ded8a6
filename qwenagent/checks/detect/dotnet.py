""".NET: a solution with test projects, or a test project alone."""

from __future__ import annotations

import re
import shlex

from qwenagent.checks.detect.place import Found, Place

SOLUTIONS = (".sln", ".slnx")
PROJECTS = (".csproj", ".fsproj", ".vbproj")
_TEST_PROJECT = re.compile(r"Microsoft\.NET\.Test\.Sdk|xunit|nunit|mstest|TUnit", re.IGNORECASE)
_MAX_READ = 100


def dotnet(place: Place) -> Found | None:
    """Find a solution or project that has tests."""
    solutions, projects = place.ending(*SOLUTIONS), place.ending(*PROJECTS)
    if not solutions and not projects:
        return None
    inside = [p for p in place.files() if p.endswith(PROJECTS)] if solutions else projects
    tests = (path for path in inside[:_MAX_READ] if _TEST_PROJECT.search(place.read(path)))
    if not (test := next(tests, "")):
        return None
    named = solutions or projects
    # Beside another one, dotnet wants to be told which.
    words = ["dotnet", "test", *(named[:1] if len(solutions + projects) > 1 else [])]
    return place.found(shlex.join(words), f"test project {test}", named[0])
