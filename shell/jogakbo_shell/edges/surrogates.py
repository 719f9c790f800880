"""Which requests come from an edge that puts pages together itself (https://www.w3.org/TR/edge-arch)."""

from __future__ import annotations

import re
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import Scope

from jogakbo_shell.edges.networks import ANY, read_networks
from jogakbo_shell.live.protocol import peer_of

_CAPABILITY = re.compile(r'[A-Za-z0-9._-]+\s*=\s*"([^"]*)"')
_ESI = "ESI/1.0"


class Surrogates:
    """`addresses` are space separated networks as in `10.0.0.0/8 ::1`, `*` for any, empty for none.

    A browser can send the header too. It would get a page with holes, and keys that are none of its business.
    """

    def __init__(self, addresses: str) -> None:
        self._any = ANY in addresses.split()
        self._networks = read_networks(addresses)

    def __bool__(self) -> bool:
        return self._any or bool(self._networks)

    def compose(self, scope: Scope) -> bool:
        """Whether this one is to be answered with ESI tags."""
        return bool(self) and self.is_edge(scope) and speaks_esi(Headers(scope=scope).get("surrogate-capability", ""))

    def is_edge(self, scope: Scope) -> bool:
        if self._any:
            return True
        try:
            peer = ip_address(peer_of(scope))
        except ValueError:  # a Unix socket has no address
            return False
        peer = getattr(peer, "ipv4_mapped", None) or peer  # a socket for both kinds shows ::ffff:10.0.0.7
        return any(peer in network for network in self._networks)


def speaks_esi(capability: str) -> bool:
    """`varnish="Surrogate/1.0 ESI/1.0", cdn="…"`: whether any device along the way does."""
    return any(_ESI in match[1].split() for match in _CAPABILITY.finditer(capability))
