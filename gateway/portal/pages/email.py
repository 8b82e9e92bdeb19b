"""One's own e-mail address: given, confirmed by a link, and what is written to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.accounts.user_mails import MailAddressRefused, UserMails
from gateway.oauth.user_mail import KINDS, LINK_PATH, LONGEST_TOKEN, MailKind
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.account import try_again, wrong_current
from gateway.portal.pages.passkeys import fresh
from gateway.portal.versions import VersionDiffers, choice_check, choice_version
from gateway.translation.text import spoken

PATH = "/portal/account/email"
OFFERED = "email"
"""What of a session is the address that the provider has verified."""


async def show(page_request: PageRequest) -> web.StreamResponse:
    """The address, and what is told there."""
    return await _page(page_request, {})


async def ask(page_request: PageRequest) -> web.StreamResponse:
    """Sends a link to another address."""
    mails, user, fields = _mails(page_request), page_request.user, await page_request.fields()
    text = fields.text("address")
    problems = {}
    if _needs_password(page_request):
        problems["current"] = await wrong_current(page_request, fields.raw("current"))
    if any(problems.values()):
        return await _page(page_request, problems, text, 422)
    try:
        mail = await mails.save(user, text, None, spoken().tag)
    except MailAddressRefused as error:
        return await _page(page_request, {"address": str(error)}, text, 422)
    except TooManyAttempts as error:
        return await _too_many(page_request, error, text)
    return redirect_to(PATH, "mail-asked" if mail.pending_email else "saved")


async def send_again(page_request: PageRequest) -> web.StreamResponse:
    """Sends another link to the address that waits."""
    mails, user = _mails(page_request), page_request.user
    await page_request.fields()
    try:
        mail = await mails.send_again(user, spoken().tag)
    except TooManyAttempts as error:
        return await _too_many(page_request, error)
    return redirect_to(PATH, "mail-asked" if mail.pending_email else "")


async def choose(page_request: PageRequest) -> web.StreamResponse:
    """Sets what is told."""
    mails, user, fields = _mails(page_request), page_request.user, await page_request.fields()
    ticked = fields.ticked("kind")
    chosen = [one for one in KINDS if one in ticked]
    try:
        await mails.save(user, None, chosen, spoken().tag, choice_check(fields.raw("seen")))
    except VersionDiffers:
        return await _page(page_request, {}, status=409, chosen=chosen)
    return redirect_to(PATH, "saved")


async def trust(page_request: PageRequest) -> web.StreamResponse:
    """Takes the address that the provider has verified."""
    mails, user = _mails(page_request), page_request.user
    await page_request.fields()
    if offered := offered_address(page_request):
        await mails.trust(user, offered, spoken().tag)
    return redirect_to(PATH, "mail-confirmed" if offered else "")


async def remove(page_request: PageRequest) -> web.StreamResponse:
    """Forgets the address."""
    mails, user = _mails(page_request), page_request.user
    await page_request.fields()
    await mails.remove(user)
    return redirect_to(PATH, "mail-removed")


async def back(page_request: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to a form."""
    _ = page_request.user
    return redirect_to(PATH)


async def confirm_form(page_request: PageRequest) -> web.StreamResponse:
    """What a link leads to. It shows a button: programs that open the links of mails confirm nothing."""
    mails, token = _mails(page_request), page_request.query("token")
    if not token:
        # Who comes back after the store did not answer sees there how things stand.
        return redirect_to(PATH, page_request.query("done"))
    found = await mails.opened(token)
    status = 200 if found is not None else 410
    return page_request.page("confirm_email.html", status, found=found, token=token[:LONGEST_TOKEN])


async def confirm(page_request: PageRequest) -> web.StreamResponse:
    """Confirms the address. Nobody need be signed in: whoever reads the mailbox has the link."""
    mails, fields = _mails(page_request), await page_request.fields(in_any_session=True)
    if not await mails.confirm(fields.raw("token")):
        return page_request.page("confirm_email.html", 410, found=None, token="")
    if page_request.person is None:
        return redirect_to("/portal/sign-in", "mail-confirmed")
    return redirect_to(PATH, "mail-confirmed")


def offered_address(page_request: PageRequest) -> str:
    """The address that the person's provider has verified at this sign-in; empty: none."""
    offered = page_request.session.get(OFFERED, "")
    return offered if isinstance(offered, str) and page_request.user.provider else ""


def _mails(page_request: PageRequest) -> UserMails:
    found = page_request.services.mails
    if found is None:
        raise PageNotFound
    return found


def _needs_password(page_request: PageRequest) -> bool:
    return not page_request.user.provider and not fresh(page_request)


async def _too_many(page_request: PageRequest, error: TooManyAttempts, text: str = "") -> web.Response:
    await asyncio.sleep(error.delay)
    response = await _page(page_request, {"address": try_again(error)}, text, 429)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _page(
    page_request: PageRequest,
    problems: dict[str, str],
    text: str = "",
    status: int = 200,
    chosen: Sequence[MailKind] | None = None,
) -> web.Response:
    """The page. `chosen`: what was ticked, where that was changed meanwhile."""
    user = page_request.user
    mail = await _mails(page_request).read(user)
    offered = offered_address(page_request)
    return page_request.page(
        "email.html",
        status,
        mail=mail,
        kinds=KINDS,
        chosen=chosen,
        seen=choice_version(mail),
        text=text,
        problems=problems,
        asks_password=_needs_password(page_request),
        offered="" if offered == mail.email else offered,
    )


CONFIRM = LINK_PATH.removeprefix("/portal")
"""The path of the page that a link leads to, beneath the portal."""
