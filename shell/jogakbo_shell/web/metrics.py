"""The shell's figures for Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import REGISTRY, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from jogakbo_shell.instance import Instance

CACHE_BYTES = Gauge("shell_cache_bytes", "Bytes of fragments in memory")
CACHE_ENTRIES = Gauge("shell_cache_entries", "Fragments in memory")
PAGE_CACHE_BYTES = Gauge("shell_page_cache_bytes", "Bytes of whole pages in memory")
PAGE_CACHE_ENTRIES = Gauge("shell_page_cache_entries", "Whole pages in memory")
FETCHES_RUNNING = Gauge("shell_fragment_fetches_running", "Fragments being fetched", ["server"])
FETCHES_WAITING = Gauge("shell_fragment_fetches_waiting", "Fragments waiting for their turn to be fetched", ["server"])
FETCHES_SHED = Gauge("shell_fragment_fetches_shed", "Fragments not fetched, as too many were waiting", ["server"])
BREAKER_OPEN = Gauge("shell_breaker_open", "1 while a fragment server is not asked", ["server"])
SERVER_UP = Gauge("shell_fragment_server_up", "1 while a fragment server and its service are well", ["server"])
SWAP_SECONDS = Histogram(
    "jogakbo_browser_swap_seconds",
    "From a frame's arrival in a browser to the painting of what it brought, as a sample of them says",
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class FragmentOutcomes(Collector):
    """Counted in a dictionary and made into figures when they are asked for: there are six of these on every page."""

    def __init__(self) -> None:
        self._slots: dict[tuple[str, str], int] = {}

    def count(self, instance: Instance, outcome: str, slots: int = 1) -> None:
        key = (instance.server, outcome)
        self._slots[key] = self._slots.get(key, 0) + slots

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(
            "shell_fragments", "Slots filled, by what filled them", labels=["server", "outcome"]
        )
        for labels, slots in self._slots.items():
            family.add_metric(labels, slots)
        return [family]


class RequestSeconds(Collector):
    """A histogram that costs an addition per request."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._sums: dict[tuple[str, str], float] = {}

    def observe(self, kind: str, status: str, seconds: float) -> None:
        key = (kind, status)
        counts = self._counts.get(key)
        if counts is None:
            counts, self._sums[key] = self._counts.setdefault(key, [0] * (len(_BUCKETS) + 1)), 0.0
        counts[bisect_left(_BUCKETS, seconds)] += 1
        self._sums[key] += seconds

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(
            "shell_request_duration_seconds",
            "Time from a request's head to the end of its answer",
            labels=["kind", "status"],
        )
        for labels, counts in self._counts.items():
            names = [*map(floatToGoString, _BUCKETS), "+Inf"]
            family.add_metric(labels, list(zip(names, accumulate(counts), strict=True)), self._sums[labels])
        return [family]


FRAGMENTS = FragmentOutcomes()
REQUEST_SECONDS = RequestSeconds()
REGISTRY.register(FRAGMENTS)
REGISTRY.register(REQUEST_SECONDS)
