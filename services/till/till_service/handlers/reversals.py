"""Voids and refunds: money that is given back, or never taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from till_service.domain.payment import UNDER_WAY, Payment, PaymentState, tombstone
from till_service.handlers.ports import Answers, Books


@dataclass(frozen=True, slots=True)
class VoidPayment:
    order_id: str
    business_day: date


@dataclass(frozen=True, slots=True)
class RefundPayment:
    """``business_day`` is that on which it is asked for."""

    order_id: str
    business_day: date
    reason: str


def void_payment(command: VoidPayment, books: Books, answers: Answers) -> None:
    """Have the order end without money, whatever has become of its charge, and even before that comes.

    The gateway is asked also when the till knows nothing: it may have charged for an earlier life of this database.
    """
    payment = books.payment(command.order_id)
    if payment is None:
        payment = books.add(tombstone(command.order_id, books.open_day(command.business_day), books.now))
    else:
        payment = _begun(payment, payment.voiding(books.open_day(payment.business_day)), books)
    if payment.state not in UNDER_WAY:
        answers.payment_voided(payment)


def refund_payment(command: RefundPayment, books: Books, answers: Answers) -> None:
    """Raises ``NothingToRefundError``, also for an order that is not known."""
    payment = books.payment(command.order_id)
    if payment is None:
        payment = tombstone(command.order_id, command.business_day, books.now)
    payment = _begun(payment, payment.refunding(books.open_day(command.business_day), command.reason), books)
    if payment.state not in UNDER_WAY:
        answers.payment_settled(payment)


def settle_reversal(asked: Payment, books: Books, answers: Answers) -> None:
    """Write down that the gateway has done what ``asked`` asks for, unless that was carried over meanwhile."""
    payment = books.payment(asked.charge.order_id)
    if payment is None or payment.state not in (PaymentState.VOIDING, PaymentState.REFUNDING):
        return
    if (payment.state, payment.books_day) == (asked.state, asked.books_day):
        answers.payment_settled(books.reversed(payment))


def _begun(payment: Payment, changed: Payment, books: Books) -> Payment:
    if changed == payment:
        return payment
    under_way = books.keep(changed)
    # Cash is given back over the counter, at once.
    return books.reversed(under_way) if under_way.charge.method == "cash" else under_way
