"""Purges by hand as events: a stream of the shell's own, which every worker reads beside those of the services."""

from __future__ import annotations

from collections.abc import Collection
from uuid import uuid4

import msgspec

from jogakbo.contract.cloudevent import CloudEvent, decode_data, encode_data, encode_event, utc_now
from jogakbo.contract.streams import EVENT_FIELD, stream_name, wake_channel
from jogakbo.contract.surrogate import format_keys
from jogakbo_shell.composition.purges import NotTold, Purge
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.bus import BUS_ERRORS, Bus, connect
from jogakbo_shell.live.ports import Catalog

STREAM = "shell"
PURGED = "shell.Purged"
_KEPT = 1_000


class _Purged(msgspec.Struct):
    keys: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    soft: bool = False


def read_purge(event: CloudEvent) -> Purge:
    """Raises EventError."""
    data = decode_data(event, _Purged)
    return Purge(frozenset(data.keys), frozenset(data.servers), data.soft)


class PurgeStream:
    """What is purged stands in the event's data (`read_purge`). A hard purge of keys changes these keys, too, as any
    service's event does: for readers of the bus that know no purges."""

    def __init__(self, redis: Bus) -> None:
        self._redis = redis

    @classmethod
    def at(cls, redis_url: str) -> PurgeStream:
        """Connects at first use."""
        return cls(connect(redis_url))

    async def tell(self, purge: Purge) -> bool:
        simple = not (purge.soft or purge.servers)
        event = CloudEvent(
            id=uuid4().hex,
            source=STREAM,
            type=PURGED,
            time=utc_now(),
            keys=format_keys(purge.keys) if simple else "",
            data=encode_data(_Purged(tuple(sorted(purge.keys)), tuple(sorted(purge.servers)), purge.soft)),
        )
        await self.append(event)
        return True

    async def append(self, event: CloudEvent, *, kept: int = _KEPT) -> None:
        """Any event, to the stream of its source, which keeps so many. Raises NotTold."""
        name = event.source
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.xadd(stream_name(name), {EVENT_FIELD: encode_event(event)}, maxlen=kept, approximate=True)
                pipeline.spublish(wake_channel(name), name)
                await pipeline.execute()
        except BUS_ERRORS as error:
            raise NotTold(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        await self._redis.aclose()


class WithPurges:
    """A catalog in which every fragment server depends on the stream of purges: what was missed of it may have meant
    any of them."""

    def __init__(self, catalog: Catalog, servers: Collection[str]) -> None:
        self._catalog = catalog
        self._servers = servers

    def streams(self) -> frozenset[str]:
        return self._catalog.streams() | {STREAM}

    def servers_of(self, stream: str) -> frozenset[str]:
        return frozenset(self._servers) if stream == STREAM else self._catalog.servers_of(stream)

    def is_private(self, instance: Instance) -> bool:
        return self._catalog.is_private(instance)
