"""The lasting record of a run: JSON lines in the state folder, written as it happens.

Knows records and files; not who emits the events, and not how they are drawn. A file begins with
the version of its events: older ones are brought to the present one when they are read.
"""

from qwenagent.transcript.cleaning import Cleaning, choose, remove
from qwenagent.transcript.finding import find_run, past_runs, run_ids
from qwenagent.transcript.pastrun import PastRun, look_at
from qwenagent.transcript.place import new_run_id, run_path, state_dir
from qwenagent.transcript.reading import read
from qwenagent.transcript.writer import NOTE, TranscriptWriter

__all__ = [
    "NOTE",
    "Cleaning",
    "PastRun",
    "TranscriptWriter",
    "choose",
    "find_run",
    "look_at",
    "new_run_id",
    "past_runs",
    "read",
    "remove",
    "run_ids",
    "run_path",
    "state_dir",
]
