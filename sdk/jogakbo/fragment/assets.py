"""The stylesheets, scripts and pictures of a fragment server, under addresses that change with their content."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_IMMUTABLE = "public, max-age=31536000, immutable"


class Assets:
    """Files of ``<package>/assets/`` by name, held in memory: ``/assets/orders.css?v=<12 hex of SHA-256>``."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self._digests = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in contents.items()}

    @classmethod
    def of_package(cls, package: str) -> Assets:
        """Read every file of the package's ``assets`` folder; a package may have none."""
        folder = files(package) / "assets"
        if not folder.is_dir():
            return cls({})
        return cls({entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()})

    def paths(self, suffix: str) -> list[str]:
        """Addresses of the files that end in ``suffix``, on this server."""
        return [f"/assets/{name}?v={self._digests[name]}" for name in sorted(self._contents) if name.endswith(suffix)]

    async def serve(self, request: Request) -> Response:
        """Answer ``/assets/{name}``; only an address with the right digest may be kept for ever."""
        # A layout of Podium's makes the question mark of a relative address a part of the path: `orders.css%3Fv=…`.
        name, _, digest = request.path_params["name"].partition("?v=")
        content = self._contents.get(name)
        if content is None:
            return PlainTextResponse("no such asset", 404)
        known = (digest or request.query_params.get("v")) == self._digests[name]
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = {
            "Cache-Control": _IMMUTABLE if known else "no-cache",
            "ETag": f'"{self._digests[name]}"',
            "X-Content-Type-Options": "nosniff",
            # A layout of Podium's links to this server itself, and a module from another origin needs leave.
            "Access-Control-Allow-Origin": "*",
        }
        return Response(content, media_type=media_type, headers=headers)
