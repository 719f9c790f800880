"""The reporting database, built anew from its journal beside the one that is read."""

from __future__ import annotations

from jogakbo.fragment import Action, Answer, FragmentServer, View
from reports_fragment.client import ReportsService


def offer_rebuild(server: FragmentServer) -> None:
    """Declare the fragment ``rebuild`` and its action."""

    @server.fragment("rebuild", title={"en": "Rebuild", "ko": "다시 만들기"}, keys=["rebuild", "reports"])
    async def rebuild(view: View) -> str:
        return view.render("rebuild.html", rebuild=await ReportsService(view.service).rebuild())

    @server.action("rebuild", shows="rebuild")
    async def begin(action: Action) -> Answer:
        await ReportsService(action.service).begin_rebuild()
        return action.show("rebuild")
