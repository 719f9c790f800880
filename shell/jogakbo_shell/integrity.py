"""Subresource integrity: a file is the one that a page demands, or a browser does not use it."""

from __future__ import annotations

import hashlib
from base64 import b64encode

_ALGORITHMS = ("sha256", "sha384", "sha512")


def digest(body: bytes, algorithm: str = "sha384") -> str:
    """`sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC`"""
    return f"{algorithm}-{b64encode(hashlib.new(algorithm, body).digest()).decode()}"


def fits(demanded: str, body: bytes) -> bool:
    """Whether a browser would use it: one of the demanded digests of the strongest kind is right, or none is known."""
    words = [word.partition("?")[0] for word in demanded.split()]
    for algorithm in reversed(_ALGORITHMS):
        right = [word for word in words if word.startswith(f"{algorithm}-")]
        if right:
            return digest(body, algorithm) in right
    return True
