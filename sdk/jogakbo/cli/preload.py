"""Import what members share once, in the process they are forked from.

The web stack costs over a second of processor time per process and most of a process's memory; forked after the
import, the members share both. Members' own code stays out: a restarted member runs what is on disk then.
"""

import gc
import importlib
import ssl
from collections.abc import Iterable

SHARED = (
    "jogakbo.contract.cloudevent",
    "jogakbo.contract.manifest",
    "jogakbo.serving",
    "jogakbo.fragment",
    "jogakbo.service",
    "jogakbo.service.clock",
    "jogakbo.service.openapi",
    "jogakbo.events",
    "alembic.command",
    "alembic.config",
    "alembic.context",
    "alembic.ddl.postgresql",
    "alembic.ddl.sqlite",
    "alembic.op",
    "anyio._backends._asyncio",
    "encodings.idna",
    "fastapi",
    "fastapi.telemetry._runtime",
    "email.parser",
    "httpcore2",
    "httptools",
    "httpx2",
    "importlib.metadata",
    "importlib.resources.readers",
    "itsdangerous",
    "jinja2",
    "jinja2.debug",
    "joserfc.jwk",
    "joserfc.jwt",
    "msgspec.json",
    "prometheus_client",
    "pydantic.v1",
    "pydantic_settings",
    "python_multipart",
    "redis.asyncio",
    "selectolax.lexbor",
    "sqlalchemy",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
    "starlette.applications",
    "starlette.responses",
    "starlette.routing",
    "starlette.staticfiles",
    "structlog",
    "truststore",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "zoneinfo",
)


def preload(modules: Iterable[str]) -> dict[str, Exception]:
    """Import modules; freeze what they made, so that no collection in a child copies its pages.

    Returns the modules that could not be imported and why: not fatal, the member that needs one will say so.
    """
    failures: dict[str, Exception] = {}
    gc.disable()  # a child turns it on again
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # a broken module must not keep the others from running
            failures[module] = error
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # with the first one OpenSSL sets itself up, in 2 MB
    gc.collect()
    gc.freeze()
    return failures
