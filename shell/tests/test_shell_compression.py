"""Compressed pages: the same bytes for whoever unpacks them, and nothing held back while a page streams."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jogakbo_shell.web.encoding import Encoding, compressed, is_worth, negotiated, packer
from shell.tests.harness import LUNCH, FakeFragmentServer, Gate, answer, cacheable, pages, portal
from shell.tests.wire import wire

pytestmark = pytest.mark.anyio

CAFE = "/cafe"
WHOLE = {
    "page_hold_ms": 2000,
    "page_budget_ms": 2000,
    "page_deadline_ms": 3000,
    "fragment_deadline_ms": 2000,
}
PATIENT = {"fragment_deadline_ms": 3000, "page_deadline_ms": 3000, "page_budget_ms": 3000}

NEGOTIATED: dict[str, Encoding] = {
    "": "",
    "gzip": "gzip",
    "br": "br",
    "gzip, deflate, br, zstd": "br",
    "GZIP": "gzip",
    "x-gzip": "gzip",
    "deflate": "",
    "identity": "",
    "*": "br",
    "*;q=0": "",
    "*;q=0, gzip": "gzip",
    "br;q=0, *": "gzip",
    "gzip;q=0, *": "br",
    "gzip;q=0": "",
    "gzip;q=0.0": "",
    "gzip;q=0.001": "gzip",
    "gzip;q=1.0, br;q=0.5": "gzip",
    "gzip;q=0.5, br;q=0.5": "br",
    "gzip ; q=0.2 ,\tbr ; q=0.1": "gzip",
    "gzip;Q=0": "",
    "identity, gzip;q=0.5": "",
    "identity;q=0.5, gzip;q=0.5": "gzip",
    "identity;q=0": "",
    "identity;q=0, *": "br",
    "gzip;q=no": "",
    "gzip;q=": "",
    "gzip;q=nan": "",
    "br;q=nan, gzip": "gzip",
    ",,, ;;; =": "",
    ";q=1": "",
    "gzip, gzip;q=0": "",
    "gzipped": "",
    "brotli": "",
}


@pytest.mark.parametrize(("asked", "given"), NEGOTIATED.items())
def test_the_best_that_the_client_takes_is_chosen(asked: str, given: Encoding) -> None:
    assert negotiated(asked) == given


_WORDS = st.sampled_from(["gzip", "br", "*", "identity", ";q=", ";", "q", "=", ",", "0.5", "1", "-1", "nan", "x", " "])


@given(st.lists(_WORDS).map("".join) | st.text(max_size=40))
def test_anything_may_be_asked_for(asked: str) -> None:
    assert negotiated(asked) in ("", "gzip", "br")


ENCODINGS: list[Encoding] = ["gzip", "br", ""]
UNPACKED: dict[Encoding, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}


@pytest.mark.parametrize("encoding", ["gzip", "br"])
@pytest.mark.parametrize("kept", [False, True])
def test_a_whole_page_unpacks_to_itself(encoding: Encoding, kept: bool) -> None:
    body = "카페 <p>".encode() * 5_000
    packed = compressed(body, encoding, kept=kept)
    assert UNPACKED[encoding](packed) == body
    assert len(packed) < len(body) // 20


class Unpacker:
    """What a browser has read of what has come by now."""

    def __init__(self, encoding: Encoding) -> None:
        self._gzip = zlib.decompressobj(31)
        self._brotli = brotli.Decompressor()
        self._encoding = encoding

    def read(self, packed: bytes) -> bytes:
        if self._encoding == "gzip":
            return self._gzip.decompress(packed)
        if not self._encoding:
            return packed
        came: bytes = self._brotli.process(packed)
        while more := self._brotli.process(b""):  # it gives some 32 KB at a time
            came += more
        return came

    def is_at_end(self) -> bool:
        if self._encoding == "gzip":
            return self._gzip.eof and not self._gzip.unused_data
        return self._encoding == "" or bool(self._brotli.is_finished())


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(st.lists(st.binary(min_size=1, max_size=300) | st.integers(1, 70_000), max_size=8))
def test_each_chunk_can_be_read_when_it_comes(encoding: Encoding, chunks: list[bytes | int]) -> None:
    packing, unpacker = packer(encoding), Unpacker(encoding)
    for content in chunks:
        chunk = content if isinstance(content, bytes) else b"x" * content
        assert unpacker.read(packing.pack(chunk)) == chunk
    assert unpacker.read(packing.finish()) == b""
    assert unpacker.is_at_end()


def test_what_is_small_is_not_worth_it() -> None:
    assert not is_worth(b"x" * 859)
    assert is_worth(b"x" * 860)


# Over real HTTP.


@pytest.fixture(params=[True, False], ids=["before asgi", "asgi"])
def before_asgi(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("encoding", ["gzip", "br"])
@pytest.mark.parametrize("fragment", [answer("<p>카페" * 300), cacheable("<p>카페" * 300)], ids=["anew", "kept"])
async def test_a_page_is_the_same_in_every_encoding(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool, encoding: Encoding, fragment: Gate
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = fragment
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell,
        wire(shell.origin) as browser,
    ):
        for _ in range(3):  # put together, from what is kept, and byte for byte the same request again
            await browser.get(CAFE)
            plain = await browser.reply()
            await browser.get(CAFE, accept_encoding=encoding)
            packed = await browser.reply()
            await browser.get(CAFE, method="HEAD", accept_encoding=encoding)
            head = await browser.reply(method="HEAD")
            assert UNPACKED[encoding](packed.body) == plain.body
            assert packed.header("content-encoding") == head.header("content-encoding") == encoding
            assert packed.header("content-length") == str(len(packed.body))
            assert plain.header("content-length") == str(len(plain.body))
            assert plain.header("content-encoding") == ""
            assert "accept-encoding" in packed.header("vary").lower()
            assert packed.header("vary") == plain.header("vary")
            assert packed.header("etag") == plain.header("etag") != ""


CHANGING = {"date", "x-request-id", "server-timing", "cache-status"}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("fragment", [answer("<p>x" * 600), cacheable("<p>x" * 600)], ids=["anew", "kept"])
async def test_the_head_alone_is_the_head_of_the_page(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool, encoding: Encoding, fragment: Gate
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = fragment
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell,
        wire(shell.origin) as browser,
    ):
        await browser.get(CAFE, accept_encoding=encoding)
        await browser.reply()
        for _ in range(2):
            await browser.get(CAFE, accept_encoding=encoding)
            page = await browser.reply()
            await browser.get(CAFE, method="HEAD", accept_encoding=encoding)
            head = await browser.reply(method="HEAD")
            assert head.status == page.status == 200
            assert [pair for pair in head.headers if pair[0] not in CHANGING] == [
                pair for pair in page.headers if pair[0] not in CHANGING
            ]


async def test_a_small_page_is_sent_as_it_is(tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    folder = pages(tmp_path / "pages", f"{LUNCH}plain = true\n", lunch='<p><esi:include src="cafe/a"/>')
    async with portal(
        tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, pages_dir=str(folder), **WHOLE
    ) as shell:
        for _ in range(2):
            page = await shell.get("/lunch", accept_encoding="gzip, br")
            assert "content-encoding" not in page.headers
            assert page.text.startswith("<p><section")


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_what_streams_can_be_read_before_the_rest_has_come(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool, encoding: Encoding
) -> None:
    cafe.declare(a={}, b={}, c={})
    gates = {name: Gate(answer(f"<p>{name}" * 400)) for name in "abc"}
    cafe.at |= {f"/{name}": gate for name, gate in gates.items()}
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **PATIENT) as shell,
        wire(shell.origin) as browser,
    ):
        await browser.get(CAFE, accept_encoding=encoding)
        head = await browser.head()
        assert head.header("content-encoding") == encoding
        assert "accept-encoding" in head.header("vary").lower()
        unpacker = Unpacker(encoding)
        seen = unpacker.read(await browser.chunk())
        for name, gate in gates.items():
            assert f"<p>{name}</p>".encode() not in seen
            gate.open.set()
            while f"<p>{name}</p></section>".encode() not in seen:
                seen += unpacker.read(await browser.chunk())
        seen += unpacker.read(await browser.rest())
        assert unpacker.is_at_end()
        assert seen.rstrip().endswith(b"</html>")
