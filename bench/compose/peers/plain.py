"""What most would write first: FastAPI, an httpx client, gather, a Jinja2 template. Run by uvicorn, by itself."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx  # type: ignore[import-not-found]  # in an environment of its own (requirements.txt)
from fastapi import FastAPI, Request, Response
from fastapi.templating import Jinja2Templates

folder = Path(os.environ["PLAIN_PAGES"])
templates = Jinja2Templates(directory=folder)
addresses: dict[str, list[str]] = json.loads((folder / "addresses.json").read_text())


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(timeout=1.0) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/p/{name}")
async def page(request: Request, name: str) -> Response:
    fragments = await asyncio.gather(*(fetch(request, url) for url in addresses[name]))
    return templates.TemplateResponse(request, f"{name}.html", {"fragments": fragments})


async def fetch(request: Request, url: str) -> str:
    try:
        response = await request.app.state.client.get(url)
        response.raise_for_status()
    except httpx.HTTPError:
        return ""
    text: str = response.text
    return text
