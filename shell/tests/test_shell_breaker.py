"""When a fragment server is left alone, and what makes it be asked again."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jogakbo_shell.resilience import Breaker, Probe

MAX_FAILURES = 5


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(MAX_FAILURES, clock)


def fail(breaker: Breaker, times: int = 1, of: str = "") -> None:
    for _ in range(times):
        breaker.failed(silent=False, sent_at=breaker.now(), of=of)


def answer_alternately(breaker: Breaker, answers: int, *names: str) -> None:
    """Half of the answers are bad, of every fragment."""
    for number in range(answers // 2):
        breaker.succeeded(of=names[number % len(names)] if names else "")
        fail(breaker, of=names[number % len(names)] if names else "")


def test_failures_in_a_row_open_it(breaker: Breaker) -> None:
    fail(breaker, MAX_FAILURES - 1)
    assert breaker.state == "closed"
    fail(breaker)
    assert (breaker.state, breaker.open) == ("open", True)


def test_half_of_twenty_answers_open_it(breaker: Breaker) -> None:
    answer_alternately(breaker, 18)
    breaker.succeeded()
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


def test_less_than_half_does_not(breaker: Breaker) -> None:
    breaker.succeeded()
    answer_alternately(breaker, 200)
    assert breaker.state == "closed"


def test_what_is_longer_ago_than_ten_seconds_does_not_count(breaker: Breaker, clock: Clock) -> None:
    answer_alternately(breaker, 18)
    clock.now += 10
    breaker.succeeded()
    fail(breaker)
    assert breaker.state == "closed"
    clock.now += 8
    answer_alternately(breaker, 18)
    assert breaker.state == "open"


def test_one_fragment_that_always_fails_does_not_take_the_others_down(breaker: Breaker) -> None:
    for _ in range(100):
        breaker.succeeded(of="well")
        fail(breaker, 2, of="ill")
        assert breaker.state == "closed"


def test_it_opens_when_no_fragment_is_well(breaker: Breaker) -> None:
    answer_alternately(breaker, 20, "board", "queue")
    assert breaker.state == "open"


def test_half_open_lets_one_probe_through(breaker: Breaker) -> None:
    fail(breaker, MAX_FAILURES)
    probe = breaker.probing()
    assert probe is not None
    assert (breaker.state, breaker.open) == ("half-open", True)
    assert breaker.probing() is None
    fail(breaker)
    probe.ended()
    assert breaker.state == "open"
    assert breaker.probing() is not None


def test_a_probe_that_is_answered_closes_it(breaker: Breaker) -> None:
    fail(breaker, MAX_FAILURES)
    probe = breaker.probing()
    assert probe is not None
    breaker.succeeded(sent_at=breaker.now())
    probe.ended()
    assert breaker.state == "closed"


def test_a_probe_that_is_given_up_leaves_it_open(breaker: Breaker) -> None:
    fail(breaker, MAX_FAILURES)
    probe = breaker.probing()
    assert probe is not None
    probe.ended()
    assert breaker.state == "open"


def test_a_probe_that_ends_late_does_not_end_another(breaker: Breaker) -> None:
    early = breaker.probing()
    fail(breaker, MAX_FAILURES)
    late = breaker.probing()
    assert early is not None
    assert late is not None
    early.ended()
    assert breaker.state == "half-open"


def test_a_closed_breaker_lets_every_probe_through(breaker: Breaker) -> None:
    assert breaker.probing() is not None
    assert breaker.probing() is not None
    assert breaker.state == "closed"


def test_a_late_answer_refutes_a_row_of_failures(breaker: Breaker, clock: Clock) -> None:
    sent_at = breaker.now()
    clock.now += 1
    fail(breaker, MAX_FAILURES)
    breaker.succeeded(sent_at=sent_at)
    assert breaker.state == "closed"


def test_a_late_answer_does_not_refute_a_rate(breaker: Breaker, clock: Clock) -> None:
    sent_at = breaker.now()
    clock.now += 1
    answer_alternately(breaker, 20)
    breaker.succeeded(sent_at=sent_at)
    assert breaker.state == "open"
    breaker.succeeded(sent_at=breaker.now())
    assert breaker.state == "closed"


def test_after_a_probe_the_count_begins_anew(breaker: Breaker) -> None:
    answer_alternately(breaker, 20)
    breaker.succeeded(sent_at=breaker.now())
    answer_alternately(breaker, 18)
    assert breaker.state == "closed"


def test_noting_an_answer_costs_next_to_nothing() -> None:
    """It is done for every fragment; the bound is tenfold, for a machine that does other things too."""
    breaker = Breaker(MAX_FAILURES)
    began = time.process_time()
    for _ in range(20_000):
        breaker.succeeded(of="board", sent_at=1.0)
    assert (time.process_time() - began) / 20_000 < 5e-6


@dataclass(frozen=True)
class Succeed:
    """`ago`: how many seconds before it was sent."""

    of: str
    ago: float


@dataclass(frozen=True)
class Fail:
    of: str
    ago: float
    silent: bool


@dataclass(frozen=True)
class Alternate:
    """Good and bad answers in turn."""

    of: str
    times: int


@dataclass(frozen=True)
class Look:
    silent: bool


@dataclass(frozen=True)
class Begin:
    """A probe."""


@dataclass(frozen=True)
class End:
    """The oldest probe under way."""


@dataclass(frozen=True)
class Wait:
    seconds: float


_names = st.sampled_from(["board", "queue"])
_agos = st.sampled_from([0.0, 0.5, 3.0])
_steps = st.one_of(
    st.builds(Succeed, _names, _agos),
    st.builds(Fail, _names, _agos, st.just(False)),
    st.builds(Fail, _names, _agos, st.booleans()),
    st.builds(Alternate, _names, st.integers(1, 12)),
    st.builds(Look, st.booleans()),
    st.builds(Begin),
    st.builds(End),
    st.builds(Wait, st.floats(0.01, 4.0)),
)


class Watch:
    """Takes steps with a breaker, and asserts after each what a breaker promises."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.breaker = Breaker(MAX_FAILURES, self.clock)
        self.answers: list[tuple[float, str, bool]] = []
        self.row = 0
        self.answered_at = self.opened_at = -math.inf
        self.opened_by_look = False
        self.probes: list[Probe] = []

    def take(self, step: object) -> None:
        match step:
            case Succeed(of, ago):
                self._succeed(of, ago)
            case Fail(of, ago, silent):
                self._fail(of, ago, silent=silent)
            case Alternate(of, times):
                for _ in range(times):
                    self._succeed(of, 0.0)
                    self._fail(of, 0.0, silent=False)
            case Look(silent):
                self._look(silent=silent)
            case Begin():
                self._begin()
            case End() if self.probes:
                before = self.breaker.open
                self.probes.pop(0).ended()
                assert self.breaker.open == before
            case Wait(seconds):
                self.clock.now += seconds

    def _succeed(self, of: str, ago: float) -> None:
        was_open, sent_at = self.breaker.open, self.clock.now - ago
        self.breaker.succeeded(of=of, sent_at=sent_at)
        self.answers.append((self.clock.now, of, True))
        self.row, self.answered_at = 0, self.clock.now
        if was_open and sent_at >= self.opened_at:
            assert not self.breaker.open
            self.answers.clear()

    def _fail(self, of: str, ago: float, *, silent: bool) -> None:
        was_open, now = self.breaker.open, self.clock.now
        self.breaker.failed(silent=silent, sent_at=now - ago, of=of)
        self.answers.append((now, of, False))
        self.row += 1
        if was_open:
            assert self.breaker.open, "it never closes without an answer"
        elif self.breaker.open:
            self.opened_at, self.opened_by_look = now, False
            assert self._must_open(silent, now - ago) or any(map(_is_bad, self._last(10.0, 10.0)))
        else:
            assert not self._must_open(silent, now - ago)
            assert not all(map(_is_bad, self._last(9.0, 10.0)))

    def _must_open(self, silent: bool, sent_at: float) -> bool:
        return self.row >= MAX_FAILURES or (silent and self.answered_at < sent_at)

    def _last(self, least: float, most: float) -> list[list[tuple[float, str, bool]]]:
        """What may have been counted: seconds are, one by one, so a window may begin anywhere in its first."""
        now = self.clock.now
        first = next(index for index, (at, _, _) in enumerate(self.answers) if at > now - most)
        last = next(index for index, (at, _, _) in enumerate(self.answers) if at > now - least)
        return [self.answers[index:] for index in range(first, (len(self.answers) if least == most else last + 1))]

    def _look(self, *, silent: bool) -> None:
        was_open, now = self.breaker.open, self.clock.now
        self.breaker.looked(silent=silent, sent_at=now)
        if silent:
            assert self.breaker.open or self.answered_at == now
            if not was_open and self.breaker.open:
                self.opened_at, self.opened_by_look = now, True
        else:
            assert self.breaker.open == (was_open and not self.opened_by_look)

    def _begin(self) -> None:
        before = self.breaker.state
        probe = self.breaker.probing()
        assert (probe is None) == (before == "half-open"), "half-open lets one through"
        if probe is not None:
            self.probes.append(probe)
            assert self.breaker.state == ("closed" if before == "closed" else "half-open")


def _is_bad(answers: list[tuple[float, str, bool]]) -> bool:
    bad = [name for _, name, well in answers if not well]
    well = {name for _, name, well in answers if well}
    return len(answers) >= 20 and 2 * len(bad) >= len(answers) and well <= set(bad)


@given(st.lists(_steps, min_size=10, max_size=40))
@settings(max_examples=300, deadline=None)
def test_whatever_happens_it_keeps_its_promises(steps: list[object]) -> None:
    watch = Watch()
    for step in steps:
        watch.take(step)
