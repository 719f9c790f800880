"""The geometry of a bar chart of hours: percent across, so that it fits any width without scaling its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports_fragment.client import Hour, Method

TOP = 18
BOTTOM = 186
_LEAST_HOURS = 8
_BAR_SHARE = 0.68
_LINES = 4


@dataclass(frozen=True, slots=True)
class HourBar:
    """One hour: ``x``, ``width`` and ``middle`` in percent, ``y`` and ``height`` in pixels."""

    hour: int
    orders: int
    won: int
    x: float
    width: float
    y: float
    height: float

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart at a round sum."""

    won: int
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the template draws."""

    bars: list[HourBar]
    lines: list[Line]
    best: HourBar


def hours_chart(hours: Sequence[Hour]) -> Chart:
    """The chart of ``hours``, of which at least one has sales; hours between them without any are shown too."""
    sold = {hour.hour: hour for hour in hours if hour.orders}
    span = _span(min(sold), max(sold))
    top_won = _round_up(max(hour.won for hour in sold.values()))
    share = 100 / len(span)
    bars = [_bar(sold.get(hour, Hour(hour, 0, 0)), index * share, share, top_won) for index, hour in enumerate(span)]
    lines = [Line(top_won * step // _LINES, _y(top_won * step // _LINES, top_won)) for step in range(_LINES + 1)]
    return Chart(bars, lines, max(bars, key=lambda bar: bar.won))


def _bar(hour: Hour, left: float, share: float, top_won: int) -> HourBar:
    y = _y(hour.won, top_won)
    return HourBar(
        hour.hour,
        hour.orders,
        hour.won,
        x=round(left + share * (1 - _BAR_SHARE) / 2, 2),
        width=round(share * _BAR_SHARE, 2),
        y=y,
        height=round(BOTTOM - y, 1),
    )


def _span(first: int, last: int) -> range:
    """Wide enough that the first sale of the day is not one bar from wall to wall."""
    first = max(0, min(first, 24 - _LEAST_HOURS))
    return range(first, max(last + 1, first + _LEAST_HOURS))


def _y(won: int, top_won: int) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * won / top_won, 1)


def _round_up(won: int) -> int:
    """The least of 4, 8, 12, 20, 40 … thousand that holds ``won``: a quarter of it is a round sum too."""
    magnitude = 1
    while True:
        for step in (4, 8, 12, 20):
            if won <= step * magnitude:
                return step * magnitude
        magnitude *= 10


@dataclass(frozen=True, slots=True)
class Arc:
    """A share of a ring, in percent: ``length`` long, beginning at ``start``."""

    method: Method
    start: float
    length: float


def donut(methods: Sequence[Method]) -> list[Arc]:
    """The shares of what was taken by each method; none without money."""
    total = sum(method.won for method in methods)
    arcs: list[Arc] = []
    start = 0.0
    for method in methods if total else ():
        length = round(100 * method.won / total, 2)
        arcs.append(Arc(method, start, length))
        start = round(start + length, 2)
    return arcs
