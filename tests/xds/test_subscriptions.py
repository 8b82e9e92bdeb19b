"""What an Envoy is told, and when, by the incremental xDS protocol."""

from __future__ import annotations

from gateway.xds.resources import CLUSTER, LISTENER, ROUTES, SECRET, Resources, XdsResource
from gateway.xds.subscriptions import Request, Subscriptions, Update


def resources(**versions: str) -> Resources:
    """`cluster_a="1"`: the cluster `a` in version 1."""
    kinds = {"secret": SECRET, "cluster": CLUSTER, "listener": LISTENER, "routes": ROUTES}
    found: dict[str, dict[str, XdsResource]] = {kind: {} for kind in kinds.values()}
    for key, version in versions.items():
        kind, _, name = key.partition("_")
        found[kinds[kind]][name] = XdsResource({"name": name, "is": version}, version)
    return found


def told(stream: Subscriptions) -> list[tuple[str, list[str], tuple[str, ...]]]:
    return [brief(one) for one in stream.updates()]


def brief(one: Update) -> tuple[str, list[str], tuple[str, ...]]:
    return one.kind, [f"{name}:{found.version}" for name, found in one.resources.items()], one.removed


def take(stream: Subscriptions, kind: str, nonce: int, error: str | None = None) -> bool:
    return stream.hear(Request(kind, nonce=str(nonce), error=error))


def running(**versions: str) -> Subscriptions:
    """A stream of an Envoy that has taken all of these."""
    stream = Subscriptions(resources(**versions))
    stream.hear(Request(CLUSTER))
    stream.hear(Request(LISTENER))
    names = tuple(key.removeprefix("routes_") for key in versions if key.startswith("routes_"))
    stream.hear(Request(ROUTES, names or ("l",)))
    for number in range(1, 5):
        for one in list(stream.updates()):
            take(stream, one.kind, number)
    assert told(stream) == []
    return stream


def test_a_first_request_without_names_is_for_everything_and_is_answered_once() -> None:
    stream = Subscriptions(resources(cluster_a="1", cluster_b="1"))
    assert told(stream) == []
    stream.hear(Request(CLUSTER))
    assert told(stream) == [(CLUSTER, ["a:1", "b:1"], ())]
    assert told(stream) == [], "it has not answered yet"
    assert not take(stream, CLUSTER, 1)
    assert told(stream) == []


def test_routes_are_told_by_name_and_what_is_not_there_is_said_to_be_gone() -> None:
    stream = Subscriptions(resources(routes_a="1", routes_b="1"))
    stream.hear(Request(ROUTES, ("a", "c")))
    assert told(stream) == [(ROUTES, ["a:1"], ())]
    take(stream, ROUTES, 1)
    assert told(stream) == [(ROUTES, [], ("c",))]
    take(stream, ROUTES, 2)
    assert told(stream) == []
    stream.hear(Request(ROUTES, ("b",), ("a",)))
    assert told(stream) == [(ROUTES, ["b:1"], ())]


def test_a_change_goes_out_in_steps_and_what_is_unused_goes_last() -> None:
    stream = running(cluster_old="1", listener_l="1", routes_l="1")
    stream.replace(resources(cluster_new="1", listener_l="1", routes_l="2"))
    assert told(stream) == [(CLUSTER, ["new:1"], ())]
    assert told(stream) == [], "routes wait for their cluster"
    take(stream, CLUSTER, 4)
    assert told(stream) == [(ROUTES, ["l:2"], ())]
    take(stream, ROUTES, 5)
    assert told(stream) == [(CLUSTER, [], ("old",))]


def test_only_what_has_changed_is_told() -> None:
    stream = running(cluster_a="1", cluster_b="1", listener_l="1", routes_l="1")
    stream.replace(resources(cluster_a="1", cluster_b="2", listener_l="1", routes_l="1"))
    assert told(stream) == [(CLUSTER, ["b:2"], ())]


def test_what_is_refused_is_not_told_again_and_what_comes_after_it_waits_for_another_configuration() -> None:
    stream = running(cluster_a="1", listener_l="1", routes_l="1")
    stream.replace(resources(cluster_a="2", listener_l="1", routes_l="2"))
    assert told(stream) == [(CLUSTER, ["a:2"], ())]
    assert take(stream, CLUSTER, 4, "no such thing")
    assert told(stream) == []
    stream.replace(resources(cluster_a="3", listener_l="1", routes_l="2"))
    assert told(stream) == [(CLUSTER, ["a:3"], ())]
    take(stream, CLUSTER, 5)
    assert told(stream) == [(ROUTES, ["l:2"], ())]


def test_a_refusal_of_what_has_been_replaced_since_holds_nothing_up() -> None:
    stream = running(cluster_a="1", listener_l="1", routes_l="1")
    stream.replace(resources(cluster_a="2", listener_l="1", routes_l="1"))
    assert told(stream) == [(CLUSTER, ["a:2"], ())]
    stream.replace(resources(cluster_a="3", listener_l="1", routes_l="1"))
    assert take(stream, CLUSTER, 4, "too late")
    assert told(stream) == [(CLUSTER, ["a:3"], ())]


def test_an_envoy_that_comes_back_is_told_what_it_has_missed() -> None:
    stream = Subscriptions(resources(cluster_a="1", cluster_b="2", listener_l="1"))
    stream.hear(Request(CLUSTER, initial={"a": "1", "b": "1", "c": "1"}))
    assert told(stream) == [(CLUSTER, ["b:2"], ())]
    take(stream, CLUSTER, 1)
    assert told(stream) == [(CLUSTER, [], ("c",))]


def test_a_listener_that_is_gone_is_closed_at_once() -> None:
    stream = running(cluster_a="1", listener_l="1", listener_m="1", routes_l="1")
    stream.replace(resources(cluster_a="1", listener_l="1", routes_l="1"))
    assert told(stream) == [(LISTENER, [], ("m",))]


def test_an_answer_that_is_not_to_the_last_update_says_nothing() -> None:
    stream = Subscriptions(resources(cluster_a="1"))
    stream.hear(Request(CLUSTER))
    assert told(stream)
    assert not take(stream, CLUSTER, 7, "what?")
    assert told(stream) == [], "the update is still to be answered"
