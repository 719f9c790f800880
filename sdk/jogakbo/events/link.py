"""A connection to Redis whose end always shows as what it is, on every event loop."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis, RedisCluster
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


def mend_links(redis: Redis | RedisCluster) -> None:
    """From now on a command on a link that is gone raises redis-py's ``ConnectionError``, and nothing else."""
    if isinstance(redis, RedisCluster):
        link = _mended(redis.connection_kwargs["connection_class"])
        redis.connection_kwargs["connection_class"] = link  # for the nodes that it finds
        for node in redis.startup_nodes:
            node.connection_class = link
    else:
        redis.connection_pool.connection_class = _mended(redis.connection_pool.connection_class)


def _mended(plain: type[AbstractConnection]) -> type[_Link] | type[_TlsLink]:
    return _TlsLink if issubclass(plain, SSLConnection) else _Link
