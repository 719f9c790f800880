"""This shell: a page with six fragments, its grant, and entries in the stream of their service."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from redis import Redis

from bench.live.messages import FRAGMENTS
from bench.live.origin import NAME, Origin, key
from bench.live.systems.system import Ground, System
from bench.processes import SYSTEM_CORE, Process, free_port

_TEMPLATE = """\
{% extends "layout.html" %}
{% block main %}
<div class="page-head"><h1>{{ page.title }}</h1></div>
<div class="cloth">
@FRAGMENTS@
</div>
{% endblock %}
"""
_PAGE = '[[page]]\npath = "/p"\ntemplate = "page.html"\ntitle = { en = "Measured page" }\n'
_ASKED = """\
GET /-/live?grant={grant}&cursor=@CURSOR@&age=60000 HTTP/1.1\r
Host: 127.0.0.1:{port}\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r
Accept: text/event-stream\r
Accept-Language: en-US,en;q=0.9\r
Accept-Encoding: gzip, deflate, br\r
Cookie: jogakbo=@VISITOR@\r
\r
"""


LEAD_MS = 20.0
"""How long a lone change is held back for others to join it: `lead` in live/pace.py."""

# docs/contract.md, "Publish".
_STREAM = f"jogakbo:stream:{NAME}"
_WAKE_CHANNEL = f"jogakbo:wake:{{{_STREAM}}}"
_EVENT_FIELD = "event"


def start_shell(ground: Ground) -> System:
    """One worker, with the settings that it comes with."""
    folder, port = ground.folder / "shell", free_port()
    shutil.rmtree(folder, ignore_errors=True)
    _write_page(folder / "pages")
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "FRAGMENT_SERVERS": f"{NAME}={ground.origin.address}",
        "SHELL_DATA_DIR": str(folder / "data"),
        "PAGES_DIR": str(folder / "pages"),
        "REDIS_URL": ground.bus.url,
        "LOG_LEVEL": "warning",
        # The code of this tree, whichever the environment was made for.
        "PYTHONPATH": f"{ground.tree / 'shell'}:{ground.tree / 'sdk'}",
    }
    stream = Stream(ground.bus.client, ground.origin)
    stream.publish(range(FRAGMENTS))  # the first event ever makes a shell render anew all that depends on its service
    words = [sys.executable, "-m", "jogakbo_shell"]
    process = Process(words, core=SYSTEM_CORE, log=folder / "output.log", environment=environment)
    ground.stack.enter_context(process)
    page = _Page(port)
    process.wait_until(page.is_live, "live page")
    return System(
        name="shell",
        label="this shell",
        version=_version(ground.tree),
        process=process,
        port=port,
        publish=stream.publish,
        subscribe=page.subscribe,
        resumes=True,
        lead_ms=LEAD_MS,
        renders=lambda: ground.origin.renders,
    )


class Stream:
    """The stream of the fragments' service, appended to as a relay does: one batch, one wake call."""

    def __init__(self, redis: Redis, origin: Origin) -> None:
        self._redis = redis
        self._origin = origin
        self._epoch = round(time.time() * 1000)
        self._sequence = 0

    def publish(self, numbers: range) -> int:
        """A version of a fragment for each number, an event for each version."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for number in numbers:
                fragment = number % FRAGMENTS
                self._origin.versions[fragment] = number
                self._sequence += 1
                position = f"{self._epoch}-{self._sequence}"
                pipeline.xadd(_STREAM, {_EVENT_FIELD: _event(position, key(fragment))}, id=position)
            pipeline.spublish(_WAKE_CHANNEL, NAME)
            before = time.monotonic_ns()
            pipeline.execute()
        return before


class _Page:
    def __init__(self, port: int) -> None:
        self._port = port

    def subscribe(self) -> tuple[str, str]:
        told = dict(re.findall(r'data-(grant|cursor)="([^"]*)"', self._load()))
        request = _ASKED.format(grant=quote(html.unescape(told["grant"]), safe=""), port=self._port)
        return request, quote(html.unescape(told["cursor"]), safe="")

    def is_live(self) -> bool:
        """The fragments are there, and the worker reads the stream: their cursor says so."""
        try:
            text = self._load()
        except URLError:
            return False
        return text.count("@</p>") == FRAGMENTS and f'data-cursor="{NAME}:' in text

    def _load(self) -> str:
        with urlopen(f"http://127.0.0.1:{self._port}/p") as answer:
            text: str = answer.read().decode()
            return text


def _event(position: str, changed: str) -> str:
    event = {
        "specversion": "1.0",
        "id": position,
        "source": NAME,
        "type": f"{NAME}.Changed",
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": {},
        "keys": changed,
    }
    return json.dumps(event)


def _write_page(folder: Path) -> None:
    folder.mkdir(parents=True)
    names = "\n".join(f'{{{{ fragment("{NAME}/f{at}") }}}}' for at in range(FRAGMENTS))
    (folder / "page.html").write_text(_TEMPLATE.replace("@FRAGMENTS@", names))
    (folder / "pages.toml").write_text(_PAGE)


def _version(tree: Path) -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=tree, capture_output=True, text=True, check=False
    )
    return f"commit {told.stdout.strip() or 'unknown'}, Python {sys.version.split()[0]}"
