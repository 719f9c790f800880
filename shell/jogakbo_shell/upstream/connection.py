"""One connection to an origin: a request at a time."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from jogakbo_shell.upstream.answer_reader import AnswerReader, Bounds
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.exchange import Exchange
from jogakbo_shell.upstream.port import Answer


class Owner(Protocol):
    """What a connection tells its pool."""

    def release(self, connection: Connection) -> None:
        """It stands at the start of the next request."""

    def lose(self, connection: Connection) -> None:
        """It is of no more use. May come twice."""

    def again(self, exchange: Exchange) -> bool:
        """The kept connection was dead: whether the exchange gets another."""


class Connection(asyncio.Protocol):
    __slots__ = ("_owner", "_reader", "_reused", "_transport", "exchange", "idle_since")

    def __init__(self, owner: Owner, bounds: Bounds) -> None:
        self._owner = owner
        self._reader = AnswerReader(bounds)
        self._transport: asyncio.Transport | None = None
        self._reused = False
        self.exchange: Exchange | None = None
        self.idle_since = 0.0

    @property
    def heard(self) -> bool:
        """Whether a byte came of the answer to what is under way."""
        return self._reader.heard

    def send(self, exchange: Exchange) -> None:
        self.exchange = exchange
        exchange.connection = self
        self._reader.expect(exchange.method)
        if self._transport is None:  # closed by the other side as soon as it was opened
            self._end()
        else:
            self._transport.write(exchange.sent)

    def drop(self) -> None:
        """Close at once; what is under way is its caller's to end."""
        self.exchange = None
        self._reader.close()
        self._owner.lose(self)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            self.drop()  # nothing was asked: it must not become the answer to the next request
            return
        try:
            self._reader.feed(data)
        except UpstreamError as error:
            self._fail(exchange, error)
            return
        answer = self._reader.answer
        if answer is not None:
            self._finish(exchange, answer)

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end(exc)

    def _end(self, broken: Exception | None = None) -> None:
        """The other side will say no more; `broken` when it was cut off rather than closed."""
        exchange = self.exchange
        self.drop()
        if exchange is None:
            return
        exchange.connection = None
        if self._reused and not self.heard and exchange.may_repeat() and self._owner.again(exchange):
            exchange.repeated = True
            return
        try:
            self._reader.end(broken)
        except UpstreamError as error:
            exchange.settle(error)
        if self._reader.answer is not None:
            exchange.settle(self._reader.answer)

    def _fail(self, exchange: Exchange, error: UpstreamError) -> None:
        self.drop()
        exchange.connection = None
        exchange.settle(error)

    def _finish(self, exchange: Exchange, answer: Answer) -> None:
        self.exchange = exchange.connection = None
        self._reused = True
        if self._reader.reusable and self._is_free():
            self._owner.release(self)
        else:
            self.drop()
        exchange.settle(answer)  # last: it may begin another, for which this connection is free now

    def _is_free(self) -> bool:
        # An answer that came before the whole request was sent: the rest would be read as a request of its own.
        transport = self._transport
        return transport is not None and not transport.is_closing() and not transport.get_write_buffer_size()
