"""What is known of the fragment servers, kept on disk: a shell can start while they are away."""

from __future__ import annotations

import os
import re
from pathlib import Path

import structlog

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Shelf:
    """A folder with one JSON file per server; losing it costs nothing but a cold start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = structlog.get_logger()

    def read(self, server: str) -> bytes | None:
        path = self._path(server)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._log.warning("shelf_unreadable", path=str(path), error=str(error))
            return None

    def write(self, server: str, payload: bytes) -> None:
        """Replace the file whole; a full disk is logged and costs only the next cold start."""
        path = self._path(server)
        draft = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(payload)
            draft.replace(path)
        except OSError as error:
            self._log.warning("shelf_unwritable", path=str(path), error=str(error))

    def _path(self, server: str) -> Path:
        if not _NAME.fullmatch(server):
            raise ValueError(f"a fragment server is named like 'menu' or 'gift-cards', not {server!r}")
        return self._folder / f"{server}.json"
