"""What evaluates examples: a program, what it is written from, and what became of an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qwenagent.checks.interpreter import ProjectTools
from qwenagent.plan.values import Example


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a program wrote of one call, or what is said in its place."""

    passed: bool | None
    """None where it cannot be judged: the name stands for a method."""
    said: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """Examples that one program is to evaluate."""

    calls: Mapping[str, Example]
    """By an id that nobody can guess."""
    where: Mapping[str, str]
    """The file that defines each name, relative to `root`."""
    root: Path
    folder: Path
    """Where the program is started."""
    scratch: Path
    """An empty folder outside of the repository for all that is written."""
    results: Path
    """The file that gets a line of JSON for each call: id, passed, said, trace."""
    tools: ProjectTools
    seconds: float
    """The limit for one call."""
    import_seconds: float


@dataclass(frozen=True, slots=True)
class Program:
    """How a job is done, and whose line of the source is whose."""

    run: tuple[str, ...]
    build: tuple[str, ...] = ()
    """What has to go well before."""
    env: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    """The end of the path under which the compiler tells of errors in the source."""
    lines: Mapping[int, str] = field(default_factory=dict)
    """The ids of examples by the line they stand in, from 1."""
