"""The close of one business day: its steps, and the comparison before the books are put away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

STEPS = ("start", "drain", "balance", "fold", "verify", "archive")

ALARMING_TRIES = 5

MAX_MISMATCHES = 100
"""So many differing payments are shown; where there are more, something else is wrong than single payments."""

_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(seconds=60)


class CloseState(StrEnum):
    CLOSING = "closing"
    BLOCKED = "blocked"
    CLOSED = "closed"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Balance:
    """The day's money as it was when the books were closed. ``digest``: see ``digest``."""

    opening_cash_won: int
    closing_cash_won: int
    cash_won: int
    card_won: int
    refunded_won: int
    cash_refunded_won: int
    payments: int
    refunds: int
    digest: str

    @property
    def takings_won(self) -> int:
        return self.cash_won + self.card_won - self.refunded_won


@dataclass(frozen=True, slots=True)
class Line:
    """One payment's part in a day: its charge, or with a minus what was given back."""

    payment_id: str
    amount_won: int


@dataclass(frozen=True, slots=True)
class Folded:
    """What the reports made of the day; ``lines`` only when their digest is another one."""

    taken_won: int
    payments: int
    digest: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Figures that should be equal; ``None`` where there is none. ``what`` is ``payment``, ``digest``, …"""

    what: str
    order_id: str | None
    till: str | None
    reports: str | None
    gateway: str | None
    replay: str | None


@dataclass(frozen=True, slots=True)
class Closing:
    """Where the close of a day stands: ``step`` is the one under way, ``done`` says when each was finished.

    ``message_id`` is that of the till.DayClosed which reports and inventory have to answer; ``due`` is when the step
    is tried again, ``tries`` how often it was.
    """

    business_day: date
    next_day: date
    drained_by: datetime
    due: datetime
    state: CloseState = CloseState.CLOSING
    step: str = "drain"
    done: Mapping[str, datetime] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0
    balance: Balance | None = None
    message_id: str = ""
    folded: Folded | None = None
    stock_closed: bool = False
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def is_alarming(self) -> bool:
        return self.tries >= ALARMING_TRIES

    @property
    def is_under_way(self) -> bool:
        return self.state is CloseState.CLOSING

    @property
    def unanswered(self) -> list[str]:
        """Who has not answered the DayClosed yet."""
        return [name for name, has in (("reports", self.folded), ("inventory", self.stock_closed)) if not has]

    def noting(self, detail: str) -> Closing:
        return replace(self, details={**self.details, self.step: detail})

    def stepped(self, now: datetime) -> Closing:
        """The next step has begun, or all are done."""
        done = {**self.done, self.step: now}
        if self.step == STEPS[-1]:
            return replace(self, done=done, state=CloseState.CLOSED, step="done", tries=0)
        return replace(self, done=done, step=STEPS[STEPS.index(self.step) + 1], tries=0, due=now)

    def tried(self, now: datetime) -> Closing:
        """It will be tried again, ever more rarely."""
        pause = min(_FIRST_PAUSE * 2**self.tries, _LONGEST_PAUSE)
        return replace(self, tries=self.tries + 1, due=now + pause)

    def blocked(self, mismatches: Sequence[Mismatch]) -> Closing:
        noted = self.noting(f"mismatch:{len(mismatches)}")
        return replace(noted, state=CloseState.BLOCKED, mismatches=tuple(mismatches[:MAX_MISMATCHES]))

    def folding_again(self, now: datetime) -> Closing:
        """From the fold on, as if nobody had answered."""
        kept = {step: at for step, at in self.done.items() if step in STEPS[:3]}
        return replace(
            self, state=CloseState.CLOSING, step="fold", done=kept, details={}, due=now, tries=0,
            message_id="", folded=None, stock_closed=False, mismatches=(),
        )  # fmt: skip


def begin(business_day: date, now: datetime, drain: timedelta) -> Closing:
    next_day = business_day + timedelta(days=1)
    return Closing(business_day, next_day, drained_by=now + drain, due=now, done={"start": now})


def digest(lines: Iterable[Line]) -> str:
    """One text for all payments of a day: sha256 of ``payment_id:amount`` lines, of one payment the charge first."""
    ordered = sorted(lines, key=lambda line: (line.payment_id, -line.amount_won))
    return hashlib.sha256("".join(f"{line.payment_id}:{line.amount_won}\n" for line in ordered).encode()).hexdigest()


def compare(
    balance: Balance, folded: Folded, till: Sequence[Line], replay: Sequence[Line], gateway: Sequence[Line],
    *, cards: frozenset[str],
) -> list[Mismatch]:  # fmt: skip
    """Where till, reports, replay and gateway differ; empty when the day may be put away.

    ``till`` is the read side's, ``replay`` the events'; of ``gateway``, which knows no cash, ``cards`` are compared.
    """
    replayed = digest(replay)
    found = []
    if not balance.digest == digest(till) == replayed == folded.digest:
        found.append(Mismatch("digest", None, digest(till), folded.digest, None, replayed))
    if balance.takings_won != folded.taken_won:
        found.append(Mismatch("taken_won", None, f"{balance.takings_won}", f"{folded.taken_won}", None, None))
    if balance.payments != folded.payments:
        found.append(Mismatch("payments", None, f"{balance.payments}", f"{folded.payments}", None, None))
    reports = folded.lines or till  # they tell their lines only where the digests differ
    return found + _differing(_net(till), _net(reports), _net(gateway), _net(replay), cards)


def _differing(
    till: Mapping[str, int], reports: Mapping[str, int], gateway: Mapping[str, int], replay: Mapping[str, int],
    cards: frozenset[str],
) -> list[Mismatch]:  # fmt: skip
    found = []
    for payment_id in sorted({*till, *reports, *gateway, *replay}):
        books = till.get(payment_id), reports.get(payment_id), replay.get(payment_id)
        asked = [*books, gateway.get(payment_id)] if payment_id in cards or payment_id in gateway else books
        if len(set(asked)) > 1:
            at_gateway = _text(gateway.get(payment_id))
            ours, theirs, replayed = (_text(amount) for amount in books)
            order_id = payment_id.removeprefix("pay-")
            found.append(Mismatch("payment", order_id, ours, theirs, at_gateway, replayed))
    return found


def _net(lines: Iterable[Line]) -> dict[str, int]:
    """What each payment comes to on the day; without those that come to nothing."""
    net: dict[str, int] = {}
    for line in lines:
        net[line.payment_id] = net.get(line.payment_id, 0) + line.amount_won
    return {payment_id: amount_won for payment_id, amount_won in net.items() if amount_won}


def _text(amount_won: int | None) -> str | None:
    return None if amount_won is None else str(amount_won)
