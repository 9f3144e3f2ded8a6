"""Which proxy the environment puts before an address; for messages, since httpx2 finds its own."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit


def proxy_for(url: str) -> str:
    """Return the proxy for `url` as "http://host:port (HTTPS_PROXY)", empty if there is none.

    A password in the proxy's address is left out.
    """
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    if parts.hostname is None or urllib.request.proxy_bypass(parts.netloc):
        return ""
    for kind in (parts.scheme, "all"):
        if proxies.get(kind):
            return f"{_without_password(proxies[kind])} ({kind.upper()}_PROXY)"
    return ""


def through(url: str) -> str:
    """Return " through the proxy ..." for a message about `url`, or nothing."""
    proxy = proxy_for(url)
    return f" through the proxy {proxy}" if proxy else ""


def _without_password(proxy: str) -> str:
    scheme, separator, rest = proxy.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
