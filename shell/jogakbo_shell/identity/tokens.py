"""The signed token that a fragment server gets: who asks, for this server alone, for less than a minute."""

from __future__ import annotations

import time
from collections import OrderedDict

from joserfc import jwt

from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.upstream.port import HeaderLines

_ISSUER = "jogakbo-shell"
_ALGORITHM = "Ed25519"  # EdDSA by its fully specified name (RFC 9864)
_LIFETIME_SECONDS = 60
_REUSE_SECONDS = 30.0
_MAX_KEPT = 4096


class Tokens:
    """Signing costs about 0.1 ms, so a token is used again for half of its life."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys
        self._header = {"alg": _ALGORITHM, "kid": keys.key_id}
        self._kept: OrderedDict[tuple[str, str], tuple[float, HeaderLines]] = OrderedDict()

    def bearer(self, subject: str, audience: str) -> str:
        """`Bearer eyJ…` for the Authorization header."""
        return self.lines(subject, audience).fields[0][1]

    def lines(self, subject: str, audience: str) -> HeaderLines:
        """The whole Authorization header."""
        now = time.time()
        kept = self._kept.get((subject, audience))
        if kept is not None and 0 <= now - kept[0] < _REUSE_SECONDS:
            return kept[1]
        lines = HeaderLines.of({"authorization": "Bearer " + self._sign(subject, audience, int(now))})
        self._kept[subject, audience] = (now, lines)
        self._kept.move_to_end((subject, audience))
        if len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return lines

    def _sign(self, subject: str, audience: str, now: int) -> str:
        claims = {"iss": _ISSUER, "sub": subject, "aud": audience, "iat": now, "exp": now + _LIFETIME_SECONDS}
        return jwt.encode(self._header, claims, self._keys.key, algorithms=[_ALGORITHM])
