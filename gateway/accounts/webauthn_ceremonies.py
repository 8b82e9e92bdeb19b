"""The ceremonies of Web Authentication, by the package webauthn (extra `passkeys`): this is its edge.

https://www.w3.org/TR/webauthn-3/: discoverable credentials, user verification required, no attestation.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers import parse_client_data_json
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from gateway.oauth.passkey import CHALLENGE_LIFETIME, Passkey, PasskeyRefused, RelyingParty

LONGEST_ANSWER = 32_768
"""Characters of what a browser sends."""
LONGEST_ID = 1023
"""Bytes of a credential's id (section 4, Credential ID)."""
MOST_TRANSPORTS = 8
TRANSPORTS = frozenset({"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"})


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What an authenticator has made."""

    id: str
    public_key: str
    sign_count: int
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """What a browser sends to sign somebody in; nothing is verified yet."""

    credential: dict[str, Any]
    id: str
    user_id: str
    """Whose passkey it is, as the authenticator has kept it (user handle)."""


def creation_options(
    party: RelyingParty, title: str, user: tuple[str, str], existing: tuple[Passkey, ...], challenge: bytes
) -> str:
    """What `navigator.credentials.create` is asked for, as JSON. `user`: the id and the name."""
    user_id, name = user
    excluded = [PublicKeyCredentialDescriptor(id=from_base64url(one.id)) for one in existing]
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=title,
        user_id=user_id.encode(),
        user_name=name,
        challenge=challenge,
        timeout=CHALLENGE_LIFETIME * 1000,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=excluded,
    )
    return str(webauthn.options_to_json(options))


def request_options(party: RelyingParty, challenge: bytes) -> str:
    """What `navigator.credentials.get` is asked for, as JSON: any passkey of this party."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=CHALLENGE_LIFETIME * 1000,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return str(webauthn.options_to_json(options))


def verify_creation(answer: str, challenge: bytes, party: RelyingParty) -> NewCredential:
    """The credential that an authenticator has made (section 7.1). Raises PasskeyRefused."""
    credential = _credential(answer)
    try:
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as error:
        # The package raises whatever its parts do, where bytes are not what they should be.
        raise PasskeyRefused(_reason(error)) from error
    _refuse_frames(credential)
    if len(found.credential_id) > LONGEST_ID:
        raise PasskeyRefused("the credential's id is too long")
    said = credential["response"].get("transports")
    known = [one for one in said if one in TRANSPORTS] if isinstance(said, list) else []
    return NewCredential(
        to_base64url(found.credential_id),
        to_base64url(found.credential_public_key),
        found.sign_count,
        tuple(known[:MOST_TRANSPORTS]),
    )


def read_assertion(answer: str) -> PasskeyAnswer:
    """An answer that can be one, and who it says has signed. Raises PasskeyRefused."""
    credential = _credential(answer)
    handle, said = credential["response"].get("userHandle"), credential.get("id")
    if not isinstance(handle, str) or not isinstance(said, str):
        raise PasskeyRefused("it does not say whose passkey it is")
    try:
        return PasskeyAnswer(credential, said, from_base64url(handle).decode("ascii"))
    except ValueError:
        raise PasskeyRefused("the user handle is malformed") from None


def verify_assertion(
    assertion: PasskeyAnswer, challenge: bytes, party: RelyingParty, passkey: Passkey
) -> int:
    """How often the passkey has signed, by an answer that it has signed (section 7.2).

    Raises PasskeyRefused. Whether the counter has grown is for the caller to say.
    """
    try:
        found = webauthn.verify_authentication_response(
            credential=assertion.credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=from_base64url(passkey.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:
        # As above.
        raise PasskeyRefused(_reason(error)) from error
    _refuse_frames(assertion.credential)
    return int(found.new_sign_count)


def to_base64url(data: bytes) -> str:
    """As Web Authentication writes bytes: base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes. Raises ValueError."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def _credential(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST_ANSWER:
        raise PasskeyRefused("the answer is too long")
    try:
        credential = json.loads(answer)
    except (ValueError, RecursionError):
        raise PasskeyRefused("the answer is not JSON") from None
    if not isinstance(credential, dict) or not isinstance(credential.get("response"), dict):
        raise PasskeyRefused("the answer is not a credential")
    return credential


def _refuse_frames(credential: dict[str, Any]) -> None:
    """Pages of other sites can't have the portal's in a frame, so no answer comes from one."""
    if parse_client_data_json(from_base64url(credential["response"]["clientDataJSON"])).cross_origin:
        raise PasskeyRefused("it comes from a frame in another site's page")


def _reason(error: Exception) -> str:
    """What is wrong, in one line that the log can bear."""
    return ascii(str(error) or type(error).__name__)[1:-1][:200]
