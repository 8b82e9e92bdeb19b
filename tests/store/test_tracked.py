from gateway.store import Tracked


def memory(limit: int = 10) -> Tracked[str, str]:
    tracked: Tracked[str, str] = Tracked(limit)
    tracked.up()
    return tracked


def test_keeps_what_was_read_until_one_of_its_keys_changes() -> None:
    tracked = memory()
    tracked.put("a", "1", ["x", "y"])
    tracked.put("b", "2", ["y"])
    tracked.push([b"invalidate", [b"other"]])
    assert (tracked.get("a"), tracked.get("b"), tracked.get("c")) == ("1", "2", None)
    tracked.push([b"invalidate", [b"x"]])
    assert (tracked.get("a"), tracked.get("b")) == (None, "2")
    tracked.push([b"invalidate", [b"y", b"x"]])
    assert tracked.size == 0


def test_what_is_read_again_has_only_its_new_keys() -> None:
    tracked = memory()
    tracked.put("a", "1", ["x"])
    tracked.put("a", "2", ["y"])
    tracked.push([b"invalidate", [b"x"]])
    assert tracked.get("a") == "2"


def test_everything_may_have_changed() -> None:
    tracked = memory()
    tracked.put("a", "1", ["x"])
    tracked.push([b"invalidate", None])
    assert tracked.get("a") is None


def test_other_messages_are_not_for_it() -> None:
    tracked = memory()
    tracked.put("a", "1", ["x"])
    tracked.push([b"message", [b"x"]])
    assert tracked.get("a") == "1"


def test_is_off_and_empty_while_changes_are_not_heard_of() -> None:
    tracked: Tracked[str, str] = Tracked()
    tracked.put("a", "1", ["x"])
    assert tracked.get("a") is None
    tracked.up()
    tracked.put("a", "1", ["x"])
    tracked.down()
    assert tracked.get("a") is None
    tracked.put("a", "1", ["x"])
    assert tracked.size == 0


def test_the_oldest_make_room() -> None:
    tracked = memory(limit=2)
    for number in range(5):
        tracked.put(str(number), "x", ["k"])
    assert tracked.size == 2
    assert tracked.get("4") == "x"
    tracked.changed([b"k"])
    assert tracked.size == 0


def test_one_can_be_forgotten_by_name() -> None:
    tracked = memory()
    tracked.put("a", "1", ["x"])
    tracked.forget("a")
    tracked.forget("a")
    assert tracked.size == 0
