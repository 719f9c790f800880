"""From events to figures."""

from __future__ import annotations

from .conftest import LATTE, TOAST, TODAY, Reports


def test_a_day_without_sales_is_all_zero(reports: Reports) -> None:
    assert reports.client.get("/sales/today").json() == {
        "business_day": TODAY,
        "state": "open",
        "total_won": 0,
        "refunded_won": 0,
        "adjusted_won": 0,
        "taken_won": 0,
        "orders": 0,
        "by_hour": [],
    }
    assert reports.client.get("/days").json() == {"days": []}
    assert reports.client.get("/best-sellers").json() == {"items": []}


def test_sales_are_summed_by_the_hour_of_the_cafe(reports: Reports) -> None:
    reports.sells("o1", (LATTE, 2), at="2026-03-02T00:10:00Z")
    reports.sells("o2", (TOAST, 1), at="2026-03-02T00:59:59Z")
    reports.sells("o3", (LATTE, 1), at="2026-03-02T02:00:00Z")
    sales = reports.client.get("/sales/today").json()
    assert (sales["total_won"], sales["orders"]) == (21_500, 3)
    assert sales["by_hour"] == [{"hour": 9, "orders": 2, "won": 16_500}, {"hour": 11, "orders": 1, "won": 5000}]


def test_a_sale_belongs_to_the_business_day_of_its_order(reports: Reports) -> None:
    reports.sells("late", (LATTE, 1), day="2026-03-01", at="2026-03-01T15:20:00Z")
    assert reports.client.get("/sales/today").json()["orders"] == 0
    assert reports.client.get("/days").json()["days"][0]["business_day"] == "2026-03-01"


def test_an_order_or_payment_that_is_told_twice_counts_once(reports: Reports) -> None:
    for _ in range(2):
        reports.sells("o1", (LATTE, 1))
        reports.takes("p1", 5000)
    sales = reports.client.get("/sales/today").json()
    assert (sales["orders"], sales["total_won"], sales["taken_won"]) == (1, 5000, 5000)
    assert len(reports.told()) == 2


def test_days_come_newest_first_and_no_more_than_asked_for(reports: Reports) -> None:
    for day in ("2026-02-27", "2026-02-28", "2026-03-02"):
        reports.sells(f"order-{day}", (LATTE, 1), day=day)
    reports.takes("p1", 5000, day="2026-03-02")
    days = reports.client.get("/days", params={"limit": 2}).json()["days"]
    assert [(day["business_day"], day["orders"], day["won"], day["taken_won"]) for day in days] == [
        ("2026-03-02", 1, 5000, 5000),
        ("2026-02-28", 1, 5000, 0),
    ]
    assert {(day["state"], day["refunded_won"], day["adjusted_won"]) for day in days} == {("open", 0, 0)}


def test_best_sellers_are_those_of_the_last_days_by_money(reports: Reports) -> None:
    reports.sells("o1", (LATTE, 1), (TOAST, 1))
    reports.sells("o2", (LATTE, 1), day="2026-02-24")
    reports.sells("too-old", (TOAST, 9), day="2026-02-23")
    items = reports.client.get("/best-sellers", params={"days": 7}).json()["items"]
    assert [(item["item_id"], item["qty"], item["won"]) for item in items] == [
        ("latte", 2, 10_000),
        ("toast", 1, 6500),
    ]
    assert len(reports.client.get("/best-sellers", params={"limit": 1}).json()["items"]) == 1


def test_an_item_has_the_name_it_was_last_sold_by(reports: Reports) -> None:
    renamed = LATTE | {"name": {"en": "Latte", "ko": "라테"}}
    reports.sells("o1", (LATTE, 1), day="2026-03-01")
    reports.sells("o2", (renamed, 1))
    [item] = reports.client.get("/best-sellers").json()["items"]
    assert (item["name"], item["qty"]) == ({"en": "Latte", "ko": "라테"}, 2)


def test_changed_figures_are_told_with_the_key_they_make_stale(reports: Reports) -> None:
    reports.sells("o1", (LATTE, 1))
    [(event, data)] = reports.told()
    keys = "day-2026-03-02 reports"
    assert (event.type, event.keys, data) == ("reports.SalesChanged", keys, {"business_day": TODAY})
