"""A portal without live updates: pages are right when they are loaded, and stay as they are."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import BaseRoute

from jogakbo_shell.instance import Instance


class Still:
    """The `Live` of a shell that has no bus."""

    leaving = False

    def routes(self) -> list[BaseRoute]:
        return []

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        return

    async def drain(self, seconds: float) -> None:
        self.leaving = True

    def revoke(self, visitor: str) -> None:
        return

    def cursor(self) -> str:
        return ""

    def sign(self, instances: tuple[Instance, ...], locale: str, subject: str) -> str:
        return ""

    def recovered(self, server: str) -> None:
        return

    def showed(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        return

    def describe(self) -> Mapping[str, str | int | float]:
        return {"state": "off"}
