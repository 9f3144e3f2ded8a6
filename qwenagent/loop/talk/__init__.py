"""Talk about a repository: questions answered in words, wishes as tasks. Knows no terminal."""

from qwenagent.loop.talk.conversation import Conversation, Partner, Task
from qwenagent.loop.talk.history import Exchange, exchanges_of
from qwenagent.loop.talk.intent import Intent, intent_of, refers_back

__all__ = [
    "Conversation",
    "Exchange",
    "Intent",
    "Partner",
    "Task",
    "exchanges_of",
    "intent_of",
    "refers_back",
]
