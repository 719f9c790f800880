"""One charge per order, in two transactions with the gateway between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from till_service.domain.payment import Outcome, PaymentState, new_charge, refusal
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
        payment = books.start(charge, command.business_day)
        if declined := refusal(charge):
            payment = books.settle(payment, declined)
    if payment.state is not PaymentState.CHARGING:
        answers.payment_settled(payment)


def settle_payment(order_id: str, outcome: Outcome, books: Books, answers: Answers) -> None:
    """Write down what the gateway said, unless somebody else has done so meanwhile."""
    payment = books.payment(order_id)
    if payment is None or payment.state is not PaymentState.CHARGING:
        return
    answers.payment_settled(books.settle(payment, outcome))
