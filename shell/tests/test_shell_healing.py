"""What failed is probed in the background until it is well, and then everybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial

import pytest

from jogakbo_shell.composition.errors import BadAnswer
from jogakbo_shell.composition.healing import Healing
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.resilience import Breaker
from shell.tests.harness import eventually

BOARD = Instance.parse("orders/board")
QUEUE = Instance.parse("orders/queue")


def _has(told: Sequence[object], count: int) -> bool:
    return len(told) == count


class FakeFragments:
    def __init__(self) -> None:
        self.ill = {BOARD, QUEUE}
        self.probed: list[Instance] = []

    async def probe(self, instance: Instance, subject: str | None) -> object:
        self.probed.append(instance)
        if instance in self.ill:
            raise BadAnswer(500)
        return None


@pytest.fixture
def fragments() -> FakeFragments:
    return FakeFragments()


@pytest.fixture
async def healing(fragments: FakeFragments) -> AsyncIterator[Healing]:
    healing = Healing(fragments, retry_seconds=0.001)
    yield healing
    await healing.stop()


@pytest.mark.anyio
async def test_an_ill_fragment_is_probed_until_it_is_well_and_no_longer(
    fragments: FakeFragments, healing: Healing
) -> None:
    told: list[str] = []
    healing.on_recovered(told.append)
    healing.take_in(BOARD, None)
    await eventually(lambda: len(fragments.probed) >= 3)
    assert not told
    fragments.ill.clear()
    await eventually(lambda: bool(told))
    probes = len(fragments.probed)
    await asyncio.sleep(0.02)
    assert told == ["orders"]
    assert len(fragments.probed) == probes


@pytest.mark.anyio
async def test_one_that_stays_ill_does_not_keep_another_from_healing(
    fragments: FakeFragments, healing: Healing
) -> None:
    told: list[str] = []
    healing.on_recovered(told.append)
    healing.take_in(BOARD, None)
    healing.take_in(QUEUE, None)
    fragments.ill.remove(QUEUE)
    await eventually(lambda: bool(told))
    fragments.ill.clear()
    await eventually(lambda: len(told) == 2)


@pytest.mark.anyio
async def test_who_falls_ill_after_all_were_healed_is_taken_in_again(
    fragments: FakeFragments, healing: Healing
) -> None:
    told: list[str] = []
    healing.on_recovered(told.append)
    fragments.ill.clear()
    for count in (1, 2):
        healing.take_in(BOARD, None)
        await eventually(partial(_has, told, count))


@pytest.mark.anyio
async def test_a_server_that_answers_again_and_fails_once_more_is_not_taken_for_one_that_is_away(
    fragments: FakeFragments,
) -> None:
    healing, orders = Healing(fragments, retry_seconds=1.0), FragmentServer("orders", "http://orders", Breaker(1))
    healing.take_in(BOARD, None)
    for probes in range(1, 6):
        healing.answers_again(orders)
        await eventually(partial(_has, fragments.probed, probes))

    fragments.ill.clear()

    await eventually(partial(_has, fragments.probed, 6), seconds=5.0)
    await healing.stop()


def test_a_silent_server_opens_its_breaker_at_once() -> None:
    breaker = Breaker(5, lambda: 10.0)
    breaker.failed(silent=True, sent_at=9.0)
    assert breaker.state == "open"
    breaker.succeeded()
    assert breaker.state == "closed"


def test_a_silent_fragment_of_a_server_that_answers_others_only_counts() -> None:
    breaker = Breaker(5, lambda: 10.0)
    breaker.succeeded()
    breaker.failed(silent=True, sent_at=9.0)
    assert breaker.state == "closed"


def test_failures_open_it_only_in_a_row() -> None:
    breaker = Breaker(3)
    for _ in range(3):
        breaker.failed(silent=False, sent_at=0.0)
        breaker.failed(silent=False, sent_at=0.0)
        breaker.succeeded()
    assert breaker.state == "closed"


def test_a_look_that_hears_nothing_opens_it_before_a_visitor_has_to_wait() -> None:
    breaker = Breaker(5, lambda: 10.0)
    breaker.looked(silent=True, sent_at=9.0)
    assert breaker.state == "open"
    breaker.looked(silent=False, sent_at=9.0)
    assert breaker.state == "closed"


def test_a_look_does_not_close_what_a_request_has_opened() -> None:
    breaker = Breaker(5, lambda: 10.0)
    breaker.failed(silent=True, sent_at=9.0)
    breaker.looked(silent=True, sent_at=9.0)
    breaker.looked(silent=False, sent_at=9.0)
    assert breaker.state == "open"
