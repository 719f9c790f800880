"""Who asks: the cookie that a browser keeps, and the token that fragment servers get."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from jogakbo_shell.identity.keys import KeyFileError, SigningKeys
from jogakbo_shell.identity.session import Sessions
from jogakbo_shell.identity.tokens import Tokens
from shell.tests.harness import FakeFragmentServer, answer, portal


def test_the_key_is_kept_and_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = SigningKeys.load(tmp_path), SigningKeys.load(tmp_path)
    assert first.key_id == second.key_id
    assert first.secret("grant") == second.secret("grant") != first.secret("subject")
    assert (tmp_path / "signing-key.json").stat().st_mode & 0o777 == 0o600


def test_a_spoilt_key_is_said_to_be_one_and_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "signing-key.json").write_text("{}")
    with pytest.raises(KeyFileError, match="Ed25519"):
        SigningKeys.load(tmp_path)


def test_only_the_public_half_is_published(tmp_path: Path) -> None:
    keys = SigningKeys.load(tmp_path)
    published = json.dumps(keys.jwks())
    assert '"d"' not in published
    assert str(keys.key.as_dict(private=True)["d"]) not in published


def test_a_token_is_for_one_subject_and_one_server_and_for_a_minute(tmp_path: Path) -> None:
    keys = SigningKeys.load(tmp_path)
    bearer = Tokens(keys).bearer("guest-1", "orders")
    published = KeySet.import_key_set(keys.jwks())  # type: ignore[arg-type]
    claims = jwt.decode(bearer.removeprefix("Bearer "), published, algorithms=["Ed25519"]).claims
    assert (claims["sub"], claims["aud"], claims["iss"]) == ("guest-1", "orders", "jogakbo-shell")
    assert 0 < claims["exp"] - claims["iat"] <= 60


def test_a_token_is_signed_once_in_a_while_and_not_per_request(tmp_path: Path) -> None:
    tokens = Tokens(SigningKeys.load(tmp_path))
    assert tokens.bearer("guest", "orders") is tokens.bearer("guest", "orders")
    assert tokens.bearer("guest", "orders") != tokens.bearer("guest", "menu")


def test_a_subject_is_stable_and_does_not_show_the_session(tmp_path: Path) -> None:
    sessions = Sessions(SigningKeys.load(tmp_path))
    visitor = sessions.visitor({}, secure=False)
    again = sessions.visitor({"jogakbo": visitor.session_id}, secure=False)
    assert visitor.subject == again.subject
    assert visitor.session_id not in visitor.subject
    assert (visitor.is_new, again.is_new) == (True, False)


@pytest.mark.parametrize("forged", ["", "short", "x" * 33, "a" * 31 + "\u00e9", "'; drop"])
def test_a_cookie_that_is_not_ours_makes_a_new_visitor(tmp_path: Path, forged: str) -> None:
    assert Sessions(SigningKeys.load(tmp_path)).visitor({"jogakbo": forged}, secure=False).is_new


@pytest.mark.anyio
async def test_a_visitor_gets_one_cookie_that_scripts_and_other_sites_do_not(tmp_path: Path) -> None:
    async with portal(tmp_path, {}) as shell:
        first = await shell.get("/")
        second = await shell.get("/")
    cookie = first.headers["set-cookie"]
    assert cookie.startswith("jogakbo=")
    assert "HttpOnly; SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert "set-cookie" not in second.headers


@pytest.mark.anyio
async def test_another_applications_odd_cookie_does_not_hide_ours(tmp_path: Path) -> None:
    async with portal(tmp_path, {}) as shell:
        page = await shell.get("/", cookie='odd[1]={"a": "b, c"}; =x; jogakbo=' + "a" * 32)
    assert "set-cookie" not in page.headers


@pytest.mark.anyio
async def test_behind_https_the_cookie_is_secure(tmp_path: Path) -> None:
    async with portal(tmp_path, {}, public_origin="https://cafe.example") as shell:
        page = await shell.get("/")
    assert page.headers["set-cookie"].startswith("__Host-jogakbo=")
    assert page.headers["set-cookie"].endswith("; Secure")
    assert "strict-transport-security" in page.headers


@pytest.mark.anyio
async def test_a_public_fragment_is_asked_for_by_nobody_in_particular(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(list={}, cart={"audience": "private"})
    cafe.at |= {"/list": answer("list"), "/cart": answer("cart")}
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.get("/cafe")
    subjects = {path: _subject(cafe.requests(path)[0].header("authorization")) for path in ("/list", "/cart")}
    assert subjects["/list"] == "guest"
    assert subjects["/cart"].startswith("guest-")
    assert len(subjects["/cart"]) == len("guest-") + 12


def _subject(authorization: str) -> str:
    payload = authorization.removeprefix("Bearer ").split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["sub"])
