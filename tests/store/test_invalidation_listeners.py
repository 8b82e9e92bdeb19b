from typing import Any

from gateway.store.invalidation_listeners import InvalidationListeners


class Heard:
    def __init__(self) -> None:
        self.words: list[Any] = []

    def on_tracking_on(self) -> None:
        self.words.append("up")

    def on_tracking_off(self) -> None:
        self.words.append("down")

    def on_invalidate(self, message: list[Any]) -> None:
        self.words.append(message)


def test_all_hear_the_same() -> None:
    one, other = Heard(), Heard()
    several = InvalidationListeners(one)
    several.add(other)
    several.on_tracking_on()
    several.on_invalidate([b"invalidate", None])
    several.on_tracking_off()
    assert one.words == other.words == ["up", [b"invalidate", None], "down"]
