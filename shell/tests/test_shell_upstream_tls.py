"""https to a fragment server: who cannot prove who it is gets no request."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jogakbo_shell.upstream.errors import Unreachable
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Request

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the portal runs on."""
    return "asyncio", {"use_uvloop": True}


def certificate(folder: Path, *names: x509.GeneralName) -> Path:
    """A certificate for these names that vouches for itself, with its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fragments")])
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(minutes=5))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "server.pem"
    file.write_bytes(pem + built.public_bytes(serialization.Encoding.PEM))
    return file


@asynccontextmanager
async def serving(certificate: Path) -> AsyncIterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (await reader.readline()).strip():
            pass
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def fetch(url: str, *, trusted: Path | None) -> bytes:
    context = ssl.create_default_context(cafile=trusted)
    pool = PooledUpstream(max_body_bytes=1000, max_header_bytes=1000, max_connections=1, tls=context)
    try:
        return (await pool.fetch(Request(url), deadline=5)).body
    finally:
        await pool.close()


async def test_a_server_with_a_trusted_certificate_is_asked(tmp_path: Path) -> None:
    file = certificate(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    async with serving(file) as url:
        assert await fetch(url, trusted=file) == b"hello"


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with serving(certificate(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))) as url:
        with pytest.raises(Unreachable, match="certificate"):
            await fetch(url, trusted=None)


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    file = certificate(tmp_path, x509.DNSName("elsewhere.example"))
    async with serving(file) as url:
        with pytest.raises(Unreachable, match="certificate"):
            await fetch(url, trusted=file)
