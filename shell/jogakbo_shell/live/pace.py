"""How soon and how often an instance is rendered."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. One change of the world is several events within a few milliseconds: `lead` joins them.

    Renders of one instance are `shortest_interval` apart, more if they are slow, but never above
    `longest_interval`: under a storm a page is at most that far behind. A failed render is tried again between
    `first_retry` and `longest_retry`, though whoever heals the fragment server mostly tells us sooner.
    """

    lead: float = 0.02
    shortest_interval: float = 0.1
    longest_interval: float = 0.5
    first_retry: float = 0.5
    longest_retry: float = 5.0

    def next_at(self, now: float, began_at: float, took_seconds: float) -> float:
        interval = min(max(self.shortest_interval, 2 * took_seconds), self.longest_interval)
        return max(now + self.lead, began_at + interval)

    def retry_in(self, failures: int) -> float:
        longest = min(self.longest_retry, self.first_retry * 2.0 ** min(failures - 1, 8))
        return random.uniform(longest / 2, longest)
