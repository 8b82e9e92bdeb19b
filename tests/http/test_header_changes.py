from gateway.http.header_changes import header_changes


def test_what_the_upstream_must_not_see_is_removed() -> None:
    changes = header_changes([(b"X_Client_Id", b"root"), (b"Accept", b"*")], [(b"accept", b"*")])
    assert (changes.removed, changes.set) == ((b"x_client_id",), ())


def test_what_the_gateway_adds_or_changes_is_set_with_all_its_values() -> None:
    came = [(b"cookie", b"a=1; t=2"), (b"x-a", b"1"), (b"x-a", b"2")]
    goes = [(b"cookie", b"a=1"), (b"x-a", b"1"), (b"X-A", b"3"), (b"X-Client-Id", b"shop")]
    changes = header_changes(came, goes)
    assert changes.removed == ()
    assert changes.set == (
        (b"cookie", (b"a=1",)), (b"x-a", (b"1", b"3")), (b"x-client-id", (b"shop",)),
    )  # fmt: skip


def test_framing_and_the_way_of_the_request_are_the_proxys_own() -> None:
    came = [(b"te", b"trailers"), (b"x-forwarded-for", b"1.2.3.4"), (b"host", b"a"), (b"via", b"1.1 x")]
    goes = [(b"Host", b"b"), (b"X-Forwarded-For", b"9.9.9.9"), (b"Via", b"1.1 gatepost")]
    changes = header_changes(came, goes)
    assert (changes.removed, changes.set) == ((), ())
