"""Valkey dies, hangs and forgets everything while orders are placed: nothing is lost, and every page catches up."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from playwright.sync_api import Page, expect

from e2e.harness import cafe
from e2e.harness.books import Books
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer, Queue, queueing
from e2e.harness.faults import hung
from e2e.harness.likeness import await_likeness
from e2e.harness.load import DEADLINE_SECONDS, TOLERANCE_SECONDS, ailing, load
from e2e.harness.portal import Portal, eventually
from e2e.harness.valkey import Valkey
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
Away = Callable[[Valkey], AbstractContextManager[None]]

AWAY_SECONDS = 10.0
CAUGHT_UP_SECONDS = 5.0
PRICES = itertools.count(5_900, 100)
STREAM_LENGTH = "XLEN jogakbo:stream:orders"
ITEMS = ("espresso", "americano", "latte", "iced-americano")


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path_factory.mktemp("bus") / "valkey")
    valkey.start()
    yield valkey
    valkey.kill()


@pytest.fixture(scope="module")
def portal(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"), REDIS_URL=valkey.url)
    try:
        yield portal.wait_ready()
    finally:
        portal.stop()


@pytest.fixture(scope="module")
def manager(portal: Portal) -> Iterator[Customer]:
    with Customer(portal) as manager:
        for ingredient in ("beans", "milk", "ice"):
            manager.restock(ingredient, 500_000)
        yield manager


@contextmanager
def killed(valkey: Valkey) -> Iterator[None]:
    valkey.kill()
    yield
    valkey.start()


@contextmanager
def killed_and_emptied(valkey: Valkey) -> Iterator[None]:
    valkey.kill()
    valkey.forget()
    yield
    valkey.start()


@contextmanager
def paused(valkey: Valkey) -> Iterator[None]:
    valkey.pause()
    yield
    valkey.resume()


@contextmanager
def wiped(valkey: Valkey) -> Iterator[None]:
    yield
    assert valkey.ask("FLUSHALL") == b"+OK\r\n"


@pytest.mark.parametrize(
    ("away", "seconds"), [(killed, AWAY_SECONDS), (paused, AWAY_SECONDS), (killed_and_emptied, 2.0), (wiped, 2.0)]
)
def test_no_order_is_lost_or_doubled_and_every_page_catches_up(
    away: Away, seconds: float, valkey: Valkey, portal: Portal, manager: Customer, new_visitor: NewVisitor
) -> None:
    pages = [watching(new_visitor(), path) for path in ("/", "/board", "/stock")]
    books = Books(portal)
    with queueing(portal, ITEMS) as queue:
        with away(valkey):
            serve_and_sell(portal, queue, seconds)
            assert ailing(portal) == {}
            manager.set_price("mocha", price := next(PRICES))  # a change that no later one on its stream hides
        back = time.monotonic()
    books.settle(queue.orders, back + CAUGHT_UP_SECONDS - time.monotonic())
    await_likeness(portal, pages, back + CAUGHT_UP_SECONDS - time.monotonic())
    books.check(queue.orders)
    expect(piece(pages[0], "menu/list").get_by_role("button", name="mocha")).to_contain_text(f"₩{price:,}")


def test_what_was_told_and_not_yet_heard_is_told_again_after_a_wipe(
    valkey: Valkey, portal: Portal, manager: Customer
) -> None:
    books = Books(portal)
    with hung(portal, "inventory-service"):
        told = valkey.ask(STREAM_LENGTH)
        orders = {manager.order("espresso"): "espresso"}
        eventually(lambda: valkey.ask(STREAM_LENGTH) != told, "the order is in the stream")
        assert valkey.ask("FLUSHALL") == b"+OK\r\n"
    books.settle(orders, CAUGHT_UP_SECONDS)
    books.check(orders)


def test_the_likeness_notices_a_page_that_shows_something_else(portal: Portal, new_visitor: NewVisitor) -> None:
    page = watching(new_visitor(), "/till")
    await_likeness(portal, [page], CAUGHT_UP_SECONDS)
    page.locator(".till-day, h2").first.evaluate("element => { element.textContent = 'another day' }")
    with pytest.raises(AssertionError, match="another day"):
        await_likeness(portal, [page], 0)


def watching(visitor: Visitor, path: str) -> Page:
    """Somebody with a page open who just looks."""
    page = visitor.go(path)
    cafe.wait_live(page)
    return page


def serve_and_sell(portal: Portal, queue: Queue, seconds: float) -> None:
    """For so long: orders go on being accepted, and after each a page is served whole and in time."""
    over = time.monotonic() + seconds
    for path in itertools.cycle(("/", "/board", "/till", "/stock", "/menu", "/reports")):
        if time.monotonic() > over:
            return
        queue.wait_for(1)
        loaded = load(portal, path)
        assert loaded.seconds < DEADLINE_SECONDS + TOLERANCE_SECONDS
        assert set(loaded.states.values()) == {"fresh"}, f"{path}: {loaded.states}"
