"""Signatures of notices, against the library and by a value of the specification's."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway.clock import system_clock
from gateway.notices.signature import WebhookKey


def test_a_notice_has_the_signature_of_the_specifications_example() -> None:
    key = WebhookKey.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = key.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("body", ["{}", '{"name":"\\u00e9\U0001f600"}', '{"a":"' + "x" * 10_000 + '"}'])
@pytest.mark.parametrize("key", [b"k" * 24, bytes(range(32)), b"\xff" * 64])
def test_the_library_signs_a_notice_alike_and_verifies_it(key: bytes, body: str) -> None:
    secret = "whsec_" + b64encode(key).decode()
    now = int(system_clock())
    headers = WebhookKey.parse(secret).headers("msg_1", now, body)
    other = Webhook(secret)
    assert headers["webhook-signature"] == other.sign("msg_1", datetime.fromtimestamp(now, UTC), body)
    other.verify(body, headers)
    for changed in (headers | {"webhook-id": "msg_2"}, headers | {"webhook-timestamp": str(now - 1)}):
        with pytest.raises(WebhookVerificationError):
            other.verify(body, changed)


def test_the_key_is_not_shown() -> None:
    assert "k" * 24 not in repr(WebhookKey(b"k" * 24))
