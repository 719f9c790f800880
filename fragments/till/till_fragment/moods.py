"""The payment gateway's moods: what a manager of the lab lets it do to every payment for a while."""

from __future__ import annotations

from jogakbo.fragment import Action, Answer, FragmentServer, View
from till_fragment.client import TillService

_MOODS = ("accept", "decline", "down", "late", "time_out")
_MOOD_SECONDS = 30


def offer_moods(server: FragmentServer) -> None:
    """Declare the fragment ``moods`` and its action, which are there only where the lab is on."""

    @server.fragment("moods", title={"en": "Payment", "ko": "결제"}, keys=["till"], max_age=1, lab=True)
    async def moods(view: View) -> str:
        mood = await TillService(view.service).mood()
        return view.render("moods.html", now=mood, moods=_MOODS, seconds=_MOOD_SECONDS)

    @server.action("mood", shows="moods", lab=True)
    async def change(action: Action) -> Answer:
        await TillService(action.service).set_mood(action.form["mood"], _MOOD_SECONDS)
        return action.show("moods")
