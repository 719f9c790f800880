from __future__ import annotations

from jogakbo.serving import serve
from orders_service.app import create_app
from orders_service.settings import Settings


def main() -> None:
    """Serve the orders service until SIGTERM."""
    settings = Settings()
    serve(create_app(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
