"""One request of a person: who it is, the form it brings, the page it gets."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

import aiohttp_jinja2
from aiohttp import web
from aiohttp_session import Session, get_session, new_session

from gateway.oauth.people import User
from gateway.portal.desk import PortalDesk
from gateway.portal.protection import from_elsewhere
from gateway.web.arrival import HEAD
from gateway.web.token import read_body

MOST_FIELDS = 500
HOME = "/portal/applications"


class SignInNeeded(Exception):  # noqa: N818 (the name says what is to be done)
    """Nobody is signed in."""


class FormRefused(Exception):  # noqa: N818 (as above)
    """A form came from elsewhere, or from a page that has grown old."""


class NotThere(Exception):  # noqa: N818 (as above)
    """There is no such thing, or it is somebody else's."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a person filled in."""

    pairs: tuple[tuple[str, str], ...]

    def has(self, name: str) -> bool:
        """Whether the form had this field."""
        return any(key == name for key, _ in self.pairs)

    def text(self, name: str) -> str:
        """A field's text without spaces around it; empty where it is missing."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """A field's text as it was typed."""
        return next((value for key, value in self.pairs if key == name), "")

    def ticked(self, name: str) -> tuple[str, ...]:
        """The values of the boxes that are ticked."""
        return tuple(dict.fromkeys(value for key, value in self.pairs if key == name and value))


class Visit:
    """A request on its way through a page. Reading a form checks that it is this browser's own."""

    def __init__(self, request: web.Request, desk: PortalDesk, session: Session, person: User | None) -> None:
        self.request = request
        self.desk = desk
        self.session = session
        self.person = person
        """Who is signed in; None: nobody."""

    @classmethod
    async def of(cls, request: web.Request, desk: PortalDesk) -> Visit:
        """The visit that a request is. A session whose password has changed is over."""
        session = await get_session(request)
        person = None
        name = session.get("user") if not session.empty else None
        if isinstance(name, str):
            person = await desk.users.find(name)
            if person is None or session.get("stamp") != stamp(desk, person):
                person = None
                session.invalidate()
        return cls(request, desk, session, person)

    @property
    def user(self) -> User:
        """Who is signed in. Raises SignInNeeded."""
        if self.person is None:
            raise SignInNeeded
        return self.person

    @property
    def address(self) -> str:
        """Where the person is."""
        return self.request[HEAD].peer.address

    def query(self, name: str) -> str:
        """A parameter of the query; empty where it is missing."""
        return self.request.query.get(name, "")

    async def begin_session(self, user: User) -> None:
        """Signs the user in, under a new id: whoever knew the last one knows nothing."""
        self.session = await new_session(self.request)
        self.session["user"] = user.name
        self.session["stamp"] = stamp(self.desk, user)
        self.person = user

    async def fields(self) -> Fields:
        """The form. Raises FormRefused unless it was filled in on a page of this portal, in this browser."""
        if from_elsewhere(self.request):
            raise FormRefused
        body = await read_body(self.request, self.desk.body_timeout)
        try:
            pairs = parse_qsl(body.decode(), True, errors="strict", max_num_fields=MOST_FIELDS)  # noqa: FBT003
        except ValueError:
            raise FormRefused from None
        fields = Fields(tuple((name, value.replace("\0", "")) for name, value in pairs))
        if not self.desk.proof.proves(self._binding(), fields.raw("proof")):
            raise FormRefused
        return fields

    def page(self, template: str, status: int = 200, **content: object) -> web.Response:
        """A page of the portal, with a proof for its forms."""
        proof, binding = self.desk.proof, self._binding()
        value = None
        if binding is None:
            value, binding = proof.new_binding()
        context = {"facts": self.desk.facts, "user": self.person, "proof": proof.tag(binding), **content}
        context.setdefault("done", self.query("done"))
        context["now"] = int(self.desk.clock())
        context["path"] = self.request.path
        response = aiohttp_jinja2.render_template(template, self.request, context, status=status)
        if value is not None:
            proof.give(response, value)
        return response

    def _binding(self) -> str | None:
        identity = None if self.session.empty else self.session.identity
        return self.desk.proof.binding(self.request, identity)


def stamp(desk: PortalDesk, user: User) -> str:
    """Ties a session to the password that it was begun with."""
    return hmac.new(desk.stamp_key, f"{user.key}\n{user.password}".encode(), "sha256").hexdigest()[:32]


def go(path: str, done: str = "") -> web.Response:
    """Sends the browser on; `done` names what the next page says has been done."""
    location = f"{path}?done={quote(done)}" if done else path
    return web.Response(status=303, headers={"Location": location})


Page = Callable[[Visit], Awaitable[web.StreamResponse]]
