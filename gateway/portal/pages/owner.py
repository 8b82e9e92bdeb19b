"""Who an application belongs to: administrators give it to another user."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.applications import ApplicationRefused
from gateway.oauth.application import Application
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.applications import the_application


async def _application(page_request: PageRequest) -> Application:
    """The application that the path names. Raises PageNotFound for anybody but administrators."""
    if not page_request.user.admin:
        raise PageNotFound
    return await the_application(page_request)


async def show(page_request: PageRequest) -> web.StreamResponse:
    """The form to change the owner."""
    return _form(page_request, await _application(page_request), "", {})


async def change(page_request: PageRequest) -> web.StreamResponse:
    """Gives the application to the user whose name, or id, was filled in."""
    application = await _application(page_request)
    wanted = (await page_request.fields()).text("owner")
    user = await page_request.services.users.find_by_name_or_id(wanted)
    if user is None:
        return _form(page_request, application, wanted, {"owner": "There is no user with this name or id."})
    try:
        await page_request.services.applications.change_owner(application, user)
    except ApplicationRefused as error:
        return _form(page_request, application, wanted, {"owner": str(error)})
    return redirect_to(f"/portal/applications/{application.id}", "owner-changed")


def _form(
    page_request: PageRequest, application: Application, owner: str, problems: dict[str, str]
) -> web.Response:
    status = 422 if problems else 200
    return page_request.page("owner.html", status, application=application, owner=owner, problems=problems)
