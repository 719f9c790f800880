"""The shell's figures for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from jogakbo_shell.instance import Instance

REQUEST_SECONDS = Histogram(
    "shell_request_duration_seconds",
    "Time from a request's head to the end of its answer",
    ["kind", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
FRAGMENTS = Counter("shell_fragments", "Slots filled, by what filled them", ["server", "outcome"])
CACHE_BYTES = Gauge("shell_cache_bytes", "Bytes of fragments in memory")
CACHE_ENTRIES = Gauge("shell_cache_entries", "Fragments in memory")
BREAKER_OPEN = Gauge("shell_breaker_open", "1 while a fragment server is not asked", ["server"])
SERVER_UP = Gauge("shell_fragment_server_up", "1 while a fragment server and its service are well", ["server"])


class FragmentOutcomes:
    def count(self, instance: Instance, outcome: str) -> None:
        FRAGMENTS.labels(instance.server, outcome).inc()
