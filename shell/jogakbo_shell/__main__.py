"""`python -m jogakbo_shell`"""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

from jogakbo_shell.app import create_app
from jogakbo_shell.descriptors import raise_descriptor_limit
from jogakbo_shell.logs import configure_logs
from jogakbo_shell.server import build_server
from jogakbo_shell.settings import Settings


def main() -> None:
    """Serve the portal until SIGTERM or SIGINT; to have been asked to end is no fault, so the exit code is 0."""
    # The server handles both while it runs, and raises them once more when it is done.
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, _leave)
    settings = Settings()
    configure_logs(level=settings.log_level, form=settings.log_format)
    raise_descriptor_limit(settings.live_connections)
    build_server(create_app(settings), settings).run()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
