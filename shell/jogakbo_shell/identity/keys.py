"""The shell's signing key: made once, kept in the data folder, readable by its owner alone."""

from __future__ import annotations

import hmac
import json
import os
from hashlib import sha256
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

_FILE = "signing-key.json"


class KeyFileError(Exception):
    """The key file is not an Ed25519 key. Move it away to let the shell make a new one."""


class SigningKeys:
    def __init__(self, key: OKPKey) -> None:
        self.key = key
        private = key.as_dict(private=True)
        self._seed = str(private["d"]).encode()

    @classmethod
    def load(cls, folder: Path) -> SigningKeys:
        """Read the key from `folder`, or make one there. Raises KeyFileError for a file that is no key."""
        path = folder / _FILE
        if not path.exists():
            _write_new(path, OKPKey.generate_key("Ed25519", auto_kid=True))
        try:
            return cls(OKPKey.import_key(json.loads(path.read_text("utf-8"))))
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise KeyFileError(f"{path} holds no Ed25519 key: {error}") from error

    @property
    def key_id(self) -> str:
        return str(self.key.as_dict(private=False)["kid"])

    def jwks(self) -> dict[str, object]:
        """The public half, as `/.well-known/jwks.json` shows it."""
        document: dict[str, object] = dict(KeySet([self.key]).as_dict(private=False))
        return document

    def secret(self, purpose: str) -> bytes:
        """32 bytes for one purpose, such as `grant`; the same after a restart and in every worker."""
        return hmac.digest(self._seed, f"jogakbo {purpose}".encode(), sha256)


def _write_new(path: Path, key: OKPKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {**key.as_dict(private=True), "use": "sig", "alg": "Ed25519"}
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file)
    try:
        os.link(draft, path)  # unlike a rename it fails where another worker was first: one key for all
    except FileExistsError:
        pass
    finally:
        draft.unlink()
