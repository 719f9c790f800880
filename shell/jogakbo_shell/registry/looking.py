"""One look at a fragment server: its manifest, conditionally, and its health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from jogakbo.contract.context import USER_AGENT
from jogakbo.contract.manifest import Manifest, ManifestError
from jogakbo.contract.manifest_reader import read_manifest
from jogakbo_shell.registry.server import Check, FragmentServer, Health
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.port import Answer, Request, Upstream


@dataclass(frozen=True, slots=True)
class NewManifest:
    """`left_out` is what of it could not be used."""

    manifest: Manifest
    left_out: tuple[str, ...]
    etag: str
    payload: bytes


class _Readiness(msgspec.Struct):
    checks: dict[str, Check] = {}


async def look_at_manifest(upstream: Upstream, server: FragmentServer, seconds: float) -> NewManifest | None:
    """The manifest if it is another than the known one. Raises UpstreamError or ManifestError."""
    headers = {"accept": "application/json", "user-agent": USER_AGENT}
    if server.manifest_etag:
        headers["if-none-match"] = server.manifest_etag
    request = Request(server.manifest_url, headers)
    answer = await upstream.fetch(request, deadline=seconds)
    if answer.status == 304 and server.manifest is not None:
        return None
    if answer.status != 200:
        raise ManifestError(f"manifest.json: status {answer.status}, expected 200")
    manifest, left_out = read_manifest(answer.body)
    etag = answer.header("etag")
    if manifest == server.manifest:
        server.manifest_etag, server.left_out = etag, left_out
        return None
    return NewManifest(manifest, left_out, etag, answer.body)


async def look_at_health(
    upstream: Upstream, server: FragmentServer, seconds: float
) -> tuple[Health, Mapping[str, Check]]:
    """`/readyz` speaks for the fragment server and what is behind it: ("failing", {"orders-service": Check(…)})."""
    try:
        answer = await upstream.fetch(Request(server.url("/readyz")), deadline=seconds)
    except UpstreamError as error:
        return "down", {"server": Check("down", error=str(error))}
    # A podlet of another make has no /readyz; that it answers at all is what is known of it.
    return "ok" if answer.status in (200, 404) else "failing", _checks(answer)


def _checks(answer: Answer) -> Mapping[str, Check]:
    try:
        return msgspec.json.decode(answer.body, type=_Readiness).checks
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {}
