"""The shell as one ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette

from jogakbo_shell.settings import Settings


def create_app(settings: Settings) -> Starlette:
    return Starlette()
