"""Models elsewhere: who they are, when they are asked, what never goes up, and what they cost."""

from qwenagent.escalate.answer import Answer, Request, Subject, Tokens, count_tokens, most
from qwenagent.escalate.bill import Bill, StepWork, bill
from qwenagent.escalate.caps import Limit, dollars
from qwenagent.escalate.client import ask
from qwenagent.escalate.escalation import Around, Escalation
from qwenagent.escalate.keys import KeySource
from qwenagent.escalate.ledger import FILE as LEDGER_FILE
from qwenagent.escalate.ledger import Amount, Entry, Errand, Ledger
from qwenagent.escalate.patch import FilePatch, parse_patch
from qwenagent.escalate.payload import FileText, Material
from qwenagent.escalate.policy import Rules, provider_order, rules_of
from qwenagent.escalate.providers import FrontierModel, Price, Provider
from qwenagent.escalate.secrets import CLASSES, classes_markdown
from qwenagent.escalate.table import find_provider, provider_names

__all__ = [
    "CLASSES",
    "LEDGER_FILE",
    "Amount",
    "Answer",
    "Around",
    "Bill",
    "Entry",
    "Errand",
    "Escalation",
    "FilePatch",
    "FileText",
    "FrontierModel",
    "KeySource",
    "Ledger",
    "Limit",
    "Material",
    "Price",
    "Provider",
    "Request",
    "Rules",
    "StepWork",
    "Subject",
    "Tokens",
    "ask",
    "bill",
    "classes_markdown",
    "count_tokens",
    "dollars",
    "find_provider",
    "most",
    "parse_patch",
    "provider_names",
    "provider_order",
    "rules_of",
]
