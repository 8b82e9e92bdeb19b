"""One request of a person: who it is, the form it brings, the page it gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from unicodedata import normalize
from urllib.parse import parse_qsl, quote

import aiohttp_jinja2
from aiohttp import web
from aiohttp_session import Session, get_session, new_session

from gateway.accounts.key_uses import LAST_CALL, LAST_TOKEN, KeyUse
from gateway.audit.actor import acts
from gateway.errors import StoreUnavailable
from gateway.oauth.roles import Right, allows
from gateway.oauth.user import User
from gateway.portal.csrf import from_elsewhere
from gateway.portal.drafts import refilled
from gateway.portal.page_language import here
from gateway.portal.services import PortalServices
from gateway.portal.sessions import SEEN, SEEN_EVERY, cookie_name
from gateway.web.oauth_endpoints import read_body
from gateway.web.request_context import HEAD

MOST_FIELDS = 500
HOME = "/portal/applications"
LONGEST_SEARCH = 100
"""Characters."""
PROOF_HEADER = "X-Portal-Proof"
"""What a page's script proves with that it is the page's."""


class SignInNeeded(Exception):  # noqa: N818 (the name says what is to be done)
    """Nobody is signed in."""


class FormRefused(Exception):  # noqa: N818 (as above)
    """A form came from another site, or its page has expired."""


class OutcomeUnknown(StoreUnavailable):
    """The store did not answer a change, so nobody knows whether it was made."""

    def __init__(self, error: StoreUnavailable, secret: str = "") -> None:
        super().__init__(error.reason, error.retry_after)
        self.secret = secret
        """A secret that is in force if the change was made."""


class PageNotFound(Exception):  # noqa: N818 (as above)
    """There is no such thing, or it is somebody else's."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the gateway has seen of some keys."""

    token: bool
    """Whether a token was issued."""
    call: bool
    """Whether a call got a 2xx."""
    refused: bool
    """Whether a call got a 4xx or 5xx."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a person filled in."""

    pairs: tuple[tuple[str, str], ...]

    def has(self, name: str) -> bool:
        """Whether the form had this field."""
        return any(key == name for key, _ in self.pairs)

    def text(self, name: str) -> str:
        """A field's text without spaces around it, in Unicode's NFC; empty where it is missing."""
        return normalize("NFC", self.raw(name)).strip()

    def raw(self, name: str) -> str:
        """A field's text as it was typed."""
        return next((value for key, value in self.pairs if key == name), "")

    def ticked(self, name: str) -> tuple[str, ...]:
        """The values of the boxes that are ticked."""
        return tuple(dict.fromkeys(value for key, value in self.pairs if key == name and value))


class PageRequest:
    """A request on its way through a page. Reading a form checks that it is this browser's own."""

    def __init__(
        self, request: web.Request, services: PortalServices, session: Session, person: User | None
    ) -> None:
        self.request = request
        self.services = services
        self.session = session
        self.person = person
        """Who is signed in; None: nobody."""
        self.may_write = False
        """Whether a form was accepted, so that something may have been changed since."""
        self._body: bytes | None = None

    @classmethod
    async def of(cls, request: web.Request, services: PortalServices) -> PageRequest:
        """The request with its session. One that was begun before the user's password changed is over, and
        so is one of a provider's person while gateway.yaml does not name that provider.
        """
        session = await get_session(request)
        person = None
        user_id = session.get("user") if not session.empty else None
        if isinstance(user_id, str):
            person = await services.users.get(user_id)
            if (
                person is None
                or session.get("generation") != person.generation
                or (person.provider and services.facts.provider_of(person.provider) is None)
            ):
                person = None
                session.invalidate()
        if person is not None:
            acts(actor_of(person))
            if (now := int(services.clock())) - int(session.get(SEEN, 0)) > SEEN_EVERY:
                # So that it is saved, with when and from where it was used.
                session[SEEN] = now
        return cls(request, services, session, person)

    @property
    def user(self) -> User:
        """Who is signed in. Raises SignInNeeded."""
        if self.person is None:
            raise SignInNeeded
        return self.person

    def may(self, right: Right) -> bool:
        """Whether who is signed in has a right by their role."""
        return self.person is not None and allows(self.person.role, right)

    @property
    def address(self) -> str:
        """Where the person is."""
        return self.request[HEAD].peer.address

    def query(self, name: str) -> str:
        """A parameter of the query; empty where it is missing."""
        return self.request.query.get(name, "")

    @property
    def searched(self) -> str:
        """What a list is searched for, in lower case; empty: nothing."""
        return self.query("search").strip().lower()[:LONGEST_SEARCH]

    async def begin_session(self, user: User) -> None:
        """Signs the user in, under a new id: whoever knew the last one knows nothing."""
        acts(actor_of(user))
        self.session = await new_session(self.request)
        self.session["user"] = user.id
        self.session["generation"] = user.generation
        self.session[SEEN] = int(self.services.clock())
        self.person = user

    def keep(self, response: web.StreamResponse, kind: str, page: str, shown: Mapping[str, object]) -> bool:
        """Has the browser keep what a page shows; False where that is too long."""
        return self.services.shown_once.keep(response, kind, self._owner, page, shown)

    def kept(self, kind: str, page: str) -> dict[str, object] | None:
        """What was kept for this person on this page; None: nothing, or it has ended."""
        shown = self.services.shown_once.read(self.request, kind, self._owner, page)
        ends = shown.get("ends") if shown else None
        return None if isinstance(ends, int) and ends <= self.services.clock() else shown

    def forget(self, response: web.StreamResponse, kind: str, page: str) -> None:
        """Has the browser forget it."""
        self.services.shown_once.forget(response, kind, page)

    @property
    def _owner(self) -> str:
        # Who signs in later, here or elsewhere, is shown nothing of it.
        return f"{self.user.id} {self.session.identity}"

    async def progress(self, client_id: str) -> Progress:
        """What the gateway has seen of some keys in the last month."""
        total = (await self.services.reports.report([client_id], "month")).total
        return Progress(total.tokens[0] > 0, total.statuses[0] > 0, sum(total.statuses[2:]) > 0)

    async def last_uses(self, client_id: str) -> dict[str, KeyUse]:
        """The last token and the last call of some keys."""
        return await self.services.key_uses.read(client_id, (LAST_TOKEN, LAST_CALL))

    def require_proof_of_script(self) -> None:
        """Raises FormRefused unless a script of one of the portal's pages asks.

        Scripts of an API's own pages, which have the same origin, don't know the proof.
        """
        if not self.services.csrf.proves(self._binding(), self.request.headers.get(PROOF_HEADER, "")):
            raise FormRefused

    async def fields(self, *, in_any_session: bool = False) -> Fields:
        """The form. Raises FormRefused unless it was filled in on a page of this portal, in this browser.

        `in_any_session`: of a page that is for everybody. It counts as well where another window of the
        browser has signed somebody in or out since.
        """
        csrf, binding = self.services.csrf, self._binding()

        def is_own(proof: str) -> bool:
            if csrf.proves(binding, proof):
                return True
            before = csrf.binding(self.request, None)
            return in_any_session and (csrf.proves(before, proof) or self._is_of_earlier_session(proof))

        fields = await self._read_form(is_own)
        self.may_write = True
        return fields

    async def fields_of_earlier_session(self) -> Fields:
        """The same of a form that was filled in while a session lasted that has ended since: nothing may be
        changed by it.
        """
        return await self._read_form(self._is_of_earlier_session)

    def _is_of_earlier_session(self, proof: str) -> bool:
        csrf = self.services.csrf
        session_id = self.request.cookies.get(cookie_name(secure=self.services.facts.secure))
        note = self.services.drafts.person_note(self.request)
        return csrf.proves(csrf.binding(self.request, session_id), proof) or csrf.was_of(note, proof)

    async def _read_form(self, is_own: Callable[[str], bool]) -> Fields:
        if from_elsewhere(self.request):
            raise FormRefused
        if self._body is None:
            self._body = await read_body(self.request, self.services.body_timeout)
        body = self._body
        try:
            pairs = parse_qsl(body.decode(), True, errors="strict", max_num_fields=MOST_FIELDS)  # noqa: FBT003
        except ValueError:
            raise FormRefused from None
        fields = Fields(tuple((name, value.replace("\0", "")) for name, value in pairs))
        if not is_own(fields.raw("proof")):
            raise FormRefused
        return fields

    def page(self, template: str, status: int = 200, **content: object) -> web.Response:
        """A page of the portal, with a proof for its forms."""
        proof, binding = self.services.csrf, self._binding()
        value = None
        if binding is None:
            value, binding = proof.new_binding()
        drafts, person = self.services.drafts, self.person
        note = drafts.person_note(self.request, person.id) if person is not None else ""
        tag = proof.tag(binding, note)
        context = {"facts": self.services.facts, "user": person, "proof": tag, **content}
        context.setdefault("done", self.query("done"))
        context["now"] = int(self.services.clock())
        context["path"] = self.request.path
        context["may"] = self.may
        context["here"] = here(self.request)
        draft = drafts.read(self.request, person.id) if person is not None else None
        response = aiohttp_jinja2.render_template(template, self.request, context, status=status)
        if draft is not None:
            told = aiohttp_jinja2.render_string(template, self.request, {**context, "done": "draft"})
            if (filled := refilled(told, draft)) is not None:
                response.text = filled
                drafts.forget(self.request, response)
        if person is not None:
            drafts.note_person(self.request, response, note)
        if value is not None:
            proof.give(response, value)
        return response

    def _binding(self) -> str | None:
        identity = None if self.session.empty else self.session.identity
        return self.services.csrf.binding(self.request, identity)


def actor_of(user: User) -> str:
    """Who acts, for the audit log: the id, which nobody else ever gets, and the name, for people to read."""
    return f"{user.id} {user.name}"


def redirect_to(path: str, done: str = "") -> web.Response:
    """Sends the browser on; `done` names what the next page says has been done."""
    location = f"{path}?done={quote(done)}" if done else path
    return web.Response(status=303, headers={"Location": location})


Page = Callable[[PageRequest], Awaitable[web.StreamResponse]]
