"""`POST /-/presence`: the person on this page types in that fragment, or has done so.

{"grant": "…", "id": "f-menu-manage", "editing": true, "place": "menu-row-espresso"}
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jogakbo_shell.live.grants import GrantRefused, Grants
from jogakbo_shell.live.presence.message import Place
from jogakbo_shell.live.presence.presence import Presence
from jogakbo_shell.proxy.csrf import is_forged
from jogakbo_shell.web.calls import Refused, read_json
from jogakbo_shell.web.visit import visit_of

_MAX_BODY_BYTES = 16_384  # a grant for as many fragments as a page may have, twice
_MAX_SECONDS = 2.0
_NOT_KEPT = {"cache-control": "no-store"}


class _Body(msgspec.Struct):
    grant: str
    id: str
    editing: bool
    place: Place = ""


class PresenceEndpoint:
    """Any worker may take it, for it tells the others; what a page shows, and so may name, is in its grant."""

    def __init__(self, presence: Presence, grants: Grants) -> None:
        self._presence = presence
        self._grants = grants

    async def serve(self, request: Request) -> Response:
        visit = visit_of(request.scope)
        try:
            if is_forged(request.method, visit.headers, visit.origin):
                raise Refused(403, "not from here", "this was sent from another site")
            if visit.visitor.is_new:
                raise Refused(403, "no session", "nobody is known to look at this")
            body = await read_json(
                request, _Body, "a word of presence", max_bytes=_MAX_BODY_BYTES, seconds=_MAX_SECONDS
            )
            topic = self._topic(body, visit.visitor.subject)
        except Refused as refused:
            return refused.answer()
        self._presence.edits(topic, visit.visitor.subject, body.place, editing=body.editing)
        return Response(None, 204, _NOT_KEPT)

    def _topic(self, body: _Body, subject: str) -> str:
        try:
            grant = self._grants.verify(body.grant, subject)
        except GrantRefused as error:
            raise Refused(403, "no such grant", str(error)) from error
        shown = (self._presence.topic_of(instance) for instance in grant.instances if instance.dom_id == body.id)
        topic = next((topic for topic in shown if topic is not None), None)
        if topic is None:
            raise Refused(404, "nothing there", f"the page shows no {body.id!r} that has presence")
        return topic
