"""One set for all who have an equal one."""

from gateway.assembly.shared_sets import SharedSets


def test_equal_sets_are_one() -> None:
    sets = SharedSets()
    assert sets.of(["b", "a"]) is sets.of(("a", "b")) == {"a", "b"}
    assert sets.of(()) is sets.of([]) == frozenset()
    assert sets.of(["a"]) == {"a"}
