"""`PromptReply`: a future for tasks, and at once for who waits without one."""

from __future__ import annotations

import asyncio

import pytest

from gateway.runtime.prompt_reply import PromptReply


async def test_who_waits_without_a_task_hears_of_a_reply_at_once_and_once() -> None:
    reply = PromptReply[str](asyncio.get_running_loop())
    heard: list[str] = []
    for name in ("first", "second", "third"):
        reply.when_done(lambda name=name: heard.append(f"{name} {reply.result()}"))  # type: ignore[misc]  # a default
    reply.set_result("yes")
    assert heard == ["first yes", "second yes", "third yes"]


async def test_a_task_awaits_a_reply_like_any_future() -> None:
    loop = asyncio.get_running_loop()
    reply, failed = PromptReply[str](loop), PromptReply[str](loop)
    loop.call_soon(reply.set_result, "yes")
    loop.call_soon(failed.set_exception, ValueError("no"))
    assert await reply == "yes"
    with pytest.raises(ValueError, match="no"):
        await failed


async def test_a_cancelled_reply_calls_back_once() -> None:
    reply = PromptReply[None](asyncio.get_running_loop())
    heard: list[bool] = []
    reply.when_done(lambda: heard.append(reply.cancelled()))
    assert reply.cancel()
    assert not reply.cancel()
    assert heard == [True]
