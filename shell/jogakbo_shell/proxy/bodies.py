"""The body of a request, up to a bound and no longer than its deadline."""

from __future__ import annotations

import asyncio

from starlette.types import Receive


class BodyTooLarge(Exception):
    """More bytes than a form of this portal ever has; answered with 413."""


class BodyTooSlow(Exception):
    """The browser did not finish within the deadline; answered with 408."""


class BodyCutShort(Exception):
    """The browser went away in the middle."""


async def read_body(receive: Receive, declared: str, *, max_bytes: int, seconds: float) -> bytes:
    """Raises BodyTooLarge (at once where Content-Length says so), BodyTooSlow or BodyCutShort."""
    if declared.isdigit() and int(declared) > max_bytes:
        raise BodyTooLarge(f"{declared} bytes, at most {max_bytes}")
    try:
        async with asyncio.timeout(seconds):
            return await _collect(receive, max_bytes)
    except TimeoutError as error:
        raise BodyTooSlow(f"no end within {seconds:.1f} s") from error


async def _collect(receive: Receive, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyCutShort
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > max_bytes:
            raise BodyTooLarge(f"more than {max_bytes} bytes")
        more = message.get("more_body", False)
    return b"".join(chunks)
