"""The stock of an ingredient as the events of a day, and a slider that goes back through them."""

from __future__ import annotations

from collections.abc import Sequence

from inventory_fragment.client import InventoryService, MomentEvent
from inventory_fragment.line import stock_line
from jogakbo.fragment import FragmentServer, NotFound, Param, ServiceRefused, SlotDeclaration, View

_PARAMS = {
    "id": Param(pattern="[a-z0-9-]{1,40}", required=True),
    "day": Param(pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "upto": Param(pattern="[1-9][0-9]{0,8}"),
}
_DRAWN = 500
_LISTED = 12
_SNAPSHOT_EVERY = 100


def offer_timeline(server: FragmentServer) -> None:
    """Declare the fragments ``timeline`` (as it is now, live) and ``moment`` (as it was after an event)."""

    @server.fragment(
        "timeline",
        title={"en": "Stock through time", "ko": "시간으로 보는 재고"},
        keys=["ingredient-{id}"],
        params=_PARAMS,
        slots={
            "moment": SlotDeclaration(fragment="inventory/moment", params={name: name for name in _PARAMS}),
        },
    )
    async def timeline(view: View) -> str:
        service = InventoryService(view.service)
        try:
            ingredient = await service.ingredient(view.params["id"])
            now = await service.moment(ingredient.id, day=view.params.get("day", ""), limit=_DRAWN)
        except ServiceRefused as refusal:
            raise _missing(refusal) from refusal
        line = stock_line([event.on_hand_after for event in reversed(now.events)], ingredient.low_at)
        chosen = min(int(view.params.get("upto", now.newest)), now.newest)
        values = {"snapshot": now.snapshot // _SNAPSHOT_EVERY, "chosen": chosen}
        return view.render("timeline.html", ingredient=ingredient, now=now, line=line, **values)

    @server.fragment(
        "moment",
        title={"en": "As it was", "ko": "그때의 재고"},
        keys=["past"],  # which nobody changes: what was then is not another thing now
        params=_PARAMS,
    )
    async def moment(view: View) -> str:
        if "upto" not in view.params:
            return view.render("moment_none.html")
        service = InventoryService(view.service)
        upto = int(view.params["upto"])
        try:
            ingredient = await service.ingredient(view.params["id"])
            then = await service.moment(ingredient.id, day=view.params.get("day", ""), upto=upto, limit=_LISTED)
        except ServiceRefused as refusal:
            raise _missing(refusal) from refusal
        values = {"snapshot": then.snapshot // _SNAPSHOT_EVERY, "event": _newest(then.events)}
        return view.render("moment.html", ingredient=ingredient, then=then, **values)


def _newest(events: Sequence[MomentEvent]) -> MomentEvent | None:
    return events[0] if events else None


def _missing(refusal: ServiceRefused) -> Exception:
    return NotFound() if refusal.problem.status == 404 else refusal
