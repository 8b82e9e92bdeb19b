"""Replies that are asked for when they are wanted, by those who await them and those who are told.

Who awaits needs a coroutine, a future, and what resumes the one with the result of the other. Who is told
needs an object with three methods, which takes a fraction of that.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Generator
from typing import Any, Generic, Protocol, TypeVar

from gateway.runtime.prompt_reply import PromptReply

T = TypeVar("T")


class Recipient(Protocol):
    """What gets a reply: a future, or less where nobody awaits it."""

    def done(self) -> bool:
        """Whether nobody wants the answer any more."""

    def set_result(self, result: Any) -> None:
        """The answer. It must not raise."""

    def set_exception(self, exception: BaseException) -> None:
        """There is none. It must not raise."""


class LazyReply(Generic[T]):
    """A reply that is asked for when, and if, somebody awaits it or has himself told."""

    __slots__ = ()

    @abstractmethod
    def ask(self, recipient: Recipient) -> None:
        """Asks. `recipient` hears of the answer, perhaps before this returns.

        Raises what keeps it from asking.
        """

    def __await__(self) -> Generator[Any, Any, T]:
        reply: PromptReply[T] = PromptReply(asyncio.get_running_loop())
        self.ask(reply)
        return reply.__await__()
