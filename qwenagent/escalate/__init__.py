"""Models elsewhere: which there are, how they are asked, what their patches say."""

from qwenagent.escalate.answer import Answer, Request, Tokens, count_tokens, most
from qwenagent.escalate.client import OnWait, ask
from qwenagent.escalate.exchange import OnText
from qwenagent.escalate.keys import KeySource
from qwenagent.escalate.patch import FilePatch, parse_patch
from qwenagent.escalate.providers import FrontierModel, Price, Provider
from qwenagent.escalate.table import find_provider, provider_names

__all__ = [
    "Answer",
    "FilePatch",
    "FrontierModel",
    "KeySource",
    "OnText",
    "OnWait",
    "Price",
    "Provider",
    "Request",
    "Tokens",
    "ask",
    "count_tokens",
    "find_provider",
    "most",
    "parse_patch",
    "provider_names",
]
