"""One business day: its report, its close, and what comes late for it."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping

import pytest
from sqlalchemy import Connection, update

from reports_service.adapters.tables import SETS

from .conftest import LATTE, TOAST, TODAY, Reports

NEXT = "2026-03-03"


def folded(reports: Reports) -> list[Mapping[str, object]]:
    return [data for event, data in reports.told() if event.type == "reports.DayFolded"]


def test_a_day_has_one_report_of_everything(reports: Reports) -> None:
    reports.sells("o1", (LATTE, 2))
    reports.takes("pay-1", 10_000)
    reports.refunds("o0", 6500, of_day="2026-03-01", reason="too cold")
    reports.gives_back("pay-0", 6500)
    report = reports.report()
    assert (report["state"], report["next_day"], report["balances"]) == ("open", None, None)
    assert report["sales"] == {
        "orders": 1,
        "won": 10_000,
        "refunds": 1,
        "refunded_won": 6500,
        "adjusted_won": 0,
        "net_won": 3500,
    }
    assert report["hours"] == [{"hour": 9, "orders": 1, "won": 10_000}]
    assert report["items"] == [{"item_id": "latte", "name": LATTE["name"], "qty": 2, "won": 10_000}]
    cash = {"method": "cash", "payments": 1, "won": 10_000, "refunds": 1, "refunded_won": 6500}
    assert report["payments"] == {"count": 1, "taken_won": 3500, "by_method": [cash]}
    assert report["refunds"] == [
        {
            "order_id": "o0",
            "number": 7,
            "of_day": "2026-03-01",
            "won": 6500,
            "reason": "too cold",
            "at": "2026-03-02T01:10:00Z",
        }
    ]
    assert report["adjustments"] == []


def test_a_void_takes_back_only_what_had_been_taken(reports: Reports) -> None:
    reports.takes("pay-1", 5000)
    for payment_id, amount in (("pay-1", 5000), ("pay-2", 0)):
        payment = {"order_id": "o", "payment_id": payment_id, "amount_won": amount, "method": "cash"}
        reports.hears("till.PaymentVoided", {**payment, "business_day": TODAY, "voided_at": "2026-03-02T01:00:00Z"})
    payments = reports.client.get(f"/days/{TODAY}/payments").json()
    assert payments["taken_won"] == 0
    assert [(line["payment_id"], line["kind"], line["amount_won"]) for line in payments["payments"]] == [
        ("pay-1", "charge", 5000),
        ("pay-1", "return", -5000),
    ]


def test_the_till_is_told_what_the_reports_have_of_a_day(reports: Reports) -> None:
    reports.takes("pay-b", 5000)
    reports.takes("pay-a", 6500)
    reports.gives_back("pay-a", 6500)
    digest = hashlib.sha256(b"pay-a:6500\npay-a:-6500\npay-b:5000\n").hexdigest()
    reports.balances(digest=digest)
    assert folded(reports) == [{"business_day": TODAY, "lines": [], "taken_won": 5000, "payments": 2, "digest": digest}]
    assert reports.report()["balances"]["closing_cash_won"] == 109_000


def test_a_till_that_has_other_payments_is_told_each_line_and_may_ask_again(reports: Reports) -> None:
    reports.takes("pay-a", 6500)
    digest = hashlib.sha256(b"pay-a:6500\npay-b:5000\n").hexdigest()
    reports.balances(digest=digest)
    reports.takes("pay-b", 5000)
    reports.balances(digest=digest)
    first, second = folded(reports)
    assert (first["lines"], first["taken_won"]) == ([{"payment_id": "pay-a", "amount_won": 6500}], 6500)
    assert (second["lines"], second["digest"]) == ([], digest)


def test_what_comes_late_for_a_closed_day_is_an_adjustment_of_the_open_one(reports: Reports) -> None:
    reports.sells("o1", (LATTE, 1))
    reports.balances()
    reports.sells("in time", (LATTE, 1))
    reports.archives()
    closed = reports.report()
    reports.sells("late", (TOAST, 1))
    assert reports.report() == closed
    assert (closed["state"], closed["sales"]["won"]) == ("closed", 10_000)
    open_day = reports.report(NEXT)
    assert (open_day["sales"]["orders"], open_day["sales"]["adjusted_won"], open_day["sales"]["net_won"]) == (
        0,
        6500,
        6500,
    )
    [late] = open_day["adjustments"]
    assert (late["what"], late["id"], late["of_day"], late["won"]) == ("sale", "late", TODAY, 6500)


def test_a_day_that_is_opened_again_counts_again(reports: Reports) -> None:
    reports.closes()
    reports.hears("till.DayReopened", {"business_day": TODAY, "reason": "a forgotten payment"})
    reports.takes("pay-1", 5000)
    assert (reports.report()["state"], reports.report()["payments"]["taken_won"]) == ("open", 5000)
    reports.closes()
    assert [data["taken_won"] for data in folded(reports)] == [0, 5000]
    reports.sells("late", (LATTE, 1))
    assert reports.report(NEXT)["adjustments"][0]["id"] == "late"


def test_a_report_opens_in_a_spreadsheet_and_runs_nothing_there(reports: Reports) -> None:
    reports.sells("o1", (LATTE, 1))
    reports.refunds("o1", 5000, reason="=1+1")
    answer = reports.client.get(f"/days/{TODAY}/report.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-disposition"] == 'attachment; filename="2026-03-02.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["section", "key", "name_en", "name_ko", "count", "won"]
    assert ["item", "latte", "Café latte", "카페 라테", "1", "5000"] in rows
    assert ["refund", "o1", "'=1+1", TODAY, "1", "-5000"] in rows


def change_a_sum(connection: Connection) -> None:
    connection.execute(update(SETS["a"].day_sales).values(taken_won=1))


def change_an_entry(connection: Connection) -> None:
    connection.execute(update(SETS["a"].entries).values(won=4999))
    connection.execute(update(SETS["a"].day_sales).values(taken_won=4999))


def change_what_the_till_said(connection: Connection) -> None:
    connection.execute(update(SETS["a"].days).values(till_digest="0" * 64))


@pytest.mark.parametrize("tamper", [change_a_sum, change_an_entry, change_what_the_till_said])
@pytest.mark.databases("sqlite")
def test_figures_that_are_not_the_till_s_are_found_and_mended_by_a_rebuild(
    reports: Reports, tamper: Callable[[Connection], None]
) -> None:
    reports.takes("pay-1", 5000)
    reports.closes()
    with reports.database.write() as connection:
        tamper(connection)
    [check] = reports.client.get("/checks").json()
    assert (check["name"], check["holds"]) == ("till_equals_reports", False)
    reports.rebuilds()
    assert reports.client.get("/checks").json()[0]["holds"]
