"""`/-/status`: who runs, which version, healthy or not; for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jogakbo_shell import __version__
from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.declared_assets import assets_of
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.registry.server import Check, FragmentServer
from jogakbo_shell.seams import Live
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.kept_pages import KeptPages
from jogakbo_shell.web.live_report import LiveReport, report_live
from jogakbo_shell.web.visit import visit_of


@dataclass(frozen=True, slots=True)
class ServerReport:
    """`health` is healthy, degraded, down or unknown; `manifest` current, kept or missing; `breaker` closed,
    open or half-open.

    `error` is what is wrong now; `last_fault` may be long over.
    """

    name: str
    address: str
    version: str
    team: str
    fragments: tuple[str, ...]
    health: str
    checks: Mapping[str, Check]
    manifest: str
    manifest_fault: str
    breaker: str
    error: str
    last_fault: str
    last_fault_at: datetime | None
    checked_at: datetime | None
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Report:
    version: str
    healthy: bool
    servers: tuple[ServerReport, ...]
    cache: Mapping[str, int]
    live: LiveReport


class Status:
    def __init__(
        self, registry: Registry, cache: FragmentCache, pages: KeptPages, live: Live, answers: Answers
    ) -> None:
        self._registry = registry
        self._cache = cache
        self._pages = pages
        self._live = live
        self._answers = answers

    async def serve(self, request: Request) -> Response:
        report = self.report()
        visit = visit_of(request.scope)
        if not visit.wants_html:
            headers = {"Cache-Control": "no-store"}
            return Response(msgspec.json.encode(report), headers=headers, media_type="application/json")
        title = self._answers.messages.text(visit.locale, "status.title")
        look = self._answers.look(visit, "/-/status")
        return self._answers.page(
            visit,
            "status.html",
            look,
            ("servers", report.servers),
            ("live", report.live),
            ("facts", _facts(report)),
            title=title,
        )

    def report(self) -> Report:
        servers = tuple(_report(server) for server in self._registry.servers.values())
        return Report(
            version=__version__,
            healthy=all(server.health == "healthy" for server in servers),
            servers=servers,
            cache={
                "fragments": len(self._cache),
                "bytes": self._cache.bytes,
                "pages": len(self._pages),
                "page bytes": self._pages.size,
            },
            live=report_live(self._live),
        )


def _facts(report: Report) -> Mapping[str, object]:
    return {"version": report.version, **{f"cache {name}": value for name, value in report.cache.items()}}


def _report(server: FragmentServer) -> ServerReport:
    fault, health = server.fault, _health(server)
    return ServerReport(
        name=server.name,
        address=server.address,
        version=server.version,
        team=server.team,
        fragments=tuple(server.manifest.fragments) if server.manifest else (),
        health=health,
        checks=server.checks,
        manifest=server.manifest_state,
        manifest_fault="; ".join(filter(None, (server.manifest_fault, *assets_of(server).left_out))),
        breaker=server.breaker.state,
        error=_error(server) if health in ("degraded", "down") else "",
        last_fault=f"{fault.what}: {fault.message}" if fault else "",
        last_fault_at=fault.at if fault else None,
        checked_at=server.checked_at,
        p50_ms=_rounded(server.timing_ms(0.5)),
        p95_ms=_rounded(server.timing_ms(0.95)),
    )


def _health(server: FragmentServer) -> str:
    if server.health == "unknown":
        return "unknown"
    if server.health == "down" or server.breaker.open:
        return "down"
    return "healthy" if server.health == "ok" and server.manifest_state == "current" else "degraded"


def _error(server: FragmentServer) -> str:
    """What its own checks say, else what went wrong last."""
    failing = "; ".join(
        f"{name}: {check.error or check.status}" for name, check in server.checks.items() if check.status != "ok"
    )
    return failing or (server.fault.message if server.fault else "")


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
