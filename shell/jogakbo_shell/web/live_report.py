"""How live is doing in this worker since it started, read from the figures that Prometheus gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from prometheus_client import Counter as Count
from prometheus_client import Gauge, Histogram

from jogakbo_shell.live import metrics
from jogakbo_shell.seams import Live
from jogakbo_shell.web.metrics import SWAP_SECONDS


@dataclass(frozen=True, slots=True)
class Delays:
    """Percentiles are as exact as the buckets of their histogram; without any delay there are none."""

    count: int
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class LiveReport:
    """`state` is live, waiting (for the bus), starting or off; `streams` tells how far each has been read, and why it
    was last taken up anew.

    `lag` is from a change's commit to its reading here, `age` to its sending, `browser` from its arrival in a
    browser to its painting there.
    """

    state: str
    connections: int
    people: int
    instances: int
    lag: Delays
    age: Delays
    browser: Delays
    renders: Mapping[str, int]
    coalesced: int
    resyncs: Mapping[str, int]
    refused: Mapping[str, int]
    cut: int
    overflows: int
    rotations: int
    polls: int
    revocations: int
    streams: Mapping[str, str]


def report_live(live: Live) -> LiveReport:
    facts = live.describe()
    return LiveReport(
        state=str(facts["state"]),
        connections=int(facts.get("connections", 0)),
        people=_total(metrics.PRESENCE_PEOPLE),
        instances=int(facts.get("instances", 0)),
        lag=_delays(metrics.LAG),
        age=_delays(metrics.FRAME_AGE),
        browser=_delays(SWAP_SECONDS),
        renders=_by(metrics.RENDERS, "state"),
        coalesced=_total(metrics.COALESCED),
        resyncs=_by(metrics.RESYNCS, "reason"),
        refused=_by(metrics.REFUSED, "reason"),
        cut=_total(metrics.CUT),
        overflows=_total(metrics.MAILBOX_OVERFLOWS),
        rotations=_total(metrics.ROTATIONS),
        polls=_total(metrics.POLLS),
        revocations=_total(metrics.REVOCATIONS),
        streams={name.removeprefix("stream "): str(fact) for name, fact in facts.items() if name.startswith("stream ")},
    )


def quantile(histogram: Histogram, share: float) -> float | None:
    """The value below which this share of what was observed lies, straight between the bounds of its bucket."""
    buckets = [(0.0, 0.0), *_buckets(histogram)]
    rank = share * buckets[-1][1]
    for (low, below), (high, up_to) in pairwise(buckets):
        if up_to >= rank and up_to > below:
            return low if high == float("inf") else low + (high - low) * (rank - below) / (up_to - below)
    return None


def _buckets(histogram: Histogram) -> Iterator[tuple[float, float]]:
    """Upper bounds, each with how many were not above it."""
    for family in histogram.collect():
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                yield float(sample.labels["le"]), sample.value


def _delays(histogram: Histogram) -> Delays:
    *_, (_, count) = _buckets(histogram)
    p50, p95 = (None if (at := quantile(histogram, share)) is None else round(at * 1000, 1) for share in (0.5, 0.95))
    return Delays(int(count), p50, p95)


def _by(count: Count, label: str) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for family in count.collect():
        for sample in family.samples:
            if sample.name.endswith("_total"):
                found[sample.labels[label]] += int(sample.value)
    return dict(sorted(found.items()))


def _total(figure: Count | Gauge) -> int:
    return int(sum(sample.value for family in figure.collect() for sample in family.samples if _is_value(sample.name)))


def _is_value(name: str) -> bool:
    return not name.endswith("_created")
