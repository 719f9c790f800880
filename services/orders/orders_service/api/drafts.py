from __future__ import annotations

from fastapi import APIRouter, Response

from jogakbo.service import Caller, Once
from jogakbo.service.openapi import problems
from orders_service.api.bodies import AddLine, DraftBody, ItemId, SetLine, Subject
from orders_service.api.callers import only_their_own
from orders_service.handlers.drafts import add_to_draft, discard_draft, set_in_draft
from orders_service.handlers.ports import Store


def draft_routes(store: Store) -> APIRouter:
    routes = APIRouter(prefix="/drafts/{sub}", tags=["drafts"], responses=problems(403, 422))

    @routes.get("")
    def draft(sub: Subject, caller: Caller) -> DraftBody:
        only_their_own(caller, sub)
        with store.read() as views:
            return DraftBody.of(views.draft(sub))

    @routes.post("/lines", response_model=DraftBody)
    def add(sub: Subject, line: AddLine, caller: Caller, once: Once) -> Response:
        """Change the quantity of an item; send an ``Idempotency-Key`` so that a retry adds nothing more."""
        only_their_own(caller, sub)
        return once(
            lambda connection: DraftBody.of(add_to_draft(store.within(connection), sub, line.item_id, line.qty))
        )

    @routes.put("/lines/{item_id}")
    def set_line(sub: Subject, item_id: ItemId, line: SetLine, caller: Caller) -> DraftBody:
        only_their_own(caller, sub)
        with store.write() as tx:
            return DraftBody.of(set_in_draft(tx, sub, item_id, line.qty))

    @routes.delete("", status_code=204)
    def discard(sub: Subject, caller: Caller) -> None:
        only_their_own(caller, sub)
        with store.write() as tx:
            discard_draft(tx, sub)

    return routes
