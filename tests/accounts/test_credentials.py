import asyncio
import json

import pytest

from gateway.accounts.credentials import Credentials, client_keys
from gateway.oauth.assertion import read_assertion
from gateway.oauth.client_auth import ClientProof
from gateway.oauth.model import Client
from gateway.store import Store
from tests.certificates import Certificate
from tests.client_keys import signer
from tests.services import ISSUER, Clock, a_client

KEY = signer("ES256")
CERTIFICATE = Certificate("CN=demo", key=KEY.key, issuer=Certificate("CN=Clients")).der
JWKS = json.dumps(KEY.jwks)


def bare(**values: object) -> Client:
    return a_client(secrets=(), **values)


def secret(text: str = "secret", method: str = "client_secret_basic") -> ClientProof:
    return ClientProof("demo", text, method)


def by_certificate(der: bytes = CERTIFICATE) -> ClientProof:
    return ClientProof("demo", "", "tls", certificate=der)


def signed(clock: Clock, **changes: object) -> ClientProof:
    text = KEY.assertion("demo", ISSUER, clock(), **changes)  # type: ignore[arg-type]  # claims by name
    return ClientProof("demo", "", "private_key_jwt", signed=read_assertion(text))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def credentials(store: Store, clock: Clock) -> Credentials:
    return Credentials(ISSUER, store.once, clock)


async def test_a_client_may_use_what_its_credentials_imply(credentials: Credentials, clock: Clock) -> None:
    keys, subject = bare(jwks=JWKS), bare(tls_subject=("subject_dn", "CN=demo"))
    for method in ("client_secret_basic", "client_secret_post"):
        assert await credentials.wrong(a_client(), secret(method=method)) is None
    assert await credentials.wrong(keys, signed(clock)) is None
    assert await credentials.wrong(subject, by_certificate()) is None


async def test_no_other_method_is_taken(credentials: Credentials, clock: Clock) -> None:
    keys, subject = bare(jwks=JWKS), bare(tls_subject=("subject_dn", "CN=demo"))
    for client, proof in [
        (keys, secret("")),
        (keys, by_certificate()),
        (subject, secret("")),
        (subject, signed(clock)),
        (a_client(), signed(clock)),
        (a_client(), by_certificate()),
        (a_client(auth=frozenset({"client_secret_post"})), secret()),
        (a_client(jwks=JWKS, auth=frozenset({"private_key_jwt"})), secret()),
        (a_client(jwks=JWKS, auth=frozenset({"client_secret_basic"})), signed(clock)),
        (bare(), secret("")),
    ]:
        assert await credentials.wrong(client, proof) is not None


async def test_a_self_signed_certificate_must_be_asked_for(credentials: Credentials) -> None:
    allowed = frozenset({"self_signed_tls_client_auth"})
    assert await credentials.wrong(bare(jwks=JWKS, auth=allowed), by_certificate()) is None
    other = Certificate("CN=demo").der
    assert await credentials.wrong(bare(jwks=JWKS, auth=allowed), by_certificate(other)) is not None
    assert await credentials.wrong(bare(auth=allowed), by_certificate()) is not None
    assert await credentials.wrong(bare(jwks=JWKS, auth=allowed), by_certificate(b"nonsense")) is not None


async def test_another_subject_is_wrong(credentials: Credentials) -> None:
    client = bare(tls_subject=("subject_dn", "CN=other"))
    assert await credentials.wrong(client, by_certificate()) is not None


async def test_unknown_and_disabled_clients_are_wrong(credentials: Credentials, clock: Clock) -> None:
    everything = {"jwks": JWKS, "tls_subject": ("subject_dn", "CN=demo"), "enabled": False}
    for client in (None, a_client(**everything)):
        for proof in (secret(), signed(clock), by_certificate()):
            assert await credentials.wrong(client, proof) is not None


async def test_an_assertion_is_taken_once(credentials: Credentials, clock: Clock) -> None:
    client, proof = bare(jwks=JWKS), signed(clock)
    assert await credentials.wrong(client, proof) is None
    assert await credentials.wrong(client, proof) == "the assertion was used before"


async def test_of_the_same_assertion_at_once_on_two_workers_one_is_taken(
    store: Store, credentials: Credentials, clock: Clock
) -> None:
    workers = [credentials, Credentials(ISSUER, store.once, clock)]
    client, proof = bare(jwks=JWKS), signed(clock)
    found = await asyncio.gather(*(worker.wrong(client, proof) for worker in workers * 20))
    assert found.count(None) == 1


async def test_another_client_may_use_the_same_jti(credentials: Credentials, clock: Clock) -> None:
    assert await credentials.wrong(bare(jwks=JWKS), signed(clock, jti="1")) is None
    text = KEY.assertion("other", ISSUER, clock(), jti="1")
    proof = ClientProof("other", "", "private_key_jwt", signed=read_assertion(text))
    other = Client("other", jwks=JWKS)
    assert await credentials.wrong(other, proof) is None


async def test_a_wrong_assertion_does_not_use_up_its_jti(credentials: Credentials, clock: Clock) -> None:
    client = bare(jwks=JWKS)
    assert await credentials.wrong(client, signed(clock, jti="1", aud="https://other")) is not None
    assert await credentials.wrong(client, signed(clock, jti="1")) is None


async def test_without_a_memory_no_assertion_is_taken(clock: Clock) -> None:
    assert await Credentials(ISSUER, None, clock).wrong(bare(jwks=JWKS), signed(clock)) is not None


def test_a_malformed_key_set_has_no_keys() -> None:
    assert client_keys("") == client_keys("nonsense") == ()
    assert len(client_keys(JWKS)) == 1
