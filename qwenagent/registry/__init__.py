"""Model cards, which model suits this machine, getting its file, and keeping it genuine."""

from qwenagent.registry.cards import Card, Profile, Source, find_card, load_cards
from qwenagent.registry.choose import Choice, needed_bytes, pick
from qwenagent.registry.download import Pulled, obtainable, pull, reachable_sources
from qwenagent.registry.hub import Hub
from qwenagent.registry.job import OnProgress, PullCancelled
from qwenagent.registry.machine import Machine, probe_machine
from qwenagent.registry.sizes import human_bytes
from qwenagent.registry.store import (
    home,
    installed,
    local_file,
    models_dir,
    path_of,
    remove,
    verify,
)

__all__ = [
    "Card",
    "Choice",
    "Hub",
    "Machine",
    "OnProgress",
    "Profile",
    "PullCancelled",
    "Pulled",
    "Source",
    "find_card",
    "home",
    "human_bytes",
    "installed",
    "load_cards",
    "local_file",
    "models_dir",
    "needed_bytes",
    "obtainable",
    "path_of",
    "pick",
    "probe_machine",
    "pull",
    "reachable_sources",
    "remove",
    "verify",
]
