"""The systems by the names that `--only` takes."""

from __future__ import annotations

from collections.abc import Mapping

from bench.compose.systems.nginx import start_nginx
from bench.compose.systems.node import start_podium, start_tailor
from bench.compose.systems.plain import start_plain
from bench.compose.systems.shell import start_shell
from bench.compose.systems.system import Start
from bench.compose.systems.varnish import start_varnish

STARTS: Mapping[str, Start] = {
    "shell": start_shell,
    "nginx-ssi": start_nginx,
    "nginx-tuned": start_nginx,
    "varnish": start_varnish,
    "podium": start_podium,
    "podium-express": start_podium,
    "tailor": start_tailor,
    "fastapi": start_plain,
}
