"""The way from a fragment server to its own backend service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import httpx2
import msgspec

from jogakbo.contract.context import TRACEPARENT
from jogakbo.contract.problem import Problem, decode_problem
from jogakbo.http import http_client
from jogakbo.identity import Identity
from jogakbo.logs import Trace

T = TypeVar("T")

_MAX_CONNECTIONS = 32


class ServiceError(Exception):
    """The service could not do what was asked.

    ServiceError
    ├── ServiceRefused      it answered 4xx: the person should change something
    └── ServiceUnavailable  it did not answer in time, or not with what was agreed
    """


class ServiceRefused(ServiceError):
    """The service answered 4xx; ``problem`` says why (RFC 9457)."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code or problem.title}: {problem.detail}")
        self.problem = problem


class ServiceUnavailable(ServiceError):
    """The service hung, refused the connection, failed, or answered something else than agreed."""


class Service:
    """One request's calls to the service: they carry its person and its trace, and end in time.

    Answers are decoded into the caller's own ``msgspec`` structs; fields that these do not name are ignored.
    """

    def __init__(self, client: httpx2.AsyncClient, *, identity: Identity, trace: Trace, timeout_seconds: float) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._headers = {TRACEPARENT: trace.traceparent}
        if identity.token:
            self._headers["authorization"] = f"Bearer {identity.token}"

    async def get(self, path: str, answer: type[T], **query: str | int) -> T:
        """``GET path`` as ``answer``. Raises ``ServiceRefused`` or ``ServiceUnavailable``."""
        request = self._client.build_request("GET", path, params=query, headers=self._headers)
        return _decoded(await self._sent(request), answer)

    async def content(self, path: str, **query: str | int) -> bytes:
        """``GET path`` as it is. Raises ``ServiceRefused`` or ``ServiceUnavailable``."""
        request = self._client.build_request("GET", path, params=query, headers=self._headers)
        return (await self._sent(request)).content

    async def send(
        self,
        method: str,
        path: str,
        answer: type[T],
        body: Mapping[str, object] | msgspec.Struct | None = None,
        *,
        idempotency_key: str = "",
        if_match: str = "",
    ) -> T:
        """``method path`` with a JSON body, as ``answer`` (``None`` where nothing is returned).

        Raises ``ServiceRefused`` or ``ServiceUnavailable``. A request that may be sent again carries an
        ``idempotency_key``, so that the service does the work once.
        """
        headers = dict(self._headers)
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        if if_match:
            headers["if-match"] = f'"{if_match}"'
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = msgspec.json.encode(body)
        request = self._client.build_request(method, path, content=content, headers=headers)
        return _decoded(await self._sent(request), answer)

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._client.send(request)
        except (httpx2.HTTPError, TimeoutError) as error:
            reason = str(error) or f"no answer in {self._timeout_seconds} s"
            raise ServiceUnavailable(f"{request.method} {request.url}: {reason}") from error
        if 400 <= response.status_code < 500:
            raise ServiceRefused(decode_problem(response.content, response.status_code))
        if response.status_code >= 300:
            raise ServiceUnavailable(f"{request.method} {request.url}: status {response.status_code}")
        return response


def service_client(url: str) -> httpx2.AsyncClient:
    """The connections of one fragment server to its service; times are bounded per call by ``Service``."""
    return http_client(url, max_connections=_MAX_CONNECTIONS)


def _decoded(response: httpx2.Response, answer: type[T]) -> T:
    if answer is type(None):
        return None
    try:
        return msgspec.json.decode(response.content, type=answer)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ServiceUnavailable(f"{response.request.method} {response.url}: {error}") from error
