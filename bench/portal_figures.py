"""What the whole portal costs and how fast it is, measured from outside: `make bench`.

It starts a portal of its own on free ports, uses it with HTTP and one Chromium, prints a table in Markdown and ends.
Bounded: 200 changes, 300 page views, about a minute. Figures are kept in docs/performance.md.
"""

from __future__ import annotations

import gzip
import http.client
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from bench.changes import changes, percentile
from e2e.harness.portal import Portal

CHANGES = 200
VIEWS = 300
REST_SECONDS = 15.0


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``holds`` says whether the bound is kept."""

    what: str
    measured: str
    bound: str
    holds: bool


def main() -> int:
    """Measure everything and print the table; exit 1 when a bound is not kept."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="jogakbo-bench-") as folder, _running(Path(folder)) as (portal, started):
        figures.append(_seconds("second start to ready", started, 5.0))
        for measure in (_memory, _pages, _changes, _scripts):
            print(f"… {measure.__name__.strip('_')}", file=sys.stderr, flush=True)
            figures += measure(portal)
    print("| what | measured | bound | holds |\n|---|---|---|---|")
    for figure in figures:
        print(f"| {figure.what} | {figure.measured} | {figure.bound} | {'yes' if figure.holds else '**no**'} |")
    return 0 if all(figure.holds for figure in figures) else 1


@contextmanager
def _running(folder: Path) -> Iterator[tuple[Portal, float]]:
    """A portal that is started twice: the second start finds its data and its compiled modules."""
    first = Portal(folder)
    first.wait_ready()
    first.stop()
    began = time.perf_counter()
    portal = Portal(folder)
    try:
        portal.wait_ready()
        yield portal, time.perf_counter() - began
    finally:
        portal.stop()


def _memory(portal: Portal) -> list[Figure]:
    httpx2.get(portal.url + "/").raise_for_status()
    time.sleep(REST_SECONDS)
    megabytes = sum(_pss_kib(process.pid) for process in portal.processes()) / 1024
    return [Figure("memory of the whole portal at rest (PSS)", f"{megabytes:.0f} MB", "≤ 450 MB", megabytes <= 450)]


def _pages(portal: Portal) -> list[Figure]:
    """The counter page as one visitor sees it, over one kept connection."""
    address = urlsplit(portal.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    cookie, first, full = "", [], []
    for _ in range(VIEWS):
        began = time.perf_counter()
        connection.request("GET", "/", headers={"cookie": cookie, "accept": "text/html"})
        answer = connection.getresponse()
        first.append((time.perf_counter() - began) * 1000)
        answer.read()
        full.append((time.perf_counter() - began) * 1000)
        cookie = cookie or (answer.getheader("set-cookie") or "").split(";")[0]
    connection.close()
    return [
        _milliseconds("counter page, warm, first byte, p50", statistics.median(first[20:]), 10),
        _milliseconds("counter page, warm, full page, p50", statistics.median(full[20:]), 30),
    ]


def _changes(portal: Portal) -> list[Figure]:
    """From the sending of a form to the changed text in somebody else's browser."""
    delays = [one.since_sent_ms for one in changes(portal, CHANGES).found]
    p50, p95 = percentile(delays, 0.5), percentile(delays, 0.95)
    return [
        _milliseconds(f"change → HTML in another browser, p50 of {CHANGES}", p50, 300),
        _milliseconds(f"change → HTML in another browser, p95 of {CHANGES}", p95, 300),
    ]


def _scripts(portal: Portal) -> list[Figure]:
    page = httpx2.get(portal.url + "/").text
    sources = sorted(set(re.findall(r'<script[^>]+src="([^"]+)"', page)))
    size = sum(len(gzip.compress(httpx2.get(portal.url + source).content, 9)) for source in sources)
    what = f"JavaScript of the counter page, gzip, {len(sources)} files"
    return [Figure(what, f"{size / 1024:.1f} KB", "≤ 20 KB", size <= 20 * 1024)]


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _milliseconds(what: str, measured: float, bound: float) -> Figure:
    return Figure(what, f"{measured:.1f} ms", f"≤ {bound:g} ms", measured <= bound)


def _seconds(what: str, measured: float, bound: float) -> Figure:
    return Figure(what, f"{measured:.1f} s", f"≤ {bound:g} s", measured <= bound)


if __name__ == "__main__":
    sys.exit(main())
