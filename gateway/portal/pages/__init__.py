"""All pages: method, path beneath the portal, and who makes the page."""

from __future__ import annotations

from gateway.portal.page_request import Page
from gateway.portal.pages import (
    account,
    api_keys,
    apis,
    applications,
    keys,
    owner,
    refusals,
    secret_changes,
    tokens,
    usage,
    users,
)

_ONE = "/applications/{id}"
_KEYS = _ONE + "/{environment:production|sandbox}"

PAGES: tuple[tuple[str, str, Page], ...] = (
    ("GET", "/", applications.home),
    ("GET", "/sign-in", account.sign_in_form),
    ("POST", "/sign-in", account.sign_in),
    ("POST", "/sign-out", account.sign_out),
    ("GET", "/sign-up", account.sign_up_form),
    ("POST", "/sign-up", account.sign_up),
    ("GET", "/account", account.show),
    ("POST", "/account", account.change_password),
    ("GET", "/applications", applications.overview),
    ("GET", "/applications/new", applications.new_form),
    ("POST", "/applications/new", applications.create),
    ("GET", _ONE, applications.show),
    ("GET", _ONE + "/edit", applications.edit_form),
    ("POST", _ONE + "/edit", applications.edit),
    ("GET", _ONE + "/delete", applications.delete_form),
    ("POST", _ONE + "/delete", applications.delete),
    ("GET", _ONE + "/owner", owner.show),
    ("POST", _ONE + "/owner", owner.change),
    ("GET", _ONE + "/usage", usage.of_application),
    ("GET", "/usage", usage.of_all),
    ("GET", _KEYS, keys.tab_page("")),
    ("GET", _KEYS + "/secrets", keys.tab_page("secrets")),
    ("GET", _KEYS + "/settings", keys.tab_page("settings")),
    ("GET", _KEYS + "/danger", keys.tab_page("danger")),
    ("GET", _KEYS + "/progress", keys.progress),
    ("POST", _KEYS + "/generate-keys", keys.generate),
    ("POST", _KEYS + "/stored", keys.stored),
    ("POST", _KEYS + "/configure", keys.configure),
    ("POST", _KEYS + "/enable", keys.enable),
    ("POST", _KEYS + "/disable", keys.disable),
    ("POST", _KEYS + "/clean-up", keys.clean_up),
    ("POST", _KEYS + "/add-secret", secret_changes.add),
    ("POST", _KEYS + "/rotate-secret", secret_changes.rotate),
    ("POST", _KEYS + "/remove-secret", secret_changes.remove),
    ("POST", _KEYS + "/add-api-key", api_keys.add),
    ("POST", _KEYS + "/revoke-api-key", api_keys.revoke),
    ("POST", _KEYS + "/generate-token", tokens.generate),
    ("POST", _KEYS + "/revoke-token", tokens.revoke),
    ("POST", _KEYS + "/revoke-all", tokens.revoke_all),
    # Who reloads the answer to a form gets the page that the form was on.
    ("GET", _KEYS + "/{action:[a-z-]+}", keys.back),
    ("GET", "/apis", apis.show),
    ("GET", "/refusals", refusals.show),
    ("GET", "/users", users.show),
    ("POST", "/users/invite", users.invite),
    ("POST", "/users/{user}/rename", users.rename),
    ("POST", "/users/{user}/approve", users.approve),
    ("POST", "/users/{user}/reject", users.reject),
)
