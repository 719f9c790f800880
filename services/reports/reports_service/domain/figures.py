"""The fold: from facts to what is to be added to the reports. Pure, so that a rebuild gives what was counted live."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from enum import StrEnum

from reports_service.domain.facts import DayArchived, DayBalanced, DayReopened, Entry, Fact, Kind, Name


class DayState(StrEnum):
    """``folded``: the till has balanced, what comes late still counts; ``closed``: it is an adjustment of another."""

    OPEN = "open"
    FOLDED = "folded"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Day:
    """A business day that was closed at some time, with what the till said of it."""

    state: DayState
    balance: DayBalanced


@dataclass(frozen=True, slots=True)
class Counted:
    """An entry and the day that it counts on: its own, or the open one when its own is closed."""

    entry: Entry
    counted_on: date

    @property
    def late(self) -> bool:
        return self.counted_on != self.entry.business_day


class Figures:
    """What a run of facts adds to reports that have ``known`` entries and ``days``, summed up in memory.

    ``days`` must hold the days of the facts and the newest closed one.
    """

    def __init__(self, zone: tzinfo, known: Iterable[tuple[Kind, str]], days: Mapping[date, Day]) -> None:
        self._zone = zone
        self._known = set(known)
        self._days = dict(days)
        closed = [day for day, it in days.items() if it.state is DayState.CLOSED]
        self._open_day = days[max(closed)].balance.next_day if closed else None
        self.entries: list[Counted] = []
        self.days: dict[date, Day] = {}
        self.day_sums: defaultdict[date, Counter[str]] = defaultdict(Counter)
        self.hour_sums: defaultdict[tuple[date, int], Counter[str]] = defaultdict(Counter)
        self.item_sums: defaultdict[tuple[date, str], Counter[str]] = defaultdict(Counter)
        self.item_names: dict[tuple[date, str], Name] = {}

    @property
    def changed(self) -> list[date]:
        """The days whose reports are different now."""
        return sorted({*self.days, *self.day_sums})

    def add(self, fact: Fact) -> None:
        """Count one fact. Told twice (senders repeat themselves), it counts once."""
        match fact:
            case Entry():
                if (fact.kind, fact.id) not in self._known:
                    self._known.add((fact.kind, fact.id))
                    self._count(Counted(fact, self._counts_on(fact.business_day)))
            case DayBalanced():
                if self._state(fact.business_day) is not DayState.CLOSED:
                    self._set_day(fact.business_day, Day(DayState.FOLDED, fact))
            case DayArchived():
                if day := self._days.get(fact.business_day):
                    self._set_day(fact.business_day, replace(day, state=DayState.CLOSED))
                    self._open_day = day.balance.next_day
            case DayReopened():
                if day := self._days.get(fact.business_day):
                    self._set_day(fact.business_day, replace(day, state=DayState.OPEN))
                    self._open_day = fact.business_day

    def _state(self, business_day: date) -> DayState:
        day = self._days.get(business_day)
        return day.state if day else DayState.OPEN

    def _counts_on(self, business_day: date) -> date:
        if self._state(business_day) is not DayState.CLOSED or self._open_day is None:
            return business_day
        return self._open_day

    def _set_day(self, business_day: date, day: Day) -> None:
        self._days[business_day] = self.days[business_day] = day

    def _count(self, counted: Counted) -> None:
        self.entries.append(counted)
        entry, day = counted.entry, self.day_sums[counted.counted_on]
        if counted.late:
            day["adjusted_won" if entry.kind in (Kind.SALE, Kind.REFUND) else "adjusted_taken_won"] += entry.signed_won
            return
        match entry.kind:
            case Kind.SALE:
                day["orders"] += 1
                day["won"] += entry.won
                self._sell(entry)
            case Kind.REFUND:
                day["refunds"] += 1
                day["refunded_won"] += entry.won
            case Kind.CHARGE | Kind.RETURN:
                day["taken_won"] += entry.signed_won

    def _sell(self, sale: Entry) -> None:
        day = sale.business_day
        hour = self.hour_sums[day, sale.hour(self._zone)]
        hour["orders"] += 1
        hour["won"] += sale.won
        for line in sale.lines:
            item = self.item_sums[day, line.item_id]
            item["qty"] += line.qty
            item["won"] += line.won
            self.item_names[day, line.item_id] = line.name
