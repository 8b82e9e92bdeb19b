"""What one of several servers says is handed on."""

from gateway.store.member_listener import MemberListener


def test_what_a_link_hears_is_handed_on() -> None:
    heard: list[object] = []
    listener = MemberListener(lambda: heard.append("on"), lambda: heard.append("off"), heard.append)
    listener.on_tracking_on()
    listener.on_invalidate([b"invalidate", [b"k"]])
    listener.on_tracking_off()
    assert heard == ["on", [b"invalidate", [b"k"]], "off"]
