"""The words and the script around what is late."""

from __future__ import annotations

from html import escape

from jogakbo_shell.composition.assets import HeadAsset
from jogakbo_shell.composition.orders import title_of
from jogakbo_shell.composition.templates import Templates
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.registry import Registry


class LateWords:
    """`asset` is the script's, which every page lets run though few load it."""

    def __init__(self, templates: Templates, registry: Registry, asset: HeadAsset) -> None:
        self._templates = templates
        self._registry = registry
        self.asset = asset
        self.script = _tag(asset)

    def place(self, instance: Instance) -> bytes:
        """What stands where the fragment should; its link leads to where the fragment will be."""
        return self._templates.late_place(instance, title_of(self._registry.servers, instance))

    def opening(self, locale: str) -> bytes:
        return self._templates.late_opening(locale)

    def closing(self) -> bytes:
        return b"</aside>\n"


def _tag(asset: HeadAsset) -> bytes:
    return f'<script src="{escape(asset.href)}" integrity="{asset.integrity}" async></script>\n'.encode()
