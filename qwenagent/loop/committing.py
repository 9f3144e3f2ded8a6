"""How steps are committed by the user's settings, and the one place that runs a hook.

Knows nothing of commits: `workspace` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qwenagent.config import GitSettings
from qwenagent.errors import ChecksError
from qwenagent.sandbox import Box, scrubbed
from qwenagent.workspace import CommitRules, HookRan

_HOOK_TIMEOUT_S = 300.0
"""Hooks that run a linter over a large repository take a minute; a hung one ends here."""


def commit_rules(settings: GitSettings, environ: Mapping[str, str], box: Box) -> CommitRules:
    """Return the rules that the settings ask for.

    Hooks run in `box` and see of `environ` what is no secret.
    """

    def run_hook(
        argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], writable: Path
    ) -> HookRan:
        try:
            seen = {**scrubbed(environ), **env}
            ran = box.run(argv, cwd=cwd, env=seen, timeout_s=_HOOK_TIMEOUT_S, writable=[writable])
        except ChecksError as error:
            return HookRan(126, error.message)
        return HookRan(ran.exit_code, ran.output, ran.timed_out)

    return CommitRules(sign=settings.sign, hooks=run_hook if settings.hooks == "run" else None)
