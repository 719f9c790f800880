"""The fragment ``checks``: which of a service's invariants hold, and what it has parked, with a button to try again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec

from jogakbo.fragment.server import FragmentServer
from jogakbo.fragment.view import Action, Answer, View

_MAX_AGE_SECONDS = 2
_LOOK_AGAIN_SECONDS = 10


class Check(msgspec.Struct, frozen=True):
    """An invariant as its service found it.

    ``detail`` says by what it is broken, for whoever mends it; ``figures`` how much was looked at, each under its name.
    """

    name: str
    holds: bool
    detail: str
    checked_at: datetime
    figures: Mapping[str, int] = {}


class Parked(msgspec.Struct, frozen=True):
    """A message that a service has put aside, so that those behind it go on."""

    stream: str
    position: str
    type: str
    subject: str
    reason: str
    attempts: int
    parked_at: datetime


def offer_checks(server: FragmentServer, *, title: Mapping[str, str], keys: Sequence[str]) -> None:
    """Declare the fragment ``checks`` and the action ``retry`` on ``server``, about the service behind it.

    It reads ``GET /checks`` and ``GET /-/parked``. ``title`` names the team, ``keys`` say what moves its figures. The
    words for an invariant are the team's own: ``check.<name>`` in its ``messages.toml``, and ``figure.<name>`` for what
    its figures count.
    """

    @server.fragment("checks", title=title, keys=["checks", *keys], max_age=_MAX_AGE_SECONDS)
    async def checks(view: View) -> str:
        found = await view.service.get("/checks", list[Check])
        parked = await view.service.get("/-/parked", list[Parked])
        heading = title.get(view.locale) or next(iter(title.values()))
        words = _words(view, "check", [check.name for check in found])
        counted = _words(view, "figure", [name for check in found for name in check.figures])
        values = {"heading": heading, "words": words, "counted": counted, "again_seconds": _LOOK_AGAIN_SECONDS}
        return view.render("checks.html", server=server.name, checks=found, parked=parked, **values)

    @server.action("retry", shows="checks")
    async def retry(action: Action) -> Answer:
        stream, position = (quote(action.form[name], safe="") for name in ("stream", "position"))
        await action.service.send("POST", f"/-/parked/{stream}/{position}/retry", type(None))
        return action.show("checks")


def _words(view: View, kind: str, names: Sequence[str]) -> Mapping[str, str]:
    """What is newer than the texts is shown by its name."""
    keys = {name: f"{kind}.{name}" for name in names}
    return {name: view.t(key) if view.messages.has(key) else name for name, key in keys.items()}
