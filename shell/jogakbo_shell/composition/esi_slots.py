"""Which fragment an ESI include means, with which parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote_plus

import structlog

from jogakbo_shell.composition.esi import EsiFault, Include
from jogakbo_shell.composition.segments import FragmentSlot, PageParam
from jogakbo_shell.registry.server import FragmentServer

_MOUNT = "/-/"
_ALL = "$(QUERY_STRING)"
_PARAM = re.compile(r"\$\(QUERY_STRING\{([A-Za-z0-9_.-]{1,40})\}(?:\|(?:'([^']*)'|([^'\s)]*)))?\)")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_FORMS = "expected /-/server/path, server/fragment or the address of a fragment server"

Params = tuple[tuple[str, PageParam | str], ...]


class EsiSlots:
    """`servers` by name; what their manifests declare may change between two calls."""

    def __init__(self, servers: Mapping[str, FragmentServer]) -> None:
        self._servers = servers
        self._log = structlog.get_logger()

    def slot(self, include: Include) -> FragmentSlot:
        """Raises EsiFault for what the template can be blamed for.

        A fragment that a server does not declare is another team's business, which may change with every release of
        theirs: it is logged, and the slot shows what stands for a fragment that cannot be had.
        """
        try:
            alt = self._slot("alt", include.alt) if include.alt else None
            return replace(self._slot("src", include.src), alt=alt, onerror_continue=include.onerror_continue)
        except EsiFault as fault:
            raise EsiFault(str(fault), include.line) from None

    def _slot(self, attribute: str, address: str) -> FragmentSlot:
        place, asks, query = address.partition("?")
        try:
            server, path = self._server_and_path(place)
            return FragmentSlot(f"{server.name}/{self._fragment(server, path)}", params=_params(query) if asks else ())
        except EsiFault as fault:
            raise EsiFault(f"{attribute} is {address!r}; {fault}") from None

    def _server_and_path(self, place: str) -> tuple[FragmentServer, str]:
        if "$(" in place:
            raise EsiFault("a variable may only be the value of a parameter")
        if "://" in place:
            for server in self._servers.values():
                if place == server.address or place.startswith(f"{server.address}/"):
                    return server, place.removeprefix(server.address) or "/"
            raise EsiFault(f"no fragment server has that address{self._known(addresses=True)}")
        name, _, rest = place.removeprefix(_MOUNT).partition("/")
        if not name or not rest:
            raise EsiFault(_FORMS)
        if name not in self._servers:
            raise EsiFault(f"there is no fragment server {name!r}{self._known()}")
        return self._servers[name], f"/{rest}"

    def _fragment(self, server: FragmentServer, path: str) -> str:
        declared = server.manifest.fragments if server.manifest else {}
        for name, fragment in declared.items():
            if path in (f"/{name}", fragment.path):
                return name
        if declared:
            self._log.error("esi_target_unknown", server=server.name, path=path, declared=sorted(declared))
        return _as_name(path)

    def _known(self, *, addresses: bool = False) -> str:
        known = ", ".join(server.address if addresses else name for name, server in self._servers.items())
        return f"; there are {known}" if known else "; there are none"


def _params(query: str) -> Params | None:
    """None for `?$(QUERY_STRING)`: all that the page has."""
    if query == _ALL:
        return None
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return tuple((_fixed(name), _value(value)) for name, _, value in pairs)


def _value(text: str) -> PageParam | str:
    if (match := _PARAM.fullmatch(text)) is not None:
        return PageParam(match[1], match[2] or match[3] or "")
    return _fixed(text)


def _fixed(text: str) -> str:
    if "$(" in text:
        raise EsiFault(f"{text!r} is not understood; expected $(QUERY_STRING{{name}}), with |default or without")
    return unquote_plus(text)


def _as_name(path: str) -> str:
    """Some name for a path that no manifest declares (yet): `/nav/top.html` is `nav-top-html`."""
    name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[:40]
    return name if _NAME.fullmatch(name) else "unknown"
