"""What axe finds on a page, in each way that people look at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Look = tuple[int, Literal["light", "dark"]]
EVERY_LOOK: tuple[Look, ...] = ((390, "light"), (390, "dark"), (1280, "light"), (1280, "dark"))
SOME_LOOKS: tuple[Look, ...] = ((390, "dark"), (1280, "light"))


def faults(page: Page, looks: Sequence[Look] = SOME_LOOKS) -> list[str]:
    """What axe finds in each look of a page; colours and sizes follow at once, motion being reduced."""
    page.evaluate(Axe().axe_script)
    found = []
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        violations = page.evaluate("axe.run({resultTypes: ['violations']}).then((results) => results.violations)")
        found += [f"{width} {scheme}: {one['id']}: {[node['target'] for node in one['nodes']]}" for one in violations]
    return found
