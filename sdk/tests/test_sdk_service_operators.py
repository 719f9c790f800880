"""What a service offers to those who run it: parked events, the lab, positions, and a bound for what it is sent."""

from __future__ import annotations

import json
import multiprocessing
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.requests import Request

from jogakbo.body import MAX_BODY_BYTES
from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.contract.streams import Position, format_positions, parse_positions
from jogakbo.database import Database
from jogakbo.events import Consumer, Outbox
from jogakbo.events.inbox import Entry
from jogakbo.service import AtLeast, Db, ServiceSettings, Wrote, create_service
from jogakbo.serving import serve
from jogakbo.testing import running

OUTBOX = Outbox("menu")


class Settings(ServiceSettings):
    port: int = Field(0, description="Unused.")


class Baked(msgspec.Struct):
    loaves: int


class Loaf(BaseModel):
    weight_g: int


class Bakery:
    """A running service that reads the stream of the mill."""

    def __init__(self, folder: Path, *, lab: bool = False) -> None:
        self.database = Database(f"sqlite:///{folder}/menu.db")
        self.consumer = Consumer(strict=True)
        self.ground: list[int] = []
        self.stuck = False
        self.consumer.on("mill.Ground", Baked)(self._ground)
        settings = Settings(redis_url="", lab=lab)
        self.app = create_service(
            "menu", settings=settings, database=self.database, routers=[_router()], consumer=self.consumer
        )

    def _ground(self, connection: Connection, event: CloudEvent, data: Baked) -> None:
        if self.stuck:
            raise RuntimeError("the millstone is stuck")
        self.ground.append(data.loaves)

    def hears(self, seq: int) -> None:
        self.consumer.inbox(self.database, "mill").deliver("mill", [_ground(seq)])

    def parks(self, seq: int, reason: str) -> None:
        self.consumer.inbox(self.database, "mill").park("mill", _ground(seq), reason, 10)


def _ground(seq: int) -> Entry:
    event: dict[str, object] = {"specversion": "1.0", "id": f"7-{seq}", "source": "mill", "type": "mill.Ground"}
    event |= {"subject": "mill-1", "time": "2026-11-22T13:40:00Z", "data": {"loaves": seq}}
    return Entry(Position(7, seq), json.dumps(event).encode())


def _router() -> APIRouter:
    router = APIRouter()

    @router.post("/loaves")
    def bake(loaf: Loaf, db: Db, wrote: Wrote) -> int:
        with db.write() as connection:
            wrote(OUTBOX.add(connection, "menu.Baked", "oven-1", Baked(loaf.weight_g)))
        return loaf.weight_g

    @router.get("/sold")
    def sold(read_at: AtLeast) -> Response:
        return Response(str(read_at["mill"]))

    @router.post("/stream")
    async def stream(request: Request) -> int:
        return len([chunk async for chunk in request.stream()])

    return router


@pytest.fixture
def bakery(tmp_path: Path) -> Bakery:
    return Bakery(tmp_path)


@pytest.fixture
def client(bakery: Bakery) -> Iterator[httpx2.Client]:
    with running(bakery.app) as url, httpx2.Client(base_url=url, timeout=10, trust_env=False) as client:
        yield client


def test_parked_events_are_listed_and_counted_until_a_retry_succeeds(bakery: Bakery, client: httpx2.Client) -> None:
    assert client.get("/-/parked").json() == []
    bakery.parks(1, "the millstone was stuck")
    [event] = client.get("/-/parked").json()
    assert {**event, "parked_at": ""} == {
        "stream": "mill",
        "position": "7-1",
        "type": "mill.Ground",
        "subject": "mill-1",
        "reason": "the millstone was stuck",
        "attempts": 10,
        "parked_at": "",
    }
    assert 'jogakbo_parked_events{service="menu"} 1.0' in client.get("/metrics").text
    assert client.post("/-/parked/mill/7-1/retry").status_code == 204
    assert bakery.ground == [1]
    assert client.get("/-/parked").json() == []
    assert 'jogakbo_parked_events{service="menu"} 0.0' in client.get("/metrics").text


def test_a_retry_that_fails_says_why(bakery: Bakery, client: httpx2.Client) -> None:
    bakery.parks(1, "who knows")
    bakery.stuck = True
    refused = client.post("/-/parked/mill/7-1/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "still_failing")
    assert "the millstone is stuck" in refused.json()["detail"]
    [event] = client.get("/-/parked").json()
    assert (event["attempts"], "is stuck" in event["reason"]) == (11, True)


@pytest.mark.parametrize("position", ["7-2", "rubbish"])
def test_what_is_not_parked_is_not_found(client: httpx2.Client, position: str) -> None:
    assert client.post(f"/-/parked/mill/{position}/retry").status_code == 404


def test_without_the_lab_there_is_nothing_to_break(client: httpx2.Client) -> None:
    assert client.post("/-/lab/lose", json={"type": "mill.Ground"}).status_code == 404
    assert client.post("/-/lab/kill").status_code == 404


def test_the_lab_loses_the_next_messages_of_a_type(tmp_path: Path) -> None:
    bakery = Bakery(tmp_path, lab=True)
    with running(bakery.app) as url:
        assert httpx2.post(f"{url}/-/lab/lose", json={"type": "mill.Ground", "count": 2}).status_code == 204
        bakery.hears(1)
        assert httpx2.get(f"{url}/-/lab").json() == {"losing": {"mill.Ground": 1}}
        bakery.hears(2)
        bakery.hears(3)
        assert httpx2.get(f"{url}/-/lab").json() == {"losing": {}}
        for count in (5, 0):
            assert httpx2.post(f"{url}/-/lab/lose", json={"type": "mill.Ground", "count": count}).status_code == 204
        bakery.hears(4)
    assert bakery.ground == [3, 4]


def test_the_lab_ends_the_process_as_a_crash_would(tmp_path: Path, unused_port: int) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(tmp_path, unused_port), daemon=True)
    process.start()
    with httpx2.Client(base_url=f"http://127.0.0.1:{unused_port}", timeout=10, trust_env=False) as client:
        _until_ready(client)
        assert client.post("/-/lab/kill").status_code == 202
    process.join(10)
    assert process.exitcode == -signal.SIGKILL


def test_a_write_says_its_position(bakery: Bakery, client: httpx2.Client) -> None:
    answer = client.post("/loaves", json={"weight_g": 500})
    with bakery.database.read() as connection:
        assert answer.headers["jogakbo-position"] == f"menu:{OUTBOX.last(connection)}"


def test_a_read_says_how_far_it_has_read_and_what_it_has_told(bakery: Bakery, client: httpx2.Client) -> None:
    bakery.hears(1)
    positions = parse_positions(client.get("/sold").headers["jogakbo-position"])
    assert positions["mill"] == Position(7, 1)
    assert positions["menu"].seq == 0


def test_a_read_waits_for_what_it_is_asked_for(bakery: Bakery, client: httpx2.Client) -> None:
    bakery.hears(1)
    own = client.post("/loaves", json={"weight_g": 500}).headers["jogakbo-position"]
    later = threading.Timer(0.1, bakery.hears, [2])
    later.start()
    answer = client.get("/sold", params={"at_least": ["mill:7-2", own]})
    later.join()
    assert (answer.status_code, answer.text) == (200, "7-2")


def test_a_read_that_would_be_too_old_says_so(bakery: Bakery, client: httpx2.Client) -> None:
    bakery.hears(1)
    answer = client.get("/sold", params={"at_least": "mill:7-2"})
    assert (answer.status_code, answer.json()["code"]) == (503, "behind")
    assert answer.headers["retry-after"] == "1"
    assert parse_positions(answer.headers["jogakbo-position"])["mill"] == Position(7, 1)


@pytest.mark.parametrize(("asked", "code"), [("mars:7-1", "unread_stream"), ("mill", "unprocessable")])
def test_a_read_does_not_wait_for_what_will_never_come(client: httpx2.Client, asked: str, code: str) -> None:
    answer = client.get("/sold", params={"at_least": asked})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_positions_survive_the_header() -> None:
    positions = {"till": Position(8, 3), "orders": Position(7, 42)}
    assert format_positions(positions) == "orders:7-42, till:8-3"
    assert parse_positions("orders:7-42, till:8-3, till:8-1") == positions


@pytest.mark.parametrize("path", ["/loaves", "/stream"])
def test_a_body_that_is_too_long_is_refused(client: httpx2.Client, path: str) -> None:
    refused = client.post(path, content=b" " * (MAX_BODY_BYTES + 1))
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")
    assert refused.json()["code"] == "content_too_large"


@pytest.mark.parametrize("path", ["/loaves", "/stream"])
def test_a_body_that_hides_its_length_is_refused_at_the_bound(client: httpx2.Client, path: str) -> None:
    refused = client.post(path, content=(b" " * 100_000 for _ in range(30)))
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")
    assert client.get("/livez").status_code == 200


def test_a_body_at_the_bound_is_read(client: httpx2.Client) -> None:
    loaf = b'{"weight_g": 500}'.ljust(MAX_BODY_BYTES)
    assert client.post("/loaves", content=loaf, headers={"Content-Type": "application/json"}).status_code == 200


def _serve(folder: Path, port: int) -> None:
    serve(Bakery(folder, lab=True).app, host="127.0.0.1", port=port)


def _until_ready(client: httpx2.Client) -> None:
    for _ in range(1000):
        try:
            if client.get("/livez").status_code == 200:
                return
        except httpx2.TransportError:
            threading.Event().wait(0.02)
    raise AssertionError("the service did not start")
