from __future__ import annotations

from jogakbo.identity import ANONYMOUS, Identity
from jogakbo.service import ApiError


class NotYours(ApiError):
    """The token belongs to somebody else than the draft."""

    status = 403


def only_their_own(caller: Identity, sub: str) -> None:
    """Raises ``NotYours``. Without a shell everybody is anonymous and every draft open, for development."""
    if caller != ANONYMOUS and caller.subject != sub:
        raise NotYours(f"the token is for {caller.subject!r}, the draft belongs to {sub!r}")
