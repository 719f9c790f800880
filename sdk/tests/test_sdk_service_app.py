"""The app that ``create_service`` builds: errors, idempotency, health, logs, identity."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from jogakbo.service import (
    Caller,
    Conflict,
    Database,
    Db,
    NotFound,
    Once,
    PreconditionRequired,
    ServiceSettings,
    create_service,
)


class Settings(ServiceSettings):
    port: int = Field(0, description="Unused.")


class EmptyShelf(Exception):
    """A domain error."""


class Loaf(BaseModel):
    weight_g: int = Field(ge=1)


class Shelf(BaseModel):
    loaves: int


Client = Callable[..., TestClient]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    clients: list[TestClient] = []

    def build(jwks_url: str = "") -> TestClient:
        database = Database(f"sqlite:///{tmp_path}/bakery.db")
        app = create_service(
            "menu",  # an installed distribution, for its version
            settings=Settings(redis_url="", log_format="json", jwks_url=jwks_url),
            database=database,
            routers=[_router()],
            seed=_shelve,
            errors={EmptyShelf: 409},
        )
        clients.append(TestClient(app, raise_server_exceptions=False))
        return clients[-1].__enter__()

    yield build
    for each in clients:
        each.__exit__(None, None, None)


def _router() -> APIRouter:
    router = APIRouter()

    @router.post("/loaves", response_model=Shelf)
    def bake(loaf: Loaf, once: Once) -> object:
        def work(connection: Connection) -> Shelf:
            connection.execute(text("INSERT INTO loaves VALUES (:weight_g)"), {"weight_g": loaf.weight_g})
            if loaf.weight_g > 5000:
                raise EmptyShelf("the shelf cannot carry that")
            return Shelf(loaves=_count(connection))

        return once(work, status=201)

    @router.get("/shelf")
    def shelf(db: Db) -> Shelf:
        with db.read() as connection:
            return Shelf(loaves=_count(connection))

    @router.get("/me")
    def me(caller: Caller) -> str:
        return caller.subject

    @router.get("/fail/{how}")
    def fail(how: str) -> None:
        failures: dict[str, Exception] = {
            "missing": NotFound("no such loaf"),
            "conflict": Conflict("already eaten"),
            "version": PreconditionRequired("which one?"),
            "database": OperationalError("SELECT", {}, Exception("disk full")),
            "bug": ZeroDivisionError("secret detail"),
        }
        raise failures[how]

    return router


def test_a_repeat_with_the_same_key_gets_the_first_answer_and_does_no_work(client: Client) -> None:
    bakery = client()
    first = bakery.post("/loaves", json={"weight_g": 500}, headers={"Idempotency-Key": "k1"})
    again = bakery.post("/loaves", json={"weight_g": 500}, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, first.json()) == (201, {"loaves": 1})
    assert (again.status_code, again.json()) == (201, {"loaves": 1})
    assert again.headers["idempotency-replayed"] == "true"
    assert bakery.get("/shelf").json() == {"loaves": 1}


def test_the_same_key_for_another_request_is_refused(client: Client) -> None:
    bakery = client()
    bakery.post("/loaves", json={"weight_g": 500}, headers={"Idempotency-Key": "k1"})
    other = bakery.post("/loaves", json={"weight_g": 600}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert bakery.get("/shelf").json() == {"loaves": 1}


def test_a_failure_is_not_remembered_as_done(client: Client) -> None:
    bakery = client()
    for _ in range(2):
        refused = bakery.post("/loaves", json={"weight_g": 9000}, headers={"Idempotency-Key": "k1"})
        assert (refused.status_code, refused.json()["code"]) == (409, "empty_shelf")
        assert "idempotency-replayed" not in refused.headers
    assert bakery.get("/shelf").json() == {"loaves": 0}


def test_without_a_key_every_post_works(client: Client) -> None:
    bakery = client()
    for loaves in (1, 2):
        assert bakery.post("/loaves", json={"weight_g": 500}).json() == {"loaves": loaves}


def test_a_wrong_body_is_a_problem_that_names_the_field(client: Client) -> None:
    answer = client().post("/loaves", json={"weight_g": 0})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"
    assert answer.json()["errors"][0]["loc"] == "weight_g"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nowhere", 404, "not_found"),
        ("/fail/missing", 404, "not_found"),
        ("/fail/conflict", 409, "conflict"),
        ("/fail/version", 428, "precondition_required"),
        ("/fail/database", 503, "database_unavailable"),
        ("/fail/bug", 500, "internal_error"),
    ],
)
def test_every_error_is_a_problem(client: Client, path: str, status: int, code: str) -> None:
    answer = client().get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["instance"]) == (status, code, path)
    assert "secret" not in answer.text


def test_health_says_what_it_checked(client: Client) -> None:
    bakery = client()
    assert bakery.get("/livez").json()["status"] == "ok"
    ready = bakery.get("/readyz")
    assert (ready.status_code, ready.json()["name"]) == (200, "menu-service")
    assert set(ready.json()["checks"]) == {"database", "bus"}
    assert "http_server_request_duration_seconds" in bakery.get("/metrics").text


def test_a_bus_that_is_away_is_shown_and_leaves_the_service_ready(tmp_path: Path, unused_port: int) -> None:
    settings = Settings(redis_url=f"redis://127.0.0.1:{unused_port}/0")
    database = Database(f"sqlite:///{tmp_path}/bakery.db")
    with TestClient(create_service("menu", settings=settings, database=database, routers=[])) as bakery:
        ready = bakery.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"]["bus"] == {"status": "ok", "bus": "away"}


def test_a_bus_in_a_black_hole_does_not_hold_readiness_up(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/bakery.db")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(redis_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with TestClient(create_service("menu", settings=settings, database=database, routers=[])) as bakery:
            asked_at = time.monotonic()
            ready = bakery.get("/readyz")
            assert time.monotonic() - asked_at < 0.8
    assert ready.json()["checks"]["bus"] == {"status": "ok", "bus": "away"}


def test_one_line_per_request_with_its_trace(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    client().get("/shelf", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01", "x-request-id": "r-1"})
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    [line] = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/shelf", 200)
    assert (line["trace_id"], line["request_id"], line["member"]) == (trace, "r-1", "menu-service")
    assert line["duration_ms"] >= 0


def test_without_a_shell_everybody_is_anonymous(client: Client) -> None:
    assert client().get("/me").json() == "anonymous"


def test_with_a_shell_one_may_read_without_a_token_but_change_nothing(client: Client, unused_port: int) -> None:
    bakery = client(jwks_url=f"http://127.0.0.1:{unused_port}/jwks.json")
    assert bakery.get("/shelf").status_code == 200
    answer = bakery.post("/loaves", json={"weight_g": 500})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_wrong_token_is_refused_even_for_reading(client: Client, unused_port: int) -> None:
    bakery = client(jwks_url=f"http://127.0.0.1:{unused_port}/jwks.json")
    assert bakery.get("/shelf", headers={"Authorization": "Bearer forged"}).status_code == 401
    assert bakery.get("/livez").status_code == 200


def test_addresses_that_may_hold_a_password_are_not_shown() -> None:
    assert "hunter2" not in repr(Settings(redis_url="redis://:hunter2@cache/0"))


def _shelve(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE IF NOT EXISTS loaves (weight_g INTEGER)"))


def _count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM loaves")).scalar_one())
