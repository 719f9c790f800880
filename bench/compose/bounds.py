"""What composition has to reach, and whether it did: as measured, nothing rounded in its favour."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.compose.faults import Fault, Kind
from bench.compose.late import USUAL_MS
from bench.compose.readings import paired_ratio
from bench.compose.results import Results
from bench.compose.systems.system import Mode
from bench.compose.throughput import CONNECTIONS, page_of
from bench.tables import Verdict

DEADLINE_MS = 1_000
"""What the shell gives a page, unless told otherwise."""

_CLOCK_MS = 10
_OURS = "shell"


def verdicts(results: Results) -> list[Verdict]:
    return [
        *_throughput(results),
        *_lateness(results),
        *_faults(results),
        *_growth_with_fragments(results),
        *_memory(results),
        *_slow_readers(results),
    ]


def _throughput(results: Results) -> Iterator[Verdict]:
    for mode in (Mode.UNCACHED, Mode.DIFFERING, Mode.UNSHARED):
        yield _against(results, mode, mode, "nginx-ssi", mode, 1.0)
        yield _against(results, mode, mode, "nginx-tuned", mode, 0.7)
    yield _against(results, "uncached", Mode.UNCACHED, _faster_podium(results), Mode.UNCACHED, 9)
    yield _against(results, "uncached", Mode.UNCACHED, "tailor", Mode.UNCACHED, 8)
    yield _against(results, "uncached", Mode.UNCACHED, "fastapi", Mode.UNCACHED, 80)
    for peer, bound in (("nginx-ssi", 2.0), ("varnish", 2.0)):
        yield _against(results, "fragments cached, page not", Mode.FRAGMENTS, peer, Mode.FRAGMENTS, bound)
    for peer, bound in (("nginx-ssi", 3.0), ("nginx-tuned", 1.1), ("varnish", 3.5)):
        yield _against(results, "page cached", Mode.PAGE, peer, Mode.FRAGMENTS, bound)


def _against(results: Results, what: str, mode: Mode, peer: str, peer_mode: Mode, bound: float) -> Verdict:
    ours = results.reading(_OURS, mode, page_of(mode, "6"))
    theirs = results.reading(peer, peer_mode, page_of(peer_mode, "6"))
    cached = ", cached" if peer_mode.reads_cache else ""
    title = f"{what}, against {results.label(peer)}{cached}"
    if ours is None or theirs is None:
        return Verdict(title, "–", f"≥ {bound:g}", None)
    ratio = paired_ratio(ours, theirs)
    failed = f", {ours.failed} pages failed" if ours.failed else ""
    return Verdict(title, f"{ratio:.2f}{failed}", f"≥ {bound:g}", ratio >= bound and not failed)


def _faster_podium(results: Results) -> str:
    found = [results.reading(name, Mode.UNCACHED, "f-6") for name in ("podium", "podium-express")]
    known = [reading for reading in found if reading is not None]
    return max(known, key=lambda reading: reading.pages_per_cpu_second).system if known else "podium"


def _lateness(results: Results) -> Iterator[Verdict]:
    ours = {one.delay_ms: one for one in results.late if one.system == _OURS}
    what = f"first byte with one fragment {USUAL_MS} ms late, p50"
    if not ours:
        yield Verdict(what, "–", "≤ 5 ms", None)
        return
    yield Verdict(what, f"{ours[USUAL_MS].first_ms:.2f} ms", "≤ 5 ms", ours[USUAL_MS].first_ms <= 5)
    least, most = min(ours), max(ours)
    grown = ours[most].first_ms - ours[least].first_ms
    yield Verdict(
        f"first byte, {most} ms late against {least} ms",
        f"{ours[most].first_ms:.2f} and {ours[least].first_ms:.2f} ms",
        "does not grow with the delay (by 1 ms at most)",
        grown <= 1,
    )


def _faults(results: Results) -> Iterator[Verdict]:
    kinds: tuple[tuple[Kind, str], ...] = (("hung", "one fragment hung"), ("away", "one origin refusing"))
    for kind, what in kinds:
        ours = next((one for one in results.faults if (one.system, one.kind) == (_OURS, kind)), None)
        deadline = f"≤ {DEADLINE_MS:,} ms, the deadline, and {_CLOCK_MS} for the clocks"
        if ours is None:
            yield Verdict(f"{what}, the first page", "–", deadline, None)
            yield Verdict(f"{what}, against the healthy page", "–", "≤ 1.1", None)
            continue
        reached = ours.first_ms <= DEADLINE_MS + _CLOCK_MS
        yield Verdict(f"{what}, the first page", f"{ours.first_ms:,.1f} ms", deadline, reached)
        alone, loaded = ours.ratio, _loaded_ratio(ours)
        yield Verdict(
            f"{what}, p50 against the healthy page, one at a time and at {CONNECTIONS} connections",
            f"{alone:.2f} and {loaded:.2f}",
            "≤ 1.1",
            max(alone, loaded) <= 1.1,
        )


def _loaded_ratio(fault: Fault) -> float:
    return median(faulty.p50_ms / healthy.p50_ms for healthy, faulty in fault.under_load)


def _growth_with_fragments(results: Results) -> Iterator[Verdict]:
    bound = 4.2
    for mode in (Mode.UNCACHED, Mode.UNSHARED):
        what = f"CPU per page, 24 fragments against 6, {mode}"
        six, many = (results.reading(_OURS, mode, page_of(mode, shape)) for shape in ("6", "24"))
        if six is None or many is None:
            yield Verdict(what, "–", f"≤ {bound} ×", None)
        else:
            times = paired_ratio(six, many)
            yield Verdict(what, f"{times:.2f} ×", f"≤ {bound} ×", times <= bound)


def _memory(results: Results) -> Iterator[Verdict]:
    growth = results.memory
    if growth is None:
        yield Verdict("memory after 200,000 pages of 1,000 variants, cache of 64 MB", "–", "≤ 160 MB", None)
        return
    what = f"memory after {growth.pages:,} pages of 1,000 variants, cache of 64 MB"
    missing = "" if growth.pages >= growth.wanted else f" of {growth.wanted:,} pages wanted"
    told = f"{growth.most_mb:.1f} MB at most{missing}"
    yield Verdict(what, told, "≤ 160 MB", growth.most_mb <= 160 and not missing)
    added = f"{growth.later_growth:+.1%}"
    yield Verdict("the same, what the second half of the pages added", added, "≤ 5 %", growth.later_growth <= 0.05)


def _slow_readers(results: Results) -> Iterator[Verdict]:
    slow = next((one for one in results.slow if one.system == _OURS), None)
    if slow is None:
        yield Verdict("200 clients reading 1 byte per second, memory", "–", "≤ 1 MB each", None)
        return
    most = max(slow.during_mb, slow.later_mb) - slow.before_mb
    what = f"{slow.readers} clients reading 1 byte per second of {slow.page_bytes / 1e6:.1f} MB"
    yield Verdict(f"{what}, memory", f"{most:+.1f} MB", "≤ 1 MB each", most <= slow.readers)
    before, during = slow.others_before, slow.others_during
    times = during.p50_ms / before.p50_ms
    told = f"{times:.2f} × what it was" if during.pages else "no answer"
    yield Verdict(f"{what}, p50 of the others", told, "≤ 1.25 ×", during.pages > 0 and times <= 1.25)
