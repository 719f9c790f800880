"""A day's report as CSV (RFC 4180), for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from reports_service.domain.report import DayReport

_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = tuple[str, str | int, str, str, int, int]


def report_csv(report: DayReport) -> bytes:
    """UTF-8 with a byte order mark, without which spreadsheets take Korean names for Latin-1."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["section", "key", "name_en", "name_ko", "count", "won"])
    writer.writerows([[_inert(cell) for cell in row] for row in _rows(report)])
    return text.getvalue().encode("utf-8-sig")


def _rows(report: DayReport) -> Iterator[Row]:
    sales = report.sales
    yield "day", sales.business_day.isoformat(), sales.state, "", 0, 0
    yield "sales", "gross", "", "", sales.orders, sales.won
    yield "sales", "refunded", "", "", sales.refunds, -sales.refunded_won
    yield "sales", "adjusted", "", "", len(report.adjustments), sales.adjusted_won
    yield "sales", "net", "", "", sales.orders, sales.net_won
    for hour in report.hours:
        yield "hour", hour.hour, "", "", hour.orders, hour.won
    for item in report.items:
        yield "item", item.item_id, item.name.en, item.name.ko, item.qty, item.won
    for method in report.methods:
        yield "payments", method.method, "", "", method.payments, method.won
        yield "given back", method.method, "", "", method.refunds, -method.refunded_won
    for refund in report.refunds:
        yield "refund", refund.order_id, refund.reason, refund.of_day.isoformat(), 1, -refund.won
    for late in report.adjustments:
        yield "adjustment", late.id, late.what, late.of_day.isoformat(), 1, late.won
    if report.balance:
        yield "balance", "opening cash", "", "", 0, report.balance.opening_cash_won
        yield "balance", "closing cash", "", "", 0, report.balance.closing_cash_won
        yield "balance", "till", "", "", report.balance.till_payments, report.balance.till_won
    yield "digest", report.digest, "", "", 0, 0


def _inert(cell: str | int) -> str | int:
    """A spreadsheet must not take somebody's reason for a refund for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
