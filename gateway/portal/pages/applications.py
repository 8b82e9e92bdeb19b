"""A developer's applications: listed, made, changed, deleted."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.applications import ApplicationRefused
from gateway.oauth.application import ENVIRONMENTS, Application
from gateway.portal.form_rules import application_problems, offered_tiers
from gateway.portal.page_request import HOME, Fields, PageNotFound, PageRequest, redirect_to

MOST_SHOWN = 200


async def home(page_request: PageRequest) -> web.StreamResponse:
    """Redirects to the applications, or to the sign-in page."""
    return redirect_to(HOME if page_request.person is not None else "/portal/sign-in")


async def overview(page_request: PageRequest) -> web.StreamResponse:
    """One's applications; all of them for an administrator, or with `owner=none` those without an owner."""
    search = page_request.query("search")[:100]
    found = await page_request.services.applications.search(page_request.user, search)
    without_owner = [one for one in found if not one.has_owner]
    only_without_owner = page_request.query("owner") == "none"
    shown = without_owner if only_without_owner else found
    return page_request.page(
        "applications.html",
        found=shown[:MOST_SHOWN],
        total=len(shown),
        search=search,
        without_owner=len(without_owner),
        only_without_owner=only_without_owner,
    )


async def the_application(page_request: PageRequest) -> Application:
    """The application that the path names. Raises PageNotFound for nobody's and for somebody else's."""
    found = await page_request.services.applications.find(
        page_request.user, page_request.request.match_info["id"]
    )
    if found is None:
        raise PageNotFound
    return found


async def new_form(page_request: PageRequest) -> web.StreamResponse:
    """The form for a new application."""
    _ = page_request.user
    return _form(page_request, None, "", "", "", {})


def _form(
    page_request: PageRequest,
    application: Application | None,
    name: str,
    description: str,
    tier: str,
    problems: dict[str, str],
) -> web.Response:
    return page_request.page(
        "application_form.html",
        422 if problems else 200,
        application=application,
        name=name,
        description=description,
        tier=tier,
        tiers=offered_tiers(
            page_request.services.facts, page_request.user, application.tier if application else ""
        ),
        problems=problems,
    )


def _filled(fields: Fields, current: str = "") -> tuple[str, str, str]:
    # Browsers send line breaks as CR LF.
    description = fields.text("description").replace("\r\n", "\n")
    # Where there is nothing to choose, the form has no such field.
    tier = fields.text("tier") if fields.has("tier") else current
    return fields.text("name"), description, tier


async def create(page_request: PageRequest) -> web.StreamResponse:
    """Makes an application."""
    user = page_request.user
    name, description, tier = _filled(await page_request.fields())
    problems = application_problems(name, description, tier, offered_tiers(page_request.services.facts, user))
    if not problems:
        try:
            made = await page_request.services.applications.create(user, name, description, tier)
        except ApplicationRefused as error:
            problems = {"name": str(error)}
        else:
            return redirect_to(f"/portal/applications/{made.id}", "created")
    return _form(page_request, None, name, description, tier, problems)


async def show(page_request: PageRequest) -> web.StreamResponse:
    """One application, and what keys it has."""
    application = await the_application(page_request)
    services = page_request.services.applications
    keys = {name: await services.client(application, name) for name in ENVIRONMENTS}
    uses = {
        name: {} if client is None else await page_request.last_uses(client.id)
        for name, client in keys.items()
    }
    return page_request.page("application.html", application=application, keys=keys, uses=uses)


async def edit_form(page_request: PageRequest) -> web.StreamResponse:
    """The form with what the application is now."""
    one = await the_application(page_request)
    return _form(page_request, one, one.name, one.description, one.tier, {})


async def edit(page_request: PageRequest) -> web.StreamResponse:
    """Changes name, description and tier."""
    application = await the_application(page_request)
    name, description, tier = _filled(await page_request.fields(), application.tier)
    tiers = offered_tiers(page_request.services.facts, page_request.user, application.tier)
    problems = application_problems(name, description, tier, tiers)
    if not problems:
        try:
            await page_request.services.applications.edit(application, name, description, tier)
        except ApplicationRefused as error:
            problems = {"name": str(error)}
        else:
            return redirect_to(f"/portal/applications/{application.id}", "saved")
    return _form(page_request, application, name, description, tier, problems)


async def delete_form(page_request: PageRequest) -> web.StreamResponse:
    """Asks first, and says what ends."""
    return page_request.page("delete.html", application=await the_application(page_request))


async def delete(page_request: PageRequest) -> web.StreamResponse:
    """Deletes the application, its keys and all their tokens."""
    application = await the_application(page_request)
    await page_request.fields()
    await page_request.services.applications.delete(application)
    return redirect_to(HOME, "deleted")
