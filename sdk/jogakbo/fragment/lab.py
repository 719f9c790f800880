"""The fragment ``lab``: buttons that break the service behind a fragment server on purpose, where the lab is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from jogakbo.fragment.server import FragmentServer
from jogakbo.fragment.service import ServiceUnavailable
from jogakbo.fragment.view import Action, Answer, View

_MAX_AGE_SECONDS = 1
_LOOK_AGAIN_SECONDS = 3


class Armed(msgspec.Struct, frozen=True):
    """How many of the next messages of a type the service will lose."""

    losing: dict[str, int] = {}


def offer_lab(server: FragmentServer, *, title: Mapping[str, str], messages: Sequence[str]) -> None:
    """Declare the fragment ``lab`` and the actions ``lose`` and ``kill`` on ``server``, about the service behind it.

    ``messages`` are the types of what that service hears and may lose: ``till.ChargePayment``. It reads ``GET /-/lab``
    and says so when nobody answers, for that is what ``kill`` is about.
    """

    @server.fragment("lab", title=title, keys=["lab"], max_age=_MAX_AGE_SECONDS, lab=True)
    async def lab(view: View) -> str:
        heading = title.get(view.locale) or next(iter(title.values()))
        try:
            losing = (await view.service.get("/-/lab", Armed)).losing
            is_there = True
        except ServiceUnavailable:
            losing, is_there = {}, False
        values = {"heading": heading, "messages": messages, "losing": losing, "is_there": is_there}
        return view.render("lab.html", server=server.name, again_seconds=_LOOK_AGAIN_SECONDS, **values)

    @server.action("lose", shows="lab", lab=True)
    async def lose(action: Action) -> Answer:
        body = {"type": action.form["type"], "count": 1}
        await action.service.send("POST", "/-/lab/lose", type(None), body)
        return action.show("lab")

    @server.action("kill", shows="lab", lab=True)
    async def kill(action: Action) -> Answer:
        with suppress(ServiceUnavailable):  # it may be gone before it has answered
            await action.service.send("POST", "/-/lab/kill", type(None))
        return action.show("lab")
