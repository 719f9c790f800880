"""``python -m reports_fragment``: serve until told to stop."""

from jogakbo.serving import serve
from reports_fragment.app import create_app
from reports_fragment.settings import Settings


def main() -> None:
    """Serve with the settings of the environment."""
    settings = Settings()
    serve(create_app(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
