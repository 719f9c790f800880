"""Puts live together."""

from __future__ import annotations

from starlette.types import Scope

from jogakbo_shell.live.bus import connect
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.grants import Grants
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.live import LivePages
from jogakbo_shell.live.ports import Catalog, Purges, Renders
from jogakbo_shell.live.reader import LiveReader
from jogakbo_shell.live.stream import Limits, LiveEndpoint


def create_live(
    redis_url: str,
    secret: bytes,
    fragments: Renders,
    cache: Purges,
    catalog: Catalog,
    limits: Limits | None = None,
) -> LivePages:
    """`secret` signs the grants; every worker must be given the same."""
    redis = connect(redis_url)
    log = ChangeLog()
    hub = Hub(log, fragments, cache, catalog)
    grants = Grants(secret)
    reader = LiveReader(redis, hub, catalog)
    endpoint = LiveEndpoint(hub, grants, catalog, _visitor, limits)
    return LivePages(log, hub, reader, grants, endpoint, redis)


def _visitor(scope: Scope) -> str:
    subject: str = scope["state"]["visit"].visitor.subject
    return subject
