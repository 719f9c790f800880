"""What the barista does with a confirmed order."""

from __future__ import annotations

from enum import StrEnum

from orders_service.domain.errors import IllegalTransition
from orders_service.domain.saga import Step


class Progress(StrEnum):
    QUEUED = "queued"
    MAKING = "making"
    READY = "ready"
    HANDED_OVER = "handed_over"


_WAY = list(Progress)
_REACHED_BY = {
    Step.TAKEN: Progress.MAKING,
    Step.FINISHED: Progress.READY,
    Step.HANDED_OVER: Progress.HANDED_OVER,
}


def is_past(progress: Progress, step: Step) -> bool:
    """Whether ``step`` has been taken before."""
    return _WAY.index(progress) >= _WAY.index(_REACHED_BY[step])


def after(progress: Progress, step: Step) -> Progress:
    """What ``step`` leads to; none may be left out. Raises ``IllegalTransition``."""
    reached = _REACHED_BY[step]
    if _WAY.index(reached) != _WAY.index(progress) + 1:
        raise IllegalTransition(progress, step)
    return reached
