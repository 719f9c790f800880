"""What the barista does with a confirmed order."""

from __future__ import annotations

from enum import StrEnum

from orders_service.domain.machine import Machine
from orders_service.domain.saga import Step


class Progress(StrEnum):
    QUEUED = "queued"
    MAKING = "making"
    READY = "ready"
    HANDED_OVER = "handed_over"


KITCHEN = Machine(
    (Progress.QUEUED, Step.TAKEN, Progress.MAKING),
    (Progress.MAKING, Step.FINISHED, Progress.READY),
    (Progress.READY, Step.HANDED_OVER, Progress.HANDED_OVER),
)
