"""One charge per order; a card's takes two transactions with the gateway between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from till_service.domain.payment import UNDER_WAY, Outcome, Payment, PaymentState, new_charge, outcome_at_once
from till_service.handlers.ports import Answers, Books


@dataclass(frozen=True, slots=True)
class ChargePayment:
    order_id: str
    amount_won: int
    payment: str
    business_day: date


def charge_payment(command: ChargePayment, books: Books, answers: Answers) -> None:
    """Write down what is to be charged; a repeat gets the first answer again, or waits for it."""
    payment = books.payment(command.order_id)
    if payment is None:
        charge = new_charge(command.order_id, command.amount_won, command.payment)
        payment = books.start(charge, books.open_day(command.business_day), outcome_at_once(charge))
    if payment.state not in UNDER_WAY:
        answers.payment_settled(payment)


def settle_payment(asked: Payment, outcome: Outcome, books: Books, answers: Answers) -> None:
    """Write down what the gateway said to ``asked``, unless something else has become of the payment meanwhile.

    One that was carried over to another day is asked for again: the gateway has it on the day that it was told.
    """
    payment = books.payment(asked.charge.order_id)
    if payment is None or payment.state is not PaymentState.CHARGING or payment.books_day != asked.books_day:
        return
    answers.payment_settled(books.settle(payment, outcome))
