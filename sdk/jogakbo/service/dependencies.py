"""What an endpoint may ask for by annotation: the database and who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from jogakbo.database import Database
from jogakbo.events.consumer import Consumer
from jogakbo.identity import Identity, IdentityVerifier


@dataclass(frozen=True, slots=True)
class Kit:
    """What ``create_service`` leaves in ``app.state.kit``."""

    name: str
    database: Database
    consumer: Consumer
    verifier: IdentityVerifier


async def _database(request: Request) -> Database:
    kit: Kit = request.app.state.kit
    return kit.database


async def _caller(request: Request) -> Identity:
    kit: Kit = request.app.state.kit
    reads = request.method in ("GET", "HEAD")
    return await kit.verifier.identify(request.headers.get("authorization", ""), needed=not reads)


Db = Annotated[Database, Depends(_database)]
"""The service's database; use it in a plain (not async) endpoint, which runs on a worker thread."""

Caller = Annotated[Identity, Depends(_caller)]
"""Who asks. Without a token one may only read, as ``PUBLIC``; a wrong token is refused with 401."""
