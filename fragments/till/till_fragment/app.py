"""The till's fragments: today's takings at a glance, the day's money, and the payments."""

from __future__ import annotations

from starlette.applications import Starlette

from jogakbo.fragment import FragmentServer, View
from till_fragment.client import TillService
from till_fragment.settings import Settings

server = FragmentServer("till", package="till_fragment", team="till")


@server.fragment("today", title={"en": "Takings today", "ko": "오늘 매출"}, keys=["till"])
async def today(view: View) -> str:
    """One figure for the counter."""
    return view.render("today.html", day=await TillService(view.service).today())


@server.fragment("day", title={"en": "The day's money", "ko": "오늘의 정산"}, keys=["till"])
async def day(view: View) -> str:
    """The money of the open business day by method."""
    return view.render("day.html", day=await TillService(view.service).today())


@server.fragment("payments", title={"en": "Payments", "ko": "결제 내역"}, keys=["till"])
async def payments(view: View) -> str:
    """The newest payments, charged and declined."""
    return view.render("payments.html", payments=await TillService(view.service).payments())


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the till's fragment server."""
    return server.app(settings)
