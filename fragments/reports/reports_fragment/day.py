"""The report of one day: its money, hours, items and methods, what came late, and the same as a file."""

from __future__ import annotations

from jogakbo.fragment import File, FragmentServer, NotFound, Param, ServiceRefused, View
from reports_fragment.chart import donut, hours_chart
from reports_fragment.client import Report, ReportsService
from reports_fragment.rows import rows

_PARAMS = {"day": Param(pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}", required=True)}
_KEYS = ("reports", "report-{day}", "day-{day}")


def offer_report(server: FragmentServer) -> None:
    """Declare the pieces of a day's report, and its file."""

    @server.fragment("report", title={"en": "The day", "ko": "하루"}, keys=_KEYS, params=_PARAMS)
    async def report(view: View) -> str:
        return view.render("report.html", report=await _report(view))

    @server.fragment("hours", title={"en": "By hour", "ko": "시간대별"}, keys=_KEYS, params=_PARAMS)
    async def hours(view: View) -> str:
        sold = (await _report(view)).hours
        return view.render("hours.html", chart=hours_chart(sold) if any(hour.orders for hour in sold) else None)

    @server.fragment("items", title={"en": "Items", "ko": "메뉴별"}, keys=_KEYS, params=_PARAMS)
    async def items(view: View) -> str:
        return view.render("items.html", rows=rows((await _report(view)).items))

    @server.fragment("methods", title={"en": "Payments", "ko": "결제 수단"}, keys=_KEYS, params=_PARAMS)
    async def methods(view: View) -> str:
        payments = (await _report(view)).payments
        return view.render("methods.html", payments=payments, arcs=donut(payments.by_method))

    @server.fragment("late", title={"en": "Late", "ko": "늦게 온 것"}, keys=_KEYS, params=_PARAMS)
    async def late(view: View) -> str:
        return view.render("late.html", report=await _report(view))

    @server.file("day.csv", params=_PARAMS)
    async def day_csv(view: View) -> File:
        day = view.params["day"]
        content = await ReportsService(view.service).report_csv(day)
        return File(f"jogakbo-{day}.csv", "text/csv", content)


async def _report(view: View) -> Report:
    try:
        return await ReportsService(view.service).report(view.params["day"])
    except ServiceRefused as refusal:
        if refusal.problem.status not in (404, 422):  # such as the 31st of February
            raise
        raise NotFound from refusal
