"""Callers may be slow, but not without end."""

from gateway.server.min_data_rate import BodyRateMonitor, MinDataRate, SlowClientMonitor

PATIENCE = MinDataRate(seconds=60, rate=500)


def test_a_body_may_pause_between_its_pieces() -> None:
    body = BodyRateMonitor(PATIENCE)
    for _ in range(100):
        assert body.allowance() == 60
        body.took(59, 50_000)


def test_a_body_in_drops_is_given_up() -> None:
    body = BodyRateMonitor(PATIENCE)
    spent = 0
    while body.allowance() >= 5:
        body.took(5, 1)
        spent += 5
    assert 50 <= spent <= 65


def test_who_reads_nothing_is_given_up() -> None:
    reader = SlowClientMonitor(PATIENCE)
    assert not reader.too_slow(1000, 0)
    assert not reader.too_slow(1000, 60)
    assert reader.too_slow(1000, 61)


def test_who_reads_in_drops_is_given_up_later() -> None:
    reader = SlowClientMonitor(PATIENCE)
    waiting, now = 65_536, 0
    while not reader.too_slow(waiting, now):
        waiting, now = waiting - 10, now + 5
    assert 180 < now < 200


def test_who_keeps_up_is_left_alone_for_ever() -> None:
    reader = SlowClientMonitor(PATIENCE)
    for now in range(0, 100_000, 5):
        assert not reader.too_slow(65_536 - (now % 60) * 800, now)
        if now % 60 == 55:
            reader.drained()


def test_an_empty_buffer_begins_anew() -> None:
    reader = SlowClientMonitor(PATIENCE)
    reader.too_slow(1000, 0)
    reader.too_slow(0, 50)
    assert not reader.too_slow(1000, 61)


def test_what_piles_up_unread_is_no_progress() -> None:
    reader = SlowClientMonitor(PATIENCE)
    assert not reader.too_slow(1000, 0)
    assert reader.too_slow(9000, 61)
