"""The fragments of the reports: sales by hour, best sellers, days."""

from __future__ import annotations

from starlette.applications import Starlette

from jogakbo.fragment import FragmentServer, View, offer_checks, offer_lab
from reports_fragment.chart import hours_chart
from reports_fragment.client import ReportsService
from reports_fragment.day import offer_report
from reports_fragment.panes import offer_panes
from reports_fragment.rebuild import offer_rebuild
from reports_fragment.rows import rows
from reports_fragment.settings import Settings

server = FragmentServer("reports", package="reports_fragment", team="reports")

_BEST_DAYS = 7
_BEST_SHOWN = 10
_DAYS_SHOWN = 14


@server.fragment("sales", title={"en": "Sales by hour", "ko": "시간대별 매출"}, keys=["reports"])
async def sales(view: View) -> str:
    """Today's sales as bars, one for each hour, and as a table."""
    today = await ReportsService(view.service).sales_today()
    chart = hours_chart(today.by_hour) if today.orders else None
    return view.render("sales.html", sales=today, chart=chart)


@server.fragment("bestsellers", title={"en": "Best sellers", "ko": "인기 메뉴"}, keys=["reports"])
async def bestsellers(view: View) -> str:
    """What sold best in the last week."""
    sellers = await ReportsService(view.service).best_sellers(days=_BEST_DAYS, limit=_BEST_SHOWN)
    return view.render("bestsellers.html", rows=rows(sellers), days=_BEST_DAYS)


@server.fragment("days", title={"en": "Days", "ko": "일별 매출"}, keys=["reports"])
async def days(view: View) -> str:
    """The last two weeks."""
    return view.render("days.html", rows=rows(await ReportsService(view.service).days(_DAYS_SHOWN)))


offer_report(server)
offer_rebuild(server)
offer_panes(server)
offer_checks(server, title={"en": "Reports", "ko": "보고서"}, keys=["reports"])
offer_lab(server, title={"en": "Reports", "ko": "보고서"}, messages=())


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the fragment server of the reports."""
    return server.app(settings)
