from tests.config.example import problems

ROUTES = """\
        routes:
          - {path: /orders, upstream: "http://h", access: request, docs: {title: Orders}}
          - {path: /orders/old, upstream: "http://h", access: request, docs: {title: Orders}}
          - {path: /billing, host: api.example.org, upstream: "http://h", access: request}
          - {path: /open, upstream: "http://h"}
"""


def test_a_client_is_subscribed_to_apis_that_are_there() -> None:
    text = (
        ROUTES
        + """\
        clients:
          - {id: a, secrets: [x], subscriptions: [Orders, api.example.org/billing]}
          - {id: b, secrets: [x], subscriptions: [Order, /open]}
        """
    )
    assert problems(text) == [
        "8:43: clients[1].subscriptions[0]: there is no API of this name with access: request (did you mean "
        "Orders?)",
        "8:50: clients[1].subscriptions[1]: has no effect: no route of this API has access: request",
    ]


def test_who_is_subscribed_is_not_known_without_a_token() -> None:
    text = """\
        routes:
          - {path: /a, upstream: "http://h", auth: none, access: request}
        """
    assert problems(text) == [
        "2:58: routes[0].access: needs tokens, which say whose subscription counts: auth is none"
    ]
