"""The facts of refusals: kept within bounds, and read back as they were."""

import pytest

from gateway.telemetry.refusals import MAX_TEXT, PER_SECOND, Refusal, RefusalBuffer

FULL = Refusal(
    "id", 1.5, "GET", "/orders", 403, "900910", "why", route="/orders", client="shop",
    scopes_needed=("a", "b"), scopes_had=("a",), audience_needed="urn:x", configuration="abc",
)  # fmt: skip
SPARSE = Refusal("id", 1.5, "", "", 400, "400", "why")


@pytest.mark.parametrize("refusal", [FULL, SPARSE])
def test_a_refusal_is_read_back_whole(refusal: Refusal) -> None:
    assert Refusal.from_json(refusal.to_json()) == refusal


def test_what_is_empty_takes_no_room() -> None:
    assert (
        SPARSE.to_json() == '{"request_id": "id", "time": 1.5, "status": 400, "code": "400", "reason": "why"}'
    )


def test_texts_of_clients_are_cut() -> None:
    long = Refusal("id", 1.5, "GET", "/" * 9999, 400, "400", "x" * 9999, claimed="c" * 9999)
    read = Refusal.from_json(long.to_json())
    assert {len(read.path), len(read.reason), len(read.claimed)} == {MAX_TEXT}


def test_a_flood_is_counted_and_costs_no_facts() -> None:
    buffer = RefusalBuffer()
    for _ in range(PER_SECOND):
        assert buffer.has_room()
        buffer.keep(SPARSE)
    assert not any(buffer.has_room() for _ in range(7))
    assert buffer.dropped == 7
    assert len(buffer.take()) == PER_SECOND
    assert buffer.has_room()
    buffer.keep(SPARSE)
    assert buffer.take() == [SPARSE]
    assert buffer.dropped == 7
