from collections.abc import Iterable

from gateway.store.invalidated_cache import InvalidatedCache


class Noting(InvalidatedCache):
    """Writes down what it is to forget."""

    def __init__(self) -> None:
        super().__init__()
        self.forgotten: list[object] = []

    def changed(self, keys: Iterable[bytes]) -> None:
        self.forgotten += keys

    def forget_all(self) -> None:
        self.forgotten.append("all")


def test_it_forgets_what_has_changed_and_all_where_the_store_says_so() -> None:
    memory = Noting()
    memory.on_invalidate([b"invalidate", [b"a", b"b"]])
    memory.on_invalidate([b"invalidate", None])
    memory.on_invalidate([b"message", [b"c"]])
    assert memory.forgotten == [b"a", b"b", "all"]


def test_it_is_off_until_it_hears_and_forgets_all_when_it_may_have_missed_something() -> None:
    memory = Noting()
    assert not memory._on
    memory.on_tracking_on()
    assert memory._on
    memory.on_tracking_off()
    assert not memory._on
    assert memory.forgotten == ["all"]
