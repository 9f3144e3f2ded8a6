"""Plan, edit, test: the loop that carries out steps. Draws nothing and knows no llama.cpp."""

from qwenagent.loop.agent import Agent
from qwenagent.loop.committing import commit_rules
from qwenagent.loop.editing.asker import Action, Asker, Overruled, Question
from qwenagent.loop.options import RunOptions
from qwenagent.loop.ports import Ports
from qwenagent.loop.resume import recover_killed, require_clean
from qwenagent.loop.stop import Stop, Stopped
from qwenagent.loop.undoing import Undoing, finish_killed

__all__ = [
    "Action",
    "Agent",
    "Asker",
    "Overruled",
    "Ports",
    "Question",
    "RunOptions",
    "Stop",
    "Stopped",
    "Undoing",
    "commit_rules",
    "finish_killed",
    "recover_killed",
    "require_clean",
]
