"""Asks all Sentinels at once, with redis-py's client for them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from redis.asyncio.sentinel import Sentinel
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from gateway.store.address import StoreAddress
from gateway.store.questions import Questions
from gateway.store.redis_options import client_options
from gateway.store.sentinel_answers import SentinelAnswer, SentinelCredentials


class Sentinels:
    """The Sentinels of a `store.url`."""

    def __init__(self, address: StoreAddress, credentials: SentinelCredentials, timeout: float) -> None:
        self._service = address.service
        options = client_options(
            address, timeout, username=credentials.username, password=credentials.password
        )
        self._client = Sentinel(list(address.hosts), sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        self._names = [f"{host}:{port}" for host, port in address.hosts]
        self._questions: Questions[SentinelAnswer] = Questions(timeout)

    async def ask(self) -> tuple[list[SentinelAnswer], str]:
        """What those say that answer in time, and otherwise why there is no answer."""
        named = zip(self._names, self._client.sentinels, strict=True)
        answers, problems = await self._questions.ask(self._ask(name, one) for name, one in named)
        return answers, "; ".join(problems) or "no Sentinel answers in time"

    async def _ask(self, name: str, one: Any) -> SentinelAnswer | str:
        try:
            primary = await one.sentinel_get_master_addr_by_name(self._service)
            if primary is None:
                return f"Sentinel {name} knows no primary of this name"
            state = await one.sentinel_master(self._service)
            return SentinelAnswer((_text(primary[0]), int(primary[1])), int(state["config-epoch"]))
        except (ResponseError, AuthenticationError):
            return f"Sentinel {name} refuses the question: store.sentinel has its user and password"
        except (RedisError, OSError, ValueError, KeyError) as error:
            return f"Sentinel {name} can't be asked: {type(error).__name__}"

    async def close(self) -> None:
        """Closes all connections."""
        await self._questions.close()
        with suppress(RedisError, OSError):
            await self._client.aclose()


def _text(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)
