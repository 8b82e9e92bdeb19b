"""Asks the store about tokens: once for all who want to know of the same token at the same time."""

from __future__ import annotations

from time import monotonic

from gateway.accounts.clients import Clients
from gateway.oauth.model import TokenInfo
from gateway.runtime.lazy_reply import LazyReply, Recipient
from gateway.store import TokenStore
from gateway.tokens.token_cache import TokenCache
from gateway.tokens.token_names import token_name


class StoreQuestions:
    """The questions that are under way. What lives goes into the cache."""

    __slots__ = ("asking", "cache", "clients", "store")

    def __init__(self, store: TokenStore, cache: TokenCache, clients: Clients) -> None:
        self.store = store
        self.cache = cache
        self.clients = clients
        self.asking: dict[str, StoreQuestion] = {}
        """By token."""


class StoreQuestion(LazyReply["TokenInfo | None"]):
    """What the store knows of a token: its facts; None where it is dead, or its client is gone.

    Who asks while another one waits for the same answer hears that one. Cancelling one of them does not
    cancel the question of the others.
    """

    __slots__ = ("_begun", "_callers", "_questions", "_token")

    def __init__(self, questions: StoreQuestions, token: str) -> None:
        self._questions = questions
        self._token = token
        self._callers: list[Recipient] = []

    def ask(self, recipient: Recipient) -> None:
        """Raises StoreUnavailable, or `recipient` gets it."""
        questions, token = self._questions, self._token
        first = questions.asking.get(token)
        if first is not None:
            first._callers.append(recipient)
            return
        self._callers.append(recipient)
        self._begun = monotonic()
        questions.store.ask(token_name(questions.store.names, token), self.note, self)
        questions.asking[token] = self

    # What the store calls.

    def note(self, name: str, facts: TokenInfo, left: float) -> None:
        """The token lives: it is cached."""
        # Counted from the question: however late the answer is, the token lives no longer here than
        # in the store.
        self._questions.cache.put(self._token, name, facts, left - (monotonic() - self._begun))

    def done(self) -> bool:
        """Never before the answer: the cache wants it, though all callers may have gone."""
        return False

    def set_result(self, facts: TokenInfo | None) -> None:
        """The answer is there."""
        callers = self._take_callers()
        # Unless the client was removed.
        held = facts if facts is not None and self._questions.clients.may_hold(facts) else None
        for caller in callers:
            if not caller.done():
                caller.set_result(held)

    def set_exception(self, error: BaseException) -> None:
        """There is none."""
        for caller in self._take_callers():
            if not caller.done():
                caller.set_exception(error)

    def _take_callers(self) -> list[Recipient]:
        """Who is to hear of the answer. They may hold this question, and kept they would be a cycle."""
        del self._questions.asking[self._token]
        callers, self._callers = self._callers, []
        return callers
