"""Health: alive, ready, and the figures for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Check = Callable[[], Awaitable[Mapping[str, object]]]
"""Returns facts to show, such as ``{"version": "1.4.2"}``; raises when the thing is not usable."""

_CHECK_TIMEOUT_SECONDS = 1.5


def health_routes(name: str, version: str, checks: Mapping[str, Check]) -> list[Route]:
    """``/livez``, ``/readyz`` and ``/metrics`` of one deployable.

    ``/readyz`` answers 200, or 503 when a check raises or takes over 1.5 s:
    ``{"status": "ok", "name": "orders-service", "version": "0.1.0", "checks": {"database": {…}}}``.
    """

    async def livez(request: Request) -> Response:
        return JSONResponse({"status": "ok", "name": name, "version": version})

    async def readyz(request: Request) -> Response:
        results = await asyncio.gather(*(_run(check) for check in checks.values()))
        ready = all(result["status"] == "ok" for result in results)
        body = {
            "status": "ok" if ready else "failing",
            "name": name,
            "version": version,
            "checks": dict(zip(checks, results, strict=True)),
        }
        return JSONResponse(body, 200 if ready else 503, {"Cache-Control": "no-store"})

    def metrics(request: Request) -> Response:  # on a thread: a figure may be read from the database
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


async def _run(check: Check) -> dict[str, object]:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_SECONDS):
            facts = await check()
    except TimeoutError:
        return {"status": "failing", "error": f"no answer in {_CHECK_TIMEOUT_SECONDS} s"}
    except Exception as error:  # a check may fail in any way; its message is the finding
        return {"status": "failing", "error": f"{type(error).__name__}: {error}"}
    return {"status": "ok", **facts}
