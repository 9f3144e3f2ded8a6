"""Models elsewhere: who they are, when they are asked, what never goes up, and what they cost."""

from qwenagent.escalate.answer import Answer, Kind, Request, Tokens, count_tokens, most
from qwenagent.escalate.bill import Bill, Share, StepWork, bill
from qwenagent.escalate.caps import CapReached, Caps, Limit, NoPrice, dollars, reserve
from qwenagent.escalate.classes import SecretClass
from qwenagent.escalate.client import OnWait, ask
from qwenagent.escalate.escalation import Around, Escalation, Subject
from qwenagent.escalate.exchange import OnText
from qwenagent.escalate.keys import KeySource
from qwenagent.escalate.known import collect, is_key_file
from qwenagent.escalate.ledger import FILE as LEDGER_FILE
from qwenagent.escalate.ledger import Amount, Entry, Errand, Ledger, Reservation
from qwenagent.escalate.local_only import HomeRules, Judgement, judge
from qwenagent.escalate.patch import FilePatch, PatchBlock, parse_patch
from qwenagent.escalate.payload import FileText, LeftOut, Material, NotSent, Payload, Room, build
from qwenagent.escalate.placeholders import Placeholders
from qwenagent.escalate.policy import Rules, left_of, provider_order, rules_of
from qwenagent.escalate.providers import FrontierModel, Price, Provider
from qwenagent.escalate.secrets import CLASSES, Known, classes_markdown
from qwenagent.escalate.spelling import FORMS
from qwenagent.escalate.table import find_provider, provider_names

__all__ = [
    "CLASSES",
    "FORMS",
    "LEDGER_FILE",
    "Amount",
    "Answer",
    "Around",
    "Bill",
    "CapReached",
    "Caps",
    "Entry",
    "Errand",
    "Escalation",
    "FilePatch",
    "FileText",
    "FrontierModel",
    "HomeRules",
    "Judgement",
    "KeySource",
    "Kind",
    "Known",
    "Ledger",
    "LeftOut",
    "Limit",
    "Material",
    "NoPrice",
    "NotSent",
    "OnText",
    "OnWait",
    "PatchBlock",
    "Payload",
    "Placeholders",
    "Price",
    "Provider",
    "Request",
    "Reservation",
    "Room",
    "Rules",
    "SecretClass",
    "Share",
    "StepWork",
    "Subject",
    "Tokens",
    "ask",
    "bill",
    "build",
    "classes_markdown",
    "collect",
    "count_tokens",
    "dollars",
    "find_provider",
    "is_key_file",
    "judge",
    "left_of",
    "most",
    "parse_patch",
    "provider_names",
    "provider_order",
    "reserve",
    "rules_of",
]
