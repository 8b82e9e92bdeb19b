"""Whoever the token speaks for: who it is, and the e-mail address of their own."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.accounts.user_mails import MailAddressRefused, UserMails
from gateway.http.problems import BAD_REQUEST, RATE_LIMITED, Problem, retry_after
from gateway.oauth.team import TEAM_OWNER
from gateway.oauth.user import is_person
from gateway.oauth.user_mail import UserMail
from gateway.portal.api.api_request import CONFLICT, NOT_FOUND, Call
from gateway.portal.api.request_bodies import EmailBody
from gateway.portal.api.responses import answer
from gateway.portal.versions import mail_check, mail_version


async def show(call: Call) -> web.Response:
    """Who the token speaks for: a user, a team's application, or a client of whoever runs the gateway."""
    user, services = call.user, call.services
    if user.id.startswith(TEAM_OWNER):
        own = await services.teams.get(user.id)
        teams = [] if own is None else [{"teamId": own.id, "name": own.name, "role": None}]
    else:
        found = await services.teams.of(user)
        teams = [{"teamId": one.id, "name": one.name, "role": one.role_of(user.id)} for one in found]
    mail = None
    if services.mails is not None and is_person(user.id):
        mail = await services.mails.read(user)
    return answer(
        {
            "userId": user.id,
            "name": user.name,
            "role": user.role,
            "teams": teams,
            "email": None if mail is None else _shape(mail),
        }
    )


async def email(call: Call) -> web.Response:
    """One's e-mail address, and what is told there."""
    return _answered(await _mails(call).read(call.user))


async def save_email(call: Call) -> web.Response:
    """Asks for another e-mail address, which gets a mail with a link, and sets what is told there."""
    mails, body = _mails(call), await call.body(EmailBody)
    check = mail_check(call.if_match)
    if body.address is None and (await mails.read(call.user)).empty:
        raise Problem(CONFLICT, "address: there is none yet.")
    try:
        # No language: the portal's first one, unless the address was given in another one on its pages.
        return _answered(await mails.save(call.user, body.address, body.notices, "", check))
    except MailAddressRefused as error:
        raise Problem(BAD_REQUEST, f"address: {error}") from None
    except TooManyAttempts as error:
        raise Problem(RATE_LIMITED, str(error), headers=retry_after(error.retry_after)) from None


async def delete_email(call: Call) -> web.Response:
    """Removes one's e-mail address, and the one that waits for being confirmed."""
    mails = _mails(call)
    if (await mails.read(call.user)).empty:
        raise Problem(NOT_FOUND)
    await mails.remove(call.user, mail_check(call.if_match))
    return web.Response(status=204)


def _mails(call: Call) -> UserMails:
    """What changes addresses. Raises Problem for programs, which have none, and where nobody has."""
    found = call.services.mails
    if found is None or not is_person(call.user.id):
        raise Problem(NOT_FOUND)
    return found


def _shape(mail: UserMail) -> dict[str, Any]:
    return {
        "address": mail.email or None,
        "pendingAddress": mail.pending_email or None,
        "notices": list(mail.kinds),
    }


def _answered(mail: UserMail) -> web.Response:
    return answer(_shape(mail), ETag=mail_version(mail))
