"""PHP projects: phpunit or pest, by their configuration or a script of composer's."""

from __future__ import annotations

import json

from qwenagent.checks.detect.place import Found, Place

COMPOSER = "composer.json"
CONFIGS = ("phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml")


def php(place: Place) -> Found | None:
    """Find phpunit's configuration, then a test script of composer's."""
    manifest = place.has(COMPOSER, *CONFIGS)
    if config := place.has(*CONFIGS):
        installed = (f"vendor/bin/{name}" for name in ("pest", "phpunit"))
        program = next((path for path in installed if place.is_file(path)), "phpunit")
        return place.found(program, config, manifest)
    if manifest and _has_script(place.read(COMPOSER)):
        return place.found("composer test", f"script test in {COMPOSER}", manifest)
    return None


def _has_script(text: str) -> bool:
    try:
        package = json.loads(text)
    except (ValueError, RecursionError):
        return False
    scripts = package.get("scripts") if isinstance(package, dict) else None
    return isinstance(scripts, dict) and bool(scripts.get("test"))
