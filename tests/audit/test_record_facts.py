"""What of a record stands in the audit log."""

from dataclasses import replace

from gateway.audit.record_facts import CHANGED, differing
from gateway.oauth.model import Client, Secret
from gateway.oauth.user import User

CLIENT = Client("shop", name="Shop", secrets=(Secret(b"first-digest", "one"),), scopes=("a",), source="store")


def test_only_what_differs_is_recorded() -> None:
    before, after = differing(CLIENT, replace(CLIENT, scopes=("a", "b"), enabled=False))
    assert before == {"scopes": ["a"], "enabled": True}
    assert after == {"scopes": ["a", "b"], "enabled": False}


def test_a_new_record_is_recorded_whole_but_for_what_is_empty() -> None:
    before, after = differing(None, CLIENT)
    assert before is None
    assert after == {
        "id": "shop", "name": "Shop", "secrets": [{"name": "one", "created": 0}], "scopes": ["a"],
        "grants": ["client_credentials"], "enabled": True, "introspect": False, "source": "store",
        "created": 0, "assertion_audience": ["issuer"], "require_mtls": False, "require_dpop": False,
    }  # fmt: skip


def test_secrets_are_recorded_by_name_only() -> None:
    rotated = replace(CLIENT, secrets=(Secret(b"second-digest", "two"),))
    text = str(differing(CLIENT, rotated))
    assert "digest" not in text
    assert "'two'" in text


def test_a_new_password_is_recorded_without_it() -> None:
    user = User("ann", "hash-one", id="store:1", generation="g")
    before, after = differing(user, replace(user, password="hash-two"))
    assert (before, after) == ({}, {"password": CHANGED})
    assert "hash" not in str(differing(None, user))


def test_a_removed_record_is_recorded_as_it_was() -> None:
    before, after = differing(User("ann", "hash", id="store:1"), None)
    assert before is not None
    assert before["name"] == "ann"
    assert after is None
