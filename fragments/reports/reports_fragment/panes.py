"""Write side and read side next to each other: what was told, what has been read of it, and how far that is behind."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jogakbo.fragment import Action, Answer, FragmentServer, View

_SHOWN = 8
_MAX_AGE_SECONDS = 1
_LOOK_AGAIN_SECONDS = 2


class Stream(msgspec.Struct, frozen=True):
    """One stream as both sides know it; positions are ``<epoch>-<seq>``, ``lag_ms`` the age of the oldest unread."""

    stream: str
    behind: int
    lag_ms: int
    written: str | None = None
    read: str | None = None


class Written(msgspec.Struct, frozen=True):
    """A fact that the write side has told."""

    stream: str
    position: str
    type: str
    at: datetime
    read: bool

    @property
    def name(self) -> str:
        return self.type.rpartition(".")[2]


class Row(msgspec.Struct, frozen=True):
    """A fact as the read side has kept it, ``lag_ms`` after it was told."""

    number: int
    type: str
    subject: str
    at: datetime
    lag_ms: int
    won: int | None = None

    @property
    def name(self) -> str:
        return self.type.rpartition(".")[2]


class Today(msgspec.Struct, frozen=True):
    """The figures of today, as far as they have been read."""

    business_day: str
    orders: int
    won: int
    taken_won: int


class Panes(msgspec.Struct, frozen=True):
    """Both sides at one moment; ``bus`` is ``away`` where nobody can say what was written."""

    frozen: bool
    bus: str
    streams: list[Stream]
    written: list[Written]
    rows: list[Row]
    day: Today

    @property
    def behind(self) -> int:
        """How many facts have been told and not been read."""
        return sum(stream.behind for stream in self.streams)

    @property
    def lag_ms(self) -> int:
        return max((stream.lag_ms for stream in self.streams), default=0)


def offer_panes(server: FragmentServer) -> None:
    """Declare the fragment ``panes``, and the switch that freezes the read side where the lab is on."""

    @server.fragment(
        "panes",
        title={"en": "Write side and read side", "ko": "쓰기 쪽과 읽기 쪽"},
        keys=["orders", "till", "reports"],
        max_age=_MAX_AGE_SECONDS,
    )
    async def panes(view: View) -> str:
        both = await view.service.get("/panes", Panes, limit=_SHOWN)
        return view.render("panes.html", panes=both, again_seconds=_LOOK_AGAIN_SECONDS)

    @server.action("freeze", shows="panes", lab=True)
    async def freeze(action: Action) -> Answer:
        frozen = action.form["frozen"] == "true"
        await action.service.send("PUT", "/freeze", msgspec.Raw, {"frozen": frozen})
        return action.show("panes")
