"""Everything the user sees and answers: draws events, asks approval. Knows only protocol values.

Importing this room does not import rich; `make_view` and `console` do when they draw.
"""

from qwenagent.ui.approve import FlagApprover, NobodyApprover, TerminalApprover
from qwenagent.ui.approve_memory import RememberingApprover
from qwenagent.ui.choose_view import Mode, View, console, is_capable, make_view
from qwenagent.ui.jsonl import JsonlView
from qwenagent.ui.live_table import LiveTable
from qwenagent.ui.metrics import MetricsSink
from qwenagent.ui.plain import PlainView
from qwenagent.ui.printable import one_line, printable, revealed, visible
from qwenagent.ui.table import DownloadView, check_line, print_rows

__all__ = [
    "DownloadView",
    "FlagApprover",
    "JsonlView",
    "LiveTable",
    "MetricsSink",
    "Mode",
    "NobodyApprover",
    "PlainView",
    "RememberingApprover",
    "TerminalApprover",
    "View",
    "check_line",
    "console",
    "is_capable",
    "make_view",
    "one_line",
    "print_rows",
    "printable",
    "revealed",
    "visible",
]
