"""The headers that keep a page from harm."""

from __future__ import annotations

import secrets

_POLICY = (
    "default-src 'none'; {script}style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_NO_SCRIPTS = _POLICY.format(script="").encode()

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HTTPS = (b"strict-transport-security", b"max-age=31536000")

Header = tuple[bytes, bytes]


def new_nonce() -> str:
    return secrets.token_urlsafe(16)


def policy_with(nonce: str) -> bytes:
    """Only scripts that carry this response's nonce run."""
    return _POLICY.format(script=f"script-src 'nonce-{nonce}'; ").encode()


def secured(headers: list[Header], *, secure: bool) -> list[Header]:
    """The headers of any response, with a policy that runs no script unless the response has its own."""
    names = {name.lower() for name, _ in headers}
    added = [header for header in _ALWAYS if header[0] not in names]
    if b"content-security-policy" not in names:
        added.append((b"content-security-policy", _NO_SCRIPTS))
    if secure:
        added.append(_HTTPS)
    return headers + added
