"""An authority that says when it wants certificates renewed (RFC 9773), which Pebble here does not."""

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

pytest.importorskip("acme", reason="the extra acme is not installed")

from acme import errors, messages

from gateway.acme.attempt import attempt
from gateway.acme.authority import Authority, describe
from gateway.acme.folder import AcmeFolder
from gateway.acme.order import CertificateOrder
from gateway.acme.progress import AcmeProgress

NOW = datetime.now(UTC).timestamp()
START, END = NOW + 86_400, NOW + 90_000


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def directory(authority: trustme.CA) -> Iterator[str]:
    """Answers each question for a certificate with the same window."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            base = f"https://127.0.0.1:{self.server.server_address[1]}"
            times = [datetime.fromtimestamp(time, UTC).isoformat() for time in (START, END)]
            window = {"suggestedWindow": {"start": times[0], "end": times[1]}}
            known = self.path.startswith(("/dir", "/ari/"))
            body = json.dumps({"renewalInfo": f"{base}/ari"} if self.path == "/dir" else window).encode()
            self.send_response(200 if known else 404)
            for name, value in (
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Retry-After", "600"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}/dir"
        server.shutdown()
        thread.join()


def test_the_authority_says_when_to_renew_and_when_to_ask_again(
    authority: trustme.CA, directory: str, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    folder = AcmeFolder(tmp_path)
    folder.create()
    order = CertificateOrder(("a.example.org",), directory, "http-01", ca=str(ca))
    issued = authority.issue_cert("a.example.org")
    file = folder.certificate(order)
    issued.private_key_and_cert_chain_pem.write_to_path(str(file))
    asked = datetime.now(UTC).timestamp()
    suggested, again = Authority(order, folder, lambda: NOW).renewal(file.read_bytes())
    assert suggested is not None
    assert START - 1 <= suggested <= END
    assert asked + 500 < again < asked + 900
    folder.keep(order, AcmeProgress().was_issued(order, NOW))
    found = attempt(order, folder, lambda: NOW, float)
    assert found is not None
    assert found.renew_at is not None
    assert START - 1 <= found.renew_at <= END
    assert asked + 500 < found.next_attempt < asked + 900
    assert folder.progress(order) == found


def test_an_authority_out_of_reach_is_asked_again_later_and_is_no_failure(
    authority: trustme.CA, tmp_path: Path
) -> None:
    folder = AcmeFolder(tmp_path)
    folder.create()
    order = CertificateOrder(("a.example.org",), "https://127.0.0.1:1/dir", "http-01")
    authority.issue_cert("a.example.org").private_key_and_cert_chain_pem.write_to_path(
        str(folder.certificate(order))
    )
    folder.keep(order, AcmeProgress().was_issued(order, NOW))
    found = attempt(order, folder, lambda: NOW, float)
    assert found is not None
    assert (found.failures, found.renew_at, found.next_attempt) == (0, None, NOW + 6 * 3600)
    with folder.only_one():
        assert attempt(order, folder, lambda: NOW, float) is None


def test_failures_are_reported_in_one_line() -> None:
    limited = messages.Error(typ="urn:ietf:params:acme:error:rateLimited", detail="too many")
    assert describe(limited) == "rateLimited: too many"
    assert describe(errors.IssuanceError(limited)) == "rateLimited: too many"
    assert describe(ValueError("a\nb")) == "a b"
    assert describe(KeyError()) == "KeyError"
    assert "longer than 180 s" in describe(errors.TimeoutError())
