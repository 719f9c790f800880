"""This shell, as a process of its own with the settings of a small portal."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.compose.pages import PAGES
from bench.compose.systems.system import Ground, Mode, System
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
_MODES = dict.fromkeys(Mode, "/p/")


def start_shell(name: str, ground: Ground) -> System:
    """One worker, no bus, a cache of 64 MB; everything else as it comes."""
    folder, port = ground.folder / name, free_port()
    shutil.rmtree(folder, ignore_errors=True)
    _write_pages(folder / "pages")
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "FRAGMENT_SERVERS": " ".join(f"{server}={ground.origin.address(server)}" for server in ground.origin.ports),
        "SHELL_DATA_DIR": str(folder / "data"),
        "PAGES_DIR": str(folder / "pages"),
        "REDIS_URL": "",
        "LOG_LEVEL": "warning",
        "CACHE_BYTES": str(64 * 1024 * 1024),
        # The code of this tree, whichever the environment was made for.
        "PYTHONPATH": f"{ground.tree / 'shell'}:{ground.tree / 'sdk'}",
    }
    words = [sys.executable, "-m", "jogakbo_shell"]
    process = Process(words, core=SYSTEM_CORE, log=folder / "output.log", environment=environment)
    ground.stack.enter_context(process)
    address = f"http://127.0.0.1:{port}"
    process.wait_until(lambda: _shows(f"{address}/p/f-1"), "page")
    return System(name, "this shell", _version(ground.tree), process, address, _MODES)


def _write_pages(folder: Path) -> None:
    """Templates as anyone would write them, inside the shell's own layout."""
    folder.mkdir(parents=True)
    rows = []
    for page in PAGES.values():
        names = "\n".join(f'{{{{ fragment("{one.server}/{one.name}") }}}}' for one in page.fragments)
        (folder / f"{page.name}.html").write_text(_TEMPLATE.replace("@FRAGMENTS@", names))
        rows.append(
            f'[[page]]\npath = "/p/{page.name}"\ntemplate = "{page.name}.html"\ntitle = {{ en = "Measured page" }}\n'
        )
    (folder / "pages.toml").write_text("\n".join(rows))


def _shows(url: str) -> bool:
    try:
        with urlopen(url) as answer:
            return b"</article>" in answer.read()
    except URLError:
        return False


def _version(tree: Path) -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=tree, capture_output=True, text=True, check=False
    )
    return f"commit {told.stdout.strip() or 'unknown'}, Python {sys.version.split()[0]}"
