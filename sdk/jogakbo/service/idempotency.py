"""``Idempotency-Key``: a POST that comes again gets the first answer again and does no work.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from starlette.responses import Response

from jogakbo.contract.cloudevent import utc_now
from jogakbo.database import Database, UtcDateTime
from jogakbo.service.dependencies import Caller, Db
from jogakbo.service.errors import KeyReused

_KEPT = timedelta(days=2)

_keys = Table(
    "idempotency_keys",
    MetaData(),
    Column("subject", String(60), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
)


class OnceOnly:
    """Runs the work of one request in one transaction, together with the note that it was done.

    A failure is not remembered: the transaction is undone, and the same key may try again.
    """

    def __init__(self, database: Database, subject: str, key: str, fingerprint: str) -> None:
        self._database = database
        self._subject = subject
        self._key = key
        self._fingerprint = fingerprint

    def __call__(self, work: Callable[[Connection], BaseModel], *, status: int = 200) -> Response:
        """Answer with what ``work`` returns, or with the stored answer when the key was used before.

        Raises ``KeyReused`` when the key belongs to another request. Without a key the work just runs.
        """
        with self._database.write() as connection:
            if self._key and not self._claim(connection):
                stored = self._stored(connection)
                return _json(stored.answer, stored.status, {"Idempotency-Replayed": "true"})
            answer = work(connection).model_dump_json()
            if self._key:
                connection.execute(update(_keys).where(self._this()).values(status=status, answer=answer))
        return _json(answer, status)

    def _claim(self, connection: Connection) -> bool:
        """Whether this request is the first of its key.

        Claimed before the work: PostgreSQL lets two transactions run at once, and here the second waits for the
        first. If that is undone, the second is the first.
        """
        now = utc_now()
        connection.execute(delete(_keys).where(_keys.c.used_at < now - _KEPT))
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        claim = dialect.insert(_keys).values(
            subject=self._subject, key=self._key, fingerprint=self._fingerprint, status=0, answer="", used_at=now
        )
        return connection.scalar(claim.on_conflict_do_nothing().returning(_keys.c.key)) is not None

    def _stored(self, connection: Connection) -> Row[str, int, str]:
        query = select(_keys.c.fingerprint, _keys.c.status, _keys.c.answer).where(self._this())
        stored = connection.execute(query).one()
        if stored.fingerprint != self._fingerprint:
            raise KeyReused(f"Idempotency-Key {self._key!r} was used for another request; make a new key")
        return stored

    def _this(self) -> ColumnElement[bool]:
        return (_keys.c.subject == self._subject) & (_keys.c.key == self._key)


async def _once(
    request: Request,
    database: Db,
    caller: Caller,
    idempotency_key: Annotated[
        str, Header(max_length=200, description="Made by the client; a repeat gets the first answer again.")
    ] = "",
) -> OnceOnly:
    body = await request.body()
    text = f"{request.method} {request.url.path}\n".encode() + body
    return OnceOnly(database, caller.subject, idempotency_key, hashlib.sha256(text).hexdigest())


Once = Annotated[OnceOnly, Depends(_once)]
"""Annotate a parameter of an endpoint with this and let it run the work: ``return once(lambda conn: …)``."""


def _json(answer: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(answer, status, headers, media_type="application/json")
