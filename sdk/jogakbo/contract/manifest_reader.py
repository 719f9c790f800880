"""A manifest as it comes over the wire, in every shape that Podium has had for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jogakbo.contract.addresses import has_host, is_absolute
from jogakbo.contract.manifest import CONTRACT_VERSION, FragmentDeclaration, Manifest, ManifestError
from jogakbo.contract.manifest_mending import NAME, PODLET_NAME, is_path, mend


def read_manifest(payload: bytes) -> tuple[Manifest, tuple[str, ...]]:
    """The manifest, and what of it had to be left out: ``("css[1].value: Expected `str`, got `int`",)``.

    Only what a fragment can do without is left out: assets, proxies, pages, slots, fallbacks, titles, timeouts and
    presence. Addresses are ``rooted``. Raises ``ManifestError`` for the rest; unknown fields are ignored.
    """
    try:
        document = msgspec.json.decode(payload, type=dict[str, object])
        left_out = tuple(mend(document))
        manifest = msgspec.convert(document, Manifest)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ManifestError(f"manifest.json: {error}") from error
    for fault in _faults(manifest):
        raise ManifestError(f"manifest.json: {fault}")
    return manifest, left_out


def decode_manifest(payload: bytes) -> Manifest:
    """A manifest in which nothing is wrong. Raises ``ManifestError``, also for what could be left out."""
    manifest, left_out = read_manifest(payload)
    for fault in left_out:
        raise ManifestError(f"manifest.json: {fault}")
    return manifest


def _faults(manifest: Manifest) -> Iterator[str]:
    if not manifest.version:
        yield "version is empty; expected the release of the fragment server, such as '1.4.2'"
    if not manifest.content or (is_absolute(manifest.content) and not has_host(manifest.content)):
        yield f"content is {manifest.content!r}; expected a path, or an address with a host"
    if manifest.jogakbo is None:
        if not PODLET_NAME.fullmatch(manifest.name):
            yield f"name is {manifest.name!r}; expected letters, digits, dashes and underscores"
        return
    if not NAME.fullmatch(manifest.name):
        yield f"name is {manifest.name!r}; expected lower case letters, digits and dashes"
    if manifest.jogakbo.contract != CONTRACT_VERSION:
        yield f"jogakbo.contract is {manifest.jogakbo.contract}; this side speaks {CONTRACT_VERSION}"
    for name, fragment in manifest.jogakbo.fragments.items():
        yield from (f"jogakbo.fragments.{name}.{fault}" for fault in _fragment_faults(name, fragment))


def _fragment_faults(name: str, fragment: FragmentDeclaration) -> Iterator[str]:
    if not NAME.fullmatch(name):
        yield "name: expected lower case letters, digits and dashes"
    if not is_path(fragment.path):
        yield f"path is {fragment.path!r}; expected a path that begins with '/'"
    if fragment.audience not in ("public", "private"):
        yield f"audience is {fragment.audience!r}; expected 'public' or 'private'"
    for param, declared in fragment.params.items():
        try:
            re.compile(declared.pattern)
        except re.error as error:
            yield f"params.{param}.pattern is {declared.pattern!r}: {error}"
