"""Varnish with ESI."""

from __future__ import annotations

from pathlib import Path

from bench.compose.frame import PEERS, framed
from bench.compose.pages import PAGES
from bench.compose.systems.system import Ground, Mode, System
from bench.installs import filled, program
from bench.processes import SYSTEM_CORE, Process, free_port, listens, run


def layouts() -> dict[str, str]:
    """What `bench` serves for it: pages with includes, by their path."""
    pages = PAGES.values()
    return {f"/p/{page.name}": framed(page, lambda _, one: f'<esi:include src="{one.path}"/>') for page in pages}


def start_varnish(name: str, ground: Ground) -> System:
    binary = program("varnishd", "varnish", "varnish")
    folder, port = ground.folder / name, free_port()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "measured.vcl"
    ports = {server.upper(): origin_port for server, origin_port in ground.origin.ports.items()}
    configuration.write_text(filled((PEERS / "varnish.vcl").read_text(), ports))
    # No jail: it would become another user, who cannot read this folder.
    words: list[str | Path] = [
        binary,
        "-F",
        "-j",
        "none",
        "-n",
        folder / "run",
        "-f",
        configuration,
        "-a",
        f"127.0.0.1:{port}",
    ]
    words += ["-s", "malloc,256m", "-p", "timeout_idle=600"]
    process = ground.stack.enter_context(Process(words, core=SYSTEM_CORE, log=folder / "output.log"))
    process.wait_until(lambda: listens(port), "open port")
    version = run([binary, "-V"], core=SYSTEM_CORE).split("(")[1].split(" ")[0].replace("-", " ")
    modes = dict.fromkeys((Mode.UNCACHED, Mode.FRAGMENTS), "/p/")
    return System(name, "Varnish ESI", version, process, f"http://127.0.0.1:{port}", modes)
