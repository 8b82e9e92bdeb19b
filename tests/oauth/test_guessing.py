from dataclasses import dataclass

from gateway.oauth.guessing import GuessingRules

RULES = GuessingRules(pair_limit=3, address_limit=10, first_delay=0.1, longest_delay=1.0)


@dataclass
class Counted:
    pair: int = 0
    address: int = 0
    client: int = 0
    retry_after: int = 0


def test_a_pair_and_an_address_are_shut_out_but_never_a_client() -> None:
    assert RULES.shut_out(Counted(pair=3))
    assert RULES.shut_out(Counted(address=10))
    assert not RULES.shut_out(Counted(client=1_000_000, pair=2, address=9))


def test_failures_get_slower_up_to_a_bound() -> None:
    delays = [RULES.delay(Counted(pair=n)) for n in range(1, 8)]
    assert delays == sorted(delays)
    assert delays[0] < delays[1]
    assert delays[-1] == 1.0
    assert RULES.delay(Counted(client=10**9)) == 1.0
