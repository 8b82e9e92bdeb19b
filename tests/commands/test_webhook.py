"""`gatepost webhook …`: webhooks of applications, managed from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.accounts.webhooks import ApplicationWebhooks
from gateway.assembly.application_webhooks import application_webhooks
from gateway.clock import system_clock
from gateway.commands.options import load
from gateway.commands.store_access import with_store
from gateway.oauth.application import Application
from gateway.oauth.application_webhook import ApplicationWebhook
from gateway.store import Store
from gateway.store.notices import QueuedNotice
from tests.commands.conftest import gatepost, said, shown
from tests.notices.receiver import NoticeReceiver, receiving

pytestmark = pytest.mark.usefixtures("file")
PORTAL = "portal:\n  webhooks: true\n  webhook_networks: [127.0.0.0/8]\n"


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def application(file: Path, receiver: NoticeReceiver) -> str:
    """The id of an application with a webhook, for which a notice waits."""
    file.write_text(file.read_text().replace("portal:\n", PORTAL))
    settings = load(file)

    async def work(store: Store) -> str:
        webhooks = application_webhooks(settings, store, system_clock)
        assert isinstance(webhooks, ApplicationWebhooks)
        made = Application("till", "Till", "store:1")
        await store.applications.create(made)
        await store.applications.create(Application("none", "Without", "store:1"))
        await store.notices.add(
            QueuedNotice(
                "msg_1", '{"type":"limit.reached"}', 1_800_000_000, 4_000_000_000, 2, "application:till"
            )
        )
        await store.notices.add(QueuedNotice("msg_2", '{"type":"errors.high"}', 1, 4_000_000_000))
        return (await webhooks.save(made, receiver.url))[1]

    receiver.secret = with_store(settings, work)
    return "till"


def test_webhooks_are_listed_and_shown_without_their_secret(
    application: str, receiver: NoticeReceiver
) -> None:
    (one,) = shown("webhook", "list", "--json")
    assert (one["application"], one["name"], one["url"]) == (application, "Till", receiver.url)
    assert (one["state"], one["waiting"], one["failing_since"]) == ("on", 1, None)
    head, row = gatepost("webhook", "list").stdout.splitlines()
    assert head.split() == ["APPLICATION", "NAME", "STATE", "WAITING", "URL"]
    assert row.split() == [application, "Till", "on", "1", receiver.url]
    found = shown("webhook", "show", application)
    (notice,) = found.pop("notices")
    assert found == one
    assert (notice["id"], notice["type"], notice["attempts"]) == ("msg_1", "limit.reached", 2)
    assert notice["created"] == "2027-01-15T08:00:00Z"
    assert "whsec_" not in str(found)
    assert "sealed" not in found


def test_a_webhook_is_disabled_and_enabled_again(application: str) -> None:
    assert shown("webhook", "disable", application)["state"] == "disabled"
    assert shown("webhook", "show", application)["state"] == "disabled"
    assert shown("webhook", "disable", application)["state"] == "disabled"
    assert shown("webhook", "enable", application)["state"] == "on"
    assert shown("webhook", "list", "--json")[0]["state"] == "on"


def test_a_test_notice_is_sent_once_in_ten_seconds(application: str, receiver: NoticeReceiver) -> None:
    assert shown("webhook", "test", application) == {"delivered": True, "status": 200, "reason": None}
    assert receiver.types == ["webhook.test"]
    assert said("webhook", "test", application) == "gatepost: a test was sent just now. Wait ten seconds"


def test_a_test_notice_that_is_not_taken_is_exit_status_1(application: str, receiver: NoticeReceiver) -> None:
    receiver.status = 500
    result = gatepost("webhook", "test", application)
    assert (result.exit_code, '"status": 500' in result.stdout) == (1, True)


@pytest.mark.parametrize("command", ["show", "disable", "enable", "test"])
def test_what_there_is_not_is_refused(application: str, command: str) -> None:
    assert "there is no application 'other'" in said("webhook", command, "other")
    assert "the application has no webhook" in said("webhook", command, "none")


def test_a_failing_webhook_says_since_when(application: str, file: Path) -> None:
    async def work(store: Store) -> None:
        def failing(one: Application) -> Application:
            assert one.webhook is not None
            webhook = ApplicationWebhook(one.webhook.url, one.webhook.sealed, 1, 1, failing=1_800_000_000)
            return Application("till", "Till", "store:1", webhook=webhook)

        await store.applications.update(application, failing)

    with_store(load(file), work)
    one: dict[str, Any] = shown("webhook", "show", application)
    assert (one["state"], one["failing_since"]) == ("failing", "2027-01-15T08:00:00Z")


def test_without_the_switch_nothing_is_changed(application: str, file: Path) -> None:
    file.write_text(file.read_text().replace("webhooks: true", "webhooks: false"))
    assert "portal.webhooks is off" in said("webhook", "disable", application)
    assert shown("webhook", "list", "--json")[0]["state"] == "on"


def test_while_the_store_is_away_it_is_said(application: str, file: Path) -> None:
    gone = "unix:///nonexistent/store.sock"
    lines = [
        f'store: {{url: "{gone}"}}' if one.startswith("store:") else one
        for one in file.read_text().splitlines()
    ]
    file.write_text("\n".join(lines))
    for arguments in (("list",), ("show", application), ("disable", application), ("test", application)):
        assert "store" in said("webhook", *arguments)
