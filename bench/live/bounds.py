"""What live has to reach, and whether it did: as measured, nothing rounded in its favour."""

from __future__ import annotations

from collections.abc import Iterator

from bench.changes import percentile
from bench.live.fanout import SIZES, paired_ratio
from bench.live.results import Results
from bench.tables import Verdict

_OURS = "shell"
_FEW, _MANY = SIZES[0], SIZES[-1]
_KIB = 1024
_FLAT = 0.05
_WHOLE_IDLE_SECONDS = 600


def verdicts(results: Results) -> list[Verdict]:
    return [
        *_changes(results),
        *_one_change_to_many(results),
        *_throughput(results),
        *_memory(results),
        *_reconnect(results),
        *_idle(results),
        *_stalled(results),
    ]


def _changes(results: Results) -> Iterator[Verdict]:
    lead = results.lead_ms
    found = [one.since_commit_ms for one in results.changes.found] if results.changes else []
    for part, bound in ((0.5, 60), (0.99, 250)):
        what = f"commit in a service → DOM in another browser, p{part * 100:.0f} of {len(found) or 200}"
        told = f"≤ {bound} ms + debounce of {lead:.0f} ms"
        if not found:
            yield Verdict(what, "–", told, None)
        else:
            taken = percentile(found, part)
            yield Verdict(what, f"{taken:.1f} ms", told, taken <= bound + lead)


def _one_change_to_many(results: Results) -> Iterator[Verdict]:
    ours, lead = results.of(_OURS, _MANY), results.lead_ms
    what = f"{_MANY:,} connections, one change of one shared fragment"
    if ours is None:
        yield Verdict(f"{what}, upstream renders", "–", "1", None)
        yield Verdict(f"{what}, last client", "–", "≤ 500 ms after the debounce", None)
        return
    yield Verdict(f"{what}, upstream renders", f"{ours.renders:g}", "1", ours.renders == 1)
    after = ours.last_ms - lead
    missed = f", {ours.missed} did not get it" if ours.missed else ""
    told = f"{after:.0f} ms, {ours.longest_ms - lead:.0f} at the longest{missed}"
    bound = f"≤ 500 ms after the debounce of {lead:.0f} ms"
    yield Verdict(f"{what}, last client", told, bound, after <= 500 and not missed)


def _throughput(results: Results) -> Iterator[Verdict]:
    for peer, bound in (("naive", 3.5), ("nchan", 0.8)):
        what = f"deliveries per CPU-second, 1 KB, {_FEW:,} connections, against {results.label(peer)}"
        ours, theirs = results.of(_OURS, _FEW), results.of(peer, _FEW)
        if ours is None or theirs is None:
            yield Verdict(what, "–", f"≥ {bound:g}", None)
        else:
            ratio = paired_ratio(ours, theirs)
            yield Verdict(what, f"{ratio:.2f}", f"≥ {bound:g}", ratio >= bound)


def _memory(results: Results) -> Iterator[Verdict]:
    ours = next((one for one in results.idle if one.system == _OURS), None)
    if ours is None:
        yield Verdict("memory per idle connection", "–", "≤ 16 KiB", None)
    else:
        each = ours.bytes_each / _KIB
        yield Verdict(f"memory per idle connection, {ours.connections:,}", f"{each:.1f} KiB", "≤ 16 KiB", each <= 16)


def _reconnect(results: Results) -> Iterator[Verdict]:
    ours = next((one for one in results.reconnect if one.system == _OURS), None)
    what = f"{_MANY:,} clients reconnecting at once"
    if ours is None:
        yield Verdict(f"{what}, renders", "–", "≤ number of distinct fragments", None)
        yield Verdict(f"{what}, all current", "–", "≤ 10 s", None)
        return
    bound = f"≤ {ours.fragments}, the distinct fragments"
    yield Verdict(f"{what}, renders", f"{ours.renders}", bound, ours.renders <= ours.fragments)
    all_current = ours.current == ours.connections
    missing = "" if all_current else f", {ours.connections - ours.current:,} are not"
    seconds = ours.all_current_ms / 1000
    yield Verdict(f"{what}, all current", f"{seconds:.1f} s{missing}", "≤ 10 s", all_current and seconds <= 10)


def _idle(results: Results) -> Iterator[Verdict]:
    ours = next((one for one in results.idle if one.system == _OURS), None)
    if ours is None:
        yield Verdict(f"{_MANY:,} idle connections for 10 minutes, CPU", "–", "≤ 10 % of a core", None)
        return
    short = "" if round(ours.seconds) >= _WHOLE_IDLE_SECONDS else " (not the 10 that are asked for)"
    what = f"{ours.connections:,} idle connections for {ours.seconds / 60:.1f} minutes{short}"
    yield Verdict(f"{what}, CPU", f"{ours.core_share:.1%} of a core", "≤ 10 % of a core", ours.core_share <= 0.1)
    flat = ours.growth <= _FLAT
    yield Verdict(f"{what}, memory of the second half", f"{ours.growth:+.1%}", f"flat: ≤ {_FLAT:.0%} more", flat)


def _stalled(results: Results) -> Iterator[Verdict]:
    ours = next((one for one in results.stalled if one.system == _OURS), None)
    if ours is None:
        yield Verdict("5 % of the connections read nothing", "–", "cut; the others feel nothing", None)
        return
    what = f"{ours.stalled} of {ours.connections:,} connections read nothing"
    yield Verdict(f"{what}, cut", f"{ours.cut}", f"all {ours.stalled}", ours.cut >= ours.stalled)
    times = ours.during.last_ms / ours.before.last_ms
    told = f"{times:.2f} × what it was{f', {ours.missed} missed' if ours.missed else ''}"
    yield Verdict(f"{what}, last of the others", told, "≤ 1.5 ×", times <= 1.5 and not ours.missed)
    yield Verdict(
        f"{what}, all current once they read again",
        f"{ours.back:,}",
        f"{ours.connections:,}",
        ours.back == ours.connections,
    )
