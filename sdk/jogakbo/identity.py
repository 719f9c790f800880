"""Who asks: the signed token that the shell sends to fragment servers, and they to their services."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from jogakbo.http import http_client

_KEYS_FRESH_SECONDS = 300.0
_REFETCH_PAUSE_SECONDS = 5.0
_FETCH_TIMEOUT_SECONDS = 2.0
_LEEWAY_SECONDS = 5


class IdentityError(Exception):
    """The token is missing, wrong, expired or for somebody else. The server should answer 401."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person behind the shell: ``subject`` is ``guest`` or ``guest-<12 hex>``; ``token`` is to pass on."""

    subject: str
    token: str = ""


ANONYMOUS = Identity("anonymous")
"""Everybody, where no shell signs anything: one member alone on a developer's machine."""

PUBLIC = Identity("public")
"""Nobody in particular: a request without a token for what everybody may read."""


class IdentityVerifier:
    """Checks EdDSA tokens against the shell's published keys (JWKS).

    Without a ``jwks_url`` everybody is ``ANONYMOUS``: that is how a team runs its member alone.
    """

    def __init__(self, jwks_url: str, audience: str) -> None:
        self._jwks_url = jwks_url
        self._audience = audience
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()

    async def identify(self, authorization: str, *, needed: bool = True) -> Identity:
        """The identity in an ``Authorization: Bearer …`` value. Raises ``IdentityError``.

        Where it is not ``needed``, no token at all is ``PUBLIC``; a wrong one is refused even so.
        """
        if not self._jwks_url:
            return ANONYMOUS
        if not authorization and not needed:
            return PUBLIC
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise IdentityError("expected 'Authorization: Bearer <token of the shell>'")
        keys = await self._fresh_keys(_KEYS_FRESH_SECONDS)
        try:
            claims = self._claims(token, keys)
        except (JoseError, ValueError):
            # The shell may have a new key; ask again, but not for every forged token.
            claims = self._claims_or_refuse(token, await self._fresh_keys(_REFETCH_PAUSE_SECONDS))
        return Identity(str(claims["sub"]), token)

    def _claims_or_refuse(self, token: str, keys: KeySet) -> dict[str, object]:
        try:
            return self._claims(token, keys)
        except (JoseError, ValueError) as error:
            raise IdentityError(f"token refused: {error}") from error

    def _claims(self, token: str, keys: KeySet) -> dict[str, object]:
        decoded = jwt.decode(token, keys, algorithms=["Ed25519"])
        rules = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        rules.validate(decoded.claims)
        return decoded.claims

    async def _fresh_keys(self, max_age: float) -> KeySet:
        async with self._lock:
            if self._keys is None or time.monotonic() - self._fetched_at > max_age:
                await self._fetch()
            if self._keys is None:
                raise IdentityError(f"no keys from {self._jwks_url}: the shell has not answered yet")
            return self._keys

    async def _fetch(self) -> None:
        try:
            async with http_client(self._jwks_url, max_connections=1, timeout_seconds=_FETCH_TIMEOUT_SECONDS) as client:
                response = await client.get(self._jwks_url)
                self._keys = KeySet.import_key_set(response.raise_for_status().json())
                self._fetched_at = time.monotonic()
        except (httpx2.HTTPError, ValueError, JoseError):
            # Old keys stay good while the shell restarts; without any, the caller refuses.
            return
