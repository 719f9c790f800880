"""Open pages change by themselves: from the bus to the browser."""

from jogakbo_shell.live.create import create_live

__all__ = ["create_live"]
