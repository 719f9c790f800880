"""The fragments of the till: the day's money, in short and in full, its payments, and the close of the day."""

from __future__ import annotations

from starlette.applications import Starlette

from jogakbo.fragment import FragmentServer, View, offer_checks, offer_lab
from till_fragment.client import TillService
from till_fragment.closing import offer_closing
from till_fragment.moods import offer_moods
from till_fragment.settings import Settings

server = FragmentServer("till", package="till_fragment", team="till")

_PAYMENTS_SHOWN = 50
_TONES = {"charged": "good", "declined": "bad", "refunded": "warn"}


@server.fragment("today", title={"en": "Takings today", "ko": "오늘 매출"}, keys=["till"])
async def today(view: View) -> str:
    """The day's takings in one figure."""
    return view.render("today.html", day=await TillService(view.service).day("today"))


@server.fragment("day", title={"en": "The day", "ko": "영업일"}, keys=["till"])
async def day(view: View) -> str:
    """The takings of the day that payments are booked on, and how they were paid."""
    return view.render("day.html", day=await TillService(view.service).day("open"))


@server.fragment("payments", title={"en": "Payments", "ko": "결제 내역"}, keys=["till"])
async def payments(view: View) -> str:
    """The newest payments, declined ones too."""
    newest = await TillService(view.service).payments(_PAYMENTS_SHOWN)
    return view.render("payments.html", payments=newest, tones=_TONES)


offer_closing(server)
offer_checks(server, title={"en": "Till", "ko": "정산"}, keys=["till"])
offer_lab(
    server,
    title={"en": "Till", "ko": "정산"},
    messages=("till.ChargePayment", "till.VoidPayment", "till.RefundPayment"),
)
offer_moods(server)


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the fragment server of the till."""
    return server.app(settings)
