from __future__ import annotations

from gateway_service.app import create_app
from gateway_service.settings import Settings
from jogakbo.serving import serve


def main() -> None:
    settings = Settings()
    serve(create_app(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
