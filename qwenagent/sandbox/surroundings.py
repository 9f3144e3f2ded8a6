"""The environment variables inside: a home, caches and temporary files of its own.

Takes out what only leads to places that are not there. Secrets are `environment`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qwenagent.sandbox.policy import Policy

_GONE = frozenset(
    [
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
        *("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"),
        *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DOCKER_HOST", "CONTAINER_HOST"),
        *("TMP", "TEMP", "WSL_INTEROP"),
    ]
)
# Programs that would wait for a network that is not there, and then say less.
_OFFLINE = {"CARGO_NET_OFFLINE": "true", "UV_OFFLINE": "1", "GOPROXY": "off"}


def surroundings(env: Mapping[str, str], policy: Policy, home: Path) -> dict[str, str]:
    """Return the environment for a command whose home folder is `home`."""
    kept = {name: value for name, value in env.items() if name not in _GONE}
    named = Path(kept.get("HOME", ""))
    same = named.is_absolute() and named.resolve() == home
    own = {
        "HOME": str(named) if same else str(home),
        "TMPDIR": "/tmp",
        "npm_config_cache": f"{home}/.cache/npm",
    }
    return {**kept, **own, **({} if policy.network == "all" else _OFFLINE)}
