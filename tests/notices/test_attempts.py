"""When notices are sent again, and when they are given up."""

from __future__ import annotations

import pytest

from gateway.notices.attempts import LIFETIME, NoticeAttempt, sent_again
from gateway.store.notices import QueuedNotice


def test_the_pauses_of_a_notice_grow_until_it_is_given_up_after_a_day() -> None:
    notice: QueuedNotice | None = QueuedNotice("msg_1", "{}", 0, 0)
    now, times = 0, []
    while notice is not None:
        notice = sent_again(notice, now)
        if notice is not None:
            assert (notice.id, notice.body, notice.created) == ("msg_1", "{}", 0)
            times.append(notice.due - now)
            now = notice.due
    assert times[:9] == [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 14_400]
    assert sum(times) < LIFETIME < sum(times) + 14_400


@pytest.mark.parametrize(
    ("status", "taken", "gone"),
    [(200, True, False), (204, True, False), (299, True, False), (410, False, True)],
)
def test_only_a_2xx_takes_a_notice_and_410_ends_it(status: int, taken: bool, gone: bool) -> None:
    attempt = NoticeAttempt(status)
    assert (attempt.taken, attempt.gone) == (taken, gone)


@pytest.mark.parametrize("status", [0, 301, 307, 400, 404, 429, 500, 503])
def test_anything_else_is_a_failed_attempt_at_a_notice(status: int) -> None:
    attempt = NoticeAttempt(status)
    assert (attempt.taken, attempt.gone) == (False, False)
    assert str(status) in attempt.words
