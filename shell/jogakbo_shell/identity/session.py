"""Who is looking: a guest known by a cookie, until there is a login."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Container
from dataclasses import dataclass
from hashlib import sha256

from jogakbo_shell.identity.keys import SigningKeys

GUEST = "guest"
"""The subject of everything that is the same for all."""

LIFETIME_SECONDS = 30 * 24 * 3600
"""For so long a browser keeps its session's cookie."""

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_SUBJECT = re.compile(rf"{GUEST}-[0-9a-f]{{12}}")


@dataclass(frozen=True, slots=True)
class Visitor:
    """`subject` (`guest-1a2b3c4d5e6f`) is for others to see; `session_id` never leaves the shell."""

    session_id: str
    subject: str
    is_new: bool = False


def is_subject(text: str) -> bool:
    """Whether it has the form of one visitor's subject."""
    return _SUBJECT.fullmatch(text) is not None


class Sessions:
    """`revoked` are subjects whose sessions are over."""

    def __init__(self, keys: SigningKeys, revoked: Container[str] = frozenset()) -> None:
        self._secret = keys.secret("subject")
        self._revoked = revoked

    def visitor(self, cookies: dict[str, str], *, secure: bool) -> Visitor:
        """The visitor of a request, by its cookie; a new one where there is none, or none that is still good."""
        session_id = cookies.get(_cookie_name(secure), "")
        if _SESSION_ID.fullmatch(session_id) and (subject := self._subject(session_id)) not in self._revoked:
            return Visitor(session_id, subject)
        session_id = secrets.token_urlsafe(24)
        return Visitor(session_id, self._subject(session_id), is_new=True)

    def cookie(self, visitor: Visitor, *, secure: bool) -> str:
        """The Set-Cookie value that makes a visitor known."""
        flags = "; Secure" if secure else ""
        return (
            f"{_cookie_name(secure)}={visitor.session_id}; Path=/; Max-Age={LIFETIME_SECONDS}; "
            f"HttpOnly; SameSite=Lax{flags}"
        )

    def _subject(self, session_id: str) -> str:
        # Keyed, so that nobody who sees a subject can test guesses of the session behind it.
        return f"{GUEST}-{hmac.new(self._secret, session_id.encode(), sha256).hexdigest()[:12]}"


def _cookie_name(secure: bool) -> str:
    # The prefix makes browsers refuse the cookie from a subdomain or over http (RFC 6265bis section 4.1.3.2).
    return "__Host-jogakbo" if secure else "jogakbo"
