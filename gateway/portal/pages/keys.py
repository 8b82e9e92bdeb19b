"""The keys of an application, for production or for the sandbox: generated, configured, ended."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.applications import KeysExist
from gateway.oauth.model import Client
from gateway.portal.form_rules import KeyForm, read_key_form
from gateway.portal.page_request import Fields, Page, PageRequest, redirect_to
from gateway.portal.pages.key_page import KEPT, TAB_OF, KeyPage, Tab, key_page, shown_keys
from gateway.portal.versions import VersionDiffers, keys_check
from gateway.translation.text import gettext


def tab_page(tab: Tab) -> Page:
    """The page of a tab; before there are keys, how to generate them."""

    async def show(page_request: PageRequest) -> web.StreamResponse:
        shown = await key_page(page_request)
        if shown.client is None and tab:
            return redirect_to(shown.path)
        return await shown_keys(shown, tab)

    return show


async def back(page_request: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to a form: the page that the form was on."""
    shown = await key_page(page_request)
    tab = TAB_OF.get(page_request.request.match_info["action"], "")
    return redirect_to(f"{shown.path}/{tab}" if tab else shown.path)


async def progress(page_request: PageRequest) -> web.StreamResponse:
    """For the page's own script: whether the gateway has seen a token and a call of these keys."""
    page_request.require_proof_of_script()
    seen = await page_request.progress((await key_page(page_request)).keys.id)
    return web.json_response({"token": seen.token, "call": seen.call, "refused": seen.refused})


async def generate(page_request: PageRequest) -> web.StreamResponse:
    """GENERATE KEYS: the secret is shown until its owner has stored it, and never again."""
    key_page_ = await key_page(page_request)
    form = _form_of(key_page_, None, await page_request.fields())
    if key_page_.client is not None:
        return key_page_.done("keys-there")
    if form.problems:
        return key_page_.page("", 422, form=form)
    try:
        client, secret = await page_request.services.applications.generate_keys(
            key_page_.application, key_page_.environment, form.settings
        )
    except KeysExist:
        return key_page_.done("keys-there")
    made = KeyPage(page_request, key_page_.application, key_page_.environment, client)
    return made.show_once("secret", {"secret": secret}, "generated")


def _form_of(key_page_: KeyPage, client: Client | None, fields: Fields) -> KeyForm:
    page_request, subscribed = key_page_.page_request, key_page_.application.subscribed_scopes
    return read_key_form(fields, page_request.services.facts, page_request.user, client, subscribed)


async def stored(page_request: PageRequest) -> web.StreamResponse:
    """I have stored it: what was shown is not shown again."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    kind = fields.raw("kind")
    response = key_page_.done("stored", "secrets" if fields.raw("tab") == "secrets" else "")
    if kind in KEPT:
        page_request.forget(response, kind, key_page_.path)
    return response


async def configure(page_request: PageRequest) -> web.StreamResponse:
    """Saves the key configuration."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    form = _form_of(key_page_, key_page_.keys, fields)
    if form.problems:
        return await shown_keys(key_page_, "settings", 422, form=form)
    check = keys_check(fields.raw("seen") or None)
    try:
        await page_request.services.applications.configure(key_page_.keys, form.settings, check)
    except VersionDiffers:
        return await shown_keys(await key_page(page_request), "settings", 409, form=form, changed=True)
    return key_page_.done("saved", "settings")


async def enable(page_request: PageRequest) -> web.StreamResponse:
    """Lets the keys get tokens again."""
    key_page_ = await key_page(page_request)
    await page_request.fields()
    await page_request.services.registry.enable(key_page_.keys.id)
    return key_page_.done("enabled", "danger")


async def disable(page_request: PageRequest) -> web.StreamResponse:
    """Refuses the keys and ends their tokens."""
    key_page_ = await key_page(page_request)
    await page_request.fields()
    await page_request.services.registry.disable(key_page_.keys.id)
    return key_page_.done("disabled", "danger")


async def clean_up(page_request: PageRequest) -> web.StreamResponse:
    """Removes the keys, once the box says that it is meant."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    if fields.raw("sure") != "yes":
        problems = {"sure": gettext("Select the checkbox to confirm.")}
        return await shown_keys(key_page_, "danger", 422, problems=problems)
    await page_request.services.applications.clean_up(key_page_.application, key_page_.environment)
    response = key_page_.done("cleaned-up")
    for kind in KEPT:
        page_request.forget(response, kind, key_page_.path)
    return response
