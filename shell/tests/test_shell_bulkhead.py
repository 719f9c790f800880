"""Each fragment server's own compartment: its bounds, its order, and that no place in it is ever lost."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.bulkhead import Bulkhead
from jogakbo_shell.composition.parsing import Parsed, Parser
from jogakbo_shell.composition.ports import FragmentSeat
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from jogakbo_shell.upstream.errors import GoingDown, TimedOut, UpstreamError
from shell.tests.asking import Rig
from shell.tests.harness import FakeFragmentServer, Gate, answer, eventually, hang, portal, until_true

pytestmark = pytest.mark.anyio

CAFE = "/cafe"


@dataclass(eq=False)
class FakeFetch:
    name: int
    told: list[str] = field(default_factory=list)

    def enter(self) -> None:
        self.told.append("enter")

    def line_up(self) -> None:
        self.told.append("line up")


def fetches(count: int) -> list[FakeFetch]:
    return [FakeFetch(number) for number in range(count)]


def test_so_many_run_so_many_wait_and_the_rest_are_shed() -> None:
    bulkhead, asked = Bulkhead(2, 1), fetches(4)
    assert [bulkhead.admit(fetch) for fetch in asked] == [True, True, True, False]
    assert [fetch.told for fetch in asked] == [["enter"], ["enter"], ["line up"], []]
    assert (bulkhead.running, bulkhead.waiting, bulkhead.shed) == (2, 1, 1)


def test_who_came_first_is_let_in_first() -> None:
    bulkhead, asked = Bulkhead(1, 3), fetches(4)
    for fetch in asked:
        bulkhead.admit(fetch)
    order = []
    for _ in range(3):
        bulkhead.leave()
        order.append([fetch.name for fetch in asked if fetch.told[-1] == "enter"])
    assert order == [[0, 1], [0, 1, 2], [0, 1, 2, 3]]
    assert (bulkhead.running, bulkhead.waiting) == (1, 0)


def test_nobody_waits_where_no_line_is_allowed() -> None:
    bulkhead = Bulkhead(1, 0)
    assert [bulkhead.admit(fetch) for fetch in fetches(2)] == [True, False]


def test_whoever_steps_out_of_line_is_not_let_in_and_makes_room_for_another() -> None:
    bulkhead, asked = Bulkhead(1, 2), fetches(4)
    for fetch in asked[:3]:
        bulkhead.admit(fetch)
    bulkhead.step_out(asked[1])
    bulkhead.step_out(asked[1])
    assert bulkhead.admit(asked[3])
    bulkhead.leave()
    bulkhead.leave()
    assert [fetch.told[-1] for fetch in asked] == ["enter", "line up", "enter", "enter"]


@given(st.integers(1, 3), st.integers(0, 3), st.lists(st.tuples(st.sampled_from("ale"), st.integers(0, 5))))
@settings(max_examples=300, deadline=None)
def test_a_bulkhead_does_what_a_model_of_it_does(most: int, longest: int, steps: list[tuple[str, int]]) -> None:
    bulkhead = Bulkhead(most, longest)
    running: list[FakeFetch] = []
    line: deque[FakeFetch] = deque()
    for number, (step, which) in enumerate(steps):
        fetch = FakeFetch(number)
        if step == "a":
            assert bulkhead.admit(fetch) == (len(running) < most or len(line) < longest)
            if fetch.told:
                (running if fetch.told == ["enter"] else line).append(fetch)
        elif step == "l" and line:
            out = line[which % len(line)]
            line.remove(out)
            bulkhead.step_out(out)
        elif step == "e" and running:
            running.pop(which % len(running))
            bulkhead.leave()
            if line:
                running.append(line.popleft())
                assert running[-1].told == ["line up", "enter"]
        assert (bulkhead.running, bulkhead.waiting) == (len(running), len(line))
        assert len(running) <= most
        assert not line or len(running) == most
        assert all(waiting.told == ["line up"] for waiting in line)


class Table:
    """Asks for the fragments of a rig, and notes what came."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.came: dict[str, Rendered] = {}

    def ask(self, name: str) -> FragmentSeat | None:
        def arrived(rendered: Rendered) -> None:
            assert name not in self.came
            self.came[name] = rendered

        fragments, instance = self.rig.fragments, Instance.of(f"cafe/{name}")
        asked = fragments.ready(instance) or fragments.ask(instance, Asker(), arrived)
        if isinstance(asked, Rendered):
            arrived(asked)
            return None
        return asked

    def seat(self, name: str) -> FragmentSeat:
        seat = self.ask(name)
        assert seat is not None
        return seat

    @property
    def states(self) -> dict[str, str]:
        return {name: rendered.state for name, rendered in self.came.items()}

    def is_empty(self) -> bool:
        """Whether nothing of what was asked is still held anywhere."""
        bulkhead = self.rig.fetcher.bulkhead("cafe")
        tickets = self.rig.cache._tickets._open
        return (bulkhead.running, bulkhead.waiting, len(tickets)) == (0, 0, 0) and not self.rig.upstream.running


@pytest.fixture
async def table(tmp_path: Path) -> Table:
    return Table(Rig(tmp_path, "a", "b", "c", "d", "e", max_running=2, max_waiting=2))


async def test_a_fetch_beyond_the_line_is_not_sent_and_its_slot_filled_at_once(table: Table) -> None:
    for name in "abcde":
        table.ask(name)
    assert [call.url[-1] for call in table.rig.upstream.calls] == ["a", "b"]
    assert table.states == {"e": "failed"}
    assert not table.rig.server.breaker.open
    table.rig.upstream.calls[0].show("<p>a")
    assert [call.url[-1] for call in table.rig.upstream.calls] == ["a", "b", "c"]


async def test_a_fetch_given_up_more_than_once_frees_one_place(table: Table) -> None:
    seats = [table.seat(name) for name in "abcd"]
    for _ in range(3):
        seats[0].leave()
    assert [call.url[-1] for call in table.rig.upstream.running] == ["b", "c"]
    for seat in seats:
        seat.leave()
        seat.give_up()
        seat.leave()
    assert table.is_empty()
    assert table.came == {}


async def test_leaving_after_the_answer_frees_nothing_twice(table: Table) -> None:
    seats = [table.seat(name) for name in "abcd"]
    table.rig.upstream.calls[0].show("<p>a")
    seats[0].leave()
    seats[0].leave()
    assert [call.url[-1] for call in table.rig.upstream.running] == ["b", "c"]
    for call in table.rig.upstream.calls[1:]:
        call.show("<p>x")
    assert [call.url[-1] for call in table.rig.upstream.running] == ["d"]


async def test_what_stops_at_the_end_frees_nothing_twice(table: Table) -> None:
    seats = [table.seat(name) for name in "abc"]
    table.rig.fragments.stop()
    for seat in seats:
        seat.leave()
    assert table.is_empty()


async def test_a_client_that_goes_while_it_is_in_line_is_never_asked_for(table: Table) -> None:
    seats = [table.seat(name) for name in "abc"]
    seats[2].leave()
    table.rig.upstream.calls[0].show("<p>a")
    table.rig.upstream.calls[1].show("<p>b")
    assert len(table.rig.upstream.calls) == 2
    assert table.is_empty()


async def test_the_deadline_counts_from_asking_also_in_line(tmp_path: Path) -> None:
    table = Table(Rig(tmp_path, "a", "b", "c", max_running=1, max_waiting=2, max_seconds=1.0))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for name in "abc":
        table.ask(name)
    asked = loop.time()
    await eventually(lambda: loop.time() - asked > 0.5)
    table.rig.upstream.calls[0].show("<p>a")
    assert table.rig.upstream.calls[1].deadline <= 0.5
    await eventually(lambda: "c" in table.came)
    assert 1.0 <= loop.time() - began < 1.45
    assert (table.came["c"].state, table.came["c"].status) == ("failed", 504)
    assert len(table.rig.upstream.calls) == 2
    assert not table.rig.server.breaker.open  # waiting in line says nothing of the server's health
    table.rig.upstream.calls[1].end(TimedOut("too late", heard=True))
    assert table.is_empty()


@pytest.mark.parametrize("outcome", [GoingDown(), TimedOut("no time left to ask", heard=False, asked=False)])
async def test_what_says_nothing_of_the_server_leaves_its_breaker_alone(table: Table, outcome: UpstreamError) -> None:
    for _ in range(10):
        table.ask("a")
        table.rig.upstream.calls[-1].end(outcome)
        assert table.came.pop("a").state == "failed"
    assert not table.rig.server.breaker.open


async def test_an_answer_that_the_shell_cannot_read_ends_its_fetch_all_the_same(tmp_path: Path) -> None:
    class Broken(Parser):
        def parse(self, instance: Instance, body: bytes, label: str, slots: frozenset[str] = frozenset()) -> Parsed:
            if body == b"odd":
                raise RecursionError(body)
            return super().parse(instance, body, label, slots)

    table = Table(Rig(tmp_path, "a", parser=Broken(1000)))
    table.ask("a")
    table.rig.upstream.calls[0].show("odd")
    assert table.came.pop("a").state == "failed"
    table.ask("a")
    table.rig.upstream.calls[1].show("<p>a")
    assert table.states == {"a": "fresh"}
    assert table.is_empty()


async def test_a_fault_of_one_who_waits_costs_the_others_nothing(table: Table) -> None:
    def crash(rendered: Rendered) -> None:
        raise LookupError("a page of its own")

    table.rig.fragments.ask(Instance.of("cafe/a"), Asker(), crash)
    table.ask("a")
    table.rig.upstream.calls[0].show("<p>a")
    assert table.states == {"a": "fresh"}
    assert table.is_empty()


async def test_one_who_leaves_while_another_is_told_is_told_nothing(table: Table) -> None:
    seats: list[FragmentSeat] = []

    def leave_all(rendered: Rendered) -> None:
        for seat in seats:
            seat.leave()

    first = table.rig.fragments.ask(Instance.of("cafe/a"), Asker(), leave_all)
    assert not isinstance(first, Rendered)
    seats += [first, table.seat("a")]
    table.rig.upstream.calls[0].show("<p>a")
    assert table.came == {}
    assert table.is_empty()


@pytest.mark.parametrize("turns", range(5))
async def test_an_answer_that_comes_while_one_who_asked_is_being_cancelled_reaches_the_others(
    table: Table, turns: int
) -> None:
    leaving = asyncio.create_task(table.rig.fragments.render(Instance.of("cafe/a")))
    await asyncio.sleep(0)
    table.ask("a")
    leaving.cancel()
    for _ in range(turns):
        await asyncio.sleep(0)
    table.rig.upstream.calls[0].show("<p>a")
    await asyncio.gather(leaving, return_exceptions=True)
    assert table.states == {"a": "fresh"}
    assert table.is_empty()


@pytest.mark.parametrize("turns", range(5))
async def test_an_answer_that_comes_while_its_probe_is_being_cancelled_is_no_fault(table: Table, turns: int) -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    probing = asyncio.create_task(table.rig.fragments.probe(Instance.of("cafe/a"), None))
    await asyncio.sleep(0)
    probing.cancel()
    for _ in range(turns):
        await asyncio.sleep(0)
    table.rig.upstream.calls[0].show("<p>a")
    await asyncio.gather(probing, return_exceptions=True)
    assert table.is_empty()
    assert failures == []


async def test_one_who_waits_too_long_leaves_the_fetch_to_its_own_end(tmp_path: Path) -> None:
    table = Table(Rig(tmp_path, "a", max_running=1))
    rendered = await table.rig.fragments.render(Instance.of("cafe/a"), deadline=0.02)
    assert (rendered.state, rendered.status) == ("failed", 504)
    assert len(table.rig.upstream.running) == 1
    table.rig.upstream.calls[0].show("<p>a", cache_control="max-age=60")
    assert table.is_empty()
    assert table.rig.fragments.ready(Instance.of("cafe/a")) is not None


# Over real HTTP.

PATIENT = {"fragment_deadline_ms": 3000, "page_deadline_ms": 3000, "page_budget_ms": 3000, "page_hold_ms": 3000}


async def test_a_page_beyond_the_line_of_its_server_is_whole_at_once(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={}, b={}, c={}, d={})
    gates = {name: Gate(answer(f"<p>{name}")) for name in "abcd"}
    cafe.at |= {f"/{name}": gate for name, gate in gates.items()}
    async with portal(
        tmp_path,
        {"cafe": cafe.address},
        max_running_fragments=2,
        max_waiting_fragments=1,
        breaker_retry_ms=60_000,
        **PATIENT,
    ) as shell:
        asking = asyncio.create_task(shell.get(CAFE))
        await asyncio.wait_for(asyncio.gather(gates["a"].reached.wait(), gates["b"].reached.wait()), 2)
        assert not gates["c"].reached.is_set()
        gates["a"].open.set()
        await asyncio.wait_for(gates["c"].reached.wait(), 2)
        for gate in gates.values():
            gate.open.set()
        page = await asking
    assert "<p>a</p>" in page.text
    assert "<p>b</p>" in page.text
    assert "<p>c</p>" in page.text
    assert 'data-state="failed" data-fragment="cafe/d"' in page.text
    assert not gates["d"].reached.is_set()


async def test_a_slow_server_fills_its_own_compartment_only(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare("cafe", a={})
    slow = Gate(answer("<p>a"))
    cafe.at["/a"] = slow
    async with (
        FakeFragmentServer() as bakery,
        portal(
            tmp_path,
            {"cafe": cafe.address, "bakery": bakery.address},
            max_running_fragments=1,
            max_waiting_fragments=0,
            **PATIENT,
        ) as shell,
    ):
        bakery.declare("bakery", bread={})
        bakery.at["/bread"] = answer("<p>bread")
        asking = asyncio.create_task(shell.get(CAFE))
        await asyncio.wait_for(slow.reached.wait(), 2)
        for _ in range(3):
            await until_true(lambda: shell.shows("/bakery", "<p>bread</p>"))
        slow.open.set()
        assert "<p>a</p>" in (await asking).text


async def test_a_fragment_in_line_gets_what_is_left_of_its_deadline(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={}, b={})
    first = Gate(answer("<p>a"))
    cafe.at |= {"/a": first, "/b": hang}
    async with portal(
        tmp_path,
        {"cafe": cafe.address},
        max_running_fragments=1,
        fragment_deadline_ms=1000,
        page_deadline_ms=3000,
        page_budget_ms=3000,
    ) as shell:
        began = time.perf_counter()
        asking = asyncio.create_task(shell.get(CAFE))
        await asyncio.wait_for(first.reached.wait(), 2)
        await eventually(lambda: time.perf_counter() - began > 0.6)
        first.open.set()
        page = await asking
        took = time.perf_counter() - began
    assert "<p>a</p>" in page.text
    assert 'data-state="failed" data-fragment="cafe/b"' in page.text
    assert 0.99 <= took < 1.5
