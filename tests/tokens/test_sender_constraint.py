import asyncio

import pytest

from gateway.oauth.certificate import certificate_thumbprint
from gateway.oauth.confirmation import ProofOfPossession
from gateway.oauth.dpop import ProofRefusal
from gateway.oauth.errors import OAuthError
from gateway.oauth.nonce import PERIOD, Nonces
from gateway.store import Store
from gateway.tokens.sender_constraint import SenderConstraint
from tests.client_keys import signer
from tests.services import Clock, a_client

URI = "https://auth.example/token"
KEY = signer("ES256")
OTHER = signer("EdDSA")


@pytest.fixture
def clock() -> Clock:
    return Clock(PERIOD * 15_000_000.0)


@pytest.fixture
def binding(store: Store, clock: Clock) -> SenderConstraint:
    return SenderConstraint(store.once, clock, None)


@pytest.fixture
def strict(store: Store, clock: Clock) -> SenderConstraint:
    return SenderConstraint(store.once, clock, Nonces((b"k" * 32,)))


def shown(clock: Clock, certificate: bytes | None = None, **changes: object) -> ProofOfPossession:
    proof = KEY.proof("POST", URI, clock(), **changes)  # type: ignore[arg-type]  # claims by name
    return ProofOfPossession("POST", URI, [proof.encode()], certificate)


async def refusal(binding: SenderConstraint, client: object, what: ProofOfPossession) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        await binding.confirmation(client, what)  # type: ignore[arg-type]  # a client, as the tests make it
    return caught.value


async def test_a_token_is_bound_to_what_is_shown(binding: SenderConstraint, clock: Clock) -> None:
    bearer = ProofOfPossession("POST", URI, (), b"certificate")
    assert await binding.confirmation(a_client(), bearer) == ({}, None)
    assert await binding.confirmation(a_client(), shown(clock)) == ({"jkt": KEY.jkt}, None)
    thumbprint = certificate_thumbprint(b"certificate")
    mtls = a_client(require_mtls=True)
    assert await binding.confirmation(mtls, bearer) == ({"x5t#S256": thumbprint}, None)
    both = await binding.confirmation(mtls, shown(clock, b"certificate"))
    assert both == ({"x5t#S256": thumbprint, "jkt": KEY.jkt}, None)


async def test_what_a_client_must_show_must_be_there(binding: SenderConstraint) -> None:
    nothing = ProofOfPossession("POST", URI)
    assert (await refusal(binding, a_client(require_mtls=True), nothing)).error == "invalid_request"
    error = await refusal(binding, a_client(require_dpop=True), nothing)
    assert (error.error, error.status, error.nonce) == ("invalid_dpop_proof", 400, None)


async def test_a_proof_is_taken_once(binding: SenderConstraint, clock: Clock) -> None:
    proof = shown(clock)
    await binding.confirmation(a_client(), proof)
    assert (await refusal(binding, a_client(), proof)).error == "invalid_dpop_proof"


async def test_of_the_same_proof_at_once_on_two_workers_one_is_taken(
    store: Store, binding: SenderConstraint, clock: Clock
) -> None:
    workers, proof = [binding, SenderConstraint(store.once, clock, None)], shown(clock)
    found = await asyncio.gather(*(worker.verify_proof(proof) for worker in workers * 20))
    assert [one.jkt for one in found].count(KEY.jkt) == 1


async def test_a_proof_must_be_of_the_tokens_key(binding: SenderConstraint, clock: Clock) -> None:
    proof = shown(clock)
    assert (await binding.verify_proof(proof, jkt=OTHER.jkt)).refusal is ProofRefusal.INVALID
    assert (await binding.verify_proof(proof, jkt=KEY.jkt)).jkt == KEY.jkt, "a refused proof is not used up"


async def test_a_nonce_is_asked_for_and_given(strict: SenderConstraint, clock: Clock) -> None:
    error = await refusal(strict, a_client(), shown(clock))
    assert error.error == "use_dpop_nonce"
    assert error.nonce is not None
    assert await strict.confirmation(a_client(), shown(clock, nonce=error.nonce)) == ({"jkt": KEY.jkt}, None)


async def test_an_old_nonce_still_serves_and_brings_a_new_one(strict: SenderConstraint, clock: Clock) -> None:
    old = (await refusal(strict, a_client(), shown(clock))).nonce
    clock.now += PERIOD
    _, fresh = await strict.confirmation(a_client(), shown(clock, nonce=old))
    assert fresh not in (None, old)
    clock.now += PERIOD
    assert (await refusal(strict, a_client(), shown(clock, nonce=old))).error == "use_dpop_nonce"


async def test_a_made_up_nonce_is_refused(strict: SenderConstraint, clock: Clock) -> None:
    assert (await refusal(strict, a_client(), shown(clock, nonce="x"))).error == "use_dpop_nonce"
    assert (await refusal(strict, a_client(), shown(clock, htm="GET"))).error == "invalid_dpop_proof"


async def test_the_operator_is_told_what_is_wrong_and_the_caller_is_not(
    strict: SenderConstraint, clock: Clock
) -> None:
    for changes, reason in (
        ({"htm": "GET"}, "htm is not POST"),
        ({"htu": "https://other.example/token"}, f"htu is not {URI}"),
        ({"iat": 1}, "iat is too far from now"),
        ({}, "it has no nonce"),
        ({"nonce": "x"}, "its nonce is too old, or of another server"),
    ):
        error = await refusal(strict, a_client(), shown(clock, **changes))
        assert reason in str(error)
        assert reason not in error.description
