"""Where the bus is: the address of one server, or of a cluster."""

from __future__ import annotations

_CLUSTER = "+cluster://"


def cluster_nodes(url: str) -> tuple[str, ...]:
    """The nodes by which a cluster is found, each with an address of its own; empty for a single server.

    ``redis+cluster://user:secret@one:6379,two:6379`` gives ``("redis://user:secret@one:6379",
    "redis://user:secret@two:6379")``. With ``rediss+cluster`` the way there is encrypted. A cluster tells who else
    belongs to it; further nodes only help when the first is away at the start.
    """
    scheme, cluster, rest = url.partition(_CLUSTER)
    if not cluster:
        return ()
    authority, slash, path = rest.partition("/")
    credentials, at, places = authority.rpartition("@")
    return tuple(f"{scheme}://{credentials}{at}{place}{slash}{path}" for place in places.split(","))
