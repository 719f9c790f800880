"""``python -m reports_service``: serve the reports."""

from __future__ import annotations

from jogakbo.serving import serve
from reports_service.app import create_app
from reports_service.settings import Settings


def main() -> None:
    """Serve until SIGTERM, with the settings of the environment."""
    settings = Settings()
    serve(create_app(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
