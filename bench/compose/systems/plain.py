"""FastAPI + httpx + Jinja2, in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.compose.frame import PEERS, write_pages
from bench.compose.pages import PAGES
from bench.compose.processes import LOAD_CORE, SYSTEM_CORE, Process, free_port, listens, run
from bench.compose.systems.system import Ground, Missing, Mode, System

_SECONDS = 2


def start_plain(name: str, ground: Ground) -> System:
    python = _environment(ground.folder / "venv")
    folder, port = ground.folder / name, free_port()
    write_pages(folder, lambda place, _: f"{{{{ fragments[{place}]|safe }}}}")
    addresses = {page.name: [ground.origin.url(one) for one in page.fragments] for page in PAGES.values()}
    (folder / "addresses.json").write_text(json.dumps(addresses))
    words: list[str | Path] = [python, "-m", "uvicorn", "plain:app", "--app-dir", PEERS, "--port", str(port)]
    words += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    environment = {"PLAIN_PAGES": str(folder)}
    process = Process(words, core=SYSTEM_CORE, log=folder / "output.log", environment=environment)
    ground.stack.enter_context(process).wait_until(lambda: listens(port), "open port")
    version = ", ".join(line.replace("==", " ") for line in _wanted().split() if "==" in line)
    address = f"http://127.0.0.1:{port}"
    return System(name, "FastAPI + httpx", version, process, address, {Mode.UNCACHED: "/p/"}, seconds=_SECONDS)


def _environment(folder: Path) -> Path:
    """Its Python, installed once for all runs."""
    python, installed = folder / "bin" / "python", folder / "installed"
    if installed.exists() and installed.read_text() == _wanted():
        return python
    uv = [sys.executable, "-m", "uv"]
    try:
        run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], core=LOAD_CORE)
        run([*uv, "pip", "install", "--quiet", "--python", python, "-r", PEERS / "requirements.txt"], core=LOAD_CORE)
    except subprocess.CalledProcessError as error:
        raise Missing(f"FastAPI + httpx: uv could not install it: {error.output.strip()[-300:]}") from error
    installed.write_text(_wanted())
    return python


def _wanted() -> str:
    return (PEERS / "requirements.txt").read_text()
