from typing import Any

from gateway.store.listeners import Listeners


class Heard:
    def __init__(self) -> None:
        self.words: list[Any] = []

    def up(self) -> None:
        self.words.append("up")

    def down(self) -> None:
        self.words.append("down")

    def push(self, message: list[Any]) -> None:
        self.words.append(message)


def test_all_hear_the_same() -> None:
    one, other = Heard(), Heard()
    several = Listeners(one)
    several.add(other)
    several.up()
    several.push([b"invalidate", None])
    several.down()
    assert one.words == other.words == ["up", [b"invalidate", None], "down"]
