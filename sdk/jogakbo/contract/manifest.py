"""The manifest of a fragment server: Podium's fields, and ours under ``jogakbo``."""

from __future__ import annotations

import msgspec

CONTRACT_VERSION = 1


class ManifestError(ValueError):
    """The manifest cannot be used; the message names the field, what it holds and what is expected."""


class AssetData(msgspec.Struct, frozen=True, kw_only=True):
    """``data-<key>="<value>"`` on a script's element."""

    key: str
    value: str | int | float | bool


class Asset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stylesheet or script: ``value`` is its path on the fragment server or a full address.

    The rest are Podium's fields. ``scope`` says with what it is needed (``content``, ``fallback``, ``all``), and
    ``strategy`` when (``beforeInteractive``, ``afterInteractive``, ``lazy``) or where (``shadow-dom``).
    """

    value: str
    type: str = ""
    scope: str = ""
    strategy: str = ""
    crossorigin: str | bool | None = None
    fetchpriority: str = ""
    # A stylesheet's.
    rel: str = ""
    as_: str = msgspec.field(default="", name="as")
    media: str = ""
    title: str = ""
    hreflang: str = ""
    disabled: bool = False
    # A script's.
    integrity: str = ""
    referrerpolicy: str = ""
    nomodule: bool = False
    async_: bool = msgspec.field(default=False, name="async")
    defer: bool = False
    data: tuple[AssetData, ...] = ()


class Param(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A parameter of a fragment: the whole value must match ``pattern`` (a regular expression)."""

    pattern: str = "[A-Za-z0-9_.-]{1,64}"
    required: bool = False


class SlotDeclaration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fragment inside another: ``fragment`` is its full name, ``inventory/level``.

    ``params`` gives each of its parameters one of the outer fragment's own by name, or a fixed text after ``=``:
    ``{"ingredient": "id", "unit": "=ml"}``.
    """

    fragment: str
    params: dict[str, str] = {}


class FragmentDeclaration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fragment: where it is, what it is called, and how long the shell should wait.

    ``audience`` is ``public`` (one HTML for all) or ``private`` (per person, never cached for others). ``slots`` are
    the places in its HTML (``<jogakbo-slot name="…">``) for other fragments. With ``presence`` an open page shows who
    else looks at the same fragment with the same parameters; only a public one may have it.
    """

    path: str
    title: dict[str, str]
    fallback: str = ""
    params: dict[str, Param] = {}
    timeout_ms: int = 1000
    audience: str = "public"
    slots: dict[str, SlotDeclaration] = {}
    presence: bool = False


class PageDeclaration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page that a team contributes: its path, title, navigation label, and the fragments on it."""

    path: str
    title: dict[str, str]
    fragments: tuple[str, ...]
    nav: dict[str, str] = {}


class Extension(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that is ours and not Podium's."""

    contract: int
    fragments: dict[str, FragmentDeclaration]
    pages: tuple[PageDeclaration, ...] = ()
    streams: tuple[str, ...] = ()
    actions: str = "/actions/"


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fragment server's manifest. ``jogakbo`` is absent from a plain Podium podlet's.

    ``proxy`` maps a name to the address that ``/podium-resource/<server>/<name>/…`` leads to.
    """

    name: str
    version: str
    content: str
    fallback: str = ""
    css: tuple[Asset, ...] = ()
    js: tuple[Asset, ...] = ()
    proxy: dict[str, str] = {}
    team: str = ""
    jogakbo: Extension | None = None

    @property
    def fragments(self) -> dict[str, FragmentDeclaration]:
        """The fragments by name; a plain podlet has the one fragment ``main``."""
        if self.jogakbo is not None:
            return self.jogakbo.fragments
        title = {"en": self.name}
        return {"main": FragmentDeclaration(path=self.content, fallback=self.fallback, title=title)}

    @property
    def streams(self) -> tuple[str, ...]:
        """The event streams whose changes concern this server; by default the one of its own name."""
        if self.jogakbo is None:
            return ()
        return self.jogakbo.streams or (self.name,)


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON."""
    return msgspec.json.encode(manifest)
