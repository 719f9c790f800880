"""FastAPI + httpx + Jinja2, in an environment of its own."""

from __future__ import annotations

import json
from pathlib import Path

from bench.compose.frame import PEERS, write_pages
from bench.compose.pages import PAGES
from bench.compose.systems.system import Ground, Mode, System
from bench.installs import python_environment
from bench.processes import SYSTEM_CORE, Process, free_port, listens

_SECONDS = 2


def start_plain(name: str, ground: Ground) -> System:
    requirements = PEERS / "requirements.txt"
    python = python_environment(ground.folder / "venv", requirements, "FastAPI + httpx")
    folder, port = ground.folder / name, free_port()
    write_pages(folder, lambda place, _: f"{{{{ fragments[{place}]|safe }}}}")
    addresses = {page.name: [ground.origin.url(one) for one in page.fragments] for page in PAGES.values()}
    (folder / "addresses.json").write_text(json.dumps(addresses))
    words: list[str | Path] = [python, "-m", "uvicorn", "plain:app", "--app-dir", PEERS, "--port", str(port)]
    words += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    environment = {"PLAIN_PAGES": str(folder)}
    process = Process(words, core=SYSTEM_CORE, log=folder / "output.log", environment=environment)
    ground.stack.enter_context(process).wait_until(lambda: listens(port), "open port")
    version = ", ".join(line.replace("==", " ") for line in requirements.read_text().split() if "==" in line)
    address = f"http://127.0.0.1:{port}"
    return System(name, "FastAPI + httpx", version, process, address, {Mode.UNCACHED: "/p/"}, seconds=_SECONDS)
