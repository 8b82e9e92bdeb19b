"""A developer's applications: listed, made, changed, deleted."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.applications import ApplicationRefused
from gateway.oauth.application import Application
from gateway.portal.rules import application_problems, offered_tiers
from gateway.portal.visit import HOME, Fields, NotThere, Visit, go

MOST_SHOWN = 200


async def home(visit: Visit) -> web.StreamResponse:
    """The portal's front door."""
    return go(HOME if visit.person is not None else "/portal/sign-in")


async def overview(visit: Visit) -> web.StreamResponse:
    """One's applications; all of them for an administrator."""
    search = visit.query("search")[:100]
    found = await visit.desk.applications.search(visit.user, search)
    return visit.page("applications.html", found=found[:MOST_SHOWN], total=len(found), search=search)


async def the_application(visit: Visit) -> Application:
    """The application that the path names. Raises NotThere for nobody's and for somebody else's."""
    found = await visit.desk.applications.find(visit.user, visit.request.match_info["id"])
    if found is None:
        raise NotThere
    return found


async def new_form(visit: Visit) -> web.StreamResponse:
    """The form for a new application."""
    _ = visit.user
    return _form(visit, None, "", "", "", {})


def _form(
    visit: Visit,
    application: Application | None,
    name: str,
    description: str,
    tier: str,
    problems: dict[str, str],
) -> web.Response:
    return visit.page(
        "application_form.html",
        422 if problems else 200,
        application=application,
        name=name,
        description=description,
        tier=tier,
        tiers=offered_tiers(visit.desk.facts, visit.user, application.tier if application else ""),
        problems=problems,
    )


def _filled(fields: Fields, current: str = "") -> tuple[str, str, str]:
    # Browsers send line breaks as CR LF.
    description = fields.text("description").replace("\r\n", "\n")
    # Where there is nothing to choose, the form has no such field.
    tier = fields.text("tier") if fields.has("tier") else current
    return fields.text("name"), description, tier


async def create(visit: Visit) -> web.StreamResponse:
    """Makes an application."""
    user = visit.user
    name, description, tier = _filled(await visit.fields())
    problems = application_problems(name, description, tier, offered_tiers(visit.desk.facts, user))
    if not problems:
        try:
            made = await visit.desk.applications.create(user, name, description, tier)
        except ApplicationRefused as error:
            problems = {"name": str(error)}
        else:
            return go(f"/portal/applications/{made.id}", "created")
    return _form(visit, None, name, description, tier, problems)


async def show(visit: Visit) -> web.StreamResponse:
    """One application, and what keys it has."""
    application = await the_application(visit)
    services = visit.desk.applications
    return visit.page(
        "application.html",
        application=application,
        production=await services.client(application, "production"),
        sandbox=await services.client(application, "sandbox"),
    )


async def edit_form(visit: Visit) -> web.StreamResponse:
    """The form with what the application is now."""
    one = await the_application(visit)
    return _form(visit, one, one.name, one.description, one.tier, {})


async def edit(visit: Visit) -> web.StreamResponse:
    """Changes name, description and tier."""
    application = await the_application(visit)
    name, description, tier = _filled(await visit.fields(), application.tier)
    tiers = offered_tiers(visit.desk.facts, visit.user, application.tier)
    problems = application_problems(name, description, tier, tiers)
    if not problems:
        try:
            await visit.desk.applications.edit(application, name, description, tier)
        except ApplicationRefused as error:
            problems = {"name": str(error)}
        else:
            return go(f"/portal/applications/{application.id}", "saved")
    return _form(visit, application, name, description, tier, problems)


async def delete_form(visit: Visit) -> web.StreamResponse:
    """Asks first, and says what ends."""
    return visit.page("delete.html", application=await the_application(visit))


async def delete(visit: Visit) -> web.StreamResponse:
    """Deletes the application, its keys and all their tokens."""
    application = await the_application(visit)
    await visit.fields()
    await visit.desk.applications.delete(application)
    return go(HOME, "deleted")
