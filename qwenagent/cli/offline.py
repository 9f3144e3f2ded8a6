"""`--offline`: no connection to another machine, whoever in this process would open one.

What runs in the sandbox is the sandbox's matter; it has no network then either.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qwenagent.errors import UsageError

if TYPE_CHECKING:
    from qwenagent.config import Settings

_WATCHED = frozenset(
    {
        *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"),
        *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"),
        "socket.getnameinfo",
    }
)


class _Gate:
    """Python's audit hooks cannot be taken back: there is one, which is open or shut."""

    def __init__(self) -> None:
        self.is_shut = False
        self._is_there = False

    def install(self) -> None:
        from qwenagent.escalate.providers import is_loopback  # not in the hook: imports are slow

        if not self._is_there:
            self._is_there = True
            self._is_loopback = is_loopback
            sys.addaudithook(self._look)

    def _look(self, event: str, args: tuple[Any, ...]) -> None:
        if self.is_shut and event in _WATCHED and not self._stays_here(event, args):
            raise UsageError(
                f"--offline: a connection to {_host(event, args)!r} was about to be opened",
                hint="leave --offline out if that is meant",
            )

    def _stays_here(self, event: str, args: tuple[Any, ...]) -> bool:
        host = _host(event, args)
        if isinstance(host, bytes):
            host = host.decode("latin-1")
        if event in ("socket.connect", "socket.bind") and not isinstance(args[1], tuple):
            return True  # a path: a socket of the file system
        return host is None or (isinstance(host, str) and (not host or self._is_loopback(host)))


_GATE = _Gate()


@contextmanager
def connections(*, offline: bool) -> Iterator[None]:
    """Refuse connections to other machines while this runs, if `offline`."""
    if not offline:
        yield
        return
    _GATE.install()
    before, _GATE.is_shut = _GATE.is_shut, True
    try:
        yield
    finally:
        _GATE.is_shut = before


def offline_settings(settings: Settings) -> Settings:
    """Return settings with which nothing goes to another machine.

    Raises:
        UsageError: the model runs on one.
    """
    from urllib.parse import urlsplit

    from qwenagent.escalate.providers import is_loopback

    endpoint = settings.model.endpoint
    host = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or ""
    if endpoint and not is_loopback(host):
        raise UsageError(
            f"--offline, and the model runs elsewhere: {host or endpoint}",
            hint='--endpoint "" uses the model on this machine',
        )
    if settings.sandbox.network != "all":
        return settings
    return replace(settings, sandbox=replace(settings.sandbox, network="none"))


def _host(event: str, args: tuple[Any, ...]) -> Any:
    """Return the address that an audit event is about; a path for a socket of this machine."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        return args[0]
    address = args[0] if event == "socket.getnameinfo" else args[1] if len(args) > 1 else None
    return address[0] if isinstance(address, tuple) and address else address
