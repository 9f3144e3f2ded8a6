"""Which modules the project's own Python can import: asked in the sandbox, once a run."""

from __future__ import annotations

from collections.abc import Collection

from qwenagent.errors import ChecksError
from qwenagent.loop.ports import Ports
from qwenagent.tools import PROBE, Importable, unresolved_imports
from qwenagent.workspace import Edit

_PROBE_S = 20.0


class Imports:
    """Tells imports that lead nowhere."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._is_asked = False
        self._importable: Importable | None = None

    def unresolved(self, edit: Edit, coming: Collection[str]) -> tuple[str, ...]:
        """Return the modules that an edit imports anew and that are nowhere.

        `coming` are files that are still to be written. Where the project's Python cannot be
        asked, nothing is said of its modules.
        """
        if edit.path.endswith(".py") and not self._is_asked:
            self._is_asked = True
            self._importable = self._ask()
        return unresolved_imports(edit, self._ports.workspace, self._importable, coming)

    def _ask(self) -> Importable | None:
        runner = self._ports.runner
        try:
            tools = runner.tools("pytest")
            words = (*tools.runner, tools.python or "python", *PROBE)
            ran = runner.box.run(
                words,
                cwd=self._ports.workspace.root,
                env=tools.env,
                timeout_s=_PROBE_S,
                cancel=self._ports.stop,
            )
        except ChecksError:
            return None
        return Importable.parse(ran.output) if ran.exit_code == 0 else None
