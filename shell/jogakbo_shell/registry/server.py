"""One fragment server as the shell knows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import msgspec

from jogakbo.contract.manifest import Manifest
from jogakbo_shell.resilience import Breaker

Health = Literal["unknown", "ok", "failing", "down"]
ManifestState = Literal["missing", "current", "kept"]


class Check(msgspec.Struct, frozen=True):
    """What a fragment server's `/readyz` says of something behind it, such as its service."""

    status: str = ""
    version: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong last, and when; kept after it is over, for whoever looks later."""

    what: str
    message: str
    at: datetime


@dataclass(slots=True, eq=False)
class FragmentServer:
    """`manifest_state` is `kept` while the last good manifest is served though the present one is wrong or away."""

    name: str
    address: str
    breaker: Breaker
    manifest: Manifest | None = None
    manifest_etag: str = ""
    manifest_state: ManifestState = "missing"
    manifest_fault: str = ""
    health: Health = "unknown"
    checked_at: datetime | None = None
    checks: Mapping[str, Check] = field(default_factory=dict)
    fault: Fault | None = None
    looked: bool = False
    timings_ms: deque[float] = field(default_factory=lambda: deque(maxlen=256))

    @property
    def version(self) -> str:
        return self.manifest.version if self.manifest else ""

    @property
    def team(self) -> str:
        return self.manifest.team if self.manifest else ""

    def url(self, path: str) -> str:
        return self.address + path

    def note_fault(self, what: str, error: Exception) -> None:
        self.fault = Fault(what, str(error) or type(error).__name__, datetime.now(UTC))

    def timing_ms(self, share: float) -> float | None:
        """`timing_ms(0.95)`: 95 % of the last answers took no longer; None before the first."""
        ordered = sorted(self.timings_ms)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None
