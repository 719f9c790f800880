"""A worker of the shell with the hub that is written first, by many: the proof that this test can see.

Plain pub/sub: whoever is connected gets what is published meanwhile, and nobody gets anything else. No stream is read,
no cursor kept, nothing told again. It speaks the client's protocol and serves the same grants; `python -m
chaos.live.lossy` is `python -m jogakbo_shell` otherwise.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

import jogakbo_shell.app
from chaos.ticks.service import PLAIN_CHANNEL
from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem
from jogakbo_shell import __main__ as shell
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.grants import Grant, GrantRefused, Grants
from jogakbo_shell.live.ports import Catalog, Purges, Renders
from jogakbo_shell.live.reader import Follower

_HEARTBEAT_SECONDS = 10.0
_RETRY_SECONDS = 1.0
_HELLO = b"event: hello\ndata: {}\n\n"
_HEARTBEAT = b"event: heartbeat\ndata: {}\n\n"


class LossyHub:
    """`jogakbo_shell.seams.Live`."""

    leaving = False

    def __init__(
        self,
        redis_url: str,
        secret: bytes,
        fragments: Renders,
        cache: Purges,
        catalog: Catalog,
        *_: object,
        **__: object,
    ) -> None:
        self._redis: Redis = Redis.from_url(redis_url)
        self._grants = Grants(secret)
        self._fragments = fragments
        self._cache = cache
        self._catalog = catalog
        self._pages: dict[asyncio.Queue[bytes], list[Instance]] = {}
        self._listening: asyncio.Task[None] | None = None

    def routes(self) -> list[BaseRoute]:
        return [Route("/-/live", self._stream)]

    async def start(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._redis.aclose()

    async def drain(self, seconds: float) -> None:
        self.leaving = True
        for page in self._pages:
            page.put_nowait(b"")

    def follow(self, stream: str, follower: Follower) -> None:
        return

    def revoke(self, visitor: str) -> None:
        return

    def cursor(self) -> str:
        return ""

    def sign(self, instances: tuple[Instance, ...], locale: str, subject: str) -> str:
        return self._grants.sign(instances, locale, subject)

    def recovered(self, server: str) -> None:
        return

    def showed(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        return

    def describe(self) -> Mapping[str, str | int | float]:
        return {"state": "lossy", "connections": len(self._pages)}

    async def _listen(self) -> None:
        while True:
            with suppress(RedisError, OSError):
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(PLAIN_CHANNEL)
                    async for message in pubsub.listen():
                        await self._changed(message["data"].decode())
            await asyncio.sleep(_RETRY_SECONDS)

    async def _changed(self, key: str) -> None:
        self._cache.purge([key])
        shown = {instance for instances in self._pages.values() for instance in instances}
        await asyncio.gather(*(self._renew(instance, key) for instance in shown))

    async def _renew(self, instance: Instance, key: str) -> None:
        if self._catalog.is_private(instance):
            url = f"/-/{instance.text}"
            frame = _frame("refresh", instance, url=url, within_ms=0)
        else:
            rendered = await self._fragments.render(instance)
            if key not in rendered.keys or rendered.state != "fresh":
                return
            frame = _frame("fragment", instance, state="fresh", etag=rendered.etag, html=rendered.html)
        for page, instances in self._pages.items():
            if instance in instances:
                page.put_nowait(frame)

    async def _stream(self, request: Request) -> Response:
        try:
            grants = self._read_grants(request)
        except GrantRefused as error:
            return Response(encode_problem(Problem(title=str(error), status=403)), 403, media_type=PROBLEM_JSON)
        return StreamingResponse(self._events(grants), media_type="text/event-stream")

    def _read_grants(self, request: Request) -> list[Grant]:
        subject = request.scope["state"]["visit"].visitor.subject
        return [self._grants.verify(grant, subject) for grant in request.query_params.getlist("grant")]

    async def _events(self, grants: list[Grant]) -> AsyncIterator[bytes]:
        page: asyncio.Queue[bytes] = asyncio.Queue()
        self._pages[page] = [instance for grant in grants for instance in grant.instances]
        try:
            yield _HELLO
            while True:
                try:
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        frame = await page.get()
                except TimeoutError:
                    frame = _HEARTBEAT
                if not frame:
                    return
                yield frame
        finally:
            del self._pages[page]


def _frame(event: str, instance: Instance, **data: object) -> bytes:
    text = json.dumps({"id": instance.dom_id, "locale": instance.locale, **data})
    return f"event: {event}\ndata: {text}\n\n".encode()


def main() -> None:
    jogakbo_shell.app.create_live = LossyHub  # type: ignore[assignment,attr-defined]
    shell.main()


if __name__ == "__main__":
    main()
