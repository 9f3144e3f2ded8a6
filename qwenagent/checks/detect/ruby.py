"""Ruby projects: rspec, Rails, minitest through rake."""

from __future__ import annotations

import re

from qwenagent.checks.detect.place import Found, Place

MANIFESTS = ("Gemfile", "Rakefile", ".rspec")
GEMSPEC = ".gemspec"
_TEST_TASK = re.compile(
    r"Rake::TestTask|Minitest::TestTask|^[ \t]*task[ (]:?['\"]?test\b", re.MULTILINE
)


def ruby(place: Place) -> Found | None:
    """Find specs, then Rails' tests, then a task that runs tests."""
    manifest = place.has(*MANIFESTS) or next(iter(place.ending(GEMSPEC)), "")
    if not manifest:
        return None
    if why := place.has(".rspec") or _first(place, "_spec.rb"):
        return place.found(_bundled(place, "rspec"), why, manifest)
    if place.has("Gemfile") and place.is_file("bin/rails") and (why := _first(place, "_test.rb")):
        return place.found("bin/rails test", f"bin/rails and {why}", manifest)
    if _TEST_TASK.search(place.read("Rakefile")):
        return place.found(_bundled(place, "rake test"), "task test in Rakefile", manifest)
    return None


def _first(place: Place, suffix: str) -> str:
    return next(
        (
            path
            for path in place.files(lambda inner: bool(inner.has(*MANIFESTS)))
            if path.endswith(suffix)
        ),
        "",
    )


def _bundled(place: Place, text: str) -> str:
    return f"bundle exec {text}" if place.has("Gemfile", "Gemfile.lock") else text
