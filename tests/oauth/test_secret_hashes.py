"""Hashes of secrets from other servers, in the spellings that these use."""

import json
from base64 import b64encode
from hashlib import pbkdf2_hmac, sha256

import pytest
from argon2 import PasswordHasher

from gateway.oauth.secret_hashes import hash_matches, is_slow_hash, read_hash

SECRET = "Grüße, 42 %"
SALT = b"sodium chloride!"


def pbkdf2(name: str = "sha256", salt: bytes = SALT, iterations: int = 1000) -> bytes:
    return pbkdf2_hmac(name, SECRET.encode(), salt, iterations)


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def unpadded(data: bytes, plus: str = "+") -> str:
    return base64(data).rstrip("=").replace("+", plus)


KEYCLOAK = {
    "credentialData": json.dumps({"hashIterations": 1000, "algorithm": "pbkdf2-sha512"}),
    "secretData": json.dumps({"value": base64(pbkdf2("sha512")), "salt": base64(SALT)}),
}
SPRING_SALT = SALT
SPELLINGS = {
    "PHC": f"$pbkdf2-sha256$i=1000,l=32${unpadded(SALT)}${unpadded(pbkdf2())}",
    "passlib": f"$pbkdf2-sha512$1000${unpadded(SALT, '.')}${unpadded(pbkdf2('sha512'), '.')}",
    "passlib with SHA-1": f"$pbkdf2$1000${unpadded(SALT, '.')}${unpadded(pbkdf2('sha1'), '.')}",
    "Django": f"pbkdf2_sha256$1000$seasalt${base64(pbkdf2(salt=b'seasalt'))}",
    "Werkzeug": f"pbkdf2:sha256:1000$seasalt${pbkdf2(salt=b'seasalt').hex()}",
    "Keycloak": json.dumps(KEYCLOAK),
    "Keycloak, flat": json.dumps(
        {"algorithm": "pbkdf2", "hashIterations": 1000, "salt": base64(SALT), "value": base64(pbkdf2("sha1"))}
    ),
    "Spring": "{pbkdf2@SpringSecurity_v5_8}" + (SALT + pbkdf2(iterations=310_000)).hex(),
    "Argon2": PasswordHasher(1, 8, 1).hash(SECRET),
    "Argon2 by Spring": "{argon2@SpringSecurity_v5_8}" + PasswordHasher(1, 8, 1).hash(SECRET),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_foreign_hash_is_kept_in_one_spelling_and_matches_its_secret_alone(spelling: str) -> None:
    kept = read_hash(SPELLINGS[spelling])
    assert isinstance(kept, str)
    assert is_slow_hash(kept)
    assert read_hash(kept) == kept
    assert hash_matches(kept, SECRET)
    assert not hash_matches(kept, SECRET + "x")


# Of "correct horse". PHP writes 2y, Java 2a.
BCRYPT = {
    "2b": "$2b$04$9OAjaTzvMMvP.bNvL2L0beShB3XCQrN2bE4HwMOmR52wjNIOFUWy.",
    "2y": "$2y$04$9OAjaTzvMMvP.bNvL2L0beShB3XCQrN2bE4HwMOmR52wjNIOFUWy.",
    "2a by Spring": "{bcrypt}$2a$04$9OAjaTzvMMvP.bNvL2L0beShB3XCQrN2bE4HwMOmR52wjNIOFUWy.",
}


@pytest.mark.parametrize("spelling", BCRYPT)
def test_a_bcrypt_hash_matches_its_secret_alone(spelling: str) -> None:
    pytest.importorskip("bcrypt", reason="the extra bcrypt is not installed")
    kept = read_hash(BCRYPT[spelling])
    assert isinstance(kept, str)
    assert is_slow_hash(kept)
    assert hash_matches(kept, "correct horse")
    assert not hash_matches(kept, "correct horsf")
    assert not hash_matches(kept, "correct horse\0")


def test_bcrypt_reads_72_bytes_as_the_server_did_that_made_the_hash() -> None:
    bcrypt = pytest.importorskip("bcrypt", reason="the extra bcrypt is not installed")
    kept = bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(4)).decode()
    assert hash_matches(kept, "a" * 80)
    assert not hash_matches(kept, "a" * 71)


def test_a_bcrypt_hash_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.oauth.secret_hashes.find_spec", lambda _: None)
    with pytest.raises(ValueError, match="the extra bcrypt"):
        read_hash(BCRYPT["2b"])


def test_sha256_is_a_digest_as_of_the_gateways_own_secrets() -> None:
    digest = sha256(SECRET.encode())
    assert read_hash("sha256:" + digest.hexdigest().upper()) == digest.digest()
    assert read_hash(json.dumps({"hash": digest.hexdigest(), "algorithm": "SHA-256"})) == digest.digest()


@pytest.mark.parametrize("secret", ["secret", "a$b", "$ecret", "a:b", "{ not json", "2b$04$", "9" * 64, "$1"])
def test_what_is_no_hash_is_the_secret_itself(secret: str) -> None:
    assert read_hash(secret) is None


@pytest.mark.parametrize(
    "text",
    [
        "sha256:abc",
        "$2b$31$9OAjaTzvMMvP.bNvL2L0beShB3XCQrN2bE4HwMOmR52wjNIOFUWy.",
        "$2x$04$9OAjaTzvMMvP.bNvL2L0beShB3XCQrN2bE4HwMOmR52wjNIOFUWy.",
        "$2b$04$short",
        "$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$broken",
        "$pbkdf2-sha256$i=9000000$c2FsdA$" + "a" * 43,
        "$pbkdf2-sha256$i=1$c2FsdA$YQ",
        "$pbkdf2-md5$i=1$c2FsdA$" + "a" * 43,
        "$6$rounds=5000$salt$hash",
        "scrypt:32768:8:1$salt$00",
        "pbkdf2_sha256$1000$salt$!!!",
        "{md5}abc",
        '{"algorithm": "SHA-512", "hash": "00"}',
        '{"a": 1}',
        '{"a',
        '{"secretData": 7, "algorithm": "x"}',
    ],
)
def test_a_hash_that_can_not_be_used_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is |must "):
        read_hash(text)
