"""Is this a correct fragment server? What is wrong, where, and how to mend it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Literal

import httpx2

from jogakbo.contract.context import LOCALE, LOCALES, PUBLIC_PATHNAME, REQUESTED_BY, VERSION
from jogakbo.contract.manifest import Asset, FragmentDeclaration, Manifest, ManifestError
from jogakbo.contract.manifest_reader import decode_manifest
from jogakbo.contract.surrogate import SURROGATE_KEY
from jogakbo.testing.markup import markup_faults, slot_faults

_TIMEOUT_SECONDS = 10.0
_ANSWERS_OUTSIDE_A_SHELL = (401, 404)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (``error``) or could be better (``warning``)."""

    severity: Literal["error", "warning"]
    where: str
    what: str
    mend: str


class ContractCheck:
    """One check of one fragment server; ``findings`` fill as it goes, ``checked`` counts what was looked at."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.findings: list[Finding] = []
        self.checked: list[str] = []
        self._client = httpx2.AsyncClient(base_url=self.url, timeout=_TIMEOUT_SECONDS, trust_env=False)

    async def run(self) -> list[Finding]:
        """Check everything the contract asks. Raises ``httpx2.HTTPError`` when nobody answers at all."""
        async with self._client:
            manifest = await self._manifest()
            if manifest is None:
                return self.findings
            for asset in manifest.css:
                await self._stylesheet(manifest.name, asset)
            for asset in manifest.js:
                await self._asset(asset, "javascript")
            for name, fragment in manifest.fragments.items():
                await self._fragment(manifest, name, fragment)
            await self._health()
        return self.findings

    async def _manifest(self) -> Manifest | None:
        response = await self._get("/manifest.json")
        if response.status_code != 200:
            self._error("/manifest.json", f"status {response.status_code}", "answer 200 with the manifest as JSON")
            return None
        try:
            manifest = decode_manifest(response.content)
        except ManifestError as error:
            self._error("/manifest.json", str(error), "see docs/contract.md, 'Manifest'")
            return None
        if manifest.jogakbo is None:
            self._warn("/manifest.json", "a plain Podium podlet", "add 'jogakbo' for fragments and live updates")
        if response.headers.get(VERSION) != manifest.version:
            self._warn("/manifest.json", f"header {VERSION} is not {manifest.version!r}", "send it on every answer")
        return manifest

    async def _stylesheet(self, server: str, asset: Asset) -> None:
        content = await self._asset(asset, "css")
        if content is None:
            return
        layer = f"@layer fragments.{server}"
        text = re.sub(r"/\*.*?\*/", "", content, flags=re.DOTALL).strip()
        if layer not in text or not text.startswith("@layer"):
            self._error(asset.value, f"rules outside {layer}", f"put every rule inside {layer} {{ … }}")
        if "@import" in text:
            self._error(asset.value, "@import", "list every stylesheet in the manifest")
        rules = text.replace(layer, "")
        own = _prefixed(rules, server) | {f"fragment-{server}"}
        strangers = sorted(set(re.findall(r"\.(-?[a-z][\w-]*)\s*[{,]", rules)) - own)
        if strangers:
            self._warn(asset.value, f"classes without prefix: {', '.join(strangers)}", f"name them {server}-…")

    async def _asset(self, asset: Asset, kind: str) -> str | None:
        if not asset.value.startswith("/"):
            return None
        response = await self._get(asset.value)
        if response.status_code != 200 or kind not in response.headers.get("content-type", ""):
            got = f"{response.status_code} {response.headers.get('content-type', 'without content type')}"
            self._error(asset.value, f"answered {got}", f"answer 200 with a content type of {kind}")
            return None
        if "immutable" not in response.headers.get("cache-control", ""):
            self._warn(asset.value, "not kept by browsers", "send Cache-Control: max-age=31536000, immutable")
        return response.text

    async def _fragment(self, manifest: Manifest, name: str, fragment: FragmentDeclaration) -> None:
        if fragment.fallback:
            fallback = await self._get(fragment.fallback)
            if fallback.status_code == 200:
                self._html(fragment.fallback, fallback)
            else:
                self._error(fragment.fallback, f"status {fallback.status_code}", "a fallback needs no data: answer 200")
        else:
            self._warn(f"fragment {name}", "no fallback", "declare one: it is shown while this server is down")
        if any(param.required for param in fragment.params.values()):
            await self._refuses_missing_params(fragment)
            return
        started = time.perf_counter()
        response = await self._get(fragment.path)
        took_ms = (time.perf_counter() - started) * 1000
        if response.status_code != 200:
            if not (fragment.audience == "private" and response.status_code in _ANSWERS_OUTSIDE_A_SHELL):
                self._error(fragment.path, f"status {response.status_code}: {response.text[:200]}", "answer 200")
            return
        if took_ms > fragment.timeout_ms:
            self._error(fragment.path, f"took {took_ms:.0f} ms", f"the manifest promises {fragment.timeout_ms} ms")
        self._html(fragment.path, response)
        for what, mend in slot_faults(response.text, fragment.slots):
            self._error(fragment.path, what, mend)
        self._caching(fragment, response)
        if fragment.audience == "public":
            await self._revalidation(fragment, response)
            await self._languages(fragment, response)

    async def _refuses_missing_params(self, fragment: FragmentDeclaration) -> None:
        response = await self._get(fragment.path)
        if response.status_code < 400:
            self._error(fragment.path, "answers without its required parameters", "answer 400")

    def _html(self, where: str, response: httpx2.Response) -> None:
        if not response.headers.get("content-type", "").lower().replace(" ", "").startswith("text/html;charset=utf-8"):
            self._error(where, "content type is not text/html; charset=utf-8", "send that content type")
        if "set-cookie" in response.headers:
            self._error(where, "sets a cookie", "the shell drops it: keep sessions out of fragments")
        for what, mend in markup_faults(response.text):
            self._error(where, what, mend)

    def _caching(self, fragment: FragmentDeclaration, response: httpx2.Response) -> None:
        control = response.headers.get("cache-control", "")
        if not control:
            self._error(fragment.path, "no Cache-Control", "say how long it may be kept, such as max-age=60")
        if fragment.audience == "private" and "private" not in control and "no-store" not in control:
            self._error(fragment.path, "private, but may be cached for others", "send Cache-Control: private, no-store")
        if not response.headers.get(SURROGATE_KEY):
            mend = f"send {SURROGATE_KEY} with what the HTML depends on"
            self._error(fragment.path, f"no {SURROGATE_KEY}: open pages would never update", mend)
        if VERSION not in response.headers:
            self._warn(fragment.path, f"no {VERSION}", "send the manifest's version: the shell then sees a new release")

    async def _revalidation(self, fragment: FragmentDeclaration, response: httpx2.Response) -> None:
        etag = response.headers.get("etag")
        if not etag:
            self._warn(fragment.path, "no ETag", "send one and answer If-None-Match with 304")
            return
        again = await self._get(fragment.path, {"if-none-match": etag})
        if again.status_code != 304 and again.headers.get("etag") == etag:
            self._error(fragment.path, f"If-None-Match answered {again.status_code}", "answer 304 without a body")

    async def _languages(self, fragment: FragmentDeclaration, response: httpx2.Response) -> None:
        other = await self._get(fragment.path, {LOCALE: LOCALES[1]})
        vary = response.headers.get("vary", "").lower()
        if other.status_code == 200 and other.text != response.text and LOCALE not in vary:
            self._error(fragment.path, "differs by language without saying so", f"send Vary: {LOCALE}")

    async def _health(self) -> None:
        for path in ("/livez", "/readyz"):
            response = await self._get(path)
            if response.status_code != 200:
                self._warn(path, f"status {response.status_code}", "operators and `jogak up` ask this")

    async def _get(self, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        self.checked.append(path)
        context = {LOCALE: LOCALES[0], PUBLIC_PATHNAME: "/-/check/", REQUESTED_BY: "jogak-check"}
        return await self._client.get(path, headers=context | (headers or {}))

    def _error(self, where: str, what: str, mend: str) -> None:
        self.findings.append(Finding("error", where, what, mend))

    def _warn(self, where: str, what: str, mend: str) -> None:
        self.findings.append(Finding("warning", where, what, mend))


async def check(url: str) -> list[Finding]:
    """Everything that is wrong with the fragment server at ``url``; empty when it keeps the contract.

    Raises ``httpx2.HTTPError`` when nobody answers there.
    """
    return await ContractCheck(url).run()


def _prefixed(css: str, server: str) -> set[str]:
    return {name for name in re.findall(r"\.(-?[a-z][\w-]*)", css) if name.startswith(f"{server}-")}
