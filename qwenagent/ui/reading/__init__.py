"""Reads what the user types: a prompt that stays while work goes on, or plain lines.

Knows nothing of what a message or a command does. Importing it does not import prompt_toolkit.
"""

from qwenagent.ui.reading.commands import (
    COMMANDS,
    Called,
    Command,
    Unknown,
    command_lines,
    key_lines,
    parse,
    unknown_line,
)
from qwenagent.ui.reading.completing import Named, Names, Sources
from qwenagent.ui.reading.line import Answer, Eof, Interrupted, Line
from qwenagent.ui.reading.mentions import mention, mentions
from qwenagent.ui.reading.reader import Reader, ReaderOptions, make_reader
from qwenagent.ui.reading.shown import Lines
from qwenagent.ui.reading.toolbar import Status

__all__ = [
    "COMMANDS",
    "Answer",
    "Called",
    "Command",
    "Eof",
    "Interrupted",
    "Line",
    "Lines",
    "Named",
    "Names",
    "Reader",
    "ReaderOptions",
    "Sources",
    "Status",
    "Unknown",
    "command_lines",
    "key_lines",
    "make_reader",
    "mention",
    "mentions",
    "parse",
    "unknown_line",
]
