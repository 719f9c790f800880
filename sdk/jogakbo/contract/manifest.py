"""The manifest of a fragment server: Podium's fields, and ours under ``jogakbo``."""

from __future__ import annotations

import re

import msgspec

CONTRACT_VERSION = 1

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_MAX_TIMEOUT_MS = 30_000


class ManifestError(ValueError):
    """The manifest cannot be used; the message names the field, what it holds and what is expected."""


class Asset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stylesheet or script: ``value`` is its path on the fragment server or a full address."""

    value: str
    type: str = ""
    integrity: str = ""
    strategy: str = ""


class Param(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A parameter of a fragment: the whole value must match ``pattern`` (a regular expression)."""

    pattern: str = "[A-Za-z0-9_.-]{1,64}"
    required: bool = False


class FragmentDeclaration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fragment: where it is, what it is called, and how long the shell should wait.

    ``audience`` is ``public`` (one HTML for all) or ``private`` (per person, never cached for others).
    """

    path: str
    title: dict[str, str]
    fallback: str = ""
    params: dict[str, Param] = {}
    timeout_ms: int = 1000
    audience: str = "public"


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
    """A fragment server's manifest. ``jogakbo`` is absent from a plain Podium podlet's."""

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


_decoder = msgspec.json.Decoder(Manifest)


def decode_manifest(payload: bytes) -> Manifest:
    """Read and check a manifest. Raises ``ManifestError``; unknown fields are ignored."""
    try:
        manifest = _decoder.decode(payload)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ManifestError(f"manifest.json: {error}") from error
    for fault in _faults(manifest):
        raise ManifestError(f"manifest.json: {fault}")
    return manifest


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON."""
    return msgspec.json.encode(manifest)


def _faults(manifest: Manifest) -> list[str]:
    faults = []
    if not _NAME.fullmatch(manifest.name):
        faults.append(f"name is {manifest.name!r}; expected lower case letters, digits and dashes")
    if not manifest.version:
        faults.append("version is empty; expected the release of the fragment server, such as '1.4.2'")
    if manifest.jogakbo is None:
        return faults
    if manifest.jogakbo.contract != CONTRACT_VERSION:
        faults.append(f"jogakbo.contract is {manifest.jogakbo.contract}; this side speaks {CONTRACT_VERSION}")
    for name, fragment in manifest.jogakbo.fragments.items():
        faults += [f"jogakbo.fragments.{name}.{fault}" for fault in _fragment_faults(name, fragment)]
    faults += [
        f"jogakbo.pages: path is {page.path!r}; expected it to begin with a single '/' and not '/-/'"
        for page in manifest.jogakbo.pages
        if not _is_path(page.path) or page.path.startswith("/-/")
    ]
    return faults


def _fragment_faults(name: str, fragment: FragmentDeclaration) -> list[str]:
    faults = []
    if not _NAME.fullmatch(name):
        faults.append("name: expected lower case letters, digits and dashes")
    if not _is_path(fragment.path):
        faults.append(f"path is {fragment.path!r}; expected a path that begins with '/'")
    if fragment.fallback and not _is_path(fragment.fallback):
        faults.append(f"fallback is {fragment.fallback!r}; expected a path that begins with '/'")
    if not fragment.title:
        faults.append('title is empty; expected a text per language, such as {"en": "Menu"}')
    if not 0 < fragment.timeout_ms <= _MAX_TIMEOUT_MS:
        faults.append(f"timeout_ms is {fragment.timeout_ms}; expected 1 to {_MAX_TIMEOUT_MS}")
    if fragment.audience not in ("public", "private"):
        faults.append(f"audience is {fragment.audience!r}; expected 'public' or 'private'")
    for param, declared in fragment.params.items():
        try:
            re.compile(declared.pattern)
        except re.error as error:
            faults.append(f"params.{param}.pattern is {declared.pattern!r}: {error}")
    return faults


def _is_path(path: str) -> bool:
    return path.startswith("/") and not path.startswith("//")
