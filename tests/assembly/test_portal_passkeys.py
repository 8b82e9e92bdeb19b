"""`portal.passkeys`, as the portal knows it."""

from __future__ import annotations

import json

from gateway.accounts.file_users import FileUsers
from gateway.accounts.passwords import Passwords
from gateway.accounts.users import Users
from gateway.assembly.portal import portal_info
from gateway.assembly.portal_passkeys import passkey_services
from gateway.config.load import load_text
from gateway.plugin.catalog import PluginCatalog
from gateway.store import Store
from tests.services import Clock

TEXT = "server: {public_url: 'https://Portal.example:8443/a'}\nportal: {passkeys: true}"


def test_passkeys_are_for_the_host_of_the_public_url(store: Store) -> None:
    settings, clock = load_text(TEXT, {}, PluginCatalog()), Clock()
    users = Users(FileUsers(), store.users, Passwords(), clock)
    made = passkey_services(settings, portal_info(settings), users, store, clock)
    challenge, options = made.sign_in.begin()
    assert json.loads(options)["rpId"] == "portal.example"
    assert challenge.ends == int(clock()) + 300
