from dataclasses import dataclass

import pytest

from gateway.oauth.brute_force import Attempt, LockoutPolicy, counted_address

RULES = LockoutPolicy(pair_limit=3, address_limit=10, first_delay=0.1, longest_delay=1.0)
ATTEMPT = Attempt("token", "shop", "203.0.113.7")
PUBLIC = Attempt("token", "shop", "8.8.8.8")


@dataclass
class Counted:
    pair: int = 0
    address: int = 0
    client: int = 0
    retry_after: int = 0
    succeeded_before: bool = False
    counted: bool = True


def test_a_pair_and_an_address_are_locked_but_never_a_client() -> None:
    assert RULES.locked(Counted(pair=3))
    assert RULES.locked(Counted(address=10))
    assert not RULES.locked(Counted(client=1_000_000, pair=2, address=9))


def test_others_at_the_address_do_not_lock_out_who_has_succeeded_there() -> None:
    assert not RULES.locked(Counted(pair=2, address=1_000, succeeded_before=True))
    assert RULES.locked(Counted(pair=3, address=3, succeeded_before=True)), "his own secret is guessed"


def test_failures_get_slower_up_to_a_bound() -> None:
    delays = [RULES.delay(Counted(pair=n)) for n in range(1, 8)]
    assert delays == sorted(delays)
    assert delays[0] < delays[1]
    assert delays[-1] == 1.0
    assert RULES.delay(Counted(client=10**9)) == 1.0


@pytest.mark.parametrize("elapsed", [0.0, 0.003, 0.199, 0.201, 0.43])
def test_an_answer_goes_out_at_a_multiple_of_the_delay_however_long_the_work_took(elapsed: float) -> None:
    delay = RULES.delay(Counted(pair=1))
    moment = elapsed + RULES.hold(Counted(pair=1), elapsed)
    assert moment > elapsed
    assert moment / delay == pytest.approx(round(moment / delay))


def test_without_a_delay_nothing_is_held() -> None:
    assert LockoutPolicy(first_delay=0.0).hold(Counted(), 0.5) == 0.0


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_address_counts_by_its_64_bit_prefix(address: str, counted: str) -> None:
    assert counted_address(address) == counted


def message(attempt: Attempt, failures: Counted, *, proxies_trusted: bool = True) -> str | None:
    return RULES.lock_message(attempt, failures, proxies_trusted=proxies_trusted)


def test_the_failure_that_begins_a_lock_is_reported_once_with_address_name_and_duration() -> None:
    told = [message(ATTEMPT, Counted(pair=n, address=n, retry_after=42)) for n in range(1, 4)]
    assert told[:2] == [None, None]
    assert told[2] is not None
    assert all(word in told[2] for word in ('"shop"', "203.0.113.7", "42 s"))
    assert message(ATTEMPT, Counted(pair=3, address=9, counted=False)) is None, "locked already"

    address = message(ATTEMPT, Counted(pair=1, address=10, retry_after=42))
    assert address is not None
    assert all(word in address for word in ('"shop"', "203.0.113.7 is locked out", "42 s"))


@pytest.mark.parametrize("private", ["10.1.2.3", "127.0.0.1", "192.168.0.9", "fd00::/64"])
def test_a_private_address_may_be_a_proxy_that_nobody_has_named(private: str) -> None:
    attempt, failures = Attempt("token", "shop", private), Counted(pair=1, address=10)
    hint = "server.trusted_proxies"
    assert hint in (message(attempt, failures, proxies_trusted=False) or "")
    assert hint not in (message(attempt, failures, proxies_trusted=True) or "")
    assert hint not in (message(PUBLIC, failures, proxies_trusted=False) or "")


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "\ud800", "x" * 5000])
def test_a_strange_name_makes_one_short_line_of_plain_characters(name: str) -> None:
    line = message(Attempt("token", name, ""), Counted(pair=3))
    assert line is not None
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 300
