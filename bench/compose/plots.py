"""What the tables say, as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log10

from bench.compose.late import USUAL_MS
from bench.compose.memory import Growth
from bench.compose.readings import Reading
from bench.compose.results import Results
from bench.compose.systems.system import Mode
from bench.compose.throughput import CONNECTIONS, page_of
from bench.fields import TOP, Field, apart
from bench.svg import COLOURS, THREAD, bar, dot, drawing, line, text

_WIDTH = 860
_LEFT, _RIGHT, _ROW = 210, 90, 24
_COUNTS = (1, 6, 12, 24)
_BOUND_MB = 160


def drawings(results: Results) -> dict[str, str]:
    """By file name; only those that there are figures for."""
    found = {}
    if results.readings:
        found["compose-throughput.svg"] = _throughput(results)
    if curves := _curves(results):
        found["compose-fragments.svg"] = _fragments(results, curves)
    if results.late:
        found["compose-late.svg"] = _late(results)
    if results.memory is not None:
        found["compose-memory.svg"] = _memory(results.memory)
    return found


def _throughput(results: Results) -> str:
    groups = {mode: _of_mode(results, mode) for mode in (Mode.UNCACHED, Mode.FRAGMENTS, Mode.PAGE)}
    scale = (_WIDTH - _LEFT - _RIGHT) / max(one.pages_per_cpu_second for group in groups.values() for one in group)
    parts, y = [], float(TOP)
    for mode, group in groups.items():
        parts.append(text(_LEFT, y + 14, str(mode), "quiet"))
        y += _ROW
        for one in group:
            width = one.pages_per_cpu_second * scale
            parts += [
                text(_LEFT - 10, y + 14, results.label(one.system), "", "end"),
                bar(_LEFT, y, width, _ROW - 6, _colour(results, one.system)),
                text(_LEFT + width + 8, y + 14, f"{one.pages_per_cpu_second:,.0f}"),
            ]
            y += _ROW
    return drawing("Pages per CPU-second: six fragments of 2 KB, 16 connections", _WIDTH, int(y) + 14, parts)


def _of_mode(results: Results, mode: Mode) -> list[Reading]:
    wanted = (mode, page_of(mode, "6"), CONNECTIONS)
    return [one for one in results.readings if (one.mode, one.page, one.connections) == wanted]


def _curves(results: Results) -> dict[str, list[Reading]]:
    found = {}
    for system in results.systems:
        pages = (page_of(Mode.UNCACHED, str(count)) for count in _COUNTS)
        known = [one for page in pages if (one := results.reading(system.name, Mode.UNCACHED, page))]
        if len(known) == len(_COUNTS) and all(one.pages_per_cpu_second for one in known):
            found[system.name] = known
    return found


def _fragments(results: Results, curves: Mapping[str, list[Reading]]) -> str:
    values = [log10(one.pages_per_cpu_second) for curve in curves.values() for one in curve]
    field = Field(80, _WIDTH - 210, 400, (0, floor(min(values) * 2) / 2), (log10(_COUNTS[-1]), ceil(max(values))))
    parts: list[str] = []
    for power in range(ceil(field.low[1]), floor(field.high[1]) + 1):
        parts += field.rule(power, f"{10**power:,}")
    parts += [text(field.at(log10(count), 0)[0], 424, str(count), "quiet", "middle") for count in _COUNTS]
    ends = {}
    for name, curve in curves.items():
        pairs = zip(_COUNTS, curve, strict=True)
        points = [field.at(log10(count), log10(one.pages_per_cpu_second)) for count, one in pairs]
        colour = _colour(results, name)
        parts += [line(points, colour), *(dot(x, y, colour) for x, y in points)]
        ends[name] = points[-1][1]
    parts += [text(field.right + 14, y + 5, results.label(name)) for name, y in apart(ends)]
    return drawing("Pages per CPU-second by fragments on the page, uncached, 16 connections", _WIDTH, 440, parts)


def _late(results: Results) -> str:
    rows = [one for one in results.late if one.delay_ms == USUAL_MS]
    scale = (_WIDTH - _LEFT - _RIGHT) / max(one.last_ms for one in rows)
    parts = []
    for place, one in enumerate(rows):
        y = TOP + place * _ROW
        useful_ms = one.first_ms if one.useful_ms is None else one.useful_ms
        first, useful, last = (_LEFT + ms * scale for ms in (one.first_ms, useful_ms, one.last_ms))
        parts += [
            text(_LEFT - 10, y + 14, results.label(one.system), "", "end"),
            bar(first, y, last - first, _ROW - 6, THREAD),
            bar(first, y, useful - first, _ROW - 6, COLOURS[2]),
            bar(first - 3, y, 3, _ROW - 6, COLOURS[0]),
            text(last + 8, y + 14, f"{one.first_ms:.1f} ms"),
        ]
    title = "First byte (red), the fragments before the late one (yellow), last byte: one fragment takes 200 ms"
    return drawing(title, _WIDTH, TOP + len(rows) * _ROW + 14, parts)


def _memory(growth: Growth) -> str:
    most = max(growth.most_mb, _BOUND_MB) * 1.1
    field = Field(80, _WIDTH - 60, 300, (0, 0), (growth.pages or 1, most))
    parts = [*field.rule(0, "0"), *field.rule(_BOUND_MB, f"{_BOUND_MB} MB")]
    parts.append(line([field.at(pages, megabytes) for pages, megabytes in growth.resident_mb], COLOURS[0]))
    parts.append(text(field.right, 324, f"{growth.pages:,} pages", "quiet", "end"))
    return drawing("Memory of this shell by the pages served, of 1,000 variants", _WIDTH, 340, parts)


def _colour(results: Results, system: str) -> str:
    names = [one.name for one in results.systems]
    return COLOURS[names.index(system) % len(COLOURS)]
