"""Puts live together."""

from __future__ import annotations

from starlette.types import Scope

from jogakbo_shell.live.bus import connect
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.endpoint import LiveEndpoint
from jogakbo_shell.live.grants import Grants
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.limits import Limits
from jogakbo_shell.live.live import LivePages
from jogakbo_shell.live.ports import Catalog, Purges, Renders
from jogakbo_shell.live.post import Post
from jogakbo_shell.live.presence import Declares, PresencePart
from jogakbo_shell.live.reader import LiveReader
from jogakbo_shell.live.streams import Streams


def create_live(
    redis_url: str,
    secret: bytes,
    fragments: Renders,
    cache: Purges,
    catalog: Catalog,
    limits: Limits | None = None,
    *,
    declares: Declares,
) -> LivePages:
    """`secret` signs the grants; every worker must be given the same."""
    redis = connect(redis_url)
    log = ChangeLog()
    hub = Hub(log, fragments, cache, catalog)
    post = Post(hub.settled)
    hub.frames_go_by(post)
    grants = Grants(secret)
    reader = LiveReader(redis, hub, catalog)
    streams = Streams(hub, post, limits or Limits())
    reader.on_behind(streams.say_behind)
    reader.on_behind(hub.say_behind)
    presence = PresencePart(redis, secret, grants, declares)
    streams.listen(presence.presence)
    endpoint = LiveEndpoint(streams, grants, catalog, _visitor, presence.cookies)
    return LivePages(log, hub, reader, grants, streams, endpoint, presence, redis)


def _visitor(scope: Scope) -> str:
    subject: str = scope["state"]["visit"].visitor.subject
    return subject
