"""What a page may be told about: signed by the shell, so that a browser can never ask for anything else."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec
from itsdangerous import BadData, URLSafeTimedSerializer

from jogakbo_shell.instance import Instance, NotAnInstance

_LIFETIME_SECONDS = 12 * 3600
_REUSE_SECONDS = 300
_MAX_KEPT = 4096
_SALT = "jogakbo live grant 1"


class GrantRefused(Exception):
    """The grant is not ours, too old, or somebody else's. The message is for a person; a reload gives a new one."""


class _Content(msgspec.Struct, array_like=True):
    instances: tuple[str, ...]
    locale: str
    subject: str


class _Json:
    """What itsdangerous compresses and signs."""

    @staticmethod
    def dumps(content: _Content) -> str:
        return msgspec.json.encode(content).decode()

    @staticmethod
    def loads(payload: str) -> _Content:
        return msgspec.json.decode(payload, type=_Content)


@dataclass(frozen=True, slots=True)
class Grant:
    """`signed_at` is in seconds since 1970."""

    instances: frozenset[Instance]
    locale: str
    subject: str
    signed_at: float


class Grants:
    def __init__(self, secret: bytes, lifetime_seconds: int = _LIFETIME_SECONDS) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt=_SALT, serializer=_Json)
        self._lifetime_seconds = lifetime_seconds
        self._signed = lru_cache(maxsize=_MAX_KEPT)(self._sign)
        self._read = lru_cache(maxsize=_MAX_KEPT)(self._load)

    def sign(self, instances: tuple[Instance, ...], locale: str, subject: str) -> str:
        """An empty subject is for a page that shows the same to all; whoever has its grant may use it.

        The same grant is given out for some minutes: signing takes longer than all else on a page from the cache.
        """
        return self._signed(instances, locale, subject, int(time.monotonic() / _REUSE_SECONDS))

    def verify(self, text: str, subject: str) -> Grant:
        """What `subject` may be told about. Raises GrantRefused."""
        grant = self._read(text)
        if time.time() - grant.signed_at > self._lifetime_seconds:
            raise GrantRefused("the grant is too old")
        if grant.subject not in ("", subject):
            raise GrantRefused("the grant was given to another session")
        return grant

    def _load(self, text: str) -> Grant:
        try:
            loaded: tuple[_Content, datetime] = self._serializer.loads(text, return_timestamp=True)
            content, signed_at = loaded
            instances = frozenset(Instance.parse(name, content.locale) for name in content.instances)
        except (BadData, msgspec.MsgspecError, NotAnInstance) as error:
            raise GrantRefused(f"the grant cannot be used: {error}") from error
        return Grant(instances, content.locale, content.subject, signed_at.timestamp())

    def _sign(self, instances: tuple[Instance, ...], locale: str, subject: str, period: int) -> str:
        names = tuple(dict.fromkeys(instance.text for instance in instances))
        return self._serializer.dumps(_Content(names, locale, subject))
