"""The write side as the bus shows it: what has been told, whether or not it has been read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from jogakbo.contract.cloudevent import CloudEvent, EventError, decode_event
from jogakbo.contract.streams import EVENT_FIELD, START, Position, stream_name
from jogakbo.events.bus import BUS_ERRORS, Bus, StreamEntry, connect_bus, read_after, read_newest
from reports_service.adapters.messages import HEARD
from reports_service.domain.operation import Lag, WriteSide, Written

STREAMS = ("orders", "till")
_LOOKED_AT = 5
"""Of so many entries, on average, one is a fact that the reports read."""


async def write_side(redis_url: str, read: Mapping[str, Position], limit: int, now: datetime) -> WriteSide:
    """Look at the bus, which a frozen read side does not: how far behind it is, and the newest facts."""
    unknown = [Lag(stream, None, str(read.get(stream, START)), 0, 0) for stream in STREAMS]
    if not redis_url:
        return WriteSide("none", unknown, [])
    redis = connect_bus(redis_url)
    try:
        lags = [await _lag(redis, stream, read.get(stream, START), now) for stream in STREAMS]
        facts = [fact for stream in STREAMS for fact in await _newest(redis, stream, read.get(stream, START), limit)]
    except BUS_ERRORS:
        return WriteSide("away", unknown, [])
    finally:
        await redis.aclose()
    return WriteSide("connected", lags, sorted(facts, key=lambda fact: fact.at, reverse=True)[:limit])


async def _newest(redis: Bus, stream: str, read: Position, limit: int) -> list[Written]:
    entries = await redis.xrevrange(stream_name(stream), count=limit * _LOOKED_AT)
    return [
        Written(stream, str(position), event.type, event.subject, event.time, position <= read)
        for position, event in _events(cast(list[StreamEntry], entries))
        if event.type in HEARD
    ]


async def _lag(redis: Bus, stream: str, read: Position, now: datetime) -> Lag:
    top, _ = await read_newest(redis, stream_name(stream))
    if top <= read:
        return Lag(stream, str(top), str(read), 0, 0)
    waits = _events(await read_after(redis, stream_name(stream), read, 1))
    waiting_ms = round((now - waits[0][1].time).total_seconds() * 1000) if waits else 0
    behind = top.seq - read.seq if top.epoch == read.epoch else top.seq
    return Lag(stream, str(top), str(read), behind, max(0, waiting_ms))


def _events(entries: Sequence[StreamEntry]) -> list[tuple[Position, CloudEvent]]:
    found = []
    for id, fields in entries:
        try:
            found.append((Position.parse(id.decode()), decode_event(fields.get(EVENT_FIELD.encode(), b""))))
        except EventError:
            continue
    return found
