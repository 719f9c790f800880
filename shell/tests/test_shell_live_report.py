"""What the status page and /metrics say of live."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Histogram

from jogakbo_shell.live import metrics
from jogakbo_shell.still import Still
from jogakbo_shell.web.live_report import quantile, report_live
from jogakbo_shell.web.metrics import SWAP_SECONDS
from shell.tests.harness import portal

pytestmark = pytest.mark.anyio

FIGURES = [
    "jogakbo_live_connections",
    "jogakbo_live_lag_seconds_bucket",
    "jogakbo_live_bus_away",
    "jogakbo_live_coalesced_total",
    "jogakbo_live_mailbox_overflows_total",
    "jogakbo_live_frame_age_seconds_bucket",
    "jogakbo_live_cut_total",
    "jogakbo_live_presence_people",
    "jogakbo_live_polls_total",
    "jogakbo_live_rotations_total",
    "jogakbo_live_revocations_total",
    "jogakbo_browser_swap_seconds_bucket",
    "# TYPE jogakbo_live_resyncs_total counter",
    "# TYPE jogakbo_live_renders_total counter",
    "# TYPE jogakbo_live_refused_total counter",
]


def histogram(*values: float) -> Histogram:
    made = Histogram("seen", "For a test", buckets=(1, 2, 4), registry=CollectorRegistry())
    for value in values:
        made.observe(value)
    return made


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ((), 0.5, None),
        ((0.5,), 0.5, 0.5),
        ((0.5, 1.5), 0.5, 1.0),
        ((1.5, 1.5, 1.5, 1.5), 0.25, 1.25),
        ((0.5, 0.5, 3, 3), 0.95, 3.8),
        ((3, 3), 1.0, 4.0),
        ((9, 9), 0.5, 4.0),
    ],
)
def test_a_percentile_lies_within_its_bucket(values: tuple[float, ...], share: float, expected: float | None) -> None:
    """And of what lies above all buckets no more is known than that."""
    assert quantile(histogram(*values), share) == pytest.approx(expected)


def test_the_report_adds_up_what_was_counted() -> None:
    before = report_live(Still())
    metrics.RESYNCS.labels("orders", "gap").inc()
    metrics.RESYNCS.labels("menu", "gap").inc()
    metrics.REFUSED.labels("full").inc(3)
    metrics.POLLS.inc()
    SWAP_SECONDS.observe(0.02)
    after = report_live(Still())
    assert after.resyncs["gap"] - before.resyncs.get("gap", 0) == 2
    assert after.refused["full"] - before.refused.get("full", 0) == 3
    assert after.polls - before.polls == 1
    assert after.browser.count - before.browser.count == 1
    assert after.browser.p50_ms is not None


async def test_programs_and_people_read_it_on_the_status_page(tmp_path: Path) -> None:
    async with portal(tmp_path, {}, redis_url="redis://127.0.0.1:1/0") as shell:
        report = (await shell.get("/-/status", accept="application/json")).json()["live"]
        english, korean = [(await shell.get(f"/-/status?lang={language}")).text for language in ("en", "ko")]
    assert report["state"] in ("starting", "waiting")
    assert report["browser"].keys() == {"count", "p50_ms", "p95_ms"}
    assert report["connections"] == 0
    for text in ("Live updates", "Open streams", "Browser until painted", "Cut: took nothing"):
        assert text in english
    for text in ("실시간 갱신", "열린 연결", "도착부터 표시까지", "받지 않아 끊음"):
        assert text in korean


async def test_a_portal_without_a_bus_says_that_nothing_is_live(tmp_path: Path) -> None:
    async with portal(tmp_path, {}) as shell:
        page = await shell.get("/-/status")
        report = (await shell.get("/-/status", accept="application/json")).json()
    assert report["live"]["state"] == "off"
    assert "Open streams" not in page.text


async def test_prometheus_reads_it_at_metrics(tmp_path: Path) -> None:
    async with portal(tmp_path, {}) as shell:
        lines = (await shell.get("/metrics")).text.splitlines()
    for name in FIGURES:
        assert any(line.startswith(name) for line in lines), name
