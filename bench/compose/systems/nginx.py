"""nginx with SSI, twice: streaming as it comes, and tuned to send whole pages."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.compose.frame import PEERS, write_pages
from bench.compose.pages import Fragment
from bench.compose.systems.system import Ground, Mode, System
from bench.installs import filled, program
from bench.processes import SYSTEM_CORE, Process, free_port, listens, run

# The layout is small enough to be read at once; that is faster than sending its pieces from the file.
_AS_IT_COMES = "sendfile on; ssi_min_file_chunk 1m;"
# Holds the page back until it is whole: twice the throughput, and no early first byte.
_WHOLE_PAGES = "sendfile off; postpone_output 65536; output_buffers 4 32k; ssi_min_file_chunk 1m;"
_LABELS = {"nginx-ssi": "nginx SSI, streaming", "nginx-tuned": "nginx SSI, tuned"}
_MEMORY = Path("/dev/shm")


def start_nginx(name: str, ground: Ground) -> System:
    binary = program("nginx", "nginx", "nginx-light")
    tuned = name == "nginx-tuned"
    folder, port = ground.folder / name, free_port()
    write_pages(folder / "pages", _include)
    cache = _memory_folder(ground) if tuned else folder / "cache"
    values = {
        "PAGE_BUFFERS": _WHOLE_PAGES if tuned else _AS_IT_COMES,
        "CACHE_FOLDER": cache,
        "USER": "user root;" if os.geteuid() == 0 else "",
        "FOLDER": folder,
        "PAGES": folder / "pages",
        "PORT": port,
        **{server.upper(): origin_port for server, origin_port in ground.origin.ports.items()},
    }
    configuration = folder / "nginx.conf"
    configuration.write_text(filled((PEERS / "nginx.conf").read_text(), values))
    words: list[str | Path] = [binary, "-p", folder, "-c", configuration, "-e", folder / "error.log"]
    process = ground.stack.enter_context(Process(words, core=SYSTEM_CORE, log=folder / "output.log"))
    process.wait_until(lambda: listens(port), "open port")
    version = run([binary, "-v"], core=SYSTEM_CORE).strip().removeprefix("nginx version: ").replace("/", " ")
    modes = dict.fromkeys((Mode.UNCACHED, Mode.DIFFERING, Mode.UNSHARED, Mode.FRAGMENTS), "/p/")
    zipped = dict.fromkeys((Mode.GZIP, Mode.GZIP_PAGE), "/gzip/")
    return System(name, _LABELS[name], version, process, f"http://127.0.0.1:{port}", {**modes, **zipped})


def _include(place: int, one: Fragment) -> str:
    query = "?v=$arg_v" if one.takes_variant else ""
    return f'<!--# include virtual="{one.path}{query}" -->'


def _memory_folder(ground: Ground) -> Path:
    where = str(_MEMORY) if _MEMORY.is_dir() else None
    return Path(ground.stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-compose-", dir=where)))
