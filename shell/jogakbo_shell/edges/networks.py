"""Where edges are, as a setting says it."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

ANY = "*"


def read_networks(addresses: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """`10.0.0.0/8 ::1`, without what is `ANY`. Raises ValueError for what is no network."""
    return tuple(ip_network(word) for word in addresses.split() if word != ANY)
