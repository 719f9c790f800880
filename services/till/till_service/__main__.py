from __future__ import annotations

from jogakbo.serving import serve
from till_service.app import create_app
from till_service.settings import Settings


def main() -> None:
    settings = Settings()
    serve(create_app(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
