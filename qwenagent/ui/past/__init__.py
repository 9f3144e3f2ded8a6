"""Runs that are over, for people: a table of them, one as it looked, one as a document.

Knows transcripts and events; not where they lie, and nothing of what may remove them.
"""

from qwenagent.ui.past.export import Format, exported, format_of
from qwenagent.ui.past.hiding import Find, hide
from qwenagent.ui.past.listing import as_json, print_runs, print_runs_json
from qwenagent.ui.past.replay import draw_run, show_run, show_run_json
from qwenagent.ui.past.wording import ending, no_end

__all__ = [
    "Find",
    "Format",
    "as_json",
    "draw_run",
    "ending",
    "exported",
    "format_of",
    "hide",
    "no_end",
    "print_runs",
    "print_runs_json",
    "show_run",
    "show_run_json",
]
