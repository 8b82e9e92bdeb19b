"""`portal.notify` in gateway.yaml: what `gatepost check` says of it."""

from __future__ import annotations

import pytest

from gateway.config.load import load_text
from gateway.config.portal_notify import NOTICE_EVENTS
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://hooks.example.org/gatepost"


def problem(url: str = URL, secret: str = SECRET, events: str = "[user.signed_up]") -> str:
    text = (
        f"portal:\n  notify:\n    webhook:\n      url: {url}\n      secret: {secret}\n    events: {events}\n"
    )
    with pytest.raises(ConfigurationError) as told:
        load_text(text, {}, PluginCatalog())
    return str(told.value)


def test_nobody_is_notified_by_default() -> None:
    assert load_text("server: {}", {}, PluginCatalog()).portal.notify is None


def test_notify_tells_every_event_unless_some_are_chosen_and_shows_no_secret() -> None:
    text = f"portal: {{notify: {{webhook: {{url: '{URL}', secret: '${{NOTIFY_SECRET}}'}}}}}}"
    settings = load_text(text, {"NOTIFY_SECRET": SECRET}, PluginCatalog())
    assert settings.portal.notify is not None
    assert settings.portal.notify.events == NOTICE_EVENTS
    assert settings.portal.notify.webhook.secret.get_secret_value() == SECRET
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/x", "http://localhost/x", "'http://[::1]:1/'", "https://10.0.0.1/x?y=1"]
)
def test_a_notify_url_may_be_of_this_machine_or_an_inner_one(url: str) -> None:
    text = f"portal: {{notify: {{webhook: {{url: {url}, secret: {SECRET}}}}}}}".replace("'", '"')
    assert load_text(text.replace(url, f'"{url.strip(chr(39))}"'), {}, PluginCatalog()).portal.notify


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example.org/", "must be https; http is only for this machine"),
        ("http://10.0.0.1/", "must be https"),
        ("ftp://hooks.example.org/", "must be a URL such as"),
        ("hooks.example.org", "must be a URL such as"),
        ("https:///path", "must be a URL such as"),
        ("https://u:p@hooks.example.org/", "must not hold"),
        ("https://hooks.example.org/#x", "must not hold"),
        ("https://169.254.169.254/latest", "must not lead to a link-local or metadata address"),
        ('"https://[fe80::1]/"', "must not lead to a link-local"),
        ('"https://[::ffff:169.254.1.1]/"', "must not lead to a link-local"),
        ('"http://[fd00:ec2::254]/"', "must not lead to a link-local"),
        ("https://e.org/" + "x" * 2048, "must be a URL such as"),
    ],
)
def test_a_bad_notify_url_is_an_error_with_its_line(url: str, words: str) -> None:
    said = problem(url=url)
    assert "gateway.yaml:4:12: portal.notify.webhook.url: " in said
    assert words in said


@pytest.mark.parametrize(
    "secret",
    [
        "secret",
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_***",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_" + "a" * 120,
    ],
)
def test_a_bad_notify_secret_is_an_error_that_does_not_show_it(secret: str) -> None:
    said = problem(secret=f'"{secret}"')
    assert "gateway.yaml:5:15: portal.notify.webhook.secret: must be whsec_ and 24 to 64 random bytes" in said
    assert secret in ("secret", "whsec_") or secret not in said


def test_unknown_and_no_notify_events_are_errors() -> None:
    assert "portal.notify.events[0]" in problem(events="[user.signed_in]")
    assert "portal.notify.events" in problem(events="[]")
