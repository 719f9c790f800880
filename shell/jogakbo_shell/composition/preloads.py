"""What the first paint of a page waits for, as its `Link` field.

A browser has nothing of it: the field comes with the head, whose first lines say the same (measured in Chromium), and
103 it takes over HTTP/2 only. It is for an edge that keeps the field and sends it as 103 Early Hints (RFC 8297) while a
primary fragment holds the page's head back, which is where pages send it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from jogakbo_shell.composition.assets import Assets, HeadAsset

_MAX_LINKS = 16
# A manifest may say anything; in a header only this stands.
_CLEAN = re.compile(r"[ !#-\[\]-~]*")
_REPEATED = ("integrity", "crossorigin", "media", "fetchpriority")


@lru_cache(maxsize=1024)
def preloads(assets: Assets) -> str:
    """`</static/portal.css?v=…>; rel=preload; as=style; integrity="sha384-…", …`; empty if nothing is waited for."""
    return ", ".join([*_links(assets)][:_MAX_LINKS])


def _links(assets: Assets) -> Iterator[str]:
    for style in assets.styles:
        said = style.link_attributes
        if said["rel"] == "stylesheet" and "disabled" not in said:
            yield from _link(style, "preload; as=style", said)
    for script in assets.scripts:
        said = script.script_attributes
        if said.get("type") == "module":
            yield from _link(script, "modulepreload", said)
        elif not {"async", "defer", "nomodule"} & said.keys():
            yield from _link(script, "preload; as=script", said)
    for module in assets.modules:
        yield from _link(module, "modulepreload", module.link_attributes)


def _link(asset: HeadAsset, relation: str, said: dict[str, str]) -> Iterator[str]:
    """The same attributes as its element has, for else it would be fetched twice."""
    repeated = [(name, said[name]) for name in _REPEATED if name in said]
    if all(_CLEAN.fullmatch(value) for _, value in repeated):
        yield f"<{asset.href}>; rel={relation}" + "".join(f'; {name}="{value}"' for name, value in repeated)
