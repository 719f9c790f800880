"""One fragment's way: cache, join an equal fetch, breaker, upstream, contain, store; else the best there is."""

from __future__ import annotations

from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance


class Fragments:
    """Renders any fragment of any server; never raises for what a fragment server does."""

    async def render(
        self,
        instance: Instance,
        *,
        subject: str | None = None,
        deadline: float | None = None,
        fresh: bool = False,
    ) -> Rendered:
        """The instance as HTML within `deadline` seconds (default: the fragment's own).

        `subject` is whom a private fragment is for (`guest-1a2b…`); public ones ignore it. `fresh` skips
        what is cached, as after a purge. Failures come back as a `stale`, `fallback` or `failed` state.
        """
        raise NotImplementedError
