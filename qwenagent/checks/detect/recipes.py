"""Recipes that people wrote for themselves: make and just."""

from __future__ import annotations

import re

from qwenagent.checks.detect.place import Found, Place

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")  # as GNU make looks for them
JUSTFILES = ("justfile", "Justfile", ".justfile")
# A parameter without a default would have to be given; `*more` needs none.
_JUST_TEST = re.compile(r"^@?test((?:\s+\*\w+|\s+\w+=\S+)*)\s*:(?!=)", re.MULTILINE)


def make(place: Place) -> Found | None:
    """Find the target `test`, then `check`."""
    name = place.has(*MAKEFILES)
    lines = place.read(name).splitlines() if name else []
    rules = (re.match(r"([^\t#=:][^=:#]*)::?(?!=)", line) for line in lines)
    targets = {target for rule in rules if rule for target in rule[1].split()}
    wanted = next((target for target in ("test", "check") if target in targets), "")
    return place.found(f"make {wanted}", f"target {wanted} in {name}", name) if wanted else None


def just(place: Place) -> Found | None:
    """Find the recipe `test`."""
    name = place.has(*JUSTFILES)
    if not name or not _JUST_TEST.search(place.read(name)):
        return None
    return place.found("just test", f"recipe test in {name}", name)
