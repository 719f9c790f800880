"""The shell's own static files: held in memory, addressed by their content."""

from __future__ import annotations

import gzip
import mimetypes
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from jogakbo_shell.composition.assets import HeadAsset
from jogakbo_shell.integrity import digest

_IMMUTABLE = "public, max-age=31536000, immutable"
_BRIEFLY = "public, max-age=60"
_COMPRESSIBLE = ("text/", "image/svg+xml", "application/json")
_WORTH_COMPRESSING = 512
# A fifth of our own scripts is for those who read them in the repository: whole lines of comment, and indentation.
_FOR_READERS = re.compile(rb"^[ \t]*(?://[^\n]*)?\n|^[ \t]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    gzipped: bytes
    media_type: str
    version: str
    integrity: str


class StaticFiles:
    """Read once, at start; a change needs a restart, as a change of the code does."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        }

    def asset(self, name: str) -> HeadAsset:
        """`HeadAsset("/static/portal.css?v=0a1b2c3d4e5f", "sha384-…")`; raises KeyError for no such file."""
        file = self._files[name]
        return HeadAsset(f"/static/{name}?v={file.version}", file.integrity)

    async def serve(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None:
            return Response("Not found\n", 404, media_type="text/plain")
        etag = f'"{file.version}"'
        headers = {
            "Cache-Control": _IMMUTABLE if request.query_params.get("v") == file.version else _BRIEFLY,
            "ETag": etag,
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        if file.gzipped and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(file.gzipped, headers=headers, media_type=file.media_type)
        return Response(file.body, headers=headers, media_type=file.media_type)


def _read(path: Path) -> _File:
    body = path.read_bytes()
    if path.suffix == ".js" and "vendor" not in path.parts:
        body = _FOR_READERS.sub(b"", body)
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    worth = media_type.startswith(_COMPRESSIBLE) and len(body) >= _WORTH_COMPRESSING
    return _File(
        body=body,
        gzipped=gzip.compress(body, 9, mtime=0) if worth else b"",
        media_type=media_type,
        version=sha256(body).hexdigest()[:12],
        integrity=digest(body),
    )
