"""The fragment servers: `origin.c`, compiled now, with every answer written down beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from bench.compose.pages import SERVERS, Fragment, manifest, podium_manifest
from bench.processes import LOAD_CORE, Process, free_port, listens, run

_TALLY = "/answered"
_SOURCE = Path(__file__).parent / "origin.c"


@dataclass(frozen=True, slots=True)
class Origin:
    """`servers` by name: `bench` answers all that is measured, `hung` is silent, `away` can be ended."""

    ports: Mapping[str, int]
    servers: Mapping[str, Process]

    def address(self, server: str) -> str:
        return f"http://127.0.0.1:{self.ports[server]}"

    def answered(self) -> int:
        """How many requests `bench` has answered."""
        with urlopen(self.address("bench") + _TALLY) as answer:
            return int(answer.read())

    def url(self, fragment: Fragment) -> str:
        return self.address(fragment.server) + fragment.path


def start_origin(folder: Path, layouts: Mapping[str, str], stack: ExitStack) -> Origin:
    """`layouts` are further pages of `bench` by path, cacheable for an hour."""
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / "origin"
    run(["cc", "-O2", "-o", binary, _SOURCE], core=LOAD_CORE)
    ports = {server: free_port() for server in SERVERS}
    servers = {}
    for server, port in ports.items():
        routes = _write_routes(folder / server, server, f"http://127.0.0.1:{port}", layouts)
        servers[server] = Process([binary, str(port), routes], core=LOAD_CORE, log=folder / f"{server}.log")
        stack.enter_context(servers[server]).wait_until(partial(listens, port), "open port")
    return Origin(ports, servers)


def _write_routes(folder: Path, server: str, address: str, layouts: Mapping[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    lines = []
    for number, (path, kind, delay_ms, answer) in enumerate(_routes(server, address, layouts)):
        file = folder / f"{number}.http"
        file.write_bytes(answer)
        lines.append(f"{path} {kind} {delay_ms} {file}")
    routes = folder / "routes"
    routes.write_text("\n".join(lines) + "\n")
    return routes


def _routes(server: str, address: str, layouts: Mapping[str, str]) -> Iterator[tuple[str, str, int, bytes]]:
    json = "application/json"
    yield "/manifest.json", "plain", 0, _answer(manifest(server), json, "max-age=60")
    yield _TALLY, "count", 0, _answer("0000000000", "text/plain", "no-store")
    yield "/readyz", "plain", 0, _answer('{"checks": {}}', json, "no-store")
    for one in SERVERS[server]:
        policy = "public, max-age=600" if one.cacheable else "no-store"
        yield one.path, one.kind, one.delay_ms, _answer(one.body, "text/html; charset=utf-8", policy)
        podlet = podium_manifest(one, address)
        yield f"/podlet{one.path}/manifest.json", "plain", 0, _answer(podlet, json, "max-age=86400")
    if server == "bench":
        for path, page in layouts.items():
            yield path, "plain", 0, _answer(page, "text/html; charset=utf-8", "max-age=3600")


def _answer(body: str, media_type: str, policy: str) -> bytes:
    payload = body.encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nCache-Control: {policy}\r\n"
        f"podlet-version: 1.0.0\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload
