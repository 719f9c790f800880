"""The hub with fakes at its ports: who gets which frame, how often things are rendered, what a cursor promises."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable

import pytest

from jogakbo.contract.streams import Position
from jogakbo_shell.composition.rendered import Rendered, State
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.pace import Pace

pytestmark = pytest.mark.anyio

BOARD = Instance.parse("orders/board")
BOARD_KO = Instance.parse("orders/board", "ko")
LIST = Instance.parse("menu/list")
CART = Instance.parse("orders/cart")
ME, OTHER = "guest-0123456789ab", "guest-ba9876543210"
AT_ONCE = Pace(lead=0, shortest_interval=0, longest_interval=0, first_retry=0.001, longest_retry=0.002)

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


class FakeFragments:
    """The truth is `texts`; a render can be held up with `gate` and made to fail with `state`."""

    def __init__(self) -> None:
        self.texts: dict[Instance, str] = defaultdict(lambda: "first")
        self.keys: dict[str, set[str]] = {"orders/board": {"orders"}, "menu/list": {"menu", "menu-item-tea"}}
        self.state: State = "fresh"
        self.renders: Counter[Instance] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()
        self.raises = False
        self.status = 200

    async def render(self, instance: Instance) -> Rendered:
        self.renders[instance] += 1
        text = self.texts[instance]
        await self.gate.wait()
        if self.raises:
            raise RuntimeError("a bug")
        return Rendered(
            markup=text.encode(),
            state=self.state,
            status=self.status,
            etag=text,
            keys=frozenset(self.keys.get(instance.name, ())),
            private=False,
            cache_status="",
            duration_ms=0,
        )


class FakeCache:
    def __init__(self) -> None:
        self.purged: list[frozenset[str]] = []
        self.servers: list[frozenset[str]] = []

    def purge(self, keys: Iterable[str], *, soft: bool = False) -> int:
        self.purged.append(frozenset(keys))
        return 0

    def purge_servers(self, servers: Iterable[str], *, soft: bool = False) -> int:
        self.servers.append(frozenset(servers))
        return 0


class FakeCatalog:
    def streams(self) -> frozenset[str]:
        return frozenset({"orders", "menu"})

    def servers_of(self, stream: str) -> frozenset[str]:
        return frozenset({stream})

    def is_private(self, instance: Instance) -> bool:
        return instance == CART


class World:
    """A hub whose reader stands at position 100 in both streams."""

    def __init__(self) -> None:
        self.fragments, self.cache, self.log = FakeFragments(), FakeCache(), ChangeLog(max_keys=5)
        self.hub = Hub(self.log, self.fragments, self.cache, FakeCatalog(), AT_ONCE)
        for stream in ("orders", "menu"):
            self.hub.resynced(stream, Position(1, 100))
        self.seq = Counter({"orders": 100, "menu": 100})

    def open(
        self,
        *instances: Instance,
        cursor: str | None = None,
        subject: str = ME,
        ailing: Iterable[str] = (),
        age: float | None = None,
    ) -> Connection:
        private = [instance for instance in instances if instance == CART]
        connection = Connection(instances, private, subject)
        if age is not None:
            connection.unchanged_since = asyncio.get_running_loop().time() - age
        self.hub.join(connection, (self.log.cursor if cursor is None else cursor,), ailing)
        return connection

    def change(self, stream: str, *keys: str) -> None:
        self.seq[stream] += 1
        self.hub.changed(stream, Position(1, self.seq[stream]), frozenset(keys))

    def read(self, connection: Connection) -> list[tuple[str, str]]:
        """What the connection is sent now: `(event, html or id)`, and last `("id", cursor)` if it moves that."""
        return list(_parse(connection.take(self.hub.settled()).decode()))


def _parse(stream: str) -> Iterable[tuple[str, str]]:
    cursor = ""
    for block in filter(None, stream.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = json.loads(fields["data"])
        yield fields["event"], data.get("html") or data.get("state") or data.get("id", "")
        cursor = fields.get("id", cursor)
    if cursor:
        yield "id", cursor


@pytest.fixture
def world() -> World:
    return World()


async def _quiet(world: World) -> None:
    """Until nothing is dirty or being rendered."""
    async with asyncio.timeout(5):
        for _ in range(20):
            await asyncio.sleep(0)
        while world.hub.settled() != world.log.cursor:  # noqa: ASYNC110  # the hub tells nobody
            await asyncio.sleep(0)


async def _begun(world: World, instance: Instance, renders: int = 1) -> None:
    async with asyncio.timeout(5):
        while world.fragments.renders[instance] < renders:  # noqa: ASYNC110  # the hub tells nobody
            await asyncio.sleep(0)


async def test_a_change_reaches_every_page_that_shows_what_depends_on_it_with_one_render(world: World) -> None:
    pages = [world.open(BOARD, LIST) for _ in range(50)]
    await _quiet(world)
    world.fragments.renders.clear()
    world.fragments.texts[BOARD] = "second"

    world.change("orders", "orders", "order-42")
    await _quiet(world)

    assert {tuple(world.read(page)) for page in pages} == {(("fragment", "second"), ("id", "menu:1-100,orders:1-101"))}
    assert world.fragments.renders == {BOARD: 1}
    assert world.cache.purged == [{"orders", "order-42"}]


async def test_each_language_is_rendered_once(world: World) -> None:
    english, korean = world.open(BOARD), world.open(BOARD_KO)
    world.fragments.texts[BOARD_KO] = "주문"
    await _quiet(world)
    world.change("orders", "orders")
    await _quiet(world)

    assert world.read(english)[0] == ("fragment", "first")
    assert world.read(korean)[0] == ("fragment", "주문")


async def test_a_page_is_sent_nothing_for_keys_it_does_not_depend_on(world: World) -> None:
    page = world.open(BOARD)
    await _quiet(world)

    world.change("menu", "menu-item-tea")
    await _quiet(world)

    assert world.read(page) == []


async def test_what_was_sent_last_is_not_sent_again(world: World) -> None:
    page = world.open(BOARD)
    await _quiet(world)
    world.change("orders", "orders")
    await _quiet(world)
    world.read(page)

    world.change("orders", "orders")
    await _quiet(world)

    assert world.read(page) == []


async def test_a_change_during_a_render_is_rendered_again(world: World) -> None:
    page = world.open(BOARD)
    await _quiet(world)
    world.fragments.gate.clear()
    world.fragments.texts[BOARD] = "second"
    world.change("orders", "orders")
    await _begun(world, BOARD, 2)
    world.fragments.texts[BOARD] = "third"
    world.change("orders", "orders")

    world.fragments.gate.set()
    await _quiet(world)

    assert world.read(page) == [("fragment", "third"), ("id", "menu:1-100,orders:1-102")]


async def test_no_frame_moves_the_cursor_past_a_change_that_is_not_yet_rendered(world: World) -> None:
    page = world.open(BOARD, LIST)
    await _quiet(world)
    world.change("orders", "orders")
    await _quiet(world)
    world.fragments.gate.clear()

    world.change("menu", "menu")
    await _begun(world, LIST, 2)

    assert world.read(page) == [("fragment", "first"), ("id", "menu:1-100,orders:1-101")]
    world.fragments.gate.set()
    await _quiet(world)
    assert world.read(page)[-1] == ("id", "menu:1-101,orders:1-101")


async def test_a_storm_leaves_one_frame_per_fragment_in_the_mailbox_of_a_slow_page(world: World) -> None:
    slow = world.open(BOARD, LIST)
    await _quiet(world)
    for turn in range(30):
        world.fragments.texts[BOARD] = world.fragments.texts[LIST] = f"turn {turn}"
        world.change("orders", "orders")
        world.change("menu", "menu")
        await _quiet(world)

    assert world.read(slow)[:2] == [("fragment", "turn 29"), ("fragment", "turn 29")]


async def test_a_page_gets_what_changed_between_its_rendering_and_its_connection(world: World) -> None:
    other = world.open(BOARD, LIST)
    await _quiet(world)
    cursor = world.log.cursor
    world.fragments.texts[BOARD] = "second"
    world.change("orders", "orders")
    await _quiet(world)

    page = world.open(BOARD, LIST, cursor=cursor)
    await _quiet(world)

    assert world.read(page) == [("fragment", "second"), ("id", "menu:1-100,orders:1-101")]
    world.read(other)


async def test_what_a_page_shows_is_rendered_to_learn_its_keys_and_not_sent(world: World) -> None:
    page = world.open(BOARD)
    await _quiet(world)

    assert world.fragments.renders == {BOARD: 1}
    assert world.read(page) == []


async def test_a_change_before_the_keys_are_learned_is_not_lost(world: World) -> None:
    world.fragments.gate.clear()
    page = world.open(BOARD)
    await _begun(world, BOARD)
    world.fragments.texts[BOARD] = "second"
    world.change("orders", "orders")
    world.fragments.gate.set()
    await _quiet(world)

    assert world.read(page)[-2] == ("fragment", "second")


async def test_a_page_is_never_sent_a_render_that_began_before_it_connected(world: World) -> None:
    old = world.open(BOARD)
    await _quiet(world)
    before = world.log.cursor
    world.fragments.gate.clear()
    world.fragments.texts[BOARD] = "older"
    world.change("orders", "orders")
    await _begun(world, BOARD, 2)
    world.fragments.texts[BOARD] = "newer"

    page = world.open(BOARD, cursor=before)
    world.fragments.gate.set()
    await _quiet(world)

    assert [text for event, text in world.read(page) if event == "fragment"] == ["newer"]
    world.read(old)


async def test_pages_that_come_back_during_a_render_are_sent_that_render(world: World) -> None:
    """They have shown the same since before it began, so it cannot take them back."""
    world.fragments.gate.clear()
    first = world.open(BOARD, cursor="", age=10)
    await _begun(world, BOARD)
    others = [world.open(BOARD, cursor="", age=10) for _ in range(100)]
    world.fragments.gate.set()
    await _quiet(world)

    assert all(world.read(page)[0] == ("fragment", "first") for page in [first, *others])
    assert world.fragments.renders[BOARD] == 1


async def test_a_page_that_has_just_changed_is_not_sent_an_older_render(world: World) -> None:
    world.fragments.gate.clear()
    first = world.open(BOARD, cursor="", age=10)
    await _begun(world, BOARD)
    world.fragments.texts[BOARD] = "newer"
    page = world.open(BOARD, cursor="", age=0)
    world.fragments.gate.set()
    await _quiet(world)

    assert [text for event, text in world.read(page) if event == "fragment"] == ["newer"]
    world.read(first)


@pytest.mark.parametrize("cursor", ["", "nonsense", "orders:1-100", "menu:1-3,orders:1-3", "x" * 5000])
async def test_a_cursor_that_is_too_old_or_unknown_gets_everything(world: World, cursor: str) -> None:
    page = world.open(LIST, cursor=cursor)
    await _quiet(world)

    assert world.read(page) == [("fragment", "first"), ("id", "menu:1-100,orders:1-100")]


async def test_a_cursor_from_before_what_is_remembered_gets_everything(world: World) -> None:
    cursor = world.log.cursor
    for number in range(6):
        world.change("menu", f"menu-item-{number}")

    page = world.open(LIST, cursor=cursor)
    await _quiet(world)

    assert world.read(page)[0] == ("fragment", "first")


async def test_however_often_the_same_changes_it_is_remembered_once(world: World) -> None:
    world.open(LIST)
    await _quiet(world)
    cursor = world.log.cursor
    for _ in range(1_000):
        world.change("menu", "menu-item-unrelated")

    page = world.open(LIST, cursor=cursor)
    await _quiet(world)

    assert [event for event, _ in world.read(page)] == []


async def test_a_cursor_ahead_of_this_worker_has_seen_all(world: World) -> None:
    page = world.open(LIST, cursor="menu:1-105,orders:1-100")
    await _quiet(world)

    assert world.read(page) == []


@pytest.mark.parametrize("why", ["behind", "ahead"])
async def test_a_page_that_another_worker_may_have_told_more_is_not_sent_what_is_kept_here(
    world: World, why: str
) -> None:
    world.open(BOARD)
    await _quiet(world)
    world.fragments.texts[BOARD] = "newer"
    world.hub.say_behind(why == "behind")
    page = world.open(BOARD, cursor="menu:1-100,orders:1-105" if why == "ahead" else None, ailing=[BOARD.dom_id])
    await _quiet(world)

    assert [text for event, text in world.read(page) if event == "fragment"] == ["newer"]
    assert world.cache.servers[-1] == {"orders"}


@pytest.mark.parametrize(("age", "told"), [(0, "not heard of here"), (60, "first")])
async def test_a_page_that_changed_since_the_last_render_is_sent_none_that_is_older(
    world: World, age: float, told: str
) -> None:
    """Of two tabs that share a stream one may have missed what the other, loaded anew from another worker, shows."""
    world.open(BOARD)
    await _quiet(world)
    cursor = world.log.cursor
    world.change("orders", "orders")
    await _quiet(world)
    world.fragments.texts[BOARD] = "not heard of here"
    page = world.open(BOARD, cursor=cursor, age=age)
    await _quiet(world)

    assert [text for event, text in world.read(page) if event == "fragment"] == [told]


async def test_a_cursor_from_before_a_rewritten_stream_does_not_pass_for_ahead(world: World) -> None:
    cursor = world.log.cursor
    world.hub.resynced("menu", Position(1, 7))

    page = world.open(LIST, cursor=cursor)
    await _quiet(world)

    assert world.read(page)[0] == ("fragment", "first")


async def test_a_thousand_pages_that_come_back_cost_one_render_per_fragment(world: World) -> None:
    cursor = world.log.cursor
    world.change("orders", "orders")
    world.change("menu", "menu")

    pages = [world.open(BOARD, LIST, cursor=cursor) for _ in range(1000)]
    await _quiet(world)

    assert world.fragments.renders == {BOARD: 1, LIST: 1}
    assert all(len(world.read(page)) == 3 for page in pages)


async def test_a_resync_renders_what_depends_on_the_stream_and_drops_its_cached_fragments(world: World) -> None:
    page = world.open(BOARD, LIST)
    await _quiet(world)
    world.fragments.texts[BOARD] = world.fragments.texts[LIST] = "second"
    world.cache.servers.clear()

    world.hub.resynced("orders", Position(2, 9))
    await _quiet(world)

    assert world.read(page) == [("fragment", "second"), ("id", "menu:1-100,orders:2-9")]
    assert world.cache.servers == [{"orders"}]


async def test_while_a_fragment_cannot_be_rendered_its_page_keeps_what_it_shows_and_is_told_so_once(
    world: World, eventually: Eventually
) -> None:
    page = world.open(BOARD)
    await _quiet(world)
    world.fragments.state = "fallback"
    world.change("orders", "orders")
    await eventually(lambda: world.fragments.renders[BOARD] >= 4)

    assert world.read(page) == [("fragment", "stale"), ("id", "menu:1-100,orders:1-101")]


async def test_what_is_not_there_is_not_asked_for_again_and_again(world: World, eventually: Eventually) -> None:
    world.fragments.state, world.fragments.status = "failed", 404
    world.open(BOARD)
    await _begun(world, BOARD)
    await _quiet(world)
    world.fragments.status = 503
    world.open(LIST)
    await eventually(lambda: world.fragments.renders[LIST] >= 4)

    assert world.fragments.renders[BOARD] == 1
    late = world.open(BOARD, cursor="")
    assert world.read(late) == [("fragment", "stale"), ("id", "menu:1-100,orders:1-100")]


async def test_a_page_heals_without_a_further_event_once_its_fragment_can_be_rendered(
    world: World, eventually: Eventually
) -> None:
    page = world.open(BOARD)
    await _quiet(world)
    world.change("orders", "orders")
    await _quiet(world)
    world.read(page)
    world.fragments.raises = True
    world.change("orders", "orders")
    await eventually(lambda: world.fragments.renders[BOARD] >= 4)
    assert world.read(page)[0] == ("fragment", "stale")

    world.fragments.raises = False

    await eventually(lambda: ("fragment", "first") in world.read(page))


async def test_a_page_that_was_loaded_with_a_stand_in_gets_the_real_thing(world: World) -> None:
    page = world.open(BOARD, LIST, ailing=[BOARD.dom_id, "f-not-of-this-page"])
    await _quiet(world)

    assert world.read(page)[0] == ("fragment", "first")


async def test_a_recovered_server_is_rendered_at_once(world: World) -> None:
    page = world.open(BOARD)
    await _quiet(world)
    world.fragments.texts[BOARD] = "new release"

    world.hub.recovered("orders")
    await _quiet(world)

    assert world.read(page)[0] == ("fragment", "new release")


async def test_a_private_fragment_is_not_rendered_but_refreshed_by_the_one_whose_key_changed(world: World) -> None:
    mine, others = world.open(CART), world.open(CART, subject=OTHER)
    world.hub.showed(CART, ME, frozenset({f"draft-{ME}"}))
    world.hub.showed(CART, OTHER, frozenset({f"draft-{OTHER}"}))

    world.change("orders", f"draft-{ME}")
    world.change("orders", "orders")

    assert world.read(mine)[0] == ("refresh", CART.dom_id)
    assert world.read(others) == []
    assert world.fragments.renders == {}


async def test_a_private_fragment_is_refreshed_for_a_shared_key_that_it_depends_on(world: World) -> None:
    page = world.open(CART)
    world.hub.showed(CART, ME, frozenset({f"draft-{ME}", "menu-item-tea"}))

    world.change("menu", "menu", "menu-item-tea")

    assert world.read(page)[0] == ("refresh", CART.dom_id)


async def test_a_private_fragment_of_unknown_keys_is_refreshed_for_any_shared_key_of_its_servers_streams(
    world: World,
) -> None:
    page = world.open(CART)

    world.change("orders", f"draft-{OTHER}")
    world.change("menu", "menu")
    assert world.read(page) == []

    world.change("orders", "orders")
    assert world.read(page)[0] == ("refresh", CART.dom_id)


async def test_a_private_change_before_the_connection_is_made_up_for(world: World) -> None:
    cursor = world.log.cursor
    world.change("orders", f"draft-{ME}")

    assert world.read(world.open(CART, cursor=cursor))[0] == ("refresh", CART.dom_id)
    assert world.read(world.open(CART, cursor=cursor, subject=OTHER)) == []


async def test_nothing_is_kept_of_a_page_that_has_gone(world: World) -> None:
    page = world.open(BOARD, LIST, CART)
    world.fragments.gate.clear()
    world.change("orders", "orders")
    await _begun(world, BOARD)

    world.hub.leave(page)

    assert not world.hub.instances
    assert not world.hub.connections
    assert world.hub.settled() == world.log.cursor


async def test_renders_of_one_server_are_bounded_and_do_not_hold_up_another(
    world: World, eventually: Eventually
) -> None:
    tracks = [Instance.parse(f"orders/track?id={number}") for number in range(20)]
    world.fragments.gate.clear()
    world.open(*tracks)
    world.open(LIST)
    await eventually(lambda: world.fragments.renders[LIST] == 1)

    assert sum(world.fragments.renders[track] for track in tracks) == 4

    world.fragments.gate.set()
    await eventually(lambda: sum(world.fragments.renders[track] for track in tracks) == 20)
