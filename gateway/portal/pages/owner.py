"""Who an application belongs to: owners give it to their team or take it back, administrators to anybody."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.applications import ApplicationRefused
from gateway.oauth.application import Application
from gateway.portal.new_owner import new_owner
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.applications import next_teams, the_application
from gateway.portal.versions import VersionDiffers, only_if, owner_version
from gateway.translation.text import gettext


async def show(page_request: PageRequest) -> web.StreamResponse:
    """The form to change the owner."""
    return await _form(page_request, await the_application(page_request, "hand_over"), "", {})


async def change(page_request: PageRequest) -> web.StreamResponse:
    """Gives the application to the user or team that was filled in, by name or id."""
    application = await the_application(page_request, "hand_over")
    fields = await page_request.fields()
    wanted = fields.text("owner")
    try:
        only_if(fields.raw("seen") or None, owner_version(application))
    except VersionDiffers:
        return await _form(page_request, application, wanted, {}, changed=True)
    owner = await new_owner(page_request.services, page_request.user, wanted)
    if owner is None:
        problem = gettext("There is no user with this name or id, and no such team.")
        return await _form(page_request, application, wanted, {"owner": problem})
    try:
        await page_request.services.applications.change_owner(application, owner)
    except ApplicationRefused as error:
        return await _form(page_request, application, wanted, {"owner": str(error)})
    return redirect_to(f"/portal/applications/{application.id}", "owner-changed")


async def _form(
    page_request: PageRequest,
    application: Application,
    owner: str,
    problems: dict[str, str],
    *,
    changed: bool = False,
) -> web.Response:
    teams = await next_teams(page_request, application)
    if not (teams or page_request.user.admin or application.owner != page_request.user.id):
        raise PageNotFound
    return page_request.page(
        "owner.html",
        409 if changed else 422 if problems else 200,
        changed=changed,
        seen=owner_version(application),
        application=application,
        owner=owner,
        teams=teams,
        problems=problems,
    )
