"""`jogak events parked` and `jogak events retry` on a real service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from joserfc.jwk import KeySet, OKPKey
from pydantic import Field
from sqlalchemy import Connection
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jogakbo.cli.main import main
from jogakbo.cli.state import PortalState, Running, write_state
from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.contract.streams import Position
from jogakbo.database import Database
from jogakbo.events import Consumer
from jogakbo.events.inbox import Entry
from jogakbo.service import ServiceSettings, create_service
from jogakbo.testing import running

PORTAL = """
[[member]]
name = "menu-service"
kind = "service"
module = "menu_service"
port = 8201
"""
EVENT = {"specversion": "1.0", "id": "x", "source": "mill", "type": "mill.Ground", "subject": "mill-1", "data": {}}


class Settings(ServiceSettings):
    port: int = Field(0, description="Unused.")


class Desk:
    """An operator's folder, beside a service that has parked one event of the mill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.var = folder / "var"
        (self.var / "run").mkdir(parents=True)
        (folder / "portal.toml").write_text(PORTAL)
        self.stuck = False
        self.database = Database(f"sqlite:///{folder}/menu.db")
        self.database.migrate()
        self.consumer = Consumer()
        self.consumer.on("mill.Ground", msgspec.Struct)(self._ground)
        entry = Entry(Position(7, 1), json.dumps(EVENT | {"time": "2026-11-22T13:40:00Z"}).encode())
        self.consumer.inbox(self.database, "mill").park("mill", entry, "the millstone was stuck", 10)

    def _ground(self, connection: Connection, event: CloudEvent, data: msgspec.Struct) -> None:
        if self.stuck:
            raise RuntimeError("the millstone is stuck still")

    def runs(self, url: str) -> None:
        members = {"menu-service": Running("ready", int(url.rpartition(":")[2]))}
        write_state(self.var, PortalState(1, url, "", True, members))

    def jogak(self, *words: str) -> int:
        return main(["events", *words, "--portal", str(self.folder / "portal.toml"), "--var", str(self.var)])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """With a shell that signs: its key is where `jogak up` keeps it."""
    desk = Desk(tmp_path)
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    shell = desk.var / "data" / "shell"
    shell.mkdir(parents=True)
    (shell / "signing-key.json").write_text(json.dumps(key.as_dict(private=True)))

    def jwks(request: Request) -> JSONResponse:
        return JSONResponse(KeySet([key]).as_dict(private=False))

    with running(Starlette(routes=[Route("/jwks.json", jwks)])) as keys:
        settings = Settings(redis_url="", jwks_url=f"{keys}/jwks.json")
        app = create_service("menu", settings=settings, database=desk.database, routers=[], consumer=desk.consumer)
        with running(app) as url:
            desk.runs(url)
            yield desk


def test_what_is_parked_is_shown_and_handled_on_request(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.jogak("parked") == 1
    shown = capsys.readouterr().out.splitlines()[1].split(maxsplit=6)
    assert shown == ["menu", "mill", "7-1", "mill.Ground", "mill-1", "10", "the millstone was stuck"]
    assert desk.jogak("retry", "menu", "mill", "7-1") == 0
    assert desk.jogak("parked", "menu") == 0
    assert "nothing is parked" in capsys.readouterr().out


def test_a_retry_that_fails_says_why(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.stuck = True
    assert desk.jogak("retry", "menu", "mill", "7-1") == 1
    assert "the millstone is stuck still" in capsys.readouterr().err


def test_who_may_not_read_the_shells_key_may_not_retry(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.var / "data" / "shell" / "signing-key.json").unlink()
    assert desk.jogak("retry", "menu", "mill", "7-1") == 1
    assert "Bearer" in capsys.readouterr().err


def test_without_a_portal_there_is_nothing_to_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(tmp_path)
    assert desk.jogak("parked") == 2
    assert "menu-service does not run" in capsys.readouterr().err
    desk.runs("http://127.0.0.1:1")
    assert desk.jogak("parked") == 2
    assert "does not answer" in capsys.readouterr().err
    desk.database.close()
