"""What the till refuses.

TillError
├── ChargeExistsError          a second charge for one order
├── ChargeUnknownError         an outcome of a charge that is not under way
├── NothingToRefundError       a refund of a payment that has no money
├── EarlierDayOpenError        a close while an earlier day is not closed
├── DayNotBegunError           a close of a day in the future
├── DayPassedError             a close of a day before one that is closed
└── NotNewestClosedDayError    a reopening of any other day
"""

from __future__ import annotations

from datetime import date


class TillError(Exception):
    """Base of everything that the domain refuses."""


class ChargeExistsError(TillError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} is being charged already")


class ChargeUnknownError(TillError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} is not being charged")


class NothingToRefundError(TillError):
    def __init__(self, order_id: str, state: str) -> None:
        super().__init__(f"the payment of order {order_id!r} is {state}: there is no money to give back")


class EarlierDayOpenError(TillError):
    def __init__(self, business_day: date) -> None:
        super().__init__(f"{business_day} has to be closed first")


class DayNotBegunError(TillError):
    def __init__(self, business_day: date) -> None:
        super().__init__(f"{business_day} has not begun")


class DayPassedError(TillError):
    def __init__(self, business_day: date, newest: date) -> None:
        super().__init__(f"{business_day} cannot be closed any more: {newest} is closed")


class NotNewestClosedDayError(TillError):
    def __init__(self, business_day: date) -> None:
        super().__init__(f"{business_day} is not the newest closed day")
