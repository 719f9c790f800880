"""Podium's layout, on plain http and on Express, and Zalando's Tailor; all three on Node."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bench.compose.frame import PEERS, framed, write_pages
from bench.compose.origin import Origin
from bench.compose.pages import PAGES, Fragment, Page
from bench.compose.systems.system import Ground, Mode, System
from bench.installs import node_packages
from bench.processes import SYSTEM_CORE, Process, free_port, listens, run

_LABELS = {"podium": "Podium layout, http", "podium-express": "Podium layout, Express", "tailor": "node-tailor"}
_MODULES = {"podium": "@podium/layout", "podium-express": "@podium/layout", "tailor": "node-tailor"}
_WARM_UP_SECONDS = 5  # until what it does has been compiled
_SECONDS = 2
_HERE = "\0"


def start_podium(name: str, ground: Ground) -> System:
    """Its podlets' manifests are fetched with the first page."""
    folder = _folder(name, ground)
    pages = folder / "pages.json"
    pages.write_text(json.dumps({page.name: _podium_page(page, ground.origin) for page in PAGES.values()}))
    return _start(name, ground, "podium.mjs", pages, "express" if name == "podium-express" else "http")


def start_tailor(name: str, ground: Ground) -> System:
    """The first fragment is its primary: without one, Tailor holds the first byte back until all have answered."""
    templates = _folder(name, ground) / "templates"

    def tag(place: int, one: Fragment) -> str:
        primary = "" if place else " primary"
        return f'<fragment src="{ground.origin.url(one)}" timeout="1000"{primary}></fragment>'

    write_pages(templates, tag)
    return _start(name, ground, "tailor.cjs", templates)


def _start(name: str, ground: Ground, script: str, *words: str | Path) -> System:
    node, modules = node_packages(ground.folder / "node", PEERS / "package.json", "Podium and Tailor")
    # Beside node_modules, where Node looks for what it imports.
    program = Path(shutil.copy(PEERS / script, modules.parent / script))
    port, log = free_port(), ground.folder / name / "output.log"
    environment = {"NODE_ENV": "production", "NODE_OPTIONS": "--no-deprecation"}
    process = Process([node, program, str(port), *words], core=SYSTEM_CORE, log=log, environment=environment)
    ground.stack.enter_context(process).wait_until(lambda: listens(port), "open port")
    package = json.loads((modules / _MODULES[name] / "package.json").read_text())
    version = f"{package['name']} {package['version']}, Node {run([node, '--version'], core=SYSTEM_CORE).strip()[1:]}"
    return System(
        name=name,
        label=_LABELS[name],
        version=version,
        process=process,
        address=f"http://127.0.0.1:{port}",
        modes={Mode.UNCACHED: "/p/"},
        warm_up_seconds=_WARM_UP_SECONDS,
        seconds=_SECONDS,
        wide=name != "podium-express",
    )


def _folder(name: str, ground: Ground) -> Path:
    folder = ground.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _podium_page(page: Page, origin: Origin) -> dict[str, object]:
    pieces = [
        {
            "name": f"{one.server}-{one.name}",
            "manifest": f"{origin.address(one.server)}/podlet{one.path}/manifest.json",
        }
        for one in page.fragments
    ]
    return {"markup": framed(page, lambda *_: _HERE).split(_HERE), "pieces": pieces}
