"""redis-py's options for an address."""

from gateway.store import parse_address
from gateway.store.redis_options import client_options


def test_tls_is_as_the_url_says() -> None:
    address = parse_address("rediss+cluster://u:p@a,b?ssl_ca_certs=ca.pem&ssl_check_hostname=no")
    found = client_options(address, 0.5, username=address.username, password=address.password)
    assert (found["ssl"], found["ssl_ca_certs"], found["ssl_check_hostname"]) == (True, "ca.pem", False)
    assert (found["username"], found["password"], found["socket_timeout"]) == ("u", "p", 0.5)


def test_without_tls_there_is_none() -> None:
    found = client_options(parse_address("redis://a"), 0.5, username=None, password=None)
    assert not any(name.startswith("ssl") for name in found)
