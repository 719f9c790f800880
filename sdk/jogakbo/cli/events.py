"""`jogak events tail`: the event streams as readable lines."""

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import redis

from jogakbo.cli.errors import CliError, NoAnswer, NoPortal
from jogakbo.cli.portal import load_portal
from jogakbo.cli.state import read_state
from jogakbo.contract.bus import cluster_nodes
from jogakbo.contract.cloudevent import CloudEvent, EventError, decode_event
from jogakbo.contract.streams import EVENT_FIELD, STREAM_PREFIX, stream_name

_PAUSE_SECONDS = 0.1
_BATCH = 200

Bus: TypeAlias = redis.Redis | redis.RedisCluster


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of one stream; `event` is None when the payload is no CloudEvent."""

    stream: str
    position: str
    payload: bytes
    event: CloudEvent | None

    @property
    def time(self) -> float:
        """When it happened, for putting entries of several streams in order."""
        return self.event.time.timestamp() if self.event else 0.0


def tail(arguments: argparse.Namespace) -> int:
    """Print entries until Ctrl-C; with `--no-follow` only those that are there."""
    streams = arguments.streams or _services(arguments.portal)
    show = _as_json if arguments.format == "json" else _for_people
    client = None
    try:
        client = connect(arguments.redis_url or _running_bus(arguments.var))
        for entry in read(client, streams, arguments.start, follow=arguments.follow):
            print(show(entry), flush=True)
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.RedisClusterException) as error:
        raise NoAnswer(f"the bus does not answer: {error}") from error
    except (redis.ResponseError, ValueError) as error:
        raise CliError(f"cannot read the streams: {error}") from error
    finally:
        if client is not None:
            client.close()
    return 0


def connect(url: str) -> Bus:
    """A client for one server, or for the cluster that the first node of a `redis+cluster://` address belongs to."""
    if nodes := cluster_nodes(url):
        return redis.RedisCluster.from_url(nodes[0], protocol=2)
    return redis.Redis.from_url(url, protocol=2)


def read(client: Bus, streams: Iterable[str], start: str, *, follow: bool) -> Iterator[Entry]:
    """Entries after the position `start` of several streams, in order of time as far as they come together.

    `0` is the beginning, `$` the present end. With `follow` it waits for more for ever.
    """
    cursors = {stream_name(name): start for name in streams}
    if start == "$":
        cursors = {key: _end(client, key) for key in cursors}
    while True:
        entries = [entry for key in cursors for entry in _read_once(client, key, cursors[key])]
        cursors.update({stream_name(entry.stream): entry.position for entry in entries})
        yield from sorted(entries, key=lambda entry: entry.time)
        if not entries and not follow:
            return
        if not entries:
            time.sleep(_PAUSE_SECONDS)


def _read_once(client: Bus, key: str, after: str) -> list[Entry]:
    # One stream at a time: in a cluster each may be at another node.
    answer = cast(list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]], client.xread({key: after}, count=_BATCH))
    return [
        _entry(key, position.decode(), fields.get(EVENT_FIELD.encode(), b""))
        for _, entries in answer or []
        for position, fields in entries
    ]


def _entry(key: str, position: str, payload: bytes) -> Entry:
    try:
        event = decode_event(payload)
    except EventError:
        event = None
    return Entry(key.removeprefix(STREAM_PREFIX), position, payload, event)


def _end(client: Bus, key: str) -> str:
    newest = cast(list[tuple[bytes, dict[bytes, bytes]]], client.xrevrange(key, count=1))
    return newest[0][0].decode() if newest else "0"


def _for_people(entry: Entry) -> str:
    if entry.event is None:
        return f"{'':<12}  {entry.stream:<10} {entry.position}  not a CloudEvent: {entry.payload[:200]!r}"
    event = entry.event
    time = event.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
    head = f"{time}  {entry.stream:<10} {entry.position}  {event.type} {event.subject}".rstrip()
    return f"{head}  [{event.keys}]  {bytes(event.data).decode()}"


def _as_json(entry: Entry) -> str:
    return entry.payload.decode("utf-8", "replace")


def _services(portal: Path) -> list[str]:
    return [member.short_name for member in load_portal(portal).members if member.kind == "service"]


def _running_bus(var: Path) -> str:
    try:
        return read_state(var).redis_url
    except OSError:
        raise NoPortal("no portal runs here: give --redis-url, or start one with `jogak up`") from None
