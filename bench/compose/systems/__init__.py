"""The systems by the names that `--only` takes."""

from __future__ import annotations

from collections.abc import Mapping

from bench.compose.systems.nginx import start_nginx
from bench.compose.systems.shell import start_shell
from bench.compose.systems.system import Start
from bench.compose.systems.varnish import start_varnish

STARTS: Mapping[str, Start] = {
    "shell": start_shell,
    "nginx-ssi": start_nginx,
    "nginx-tuned": start_nginx,
    "varnish": start_varnish,
}
