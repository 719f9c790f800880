"""What is broken, and how. What a fault has begun it also ends."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeAlias, cast

import httpx2
from redis.exceptions import RedisError

from chaos.live.processes import Member
from chaos.orders.world import World

REDIS_ERRORS = (RedisError, OSError, TimeoutError)

Strike = Callable[[World, random.Random, float], Awaitable[None]]

_STREAMS = tuple(f"jogakbo:stream:{service}" for service in ("orders", "inventory", "till", "menu"))
# What somebody waits for, so that it comes again. An event that only reports read must not be lost like this.
_ANSWERED = {
    "inventory": ("inventory.ReserveStock", "inventory.CommitReservation", "inventory.ReleaseReservation"),
    "till": ("till.ChargePayment", "till.VoidPayment", "till.RefundPayment"),
    "orders": (
        "inventory.StockReserved",
        "inventory.StockRefused",
        "inventory.ReservationCommitted",
        "inventory.ReservationReleased",
        "till.PaymentCharged",
        "till.PaymentDeclined",
        "till.PaymentVoided",
    ),
}
_MOODS = ("decline", "time_out", "late", "down")


async def killed(member: Member, seconds: float) -> None:
    await member.end()
    await asyncio.sleep(seconds)
    await member.restart()


async def stopped(member: Member, seconds: float) -> None:
    member.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        member.send(signal.SIGCONT)


async def front_killed(world: World, rng: random.Random, seconds: float) -> None:
    await killed(rng.choice(world.front), rng.choice((0, seconds)))


async def front_stopped(world: World, rng: random.Random, seconds: float) -> None:
    await stopped(rng.choice(world.front), seconds)


async def back_killed(world: World, rng: random.Random, seconds: float) -> None:
    await killed(rng.choice(world.back), rng.choice((0, seconds)))


async def back_stopped(world: World, rng: random.Random, seconds: float) -> None:
    await stopped(rng.choice(world.back), seconds)


async def message_lost(world: World, rng: random.Random, seconds: float) -> None:
    """It was read, and it is as if it never had been."""
    member = rng.choice([*world.orders, world.inventory, world.till])
    type = rng.choice(_ANSWERED[member.name.partition("-")[0]])
    with suppress(httpx2.HTTPError):
        await _lose(world, member, type, rng.randint(1, 4))
        await asyncio.sleep(seconds / 4)
    with suppress(httpx2.HTTPError):  # one that has ended meanwhile remembers nothing
        while True:
            with suppress(httpx2.TimeoutException):  # it stands still
                return await _lose(world, member, type, 0)


async def _lose(world: World, member: Member, type: str, count: int) -> None:
    await world.http.post(f"{member.url}/-/lab/lose", json={"type": type, "count": count}, timeout=2)


async def gateway_moody(world: World, rng: random.Random, seconds: float) -> None:
    mood, lasts = rng.choice(_MOODS), max(1, round(seconds))
    with suppress(httpx2.HTTPError):
        await world.http.put(f"{world.gateway.url}/mood", json={"mood": mood, "seconds": lasts}, timeout=2)
    await asyncio.sleep(lasts)


async def valkey_killed(world: World, rng: random.Random, seconds: float) -> None:
    await killed(world.valkey, seconds)


async def valkey_stopped(world: World, rng: random.Random, seconds: float) -> None:
    await stopped(world.valkey, seconds)


async def valkey_wiped(world: World, rng: random.Random, seconds: float) -> None:
    for _ in range(rng.randint(1, 3)):
        with suppress(*REDIS_ERRORS):
            await world.redis.flushall()
        await asyncio.sleep(seconds / 3)


async def entries_told_again(world: World, rng: random.Random, seconds: float) -> None:
    """The newest entries of a stream once more under their own ids, and the newest of all gone."""
    stream = rng.choice(_STREAMS)
    with suppress(*REDIS_ERRORS):
        entries = await _newest(world, stream, rng.randint(2, 50))
        await world.redis.delete(stream)
        for id, fields in entries[: len(entries) - rng.randint(0, 1)]:
            await world.redis.xadd(stream, fields, id=id)
    await asyncio.sleep(seconds / 4)


async def entry_repeated(world: World, rng: random.Random, seconds: float) -> None:
    """An old entry once more as if it were the next one: its relay sees a stream that is not its own."""
    stream = rng.choice(_STREAMS)
    with suppress(*REDIS_ERRORS):
        entries = await _newest(world, stream, 50)
        if entries:
            epoch, _, seq = entries[-1][0].decode().partition("-")
            await world.redis.xadd(stream, rng.choice(entries)[1], id=f"{epoch}-{int(seq) + 1}")
    await asyncio.sleep(seconds / 2)


_Word: TypeAlias = "bytes | bytearray | memoryview[int] | str | int | float"
_Entry: TypeAlias = "tuple[bytes, dict[_Word, _Word]]"


async def _newest(world: World, stream: str, count: int) -> list[_Entry]:
    """Oldest first."""
    return cast(list[_Entry], await world.redis.xrevrange(stream, count=count))[::-1]


FAULTS: Mapping[str, tuple[tuple[Strike, ...], float, float, float]] = {
    "front": ((front_killed, front_stopped), 1.5, 0.3, 4.0),
    "back": ((back_killed, back_killed, back_stopped), 1.5, 0.3, 4.0),
    "valkey": ((valkey_killed, valkey_stopped, valkey_wiped, entries_told_again, entry_repeated), 3.0, 0.2, 3.0),
    "mood": ((gateway_moody,), 4.0, 1.0, 5.0),
    "messages": ((message_lost,), 1.0, 0.5, 1.0),
}
"""By place, where one thing happens at a time: what, the mean seconds of quiet between, and how long it may last."""
