"""The measurements, one function each."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec
from redis import Redis

from bench.changes import percentile
from bench.orders.office import Office, order_ids, put_orders

_DAY = "2026-03-02"
_PAUSE_SECONDS = 0.05


class Accepted(msgspec.Struct, frozen=True):
    orders: int
    per_second: float
    cpu_ms: float
    """Of the orders service, for each order."""


class Confirmed(msgspec.Struct, frozen=True):
    orders: int
    per_second: float
    confirmed: int


class Closed(msgspec.Struct, frozen=True):
    orders: int
    seconds: float
    state: str


class Rebuilt(msgspec.Struct, frozen=True):
    events: int
    heard_seconds: float
    seconds: float
    reads: int
    refused: int
    slowest_read_ms: float


class Read(msgspec.Struct, frozen=True):
    """Milliseconds for the state of an ingredient, p50."""

    few: int
    many: int
    few_ms: float
    many_ms: float


def accepted(folder: Path, count: int) -> Accepted:
    """One orders process takes orders; nobody hears of them."""
    with Office(folder, ("menu", "orders"), apart=True) as office:
        _menu_is_known(office, "orders")
        asyncio.run(put_orders(office, order_ids(100, 1), item="espresso", payment="cash"))
        ids, cpu, began = order_ids(count, 2), office.cpu_seconds("orders"), time.monotonic()
        asyncio.run(put_orders(office, ids, item="espresso", payment="cash"))
        seconds = time.monotonic() - began
        return Accepted(count, count / seconds, (office.cpu_seconds("orders") - cpu) / count * 1000)


def confirmed(office: Office, count: int) -> Confirmed:
    """From the first request until the last order is CONFIRMED, cards and all."""
    ids, began = order_ids(count, 3), time.monotonic()
    asyncio.run(put_orders(office, ids, item="espresso", payment="card-4242"))
    _until_ended(office)
    seconds = time.monotonic() - began
    return Confirmed(count, count / seconds, _count(office, "CONFIRMED", ids[0][:8]))


def quiet_latency_ms(office: Office, count: int) -> list[float]:
    """Of orders one at a time, from accepted to CONFIRMED as their timelines tell it."""
    taken = []
    for order_id in order_ids(count, 4):
        asyncio.run(put_orders(office, [order_id], item="espresso", payment="card-4242"))
        while (order := office.get("orders", f"/orders/{order_id}"))["state"] != "CONFIRMED":
            time.sleep(0.005)
        at = {moment["step"]: datetime.fromisoformat(moment["at"]) for moment in order["timeline"]}
        taken.append((at["committed"] - at["placed"]).total_seconds() * 1000)
    return taken


def closed(office: Office, count: int) -> Closed:
    """A day with so many orders, from the button to `closed`."""
    asyncio.run(put_orders(office, order_ids(count, 5), item="espresso", payment="cash"))
    _until_ended(office)
    day, began = office.get("till", "/days/open")["business_day"], time.monotonic()
    office.ask("POST", "till", f"/days/{day}/close").raise_for_status()
    while (close := office.get("till", f"/days/{day}/close"))["state"] == "closing" and time.monotonic() - began < 120:
        time.sleep(_PAUSE_SECONDS)
    with closing(_database(office, "orders")) as orders:
        [(number,)] = orders.execute("SELECT count(*) FROM orders WHERE state = 'CONFIRMED'")
    return Closed(number, time.monotonic() - began, close["state"])


def rebuilt(folder: Path, count: int) -> Rebuilt:
    """The reports hear so many sales, then count them all anew while somebody reads them."""
    with Office(folder, ("reports",)) as office:
        began = time.monotonic()
        with Redis(port=office.valkey_port) as redis:
            _tell_sales(redis, count)
        while office.get("reports", "/rebuild")["of"] < count:
            time.sleep(_PAUSE_SECONDS)
        heard, began = time.monotonic() - began, time.monotonic()
        office.ask("POST", "reports", "/rebuild").raise_for_status()
        reads, refused, slowest = 0, 0, 0.0
        while True:
            asked = time.monotonic()
            answer = office.ask("GET", "reports", f"/days/{_DAY}/report")
            reads, refused = reads + 1, refused + (answer.status_code != 200)
            slowest = max(slowest, time.monotonic() - asked)
            if office.get("reports", "/rebuild")["state"] == "idle":
                break
            time.sleep(_PAUSE_SECONDS)
        return Rebuilt(count, heard, time.monotonic() - began, reads, refused, slowest * 1000)


def read(folder: Path, few: int, many: int, samples: int = 100) -> Read:
    """The state of two ingredients with its newest events, one with few events on its day and one with many."""
    with Office(folder, ("menu", "inventory")) as office:
        for ingredient in ("milk", "beans"):
            for number in range(few):
                path = f"/ingredients/{ingredient}/restock"
                office.ask("POST", "inventory", path, {"amount": 1}, key=f"{ingredient} {number}").raise_for_status()
        office.stop("inventory")
        with closing(_database(office, "inventory", write=True)) as stock:
            _restock(stock, "beans", many)
        office.start("inventory")
        taken = {
            ingredient: [_timed(office, f"/ingredients/{ingredient}/stream") for _ in range(samples)]
            for ingredient in ("milk", "beans")
        }
        return Read(few, many, *(percentile(taken[ingredient], 0.5) for ingredient in ("milk", "beans")))


def stock_up(office: Office) -> None:
    """Beans for all that is to come."""
    _menu_is_known(office, "orders")
    _menu_is_known(office, "inventory")
    office.ask("POST", "inventory", "/ingredients/beans/restock", {"amount": 1_000_000}).raise_for_status()


def _timed(office: Office, path: str) -> float:
    began = time.perf_counter()
    office.ask("GET", "inventory", path).raise_for_status()
    return (time.perf_counter() - began) * 1000


def _menu_is_known(office: Office, reader: str) -> None:
    with closing(_database(office, "menu")) as menu, closing(_database(office, reader)) as known:
        [(newest,)] = menu.execute("SELECT seq FROM outbox_counter")
        while known.execute("SELECT seq FROM positions WHERE stream = 'menu'").fetchone() != (newest,):
            time.sleep(_PAUSE_SECONDS)


def _until_ended(office: Office) -> None:
    query = "SELECT count(*) FROM orders WHERE state NOT IN ('CONFIRMED', 'REJECTED', 'CANCELLED', 'REFUNDED')"
    with closing(_database(office, "orders")) as orders:
        while orders.execute(query).fetchone() != (0,):
            time.sleep(_PAUSE_SECONDS)


def _count(office: Office, state: str, prefix: str) -> int:
    with closing(_database(office, "orders")) as orders:
        query = "SELECT count(*) FROM orders WHERE state = ? AND id LIKE ?"
        [(number,)] = orders.execute(query, (state, f"{prefix}%"))
    return int(number)


def _restock(stock: sqlite3.Connection, ingredient: str, count: int) -> None:
    """As if so many deliveries of 1 had come today: events, and the snapshots that they would have left."""
    newest = "SELECT stream, version FROM stock_events WHERE subject = ? ORDER BY version DESC LIMIT 1"
    stream, version = stock.execute(newest, (ingredient,)).fetchone()
    copy = (
        "INSERT INTO stock_events (stream, version, subject, business_day, name, data, at) "
        "SELECT stream, ?, subject, business_day, name, data, at FROM stock_events WHERE stream = ? AND version = ?"
    )
    stock.executemany(copy, ((number, stream, version) for number in range(version + 1, count + 1)))
    columns = [row[1] for row in stock.execute("PRAGMA table_info(stock_snapshots)")]
    row = dict(
        zip(columns, stock.execute("SELECT * FROM stock_snapshots WHERE stream = ?", (stream,)).fetchone(), strict=True)
    )
    state, holes = json.loads(row["state"]), ", ".join("?" for _ in columns)
    for number in range(row["version"] + 100, count + 1, 100):
        later = {**state, "on_hand": state["on_hand"] + number - row["version"]}
        values = {**row, "version": number, "state": json.dumps(later).encode()}
        stock.execute(f"INSERT INTO stock_snapshots VALUES ({holes})", [values[column] for column in columns])
    added = max(count - version, 0)
    stock.execute("UPDATE stock_levels SET on_hand = on_hand + ? WHERE ingredient_id = ?", (added, ingredient))
    stock.commit()


def _tell_sales(redis: Redis, count: int) -> None:
    """Straight into the stream of orders, which nobody else fills."""
    line = {"item_id": "latte", "name": {"en": "Latte", "ko": "라테"}, "qty": 1, "price_won": 5000}
    at = f"{_DAY}T03:00:00Z"
    with redis.pipeline(transaction=False) as pipe:
        for number in range(1, count + 1):
            order_id = f"{number:08x}-0000-4000-8000-000000000000"
            sale = {"order_id": order_id, "number": number, "business_day": _DAY, "confirmed_at": at}
            event = {
                "specversion": "1.0",
                "id": f"1-{number}",
                "source": "orders",
                "type": "orders.OrderConfirmed",
                "subject": order_id,
                "time": at,
                "data": {**sale, "lines": [line], "total_won": 5000},
            }
            pipe.xadd("jogakbo:stream:orders", {"event": json.dumps(event)}, id=f"1-{number}")
            if number % 1000 == 0:
                pipe.execute()
        pipe.execute()


def _database(office: Office, name: str, *, write: bool = False) -> sqlite3.Connection:
    mode = "rw" if write else "ro"
    return sqlite3.connect(f"file:{office.folder}/{name}.db?mode={mode}", uri=True)
