"""Maven and Gradle: several folders make one build, and its wrapper may lie above."""

from __future__ import annotations

import os
import posixpath
import re
import shlex

from qwenagent.checks.detect.place import Found, Place
from qwenagent.checks.detect.tree import join

POM = "pom.xml"
BUILDS = ("build.gradle", "build.gradle.kts")
SETTINGS = ("settings.gradle", "settings.gradle.kts")


def maven(place: Place) -> Found | None:
    """Find a Maven project; a module is run from the outermost one that lists it."""
    if not place.has(POM):
        return None
    top = _reactor(place)
    # Batch mode: no colours, no progress of downloads.
    words = [*_program(top, "mvnw", "mvn"), "-B", "-ntp", "test"]
    why = POM
    if top.folder != place.folder:
        # The module may need its siblings as they are now, not as they were installed once.
        words += ["-pl", _below(top, place), "-am"]
        why = f"{POM}, a module of {join(top.folder, POM)}"
    return place.found(shlex.join(words), why, POM, at=top.folder)


def gradle(place: Place) -> Found | None:
    """Find a Gradle build or a project of one; it is run from where its settings are."""
    manifest = place.has(*BUILDS, *SETTINGS)
    if not manifest:
        return None
    top = next((folder for folder in place.above() if folder.has(*SETTINGS)), place)
    # A daemon would go on after the tests.
    words = [*_program(top, "gradlew", "gradle"), "--no-daemon", "--console=plain"]
    why = manifest
    if top.folder != place.folder:
        words += ["-p", _below(top, place)]
        why = f"{manifest}, a project of {join(top.folder, top.has(*SETTINGS))}"
    return place.found(shlex.join([*words, "test"]), why, manifest, at=top.folder)


def _reactor(place: Place) -> Place:
    top = place
    for folder in place.above():
        if folder.folder != top.folder and _lists(folder, top):
            top = folder
    return top


def _lists(outer: Place, inner: Place) -> bool:
    text = re.sub(r"<!--.*?(?:-->|\Z)", "", outer.read(POM), flags=re.DOTALL)
    modules = re.findall(r"<(?:sub)?(?:module|project)>([^<]+)</", text)
    wanted = {_below(outer, inner), f"{_below(outer, inner)}/{POM}"}
    return any(posixpath.normpath(module.strip()) in wanted for module in modules)


def _below(outer: Place, inner: Place) -> str:
    return posixpath.relpath(inner.folder, outer.folder)


def _program(place: Place, wrapper: str, installed: str) -> list[str]:
    """Return the nearest wrapper upward, as a path from here, or the name of the program."""
    for folder in place.above():
        if folder.has(wrapper):
            path = posixpath.relpath(join(folder.folder, wrapper), place.folder)
            shown = path if path.startswith("../") else f"./{path}"
            can_start = os.access(folder.tree.root / folder.folder / wrapper, os.X_OK)
            return [shown] if can_start else ["sh", shown]
    return [installed]
