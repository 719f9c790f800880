"""A connection to Redis whose end always shows as what it is, on every event loop."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError


class _Cut(AbstractConnection):
    """uvloop raises RuntimeError for what is written to a link that the other side has cut; redis-py itself fails with
    AttributeError where another task has closed the link between its check and its write.
    """

    async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super().send_packed_command(*args, **kwargs)
        except (RuntimeError, AttributeError) as error:
            raise RedisConnectionError(str(error)) from error


class _Link(_Cut, Connection): ...


class _TlsLink(_Cut, SSLConnection): ...


def mend_links(redis: Redis) -> None:
    """From now on a command on a link that is gone raises redis-py's ``ConnectionError``, and nothing else."""
    pool = redis.connection_pool
    pool.connection_class = _TlsLink if issubclass(pool.connection_class, SSLConnection) else _Link
