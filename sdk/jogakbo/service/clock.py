"""The café's clock: instants in UTC, and the business day that they fall on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from jogakbo.contract.cloudevent import utc_now


@dataclass(frozen=True, slots=True)
class Clock:
    """``now`` returns aware instants; a test passes its own."""

    zone: ZoneInfo
    now: Callable[[], datetime] = utc_now

    def business_day(self) -> date:
        """Today in the café. Only who causes an event may ask; who hears of it reads the event's own day."""
        return self.now().astimezone(self.zone).date()
