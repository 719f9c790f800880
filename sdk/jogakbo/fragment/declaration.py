"""What a team declares about a fragment, and what the manifest and the headers say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jogakbo.contract.manifest import FragmentDeclaration, Param, SlotDeclaration
from jogakbo.fragment.view import ActionFunction, FileFunction, ViewFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """One fragment of a server."""

    name: str
    title: Mapping[str, str]
    function: ViewFunction
    keys: tuple[str, ...]
    params: Mapping[str, Param]
    private: bool
    max_age: int
    stale_if_error: int
    timeout_ms: int
    fallback: str
    slots: Mapping[str, SlotDeclaration]
    presence: bool
    lab: bool = False

    def __post_init__(self) -> None:
        if self.private and self.presence:
            raise ValueError(f"fragment {self.name!r} is private: nobody else sees it, so it has no presence")

    @property
    def path(self) -> str:
        return f"/{self.name}"

    @property
    def cache_control(self) -> str:
        if self.private:
            return "private, no-store"
        return f"public, max-age={self.max_age}, stale-if-error={self.stale_if_error}"

    def declared(self) -> FragmentDeclaration:
        """The fragment's entry in the manifest."""
        return FragmentDeclaration(
            path=self.path,
            fallback=f"{self.path}/fallback",
            title=dict(self.title),
            params=dict(self.params),
            timeout_ms=self.timeout_ms,
            audience="private" if self.private else "public",
            slots=dict(self.slots),
            presence=self.presence,
        )

    def accepted(self, query: Mapping[str, str]) -> dict[str, str]:
        """The declared parameters in ``query``. Raises ``ParamError`` for a missing or malformed one."""
        return _accepted(self.name, self.params, query)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file that a browser may fetch."""

    name: str
    function: FileFunction
    params: Mapping[str, Param]

    def accepted(self, query: Mapping[str, str]) -> dict[str, str]:
        """As of a fragment."""
        return _accepted(self.name, self.params, query)


def _accepted(owner: str, params: Mapping[str, Param], query: Mapping[str, str]) -> dict[str, str]:
    accepted = {}
    for name, param in params.items():
        value = query.get(name)
        if value is None:
            if param.required:
                raise ParamError(f"parameter {name!r} is required by {owner}")
        elif re.fullmatch(param.pattern, value):
            accepted[name] = value
        else:
            raise ParamError(f"parameter {name!r} of {owner} must match {param.pattern}")
    return accepted


class ParamError(ValueError):
    """A fragment was asked for with parameters that it does not declare so; the answer is 400."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One action: what runs, and the fragment that shows what the service refused."""

    name: str
    function: ActionFunction
    shows: str
    lab: bool = False
