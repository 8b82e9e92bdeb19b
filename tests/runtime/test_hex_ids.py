import os
import re

import pytest

from gateway.runtime.hex_ids import hex_ids


@pytest.mark.parametrize("size", [8, 16])
def test_ids_are_of_their_size_and_all_different(size: int) -> None:
    new_id = hex_ids(size)
    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == len(made)
    assert {len(one) for one in made} == {2 * size}
    assert all(re.fullmatch(r"[0-9a-f]+", one) for one in made)


def test_two_sources_make_different_ids() -> None:
    one, other = hex_ids(16), hex_ids(16)
    assert not {one() for _ in range(300)} & {other() for _ in range(300)}


def test_no_id_is_all_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.urandom
    monkeypatch.setattr(os, "urandom", lambda size: bytes(8) + real(size - 16) + bytes(8))
    new_id = hex_ids(8)
    assert "0" * 16 not in [new_id() for _ in range(600)]
