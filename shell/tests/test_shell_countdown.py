"""Waits of one length behind one timer, and the patience of a page view made of them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from jogakbo_shell.composition.countdown import Countdown
from jogakbo_shell.composition.patience import Patience
from shell.tests.harness import eventually

pytestmark = pytest.mark.anyio

# uvloop counts in whole milliseconds.
EARLY_SECONDS = 0.0015
LATE_SECONDS = 1.0  # of a machine that is busy with something else


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def now() -> float:
    return asyncio.get_running_loop().time()


class Bell:
    """Notes what is due, and how long after it was put in."""

    def __init__(self, seconds: float) -> None:
        self.countdown = Countdown[str](seconds, self)
        self.rung: list[str] = []
        self.waited: dict[str, float] = {}
        self._began: dict[str, float] = {}

    def put(self, *items: str) -> None:
        for item in items:
            self._began[item] = now()
            self.countdown.put(item)

    def __call__(self, item: str) -> None:
        self.rung.append(item)
        self.waited[item] = now() - self._began[item]

    async def until(self, count: int) -> None:
        await eventually(lambda: len(self.rung) >= count)


async def test_what_began_first_is_due_first_and_none_before_its_time() -> None:
    bell = Bell(0.03)
    bell.put("a")
    await passed(0.01)
    bell.put("b", "c")
    await bell.until(3)
    assert bell.rung == ["a", "b", "c"]
    for waited in bell.waited.values():
        assert 0.03 - EARLY_SECONDS <= waited < 0.03 + LATE_SECONDS
    assert len(bell.countdown) == 0


async def test_what_was_taken_out_is_not_due_and_can_be_taken_once() -> None:
    bell = Bell(0.01)
    bell.put("a", "b", "c")
    assert bell.countdown.take("b")
    assert not bell.countdown.take("b")
    await bell.until(2)
    assert bell.rung == ["a", "c"]
    assert not bell.countdown.take("a")


async def test_a_countdown_that_ran_empty_runs_again() -> None:
    bell = Bell(0.01)
    bell.put("a")
    bell.countdown.take("a")
    await passed(0.02)
    bell.put("b")
    await bell.until(1)
    assert bell.rung == ["b"]
    assert bell.waited["b"] >= 0.01 - EARLY_SECONDS


async def test_what_is_put_in_again_counts_anew_and_holds_up_nobody() -> None:
    bell = Bell(0.04)
    bell.put("again", "other")
    await passed(0.02)
    bell.put("again")
    await bell.until(2)
    assert bell.rung == ["other", "again"]
    assert bell.waited["other"] < 0.04 + LATE_SECONDS
    assert bell.waited["again"] >= 0.04 - EARLY_SECONDS


async def test_what_is_put_in_by_what_is_due_holds_up_nobody() -> None:
    class Putting(Bell):
        def __call__(self, item: str) -> None:
            super().__call__(item)
            if item == "a":
                self.put("c")

    bell = Putting(0.4)
    bell.put("a")
    await passed(0.2)
    bell.put("b")
    await bell.until(3)
    assert bell.rung == ["a", "b", "c"]
    assert bell.waited["b"] < 0.6
    assert bell.waited["c"] >= 0.4 - EARLY_SECONDS


async def test_what_is_put_in_again_when_it_is_due_leaves_the_loop_its_turn() -> None:
    class Endless(Bell):
        def __call__(self, item: str) -> None:
            super().__call__(item)
            self.put(item)

    bell = Endless(0.0)
    bell.put("a")
    await bell.until(3)
    bell.countdown.stop()


async def test_what_fails_when_it_is_due_holds_up_nobody() -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context.get("exception")))

    class Failing(Bell):
        def __call__(self, item: str) -> None:
            super().__call__(item)
            if item == "bad":
                raise LookupError(item)

    bell = Failing(0.01)
    bell.put("bad", "good")
    await bell.until(2)
    bell.put("later")
    await bell.until(3)
    assert bell.rung == ["bad", "good", "later"]
    assert [type(failure) for failure in failures] == [LookupError]


async def test_nothing_is_due_once_it_was_stopped() -> None:
    bell, other = Bell(0.01), Bell(0.02)
    bell.put("a")
    bell.countdown.stop()
    other.put("a")
    await other.until(1)
    assert bell.rung == []


async def test_no_time_at_all_is_over_in_the_next_turn() -> None:
    bell = Bell(0.0)
    bell.put("a", "b")
    assert bell.rung == []
    await bell.until(2)
    assert bell.rung == ["a", "b"]
    assert bell.waited["a"] < LATE_SECONDS


async def test_ten_thousand_are_due_together() -> None:
    bell = Bell(0.02)
    items = [str(number) for number in range(10_000)]
    bell.put(*items)
    for item in items[::2]:
        bell.countdown.take(item)
    await bell.until(5_000)
    assert bell.rung == items[1::2]


@dataclass(eq=False)
class View:
    """Notes what its patience tells it, and when; ends at `ends_at`."""

    patience: Patience
    ends_at: str = ""
    began: float = field(default_factory=now)
    told: list[tuple[str, float]] = field(default_factory=list)

    def held(self) -> None:
        self._note("held")

    def overdue(self) -> None:
        self._note("overdue")

    def expired(self) -> None:
        self._note("expired")

    @property
    def words(self) -> list[str]:
        return [word for word, _ in self.told]

    def _note(self, word: str) -> None:
        self.told.append((word, now() - self.began))
        if word == self.ends_at:
            self.patience.end(self)

    async def until(self, word: str) -> None:
        await eventually(lambda: word in self.words)


async def test_a_view_is_told_each_in_its_time() -> None:
    patience = Patience(0.01, 0.03, 0.06)
    view = View(patience)
    patience.begin(view)
    await view.until("expired")
    assert view.words == ["held", "overdue", "expired"]
    for (_, at), due in zip(view.told, (0.01, 0.03, 0.06), strict=True):
        assert due - 2 * EARLY_SECONDS <= at < due + LATE_SECONDS


@pytest.mark.parametrize("ends_at", ["", "held", "overdue", "expired"])
async def test_a_view_that_has_ended_is_told_no_more(ends_at: str) -> None:
    patience = Patience(0.005, 0.01, 0.015)
    view, other = View(patience, ends_at), View(patience)
    patience.begin(view)
    patience.begin(other)
    if not ends_at:
        patience.end(view)
    await other.until("expired")
    words = ["held", "overdue", "expired"]
    assert view.words == (words[: words.index(ends_at) + 1] if ends_at else [])


SPANS = {
    "nothing held": (0.0, 0.02, 0.04),
    "nothing in place": (0.01, 0.0, 0.04),
    "neither": (0.0, 0.0, 0.04),
    "held beyond the budget": (0.03, 0.01, 0.04),
    "a budget as long as the deadline": (0.005, 0.04, 0.04),
    "a budget beyond the deadline": (0.005, 5.0, 0.04),
    "held beyond the deadline": (5.0, 0.02, 0.04),
    "both beyond the deadline": (5.0, 10.0, 0.04),
}


@pytest.mark.parametrize(("hold", "budget", "deadline"), SPANS.values(), ids=SPANS.keys())
async def test_a_page_is_complete_by_its_deadline_whatever_else_is_set(
    hold: float, budget: float, deadline: float
) -> None:
    patience = Patience(hold, budget, deadline)
    view = View(patience)
    patience.begin(view)
    await view.until("expired")
    assert view.words == ["held", "overdue", "expired"]
    assert view.told[0][1] < min(hold, deadline) + LATE_SECONDS
    assert deadline - 3 * EARLY_SECONDS <= view.told[-1][1] < deadline + LATE_SECONDS


async def test_no_view_is_told_anything_after_the_stop() -> None:
    patience, other = Patience(0.005, 0.01, 0.015), Patience(0.005, 0.01, 0.02)
    witness = View(other)

    class Stopping(View):
        def held(self) -> None:
            super().held()
            self.patience.stop()

    view = Stopping(patience)
    patience.begin(view)
    other.begin(witness)
    await witness.until("expired")
    assert view.words == ["held"]


async def passed(seconds: float) -> None:
    """So much time, told by a countdown of its own."""
    bell = Bell(seconds)
    bell.put("")
    await bell.until(1)


async def test_with_a_step_it_rings_for_many_at_once() -> None:
    rung: list[float] = []
    clock = asyncio.get_running_loop().time
    countdown = Countdown[str](0.02, lambda item: rung.append(clock()), step=0.2)
    countdown.put("a")
    _block(0.01)
    countdown.put("b")
    await eventually(lambda: len(rung) == 2)
    between = rung[1] - rung[0]
    # In one ring, where the loop came late; else not before the next.
    assert between < 0.1 or between >= 0.2 - EARLY_SECONDS


def _block(seconds: float) -> None:
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        pass
