"""What the API gives. Money is in won."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from reports_service.domain.facts import Kind
from reports_service.domain.figures import DayState
from reports_service.domain.report import DayReport


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class HourView(View):
    """One hour of the day, 0 to 23 in the café's time."""

    hour: int
    orders: int
    won: int


class SalesView(View):
    """The sales of a day; hours without sales are left out. ``taken_won`` is the till's figure, net."""

    business_day: date
    state: DayState
    total_won: int
    refunded_won: int
    adjusted_won: int
    taken_won: int
    orders: int
    by_hour: list[HourView]


class NameView(View):
    """A name in the portal's languages."""

    en: str
    ko: str


class SellerView(View):
    """What was sold of one item."""

    item_id: str
    name: NameView
    qty: int
    won: int


class SellersView(View):
    """The best sellers, best first."""

    items: list[SellerView]


class DayView(View):
    """The sales of a business day."""

    business_day: date
    state: DayState
    orders: int
    won: int
    refunded_won: int
    adjusted_won: int
    taken_won: int


class DaysView(View):
    """The last business days, newest first."""

    days: list[DayView]


class SalesFigures(View):
    """``won`` is gross; ``net_won`` is without what was refunded and with what came late for a closed day."""

    orders: int
    won: int
    refunds: int
    refunded_won: int
    adjusted_won: int
    net_won: int


class MethodView(View):
    """What was paid in one way, gross, and what was given back in it."""

    method: str
    payments: int
    won: int
    refunds: int
    refunded_won: int


class PaymentsFigures(View):
    """``taken_won`` is net."""

    count: int
    taken_won: int
    by_method: list[MethodView]


class RefundView(View):
    """An order that was given back on this day, whichever day's it was."""

    order_id: str
    number: int
    of_day: date
    won: int
    reason: str
    at: datetime


class AdjustmentView(View):
    """What came for a day that was closed; of what was given back ``won`` is negative."""

    what: Kind
    id: str
    of_day: date
    won: int
    at: datetime


class BalancesView(View):
    """What the till said when it closed the day; ``till_won`` is net."""

    opening_cash_won: int
    closing_cash_won: int
    till_won: int
    till_payments: int
    till_digest: str


class ReportView(View):
    """Everything about a business day; ``balances`` and ``next_day`` are null while it is open."""

    business_day: date
    state: DayState
    next_day: date | None
    sales: SalesFigures
    hours: list[HourView]
    items: list[SellerView]
    payments: PaymentsFigures
    refunds: list[RefundView]
    adjustments: list[AdjustmentView]
    balances: BalancesView | None
    digest: str


class PaymentView(View):
    """A line of the digest; of money given back ``amount_won`` is negative."""

    payment_id: str
    order_id: str
    kind: Kind
    method: str
    amount_won: int


class PaymentsView(View):
    """All lines of a day's digest, in its order."""

    business_day: date
    digest: str
    taken_won: int
    payments: list[PaymentView]


def report_view(report: DayReport) -> ReportView:
    """The report as it is sent."""
    sales, balance = report.sales, report.balance
    count = sum(method.payments for method in report.methods)
    payments = {"count": count, "taken_won": sales.taken_won, "by_method": report.methods}
    return ReportView(
        business_day=sales.business_day,
        state=sales.state,
        next_day=balance.next_day if balance else None,
        sales=SalesFigures.model_validate(sales),
        hours=[HourView.model_validate(hour) for hour in report.hours],
        items=[SellerView.model_validate(item) for item in report.items],
        payments=PaymentsFigures.model_validate(payments),
        refunds=[RefundView.model_validate(refund) for refund in report.refunds],
        adjustments=[AdjustmentView.model_validate(adjustment) for adjustment in report.adjustments],
        balances=BalancesView.model_validate(balance) if balance else None,
        digest=report.digest,
    )
