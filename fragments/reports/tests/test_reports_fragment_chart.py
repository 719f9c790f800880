from __future__ import annotations

import pytest

from reports_fragment.chart import BOTTOM, TOP, donut, hours_chart
from reports_fragment.client import Hour, Method


def test_hours_between_sales_are_shown_empty() -> None:
    chart = hours_chart([Hour(8, 1, 4000), Hour(17, 1, 4000)])
    assert [bar.hour for bar in chart.bars] == list(range(8, 18))
    assert chart.bars[1].height == 0


def test_the_first_sale_of_the_day_is_one_bar_of_several() -> None:
    assert len(hours_chart([Hour(8, 1, 4000)]).bars) == 8


def test_a_sale_before_midnight_stays_within_the_day() -> None:
    assert hours_chart([Hour(23, 1, 4000)]).bars[-1].hour == 23


def test_bars_stay_within_the_chart() -> None:
    chart = hours_chart([Hour(hour, hour, hour * 1700) for hour in range(1, 24)])
    assert all(bar.x >= 0 and bar.x + bar.width <= 100 for bar in chart.bars)
    assert all(TOP <= bar.y <= BOTTOM for bar in chart.bars)


@pytest.mark.parametrize(
    ("most", "top"), [(1, 4), (4, 4), (5, 8), (52_300, 80_000), (91_800, 120_000), (200_001, 400_000)]
)
def test_the_lines_stand_at_round_sums(most: int, top: int) -> None:
    lines = hours_chart([Hour(9, 1, most)]).lines
    assert [line.won for line in lines] == [top * quarter // 4 for quarter in range(5)]


def test_the_best_hour_is_the_one_that_sold_most() -> None:
    assert hours_chart([Hour(9, 9, 9000), Hour(10, 1, 9500)]).best.hour == 10


def test_the_shares_of_a_ring_follow_one_another_and_are_the_whole() -> None:
    arcs = donut([Method("card", 3, 30000, 1, 4500), Method("cash", 1, 10000, 0, 0)])
    assert [(arc.start, arc.length) for arc in arcs] == [(0.0, 75.0), (75.0, 25.0)]


def test_without_money_there_is_no_ring() -> None:
    assert donut([Method("card", 0, 0, 0, 0)]) == []
