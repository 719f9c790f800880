"""What to ask for to render an instance: the manifest's declaration, checked against the parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from jogakbo.contract.manifest import FragmentDeclaration, Manifest, Param
from jogakbo_shell.composition.errors import NotDeclared, NotKnownYet, WrongParams
from jogakbo_shell.i18n import localized
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.upstream.port import Prepared

_MAX_KEPT = 4096


@dataclass(slots=True)
class Order:
    """One kind of fetch: `seconds` is what the team declares that its fragment may take.

    `slots` are the names of its slots, `prepared` is the request, once it has been written.
    """

    server: FragmentServer
    instance: Instance
    url: str
    title: str
    private: bool
    seconds: float
    slots: frozenset[str] = frozenset()
    prepared: Prepared | None = None


class Orders:
    """Orders are the same until the server's manifest changes, and are then placed anew."""

    def __init__(self) -> None:
        self._kept: dict[Instance, tuple[Manifest, Order]] = {}

    def place(self, server: FragmentServer | None, instance: Instance) -> Order:
        """Raises NotDeclared, NotKnownYet or WrongParams."""
        kept = self._kept.get(instance)
        if kept is not None and server is not None and kept[0] is server.manifest:
            return kept[1]
        order = place_order(server, instance)
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        if order.server.manifest is not None:
            self._kept[instance] = (order.server.manifest, order)
        return order


def place_order(server: FragmentServer | None, instance: Instance) -> Order:
    """Raises NotDeclared, NotKnownYet or WrongParams."""
    if server is None:
        raise NotDeclared(f"no fragment server {instance.server!r}")
    if server.manifest is None:
        raise NotKnownYet(f"{server.name} has not shown a manifest yet")
    declared = server.manifest.fragments.get(instance.fragment)
    if declared is None:
        raise NotDeclared(f"{server.name} {server.version} has no fragment {instance.fragment!r}")
    _check(instance, declared)
    query = f"?{urlencode(instance.params)}" if instance.params else ""
    return Order(
        server=server,
        instance=instance,
        url=server.url(declared.path) + query,
        title=localized(declared.title, instance.locale),
        private=declared.audience == "private",
        seconds=declared.timeout_ms / 1000,
        slots=frozenset(declared.slots),
    )


def title_of(servers: Mapping[str, FragmentServer], instance: Instance) -> str:
    """What the fragment is called in the instance's language, as far as that is known."""
    server = servers.get(instance.server)
    declared = server.manifest.fragments.get(instance.fragment) if server and server.manifest else None
    return localized(declared.title, instance.locale) if declared else instance.fragment


def accepted(declared: FragmentDeclaration, values: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Of a page's parameters those that this fragment declares; a wrong optional one is left out."""
    return tuple(
        (name, values[name])
        for name, param in sorted(declared.params.items())
        if values.get(name) and (param.required or _fits(param, values[name]))
    )


def _check(instance: Instance, declared: FragmentDeclaration) -> None:
    given = dict(instance.params)
    for name, param in declared.params.items():
        if name not in given:
            if param.required:
                raise WrongParams(f"{instance.name} needs the parameter {name!r}")
        elif not _fits(param, given[name]):
            raise WrongParams(f"{instance.name} does not take {name}={given[name][:60]!r}")
    for name in given.keys() - declared.params.keys():
        raise WrongParams(f"{instance.name} has no parameter {name[:60]!r}")


def _fits(param: Param, value: str) -> bool:
    return _pattern(param.pattern).fullmatch(value) is not None


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
