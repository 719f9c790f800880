"""``python -m inventory_fragment``: serve until told to stop."""

from inventory_fragment.app import create_app
from inventory_fragment.settings import Settings
from jogakbo.serving import serve


def main() -> None:
    """Serve with the settings of the environment."""
    settings = Settings()
    serve(create_app(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
