"""Who asks: tokens of the shell, checked against its published keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from jogakbo.identity import ANONYMOUS, PUBLIC, Identity, IdentityError, IdentityVerifier
from jogakbo.testing import FakeService

KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "1", "alg": "Ed25519"})


@pytest.fixture
def shell() -> Iterator[FakeService]:
    with FakeService() as fake:
        fake.answers("GET", "/.well-known/jwks.json", KeySet([KEY]).as_dict(private=False))
        yield fake


def _token(key: OKPKey = KEY, *, audience: str = "orders", expires_in: int = 60, algorithm: str = "Ed25519") -> str:
    claims = {"iss": "shell", "aud": audience, "sub": "guest-1", "exp": int(time.time()) + expires_in}
    return jwt.encode({"alg": algorithm, "kid": "1"}, claims, key, algorithms=["Ed25519"])


def _identify(shell: FakeService, authorization: str, *, needed: bool = True) -> Identity:
    verifier = IdentityVerifier(f"{shell.url}/.well-known/jwks.json", "orders")
    return asyncio.run(verifier.identify(authorization, needed=needed))


def test_the_shells_token_names_the_person_and_can_be_passed_on(shell: FakeService) -> None:
    token = _token()
    assert _identify(shell, f"Bearer {token}") == Identity("guest-1", token)


def test_another_members_token_is_refused(shell: FakeService) -> None:
    with pytest.raises(IdentityError):
        _identify(shell, f"Bearer {_token(audience='till')}")


def test_an_old_token_is_refused(shell: FakeService) -> None:
    with pytest.raises(IdentityError):
        _identify(shell, f"Bearer {_token(expires_in=-60)}")


def test_a_token_signed_by_somebody_else_is_refused(shell: FakeService) -> None:
    stranger = OKPKey.generate_key("Ed25519", parameters={"kid": "1", "alg": "Ed25519"})
    with pytest.raises(IdentityError):
        _identify(shell, f"Bearer {_token(stranger)}")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic abc", "Bearer rubbish", "Bearer a.b.c"])
def test_what_is_no_token_is_refused(shell: FakeService, authorization: str) -> None:
    with pytest.raises(IdentityError):
        _identify(shell, authorization)


def test_without_a_token_one_is_public_where_none_is_needed(shell: FakeService) -> None:
    assert _identify(shell, "", needed=False) == PUBLIC
    with pytest.raises(IdentityError):
        _identify(shell, "Bearer rubbish", needed=False)


def test_before_the_shell_has_answered_everybody_is_refused() -> None:
    verifier = IdentityVerifier("http://127.0.0.1:9/jwks.json", "orders")
    with pytest.raises(IdentityError, match="has not answered yet"):
        asyncio.run(verifier.identify(f"Bearer {_token()}"))


def test_keys_are_fetched_once_for_many_requests(shell: FakeService) -> None:
    verifier = IdentityVerifier(f"{shell.url}/.well-known/jwks.json", "orders")

    async def many() -> None:
        await asyncio.gather(*(verifier.identify(f"Bearer {_token()}") for _ in range(20)))

    asyncio.run(many())
    assert len(shell.requests) == 1


def test_a_member_alone_knows_only_anonymous() -> None:
    assert asyncio.run(IdentityVerifier("", "orders").identify("")) == ANONYMOUS
