"""The address of a server, its key, and how patiently it is asked. Asks nobody anything."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from qwenagent.config import ModelSettings
from qwenagent.errors import ConfigError

KEY_VARIABLE = "QWENAGENT_ENDPOINT_KEY"
Kind = Literal["", "llama.cpp", "vllm"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask. `read_endpoint` makes one from what a user has written."""

    url: str
    """Without a slash at its end: "http://gpu:8080"."""
    kind: Kind = ""
    """Empty: found out by asking."""
    key: str = field(default="", repr=False)
    key_variable: str = KEY_VARIABLE
    """The environment variable that `key` comes from, for messages."""
    connect_s: float = 5.0
    silence_s: float = 300.0
    """Longest silence in an answer: the server may be busy with those of others."""
    quick_s: float = 10.0
    """The same for questions that need no model."""
    loading_s: float = 300.0
    """How long a server that is loading its model is waited for."""
    loading_poll_s: float = 1.0
    pauses_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    """Before each further try."""

    @property
    def host(self) -> str:
        """Name and port, for people."""
        return urlsplit(self.url).netloc

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        name = urlsplit(self.url).hostname or ""
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    @property
    def sends(self) -> str:
        """What leaves this machine, in one line; empty if nothing does."""
        if self.is_loopback:
            return ""
        how = "" if self.url.startswith("https:") else ", unencrypted"
        key = f" with the key in {self.key_variable}" if self.key else ""
        return f"prompts, with text of the repository, go to {self.host}{key}{how}"


def endpoint_of(model: ModelSettings, environ: Mapping[str, str]) -> Endpoint:
    """Return the endpoint that the settings name, which they do.

    Raises:
        ConfigError: see `read_endpoint`.
    """
    endpoint = read_endpoint(
        model.endpoint,
        environ,
        kind=model.endpoint_kind,
        key_variable=model.endpoint_key_variable,
    )
    return replace(endpoint, silence_s=model.endpoint_timeout_s)


def read_endpoint(
    url: str, environ: Mapping[str, str], *, kind: Kind = "", key_variable: str = KEY_VARIABLE
) -> Endpoint:
    """Return the endpoint a user means; "/v1" at the end of the address does not count.

    Raises:
        ConfigError: it is no address of a server, or there is a password in it.
    """
    parts = _parsed(url)
    if parts.username or parts.password:
        raise ConfigError(
            f"the endpoint {parts.hostname} has a user name or password in its address",
            hint=f"put the server's key into the environment variable {key_variable}",
        )
    key = environ.get(key_variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"{key_variable} has characters that no HTTP header can carry")
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return Endpoint(f"{parts.scheme}://{parts.netloc}{path}", kind, key, key_variable)


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half of a bracket
        good = False
    if not good or parts.query or parts.fragment or any(c.isspace() for c in url.strip()):
        raise ConfigError(
            f"the endpoint {url!r} is no address of a server",
            hint="for example http://gpu-box:8080",
        )
    return parts
