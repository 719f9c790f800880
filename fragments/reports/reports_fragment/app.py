"""The reports' fragments: sales by hour, best sellers, days; charts are SVG made on the server."""

from __future__ import annotations

from starlette.applications import Starlette

from jogakbo.fragment import FragmentServer, View
from reports_fragment.client import ReportsService
from reports_fragment.settings import Settings

server = FragmentServer("reports", package="reports_fragment", team="reports")


@server.fragment("sales", title={"en": "Sales today", "ko": "오늘의 판매"}, keys=["reports"])
async def sales(view: View) -> str:
    """Today's sales as bars by hour."""
    return view.render("sales.html", sales=await ReportsService(view.service).sales_today())


@server.fragment("bestsellers", title={"en": "Best sellers", "ko": "인기 메뉴"}, keys=["reports"])
async def best_sellers(view: View) -> str:
    """What sold best in the last seven days."""
    return view.render("bestsellers.html", items=await ReportsService(view.service).best_sellers())


@server.fragment("days", title={"en": "Days", "ko": "날짜별 매출"}, keys=["reports"])
async def days(view: View) -> str:
    """The newest business days."""
    return view.render("days.html", days=await ReportsService(view.service).days())


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the reports' fragment server."""
    return server.app(settings)
