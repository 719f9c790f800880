"""Live as the rest of the shell sees it (`jogakbo_shell.seams.Live`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.routing import BaseRoute, Route

from jogakbo_shell.instance import Instance
from jogakbo_shell.live.bus import Bus
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.endpoint import LiveEndpoint
from jogakbo_shell.live.grants import Grants
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.presence import PresencePart
from jogakbo_shell.live.reader import Follower, LiveReader
from jogakbo_shell.live.streams import Observer, Streams


class LivePages:
    def __init__(
        self,
        log: ChangeLog,
        hub: Hub,
        reader: LiveReader,
        grants: Grants,
        streams: Streams,
        endpoint: LiveEndpoint,
        presence: PresencePart,
        redis: Bus,
    ) -> None:
        self._log = log
        self._hub = hub
        self._reader = reader
        self._grants = grants
        self._streams = streams
        self._endpoint = endpoint
        self._presence = presence
        self._redis = redis
        self._tasks: list[asyncio.Task[None]] = []

    def routes(self) -> list[BaseRoute]:
        return [Route("/-/live", self._endpoint, methods=["GET"]), *self._presence.routes()]

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._reader.run(), name="live"),
            asyncio.create_task(self._presence.run(), name="presence"),
        ]

    async def stop(self) -> None:
        self._streams.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    async def drain(self, seconds: float) -> None:
        await self._streams.drain(seconds)

    @property
    def leaving(self) -> bool:
        return self._streams.leaving

    def listen(self, observer: Observer) -> None:
        """Tell it of every stream that is opened or closed from now on."""
        self._streams.listen(observer)

    def revoke(self, visitor: str) -> None:
        self._streams.revoke(visitor)

    def follow(self, stream: str, follower: Follower) -> None:
        """Let it hear the events of a stream, whatever they change."""
        self._reader.follow(stream, follower)

    def cursor(self) -> str:
        return self._log.cursor

    def sign(self, instances: tuple[Instance, ...], locale: str, subject: str) -> str:
        return self._grants.sign(instances, locale, subject)

    def recovered(self, server: str) -> None:
        self._hub.recovered(server)

    def showed(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        """A private fragment was rendered for `subject`, with these keys."""
        self._hub.showed(instance, subject, keys)

    def describe(self) -> Mapping[str, str | int | float]:
        tracks = self._reader.tracks
        facts: dict[str, str | int | float] = {
            "state": self._state(),
            "connections": len(self._streams),
            "instances": len(self._hub.instances),
            "resyncs": sum(track.resyncs for track in tracks.values()),
            "lag_ms": max((track.lag_ms for track in tracks.values()), default=0),
        }
        for stream, track in sorted(tracks.items()):
            facts[f"stream {stream}"] = " ".join(filter(None, (str(track.position), track.last_resync)))
        return facts

    def _state(self) -> str:
        if self._reader.away_since is not None:
            return "waiting"
        return "live" if self._reader.looked.is_set() else "starting"
