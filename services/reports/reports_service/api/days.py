"""One business day: its report, for people, for spreadsheets and for the till that closes it."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Depends, Response

from jogakbo.service import at_least
from jogakbo.service.openapi import problems
from reports_service.api.spreadsheet import report_csv
from reports_service.api.views import PaymentsView, PaymentView, ReportView, report_view
from reports_service.domain.report import digest_of
from reports_service.handlers.ports import Store

_CSV: dict[int | str, dict[str, object]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


def days_router(store: Store) -> APIRouter:
    """The endpoints; a day on which nothing happened is all zero."""
    router = APIRouter(prefix="/days/{day}", tags=["days"], dependencies=[Depends(at_least)])

    @router.get("/report", responses=problems(422, 503))
    def show_report(day: date) -> ReportView:
        with store.read() as reads:
            return report_view(reads.report(day))

    @router.get("/report.csv", response_class=Response, responses={**_CSV, **problems(422, 503)})
    def download_report(day: date) -> Response:
        with store.read() as reads:
            report = reads.report(day)
        headers = {"Content-Disposition": f'attachment; filename="{day}.csv"'}
        return Response(report_csv(report), headers=headers, media_type="text/csv")

    @router.get("/payments", responses=problems(422, 503))
    def show_payments(day: date) -> PaymentsView:
        """What the digest is made of, for whoever has another one."""
        with store.read() as reads:
            payments = reads.payments(day)
        return PaymentsView(
            business_day=day,
            digest=digest_of(payments),
            taken_won=sum(payment.amount_won for payment in payments),
            payments=[PaymentView.model_validate(payment) for payment in payments],
        )

    return router
