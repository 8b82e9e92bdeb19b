"""A sealed file opens with what it was sealed with, unchanged, and with nothing else."""

import json
import secrets

import pytest

from gateway.commands.sealed_file import SealedFileError, seal, unseal
from gateway.signing.master_keys import MasterKeys

OLD, NEW = MasterKeys((b"old" * 11,)), MasterKeys((b"new" * 11,))
BOTH = MasterKeys((*NEW.secrets, *OLD.secrets))
TEXT = "hidden \udc80 ü"


def sealed(passphrase: str | None = None, keys: MasterKeys = OLD) -> str:
    return seal(TEXT, passphrase, keys, secrets.token_bytes)


def test_it_opens_with_any_of_the_master_keys() -> None:
    assert "hidden" not in sealed()
    assert unseal(sealed(), None, OLD) == TEXT
    assert unseal(sealed(), None, BOTH) == TEXT


def test_with_a_passphrase_it_opens_under_any_master_key() -> None:
    assert unseal(sealed("open sesame"), "open sesame", NEW) == TEXT


@pytest.mark.parametrize(
    ("content", "passphrase", "reason"),
    [
        (sealed(), None, "not in tokens.keys"),
        (sealed("right"), "wrong", "passphrase is wrong"),
        (sealed("right"), None, "give --passphrase-file"),
        (sealed(keys=NEW), "right", "not with a passphrase"),
        ("{}", None, "no file of"),
        ("[]", None, "no file of"),
        ("nonsense", None, "no file of"),
        (json.dumps({**json.loads(sealed(keys=NEW)), "type": "other"}), None, "no file of"),
        (json.dumps({**json.loads(sealed(keys=NEW)), "version": 2}), None, "damaged"),
        (json.dumps({**json.loads(sealed(keys=NEW)), "data": "AAAA"}), None, "damaged"),
    ],
)
def test_what_does_not_open_is_reported(content: str, passphrase: str | None, reason: str) -> None:
    with pytest.raises(SealedFileError, match=reason):
        unseal(content, passphrase, NEW)
