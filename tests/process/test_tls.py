"""TLS as clients meet it, and files that cannot serve."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from gateway.errors import StartError
from gateway.process import openssl
from gateway.process.tls import ServerTlsFiles, server_context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> ServerTlsFiles:
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return ServerTlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@asynccontextmanager
async def connected(server: ssl.SSLContext, client: ssl.SSLContext) -> AsyncIterator[ssl.SSLObject]:
    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.write(b"1" if certificate else b"0")
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0, ssl=server) as listening:
        port = listening.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname="localhost"
        )
        connection = writer.get_extra_info("ssl_object")
        connection.certificate_seen = await asyncio.wait_for(reader.read(1), 20) == b"1"
        yield connection
        writer.close()


async def test_the_certificate_is_presented_and_http_1_1_agreed_on(
    files: ServerTlsFiles, authority: trustme.CA
) -> None:
    client = client_context(authority)
    client.set_alpn_protocols(["h2", "http/1.1"])
    async with connected(server_context(files), client) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
        assert connection.version() == "TLSv1.3"


async def test_tls_1_2_is_the_oldest_that_is_spoken(files: ServerTlsFiles, authority: trustme.CA) -> None:
    client = client_context(authority)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    async with connected(server_context(files), client) as connection:
        assert connection.version() == "TLSv1.2"
    assert server_context(files).minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    "cipher", ["ECDHE-RSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "AES256-SHA"]
)
async def test_tls_1_2_without_authenticated_encryption_or_forward_secrecy_is_refused(
    files: ServerTlsFiles, authority: trustme.CA, cipher: str
) -> None:
    client = client_context(authority)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        async with connected(server_context(files), client):
            pass


SET_GROUPS_LIST = 92
"""SSL_CTRL_SET_GROUPS_LIST in OpenSSL's ssl.h."""


def offer_only(client: ssl.SSLContext, curve: str) -> None:
    """Debian's Python 3.11.2 can't set X25519 or X448 by `set_ecdh_curve`."""
    assert openssl.control(client, SET_GROUPS_LIST, 0, curve.encode()) == 1


@pytest.mark.parametrize("curve", ["X25519", "prime256v1", "secp384r1"])
async def test_the_curves_of_mozillas_intermediate_configuration_are_accepted(
    files: ServerTlsFiles, authority: trustme.CA, curve: str
) -> None:
    client = client_context(authority)
    offer_only(client, curve)
    async with connected(server_context(files), client) as connection:
        assert connection.version() == "TLSv1.3"


@pytest.mark.parametrize("curve", ["X448", "secp521r1"])
async def test_other_curves_are_refused(files: ServerTlsFiles, authority: trustme.CA, curve: str) -> None:
    client = client_context(authority)
    offer_only(client, curve)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        async with connected(server_context(files), client):
            pass


async def test_where_no_list_of_curves_can_be_set_it_is_the_one_that_all_clients_have(
    files: ServerTlsFiles, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openssl, "library_of_ssl", lambda: None)
    server, client = server_context(files), client_context(authority)
    async with connected(server, client) as connection:
        assert connection.version() == "TLSv1.3"
    client.set_ecdh_curve("secp384r1")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        async with connected(server, client):
            pass


async def test_a_client_certificate_is_taken_where_one_comes(
    files: ServerTlsFiles, authority: trustme.CA, tmp_path: Path
) -> None:
    server = server_context(ServerTlsFiles(files.certificate, files.key, tmp_path / "ca.pem"))
    client = client_context(authority)
    async with connected(server, client) as connection:
        assert not connection.certificate_seen  # type: ignore[attr-defined]  # noted above
    authority.issue_cert("client.example.org").configure_cert(client)
    async with connected(server, client) as connection:
        assert connection.certificate_seen  # type: ignore[attr-defined]  # noted above


async def test_a_client_certificate_of_a_stranger_is_refused(
    files: ServerTlsFiles, authority: trustme.CA, tmp_path: Path
) -> None:
    server = server_context(ServerTlsFiles(files.certificate, files.key, tmp_path / "ca.pem"))
    client = client_context(authority)
    trustme.CA().issue_cert("client.example.org").configure_cert(client)
    client.maximum_version = ssl.TLSVersion.TLSv1_2  # in 1.3 the client learns of it only later
    with pytest.raises((ssl.SSLError, ConnectionError)):
        async with connected(server, client):
            pass


def test_a_file_that_is_not_there_is_named(files: ServerTlsFiles, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"can't read .*none.pem: No such file"):
        server_context(ServerTlsFiles(files.certificate, tmp_path / "none.pem"))


def test_a_key_of_another_certificate_is_refused(files: ServerTlsFiles, tmp_path: Path) -> None:
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "other.pem")
    with pytest.raises(StartError, match="is not the key of"):
        server_context(ServerTlsFiles(files.certificate, tmp_path / "other.pem"))


def test_a_locked_key_is_refused_and_nobody_is_asked_for_a_password(
    files: ServerTlsFiles, tmp_path: Path
) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    (tmp_path / "locked.pem").write_bytes(locked)
    with pytest.raises(StartError, match="encrypted with a passphrase"):
        server_context(ServerTlsFiles(files.certificate, tmp_path / "locked.pem"))


def test_a_client_ca_without_a_certificate_is_refused(files: ServerTlsFiles, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(StartError, match="holds no usable CA certificate"):
        server_context(ServerTlsFiles(files.certificate, files.key, tmp_path / "empty.pem"))
