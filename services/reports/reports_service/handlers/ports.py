"""What counting and the API need of the world."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol

from jogakbo.contract.streams import Position
from reports_service.domain.facts import DayBalanced, Fact, Kind
from reports_service.domain.figures import Day, Figures
from reports_service.domain.operation import Check, JournalRow, Standing, WriteSide
from reports_service.domain.report import DayReport, DaySales, HourSales, ItemSales, Payment


class Projection(Protocol):
    """One set of the tables that reports are read from."""

    def known(self, facts: Collection[Fact]) -> set[tuple[Kind, str]]:
        """Which of their entries have been counted before."""
        ...

    def days(self, wanted: Collection[date]) -> Mapping[date, Day]:
        """What is known of these days and of the newest closed one."""
        ...

    def add(self, figures: Figures) -> None:
        """Add what was counted."""
        ...


class News(Protocol):
    """Where the reports' own events go."""

    def sales_changed(self, business_day: date) -> None:
        """Tell that the figures of a day are different now."""
        ...

    def day_folded(self, balance: DayBalanced) -> None:
        """Tell the till what the reports have of the day that it closed."""
        ...


class Reads(Protocol):
    """What can be asked, within one transaction."""

    def day(self, business_day: date) -> DaySales:
        """One day; all zero when nothing was sold."""
        ...

    def days(self, limit: int) -> Sequence[DaySales]:
        """The last business days on which something happened, newest first."""
        ...

    def hours(self, business_day: date) -> Sequence[HourSales]:
        """The hours of one day in which something was sold, in order."""
        ...

    def best_sellers(self, until: date, days: int, limit: int) -> Sequence[ItemSales]:
        """What brought in most in the ``days`` that end with ``until``; an item has the name it was last sold by."""
        ...

    def report(self, business_day: date) -> DayReport:
        """Everything about one business day."""
        ...

    def payments(self, business_day: date) -> Sequence[Payment]:
        """The lines of the day's digest, in its order: by payment, of one the charge before what was given back."""
        ...

    def newest(self, limit: int) -> Sequence[JournalRow]:
        """The facts that were counted last, newest first."""
        ...


class Store(Protocol):
    def read(self) -> AbstractContextManager[Reads]: ...


class Operations(Store, Protocol):
    """The read side as a thing to look after."""

    @property
    def frozen(self) -> bool:
        """Whether nothing is read for now."""
        ...

    def freeze(self, frozen: bool) -> None:
        """Let nothing be read, or go on."""
        ...

    async def rebuild(self) -> Standing:
        """Begin to count everything anew, unless that is under way."""
        ...

    def standing(self) -> Standing:
        """How far a rebuild has come."""
        ...

    def checks(self) -> Sequence[Check]:
        """What must hold in this database, and whether it does."""
        ...

    async def write_side(self, read: Mapping[str, Position], limit: int) -> WriteSide:
        """What has been told, of which the positions ``read`` have been read."""
        ...
