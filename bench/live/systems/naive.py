"""FastAPI + sse-starlette + redis.asyncio, in an environment of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.installs import python_environment
from bench.live.systems.system import CHANNEL, PEERS, Ground, Published, System
from bench.processes import SYSTEM_CORE, Process, free_port, listens

REQUEST = "GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"


def start_naive(ground: Ground) -> System:
    requirements = PEERS / "requirements.txt"
    python = python_environment(ground.folder / "venv", requirements, "sse-starlette")
    port = free_port()
    words: list[str | Path] = [python, "-m", "uvicorn", "naive:app", "--app-dir", PEERS, "--port", str(port)]
    words += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    environment = {"REDIS_URL": ground.bus.url, "CHANNEL": CHANNEL}
    log = ground.folder / "naive" / "output.log"
    process = Process(words, core=SYSTEM_CORE, log=log, environment=environment)
    ground.stack.enter_context(process).wait_until(partial(listens, port), "open port")
    return System(
        name="naive",
        label="sse-starlette, a queue each",
        version=", ".join(line.replace("==", " ") for line in requirements.read_text().split()),
        process=process,
        port=port,
        publish=Published(ground.bus.client).publish,
        subscribe=lambda: (REQUEST, ""),
        resumes=False,
    )
