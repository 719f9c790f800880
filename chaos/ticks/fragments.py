"""A fragment server that shows the counters of the service, one fragment each.

    SERVICE_URL=… PORT=… python -m chaos.ticks.fragments alpha

`POST /pace?before=0.2&after=0.5` makes it slow: seconds before and after it asks its service, so that an answer may
be old by the time it is given.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chaos.ticks.service import ITEMS
from jogakbo.fragment import FragmentServer, FragmentSettings, Param, View
from jogakbo.serving import serve

PRIVATE_ITEM = ITEMS - 1
"""The counter that the private fragment shows."""

_NUMBER = {"n": Param(pattern=r"\d{1,3}", required=True)}


class Counter(msgspec.Struct):
    version: int


@dataclass
class Pace:
    before: float = 0.0
    after: float = 0.0

    async def set(self, request: Request) -> Response:
        self.before = float(request.query_params.get("before", 0))
        self.after = float(request.query_params.get("after", 0))
        return Response(status_code=204)


def create_app(name: str, settings: FragmentSettings) -> Starlette:
    server, pace = FragmentServer(name, package="chaos.ticks", team="chaos", streams=("ticks",)), Pace()

    async def shown(view: View, template: str, n: str) -> str:
        await asyncio.sleep(pace.before)
        counter = await view.service.get(f"/items/{n}", Counter)
        await asyncio.sleep(pace.after)
        return view.render(template, n=n, version=counter.version)

    @server.fragment("item", title={"en": "Item", "ko": "조각"}, keys=["item-{n}"], params=_NUMBER)
    async def item(view: View) -> str:
        return await shown(view, "item.html", view.params["n"])

    @server.fragment("form", title={"en": "Form", "ko": "양식"}, keys=["item-{n}"], params=_NUMBER)
    async def form(view: View) -> str:
        return await shown(view, "form.html", view.params["n"])

    @server.fragment("mine", title={"en": "Mine", "ko": "내 것"}, keys=[f"item-{PRIVATE_ITEM}"], private=True)
    async def mine(view: View) -> str:
        return await shown(view, "item.html", str(PRIVATE_ITEM))

    app = server.app(settings)
    app.router.routes.insert(0, Route("/pace", pace.set, methods=["POST"]))
    return app


def main() -> None:
    settings = FragmentSettings()
    serve(create_app(sys.argv[1], settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
