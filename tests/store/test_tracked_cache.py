from gateway.store import TrackedCache


def memory(limit: int = 10) -> TrackedCache[str, str]:
    tracked: TrackedCache[str, str] = TrackedCache(limit)
    tracked.on_tracking_on()
    return tracked


def test_keeps_what_was_read_until_one_of_its_keys_changes() -> None:
    tracked = memory()
    tracked.put("a", "1", ["x", "y"])
    tracked.put("b", "2", ["y"])
    tracked.on_invalidate([b"invalidate", [b"other"]])
    assert (tracked.get("a"), tracked.get("b"), tracked.get("c")) == ("1", "2", None)
    tracked.on_invalidate([b"invalidate", [b"x"]])
    assert (tracked.get("a"), tracked.get("b")) == (None, "2")
    tracked.on_invalidate([b"invalidate", [b"y", b"x"]])
    assert tracked.size == 0


def test_what_is_read_again_has_only_its_new_keys() -> None:
    tracked = memory()
    tracked.put("a", "1", ["x"])
    tracked.put("a", "2", ["y"])
    tracked.on_invalidate([b"invalidate", [b"x"]])
    assert tracked.get("a") == "2"


def test_everything_may_have_changed() -> None:
    tracked = memory()
    tracked.put("a", "1", ["x"])
    tracked.on_invalidate([b"invalidate", None])
    assert tracked.get("a") is None


def test_other_messages_are_not_for_it() -> None:
    tracked = memory()
    tracked.put("a", "1", ["x"])
    tracked.on_invalidate([b"message", [b"x"]])
    assert tracked.get("a") == "1"


def test_is_off_and_empty_while_changes_are_not_heard_of() -> None:
    tracked: TrackedCache[str, str] = TrackedCache()
    tracked.put("a", "1", ["x"])
    assert tracked.get("a") is None
    tracked.on_tracking_on()
    tracked.put("a", "1", ["x"])
    tracked.on_tracking_off()
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


def test_the_oldest_make_room_when_the_bytes_are_used_up() -> None:
    tracked: TrackedCache[str, str] = TrackedCache(10, most_bytes=100)
    tracked.on_tracking_on()
    for number in range(5):
        tracked.put(str(number), "x", ["k"], size=40)
    assert [tracked.get(str(number)) for number in range(5)] == [None, None, None, "x", "x"]
    tracked.put("large", "x", ["k"], size=101)
    assert tracked.get("large") is None
    tracked.put("4", "y", ["k"], size=90)
    assert (tracked.get("3"), tracked.get("4"), tracked.size) == (None, "y", 1)
    tracked.forget_all()
    tracked.put("a", "1", ["k"], size=100)
    assert tracked.get("a") == "1"
