"""What stands before the shell's workers: a load balancer that takes only those that are ready."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chaos.live.processes import Member, status_of
from chaos.live.wire import Wire

_LOOK_SECONDS = 0.1


def http_answer(status: str, body: str, media_type: str = "text/html; charset=utf-8", *headers: str) -> bytes:
    """`http_answer("502 Bad Gateway", "<h1>Bad gateway</h1>")`"""
    content = body.encode()
    lines = [f"HTTP/1.1 {status}", f"content-type: {media_type}", f"content-length: {len(content)}", *headers]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + content


class Front(Wire):
    """Each connection goes to the next of the workers that answered 200 at /readyz a moment ago."""

    def __init__(self, port: int, workers: Sequence[Member]) -> None:
        super().__init__(port)
        self._workers = workers
        self._ready: list[Member] = []
        self._turn = 0
        self._looking: asyncio.Task[None] | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        await super().start()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await super().stop()

    async def _look(self) -> None:
        while True:
            answers = await asyncio.gather(*(status_of(worker.port, "/readyz", 0.5) for worker in self._workers))
            self._ready = [worker for worker, status in zip(self._workers, answers, strict=True) if status == 200]
            await asyncio.sleep(_LOOK_SECONDS)

    async def _choose(self) -> int:
        self._turn += 1
        return self._ready[self._turn % len(self._ready)].port if self._ready else 0

    def _nobody(self) -> bytes:
        return http_answer("503 Service Unavailable", "<h1>Nobody is ready</h1>", "text/html", "retry-after: 1")
