"""What the rounds of one case have given, and how two cases compare."""

from __future__ import annotations

from math import nan
from statistics import median

import msgspec

from bench.compose.load import Sample


class Reading(msgspec.Struct, frozen=True):
    """One page of one system in one mode, in every round."""

    system: str
    mode: str
    page: str
    connections: int
    page_bytes: int
    said_of_cache: str
    samples: tuple[Sample, ...]

    @property
    def pages_per_cpu_second(self) -> float:
        return median(sample.pages_per_cpu_second for sample in self.samples)

    @property
    def pages_per_second(self) -> float:
        return median(sample.pages_per_second for sample in self.samples)

    @property
    def cpu_us(self) -> float:
        return median(sample.cpu_us for sample in self.samples)

    @property
    def busy(self) -> float:
        return median(sample.busy for sample in self.samples)

    @property
    def p50_ms(self) -> float:
        return median(sample.p50_ms for sample in self.samples)

    @property
    def p99_ms(self) -> float:
        return median(sample.p99_ms for sample in self.samples)

    @property
    def fetched_per_page(self) -> float:
        """Fragments fetched; fewer than the page has where they were cached, or several pages waited for one fetch."""
        return median(sample.fetched / sample.pages if sample.pages else 0.0 for sample in self.samples)

    @property
    def failed(self) -> int:
        return sum(sample.failed for sample in self.samples)


def paired_ratio(one: Reading, other: Reading) -> float:
    """Pages per CPU-second of the one for each of the other: the median of what each round gave; NaN where none did."""
    pairs = zip(one.samples, other.samples, strict=True)
    return median([a.pages_per_cpu_second / b.pages_per_cpu_second for a, b in pairs if b.pages] or [nan])
