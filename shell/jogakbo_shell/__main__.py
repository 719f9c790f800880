"""`python -m jogakbo_shell`"""

from __future__ import annotations

from jogakbo_shell.app import create_app
from jogakbo_shell.descriptors import raise_descriptor_limit
from jogakbo_shell.logs import configure_logs
from jogakbo_shell.server import build_server
from jogakbo_shell.settings import Settings


def main() -> None:
    """Serve the portal until SIGTERM or SIGINT."""
    settings = Settings()
    configure_logs(level=settings.log_level, form=settings.log_format)
    raise_descriptor_limit(settings.live_connections)
    build_server(create_app(settings), settings).run()


if __name__ == "__main__":
    main()
