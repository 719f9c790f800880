"""A purge by hand, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from jogakbo_shell.composition.cache import Entry, FragmentCache
from jogakbo_shell.composition.freshness import Freshness
from jogakbo_shell.composition.purges import NotTold, Purge, Tells, TellsNobody
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.templates import Templates
from jogakbo_shell.core import build_core
from jogakbo_shell.i18n import Messages
from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.instance import Instance
from jogakbo_shell.settings import Settings
from jogakbo_shell.web.files import StaticFiles
from jogakbo_shell.web.purging import Purging
from shell.tests.closing import take_no_more
from shell.tests.harness import FakeFragmentServer, cacheable, eventually

pytestmark = pytest.mark.anyio

TOKEN = "purge-me-not"
MAY = {"authorization": f"Bearer {TOKEN}"}
SERVERS = ("menu", "orders")


@dataclass
class FakeOthers:
    follow: bool = True
    away: bool = False
    told: list[Purge] = field(default_factory=list)

    async def tell(self, purge: Purge) -> bool:
        if self.away:
            raise NotTold("Connection refused")
        self.told.append(purge)
        return self.follow

    async def close(self) -> None:
        """Nothing was opened."""


@dataclass
class Desk:
    """`/-/purge` over real HTTP, and the cache behind it."""

    cache: FragmentCache
    others: FakeOthers
    client: httpx2.AsyncClient

    def keep(self, name: str, keys: str) -> Entry:
        what = Rendered(b"<p>", "fresh", 200, "e", frozenset(keys.split()), False, "", 0.0)
        freshness = Freshness(storable=True, fresh=60, while_revalidate=60)
        entry = self.cache.store(Instance.parse(name), what, freshness, "", self.cache.sequence)
        assert entry is not None
        return entry

    async def purge(self, body: object = None, **headers: str) -> httpx2.Response:
        content = b"" if body is None else json.dumps(body).encode()
        fields = {**MAY, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.client.post("/-/purge", content=content, headers=fields)


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve([listener]))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        await eventually(lambda: server.started)
        async with httpx2.AsyncClient(base_url=origin, timeout=10, trust_env=False) as client:
            yield client
    finally:
        await take_no_more(listener)
        server.should_exit = True
        await task
        listener.close()


def app_of(cache: FragmentCache, others: Tells, token: str = TOKEN) -> Starlette:
    purging = Purging(cache, others, SERVERS, token, max_seconds=0.2)
    return Starlette(routes=[Route("/-/purge", purging.serve, methods=["POST"])])


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    cache, others = FragmentCache(1_000_000), FakeOthers()
    async with serving(app_of(cache, others)) as client:
        yield Desk(cache, others, client)


async def test_keys_in_the_header_are_purged_here_and_told_to_the_others(desk: Desk) -> None:
    board, menu = desk.keep("orders/board", "orders order-42"), desk.keep("menu/list", "menu")
    answer = await desk.purge(surrogate_key="order-42 order-43")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "entries": 1, "workers": "all"})
    assert answer.headers["cache-control"] == "no-store"
    assert (board.purged, menu.current) == (True, True)
    assert desk.others.told == [Purge(frozenset({"order-42", "order-43"}))]


@pytest.mark.parametrize("body", [{"keys": ["menu", "orders"]}, {"surrogate_keys": ["menu"], "keys": ["orders"]}])
async def test_keys_may_stand_in_the_body(desk: Desk, body: Mapping[str, object]) -> None:
    entries = [desk.keep("orders/board", "orders"), desk.keep("menu/list", "menu")]
    assert (await desk.purge(body)).json()["entries"] == 2
    assert all(entry.purged for entry in entries)


@pytest.mark.parametrize(
    ("body", "headers"),
    [({"keys": ["orders"], "soft": True}, {}), (None, {"surrogate_key": "orders", "fastly_soft_purge": "1"})],
)
async def test_a_soft_purge_leaves_it_to_be_shown_while_it_is_renewed(
    desk: Desk, body: object, headers: Mapping[str, str]
) -> None:
    entry = desk.keep("orders/board", "orders")
    desk.others.follow = False
    assert (await desk.purge(body, **headers)).json() == {"status": "ok", "entries": 1, "workers": "this"}
    assert (entry.current, entry.purged) == (False, False)
    assert desk.others.told == [Purge(frozenset({"orders"}), soft=True)]


async def test_all_of_a_fragment_server_may_be_purged(desk: Desk) -> None:
    entries = [desk.keep("orders/board", ""), desk.keep("orders/queue", "queue"), desk.keep("menu/list", "menu")]
    assert (await desk.purge({"servers": ["orders"]})).json()["entries"] == 2
    assert [entry.purged for entry in entries] == [True, True, False]


async def test_what_is_purged_already_is_not_hit_again(desk: Desk) -> None:
    desk.keep("orders/board", "orders")
    assert [(await desk.purge(surrogate_key="orders")).json()["entries"] for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer \xe9"])
async def test_without_the_token_nothing_is_purged(desk: Desk, authorization: str) -> None:
    entry = desk.keep("orders/board", "orders")
    fields = [(b"authorization", authorization.encode("latin-1")), (b"surrogate-key", b"orders")]
    answer = await desk.client.post("/-/purge", headers=fields)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text
    assert entry.current


async def test_where_no_token_is_set_there_is_no_such_place() -> None:
    async with serving(app_of(FragmentCache(1), FakeOthers(), token="")) as client:
        for authorization in ("Bearer", "Bearer x"):
            headers = {"authorization": authorization, "surrogate-key": "orders"}
            assert (await client.post("/-/purge", headers=headers)).status_code == 404


@pytest.mark.parametrize(
    ("body", "header", "status", "says"),
    [
        (b"{", "", 400, "truncated"),
        (b"[]", "", 400, "array"),
        (b'{"key": ["orders"]}', "", 400, "key"),
        (b'{"keys": "orders"}', "", 400, "str"),
        (b'{"keys": ["orders"], "soft": "yes"}', "", 400, "soft"),
        (b"\xff", "", 400, ""),
        (b"{}", "", 422, "not 0"),
        (b"", "", 422, "not 0"),
        (b'{"keys": ["a b"]}', "", 422, "'a b'"),
        (b'{"keys": [""]}', "", 422, "''"),
        (b"", "x" * 101, 422, "100 printable"),
        (b"", " ".join(f"key-{number}" for number in range(257)), 422, "not 257"),
        (b'{"servers": ["order"]}', "", 422, "'order'"),
        (b'{"keys": ["' + b"x" * 66_000 + b'"]}', "", 413, "65536"),
    ],
)
async def test_what_is_no_purge_is_a_problem(desk: Desk, body: bytes, header: str, status: int, says: str) -> None:
    entry = desk.keep("orders/board", "orders")
    answer = await desk.client.post("/-/purge", content=body, headers={**MAY, "surrogate-key": header})
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert entry.current
    assert not desk.others.told


async def test_as_many_keys_as_a_batch_may_have_are_taken(desk: Desk) -> None:
    assert (await desk.purge({"keys": [f"key-{number}" for number in range(256)]})).status_code == 200


async def test_a_body_that_does_not_end_is_not_waited_for(desk: Desk) -> None:
    url = desk.client.base_url
    reader, writer = await asyncio.open_connection("127.0.0.1", url.port)
    writer.write(
        f"POST /-/purge HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 9\r\n\r\n{{".encode()
    )
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_when_the_others_cannot_be_told_it_is_purged_here_and_to_be_said_again(desk: Desk) -> None:
    entry = desk.keep("orders/board", "orders")
    desk.others.away = True
    answer = await desk.purge(surrogate_key="orders")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "1 entries were purged in this worker" in answer.json()["detail"]
    assert entry.purged


async def test_a_fragment_is_fetched_anew_after_its_purge(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    settings = Settings(shell_data_dir=tmp_path, fragment_servers=f"orders={cafe.address}")
    static = StaticFiles(Path(str(files("jogakbo_shell"))) / "static")
    core = build_core(settings, SigningKeys.load(tmp_path / "keys"), Templates(Messages.load(), static))
    cafe.declare("orders", board={})
    board = Instance.parse("orders/board")
    await core.start()
    try:
        async with serving(app_of(core.cache, TellsNobody())) as client:
            for text, soft, shown in (("old", "0", "old"), ("new", "0", "new"), ("newest", "1", "new")):
                cafe.at["/board"] = cacheable(f"<p>{text}", "orders", "max-age=60, stale-while-revalidate=60")
                headers = {**MAY, "surrogate-key": "orders", "fastly-soft-purge": soft}
                assert (await client.post("/-/purge", headers=headers)).json()["workers"] == "this"
                assert f"<p>{shown}</p>" in (await core.fragments.render(board)).html
            await eventually(lambda: len(cafe.requests("/board")) == 3)
    finally:
        await core.stop()
