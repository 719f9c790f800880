"""One fragment server as the shell knows it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from jogakbo.contract.addresses import folder, resolve
from jogakbo.contract.manifest import Manifest
from jogakbo_shell.registry.rollout import Rollout
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
    """`address` is given as an origin or as the manifest's own address (`http://host/pods/x/manifest.json`), and is
    then the folder that the manifest's addresses are below.

    `manifest_state` is `kept` while the last good manifest is served though the present one is wrong or away;
    `left_out` is what of the present one could not be used. `look_soon` is set when there may be a new one.
    `digests` are the integrity of what proxy/keeping.py keeps, by path and query; another mapping after each change.
    """

    name: str
    address: str
    breaker: Breaker
    manifest_url: str = field(init=False)
    manifest: Manifest | None = None
    manifest_etag: str = ""
    manifest_state: ManifestState = "missing"
    manifest_fault: str = ""
    left_out: tuple[str, ...] = ()
    look_soon: asyncio.Event = field(default_factory=asyncio.Event)
    health: Health = "unknown"
    checked_at: datetime | None = None
    checks: Mapping[str, Check] = field(default_factory=dict)
    fault: Fault | None = None
    looked: bool = False
    timings_ms: deque[float] = field(default_factory=lambda: deque(maxlen=256))
    rollout: Rollout = field(default_factory=Rollout)
    digests: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = self.address.rstrip("/")
        is_manifest = ".json" in urlsplit(given).path.rpartition("/")[2]
        self.manifest_url = given if is_manifest else f"{given}/manifest.json"
        self.address = folder(self.manifest_url)

    @property
    def version(self) -> str:
        return self.manifest.version if self.manifest else ""

    @property
    def team(self) -> str:
        return self.manifest.team if self.manifest else ""

    @property
    def public_pathname(self) -> str:
        """Where its own links and forms lead to on the portal; a podlet's are those of its proxies."""
        is_podlet = self.manifest is not None and self.manifest.jogakbo is None
        return f"/podium-resource/{self.name}" if is_podlet else f"/-/{self.name}/"

    def url(self, address: str) -> str:
        """An address of the manifest as a whole: `/board` is below `address`, `https://other/x` is itself."""
        return resolve(address, self.address)

    def heard(self, version: str) -> None:
        """The `podlet-version` of an answer, empty if it had none: of a new one the registry wants the manifest."""
        if self.rollout.is_news(version, self.version):
            self.look_soon.set()

    def note_fault(self, what: str, error: Exception) -> None:
        self.fault = Fault(what, str(error) or type(error).__name__, datetime.now(UTC))

    def timing_ms(self, share: float) -> float | None:
        """`timing_ms(0.95)`: 95 % of the last answers took no longer; None before the first."""
        ordered = sorted(self.timings_ms)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None
