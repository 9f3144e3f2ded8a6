"""What the model can call: looking at the repository, and changing one file of it."""

from qwenagent.tools.command import argv_of
from qwenagent.tools.completing import with_the_rest
from qwenagent.tools.copies import without_copies
from qwenagent.tools.edits import make_edit
from qwenagent.tools.forgotten import with_forgotten_imports
from qwenagent.tools.gather import run_gather
from qwenagent.tools.guard import refusal
from qwenagent.tools.importable import PROBE, Importable
from qwenagent.tools.imports import unresolved_imports
from qwenagent.tools.removing import is_named, may_go
from qwenagent.tools.signatures import changed_parameters
from qwenagent.tools.specs import EDIT_TOOLS, GATHER_TOOLS, SPECS, tool_lines
from qwenagent.tools.truncate import cut_lines

__all__ = [
    "EDIT_TOOLS",
    "GATHER_TOOLS",
    "PROBE",
    "SPECS",
    "Importable",
    "argv_of",
    "changed_parameters",
    "cut_lines",
    "is_named",
    "make_edit",
    "may_go",
    "refusal",
    "run_gather",
    "tool_lines",
    "unresolved_imports",
    "with_forgotten_imports",
    "with_the_rest",
    "without_copies",
]
