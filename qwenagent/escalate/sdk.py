"""The official SDKs: loaded when they are needed, and kept from what the environment tells them."""

from __future__ import annotations

import logging
from importlib import import_module
from types import ModuleType
from typing import Any

from qwenagent.errors import FrontierMissing
from qwenagent.escalate.providers import Protocol

PACKAGES: dict[Protocol, str] = {"messages": "anthropic", "chat": "openai"}
NO_SECRET = "unused"
"""What an SDK is given as key; the line puts the real one on."""


def load_sdk(protocol: Protocol) -> ModuleType:
    """Return the SDK of a protocol. The first call takes seconds: not in the thread that draws.

    Raises:
        FrontierMissing: it is not installed; the message has the command that does it.
    """
    package = PACKAGES[protocol]
    root = logging.getLogger()
    handlers = list(root.handlers)
    try:
        return import_module(package)
    except ImportError as error:
        raise FrontierMissing(
            f"the package {package} is not installed ({error})",
            hint="pip install 'qwenagent[frontier]'",
        ) from error
    finally:
        _quiet(package, root, handlers)


def _quiet(package: str, root: logging.Logger, handlers: list[logging.Handler]) -> None:
    """Take back what ANTHROPIC_LOG and OPENAI_LOG do: requests with all they hold on the screen."""
    for added in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(added)
    for name in (package, "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)


def as_dict(event: Any) -> dict[str, Any]:
    """Return what an SDK made of a JSON object; something else is an empty one.

    SDKs do not check what they read: a field may have any type.
    """
    if hasattr(event, "model_dump"):
        event = event.model_dump(mode="python", warnings=False)
    return event if isinstance(event, dict) else {}


def count_of(table: Any, name: str) -> int | None:
    """Return a count that a provider tells, None if it does not."""
    value = table.get(name) if isinstance(table, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def word_of(table: Any, name: str) -> str:
    """Return a text that a provider tells, empty if it does not."""
    value = table.get(name) if isinstance(table, dict) else None
    return value if isinstance(value, str) else ""
