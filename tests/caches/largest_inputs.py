"""The largest inputs of each cache: what fills it with as many bytes as a key of its size can.

A cache can have several: the text that is long, the text that is many short parts, and so on.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from gateway.accounts.credentials import client_keys
from gateway.accounts.passwords import Passwords
from gateway.accounts.slow_secrets import SlowSecrets
from gateway.http.asking_proxies import AskingProxies
from gateway.http.edge_header import EdgeHeader
from gateway.http.exchange import NOBODY, RequestHead
from gateway.http.forwarded import TrustedProxies, direct_peer, read_node, trust
from gateway.http.forwarding_headers import (
    identity_header_lines,
    identity_headers,
    nominees,
    request_headers,
    response_headers,
)
from gateway.http.header_fields import parse_header_lines
from gateway.http.request_head import valid_host
from gateway.http.responses import date_header, reason_phrase
from gateway.http.route import Canary
from gateway.issuers.client_key_sets import ClientKeySets
from gateway.issuers.result_cache import ResultCache
from gateway.jose.jwk import encode
from gateway.jose.jws import MAX_LENGTH, read_parts
from gateway.jose.signing_key import make_key
from gateway.limits.lease_table import LeaseTable
from gateway.limits.rate_bucket import Window
from gateway.limits.subject import address_subject
from gateway.oauth.bearer import AuthError
from gateway.oauth.brute_force import Attempt, LockoutPolicy, counted_address
from gateway.oauth.caller_facts import AssertionRules
from gateway.oauth.certificate import has_key, has_subject
from gateway.oauth.certificate_subject import subject_name
from gateway.oauth.client_auth import client_secret_basic
from gateway.oauth.dpop import ProofError, judge_proof
from gateway.oauth.errors import OAuthError
from gateway.oauth.form import MEDIA_TYPE as FORM
from gateway.oauth.form import Form, parse_form, parse_parameters
from gateway.oauth.grants import Grant
from gateway.oauth.model import Client, Secret, TokenInfo
from gateway.oauth.networks import is_inside
from gateway.oauth.opaque_tokens import LENGTH, PREFIX, OpaqueTokens
from gateway.oauth.scope import parse_scope
from gateway.oauth_flows.grant_cache import GrantCache, grant_key
from gateway.process.access_log_format import detailed_line, json_line
from gateway.proxy.challenges import prepared_challenge
from gateway.proxy.question_cache import question_reader
from gateway.proxy.request_cache import CachedRequest, request_reader
from gateway.proxy.response_rendering import head_for_plugins, render_cached
from gateway.proxy.route_table import RouteTable
from gateway.proxy.simple_request import MOST_HEADERS, parse_simple_head, parse_simple_request
from gateway.store.address import parse_address
from gateway.store.clients import ClientStore, client_record_name
from gateway.store.failed_attempts import FailedAttemptStore
from gateway.store.key_names import KeyNames
from gateway.store.redis_connection import RedisConnection
from gateway.store.token_record import read_token_info, write_token_info
from gateway.store.tokens import TokenStore
from gateway.telemetry.access_entry import DetailedEntry
from gateway.telemetry.metrics import Telemetry
from gateway.tokens.backend_assertions import BackendAssertions
from gateway.tokens.issue_plans import IssuePlans
from gateway.tokens.jwt_tokens import JwtFormat
from gateway.tokens.token_cache import TokenCache
from gateway.tokens.token_issuer import ReusableToken, ReusableTokenCache, reuse_key
from gateway.upstream.simple_response import read_plain
from gateway.web.known_token_requests import KnownTokenRequests
from gateway.web.overload_guard import refusable_request
from plugins.ip_filter import IpFilter
from tests.certificates import Certificate
from tests.plugins.exchanges import exchange, made
from tests.proxy.routing import route
from tests.record_keys import MAC
from tests.services import Clock
from tests.tokens.test_jwt_tokens import CLAIMS, HEADER, jwt, ours, tokens

Fill = Callable[[int, int], object]
"""Puts the input of that number, which no other number has, into a cache: of so many bytes, or fewer."""
New = Callable[[], Fill]


@dataclass(frozen=True, slots=True)
class Input:
    """One kind of input, for a cache of its own."""

    new: New
    count: int = 0
    """How many are more than fit. 0: more than the cache has entries."""


FROM_THE_CONFIGURATION = frozenset(
    {
        "common passwords",
        "installed plugins",
        "static files of the portal",
        "telemetry of the process",
        "writers of log lines",
    }
)
"""Nothing that a client sends is a key of these."""


def text(number: int, size: int, fill: str = "a") -> str:
    return f"{number:08d}".ljust(size, fill)[: max(size, 8)]


def words(number: int, size: int, separator: str = " ") -> str:
    """As many short words as fit, which no other number has: each takes more memory than its text."""
    return separator.join(f"{number:x}.{place:x}" for place in range(size // 3))[:size].rpartition(separator)[
        0
    ]


def once(fill: Fill) -> New:
    return lambda: fill


# Requests and responses.


def many_headers(number: int, size: int, *first: bytes) -> bytes:
    """A header block with as many headers as a simple request has, no header like that of another number."""
    lines = [b"Host: a", *first]
    count = MOST_HEADERS - len(lines)
    value = b"b" * max(0, (size - sum(len(line) + 2 for line in lines)) // count - 13)
    lines += [b"x%02x%05x: %s" % (place, number, value + b"c") for place in range(count)]
    return b"\r\n".join(lines) + b"\r\n"


def long_header(number: int, size: int, *first: bytes) -> bytes:
    start = b"\r\n".join([b"Host: a", *first, b"X: "])
    return start + text(number, size - len(start) - 2).encode() + b"\r\n"


BEARER = b"Authorization: Bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


def head_of(block: bytes, target: bytes = b"/a") -> bytes:
    return b"GET %s HTTP/1.1\r\n%s\r\n" % (target, block)


def head_with_segments(number: int, size: int) -> bytes:
    """Many short segments in the path."""
    block = b"Host: a\r\n" + BEARER + b"\r\n"
    return head_of(block, b"/a/" + words(number, size - len(block) - 30, "/").encode())


def head_with_encoded_path(number: int, size: int) -> bytes:
    """Two bytes a character, where a segment has one that is not in Latin-1."""
    block = b"Host: a\r\n" + BEARER + b"\r\n"
    return head_of(block, b"/a/%E2%82%AC" + text(number, size - len(block) - 40).encode())


def reader(head: Fill) -> New:
    """Reads heads by a route with a canary, and by one that passes tokens on: each has heads of its own."""

    def new() -> Fill:
        canary = Canary(route("/a", forward_token=True), 50)
        read = request_reader(RouteTable([route("/a", forward_token=True, canary=canary)]))

        def fill(number: int, size: int) -> None:
            found = read(head(number, size))  # type: ignore[arg-type]
            if found is not None:
                use(found)

        return fill

    return new


def use(cached: CachedRequest) -> None:
    """What a request leaves in its cached head: who sent it, what was looked for, and its identity lines."""
    head = cached.head_from(direct_peer("2001:db8::1", "https"))
    for name in (b"authorization", b"dpop", b"origin", b"accept", b"traceparent"):
        head.values(name)
    sent = exchange()
    sent.request, sent.token = head, TokenInfo("demo", ("a",), (), "demo", 0, 1, "g")
    cached.render_upstream_head(cached.upstream, sent)


def bearer(shape: Callable[..., bytes]) -> Fill:
    return lambda number, size: head_of(shape(number, size - 20, BEARER))


def bearers(number: int, size: int) -> bytes:
    """Heads that differ in the token alone: each has its own place, beside the template of all."""
    return head_of(many_headers(0, size - 64, b"Authorization: Bearer %032d" % number))


HEADS = tuple(
    reader(head)
    for head in (
        bearer(many_headers),
        bearer(long_header),
        head_with_segments,
        head_with_encoded_path,
        bearers,
    )
)


def question_of(head: Fill) -> Fill:
    """The same head as a question of Envoy's about that request."""
    return lambda number, size: head(number, size - 12).replace(b"GET /", b"GET /auth/verify/", 1)  # type: ignore[attr-defined]  # a head


def asked(head: Fill) -> New:
    def new() -> Fill:
        read = question_reader(RouteTable([route("/a")]), (b"/auth/verify",))
        proxies = AskingProxies(TrustedProxies(["10.0.0.1"]))
        connection = direct_peer("10.0.0.1", "https")

        def fill(number: int, size: int) -> None:
            found = read(head(number, size))  # type: ignore[arg-type]
            request = None if found is None else found.request_from(connection, proxies)
            for name in (b"authorization", b"dpop", b"origin", b"accept", b"traceparent") if request else ():
                request.values(name)

        return fill

    return new


QUESTIONS = tuple(
    asked(question_of(head))
    for head in (
        bearer(many_headers),
        bearer(long_header),
        head_with_segments,
        head_with_encoded_path,
        bearers,
    )
)


def block(shape: Callable[..., bytes]) -> New:
    return once(lambda number, size: parse_simple_head(head_of(shape(number, size))))


def response(shape: Callable[..., bytes]) -> New:
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"

    def fill(number: int, size: int) -> object:
        found = read_plain(start + shape(number, size - len(start) - 2) + b"\r\n")
        if found is None:
            return None
        render_cached(found[0], (), [], keep_alive=True)
        return head_for_plugins(found[0], (), [])

    return once(fill)


def request(*headers: tuple[bytes, bytes], **changes: Any) -> RequestHead:
    return replace(RequestHead("GET", b"/", b"/", (), None, "a", headers, NOBODY), **changes)


def long_identity(number: int, size: int) -> tuple[RequestHead, TokenInfo]:
    each = text(number, (size - len(NOBODY.scheme)) // 4)
    peer = replace(NOBODY, forwarded_for=each.encode())
    return request(peer=peer, host=each), TokenInfo(each, (), (), "", 0, 0, "g", user=each.replace("a", "%"))


def many_scopes(number: int, size: int) -> tuple[RequestHead, TokenInfo]:
    scopes = tuple(f"{number:x}.{place:x}" for place in range((size - 20) // 56))
    return request(), TokenInfo("demo", scopes, (), "", 0, 0, "g")


def log_line(number: int, size: int) -> object:
    path = text(number, size - 8).encode()[:8] + b"\xff" * (size - 16)
    return json_line("now", ("2001:db8::1", "GET", path, 200, 1, 0.1, "route", text(number, 8), "id"))


def detailed_log_line(number: int, size: int) -> object:
    entry = ("2001:db8::1", "POST", b"/token", 200, 1, 0.1, "/token", "demo", "id")
    return detailed_line("json", "now", DetailedEntry(entry, (("grant", text(number, size)),)))


def addresses_of_ip_filter() -> Fill:
    plugin, sent = made(IpFilter, deny=["10.0.0.0/8"]), exchange()

    def fill(number: int, size: int) -> None:
        peer = replace(sent.request.peer, address=ipv6(number, size))
        sent.request = replace(sent.request, peer=peer)
        plugin.on_request(sent)

    return fill


def ipv6(number: int, size: int) -> str:
    """Any text may stand behind the percent sign of an address (RFC 4007)."""
    return f"2001:db8::{number >> 16:x}:{number & 0xFFFF:x}%".ljust(size, "a")


def peer_at_the_edge(number: int, size: int) -> object:
    """With a certificate of which most is base64, percent-encoded as little as can be."""
    start, end = b"-----BEGIN%20CERTIFICATE-----", b"-----END%20CERTIFICATE-----"
    told = b"https HTTP/2 2001:db8::%x:%x " % (number >> 16, number & 0xFFFF)
    length = (size - len(told) - len(start) - len(end)) // 4 * 4
    head = EdgeHeader("x-edge").take(
        b"GET / HTTP/1.1\r\nx-edge: %s%s%s%s\r\n\r\n" % (told, start, b"A" * length, end)
    )
    return head[0]


def trusted_addresses() -> Fill:
    trusted = trust(["10.0.0.0/8"])
    return lambda number, size: trusted(ipv6(number, size))


# Clients and what they bring.


def basic(number: int, size: int) -> object:
    """Both halves encoded: the raw secret is kept beside the decoded one."""
    credentials = f"{number:08d}:" + "%2B" * (((size - 6) // 4 * 3 - 9) // 3)
    value = b"Basic " + base64.b64encode(credentials.encode())
    return client_secret_basic(SimpleNamespace(authorization=(value,), form=Form({}), certificate=None))


def malformed_basic(number: int, size: int) -> object:
    value = b"Basic " + text(number, size - 6, "!").encode()
    try:
        return client_secret_basic(SimpleNamespace(authorization=(value,), form=Form({}), certificate=None))
    except OAuthError:
        return None


def _jws(header: str) -> None:
    read_parts(".".join(encode(part.encode()) for part in (header, "{}", "signature")))


def header_of_many_members(number: int, size: int) -> None:
    room = min(size, MAX_LENGTH - 100) // 4 * 3
    members = ",".join(f'"{number:x}{place:03x}":9' for place in range(room // 4))
    _jws("{" + members[: room - 2].rpartition(",")[0] + "}")


def header_of_lists(number: int, size: int) -> None:
    room = min(size, MAX_LENGTH - 100) // 4 * 3
    lists = "[]," * ((room - 20) // 3)
    _jws(f'{{"{number:x}":[{lists}[]]}}')


def known_token_requests() -> Fill:
    """With many headers, and a secret that is kept in both spellings."""
    known = KnownTokenRequests()

    def fill(number: int, size: int) -> None:
        credentials = b"Basic " + base64.b64encode(b"%08d:" % number + b"%2B" * 20)
        form = f"grant_type=client_credentials&scope={words(number, 100, '+')}"
        first = (b"Authorization: " + credentials, b"Content-Length: %d" % len(form))
        start = b"POST /token HTTP/1.1\r\n"
        data = (
            start + many_headers(number, size - len(start) - len(form) - 2, *first) + b"\r\n" + form.encode()
        )
        request = parse_simple_request(data)
        if request is None:
            return
        brings = SimpleNamespace(authorization=(credentials,), form=Form({}), certificate=None)
        proof = client_secret_basic(brings)
        assert proof is not None
        known.put(data, request, parse_parameters(form), proof)

    return fill


@cache
def certificate_with_names(size: int) -> tuple[bytes, int]:
    """A certificate with as many names as fit, and where its serial number ends."""
    authority = Certificate("CN=Clients", authority=True)
    names = tuple(x509.DNSName(f"{place:x}") for place in range(max(1, (size - 600) // 5)))
    made = Certificate("CN=shop", names=names, issuer=authority)
    der = made.der
    number = made.certificate.serial_number
    serial = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return der, der.index(serial) + len(serial)


def certificate_der(number: int, size: int) -> bytes:
    der, end = certificate_with_names(size)
    return der[: end - 4] + number.to_bytes(4, "big") + der[end:]


def certificate(number: int, size: int) -> object:
    return has_subject(certificate_der(number, size - 20), "san_dns", "shop.example")


def key_of_certificate(number: int, size: int) -> object:
    return has_key(certificate_der(number, size), ())


def not_a_certificate(number: int, size: int) -> object:
    return has_key(text(number, size).encode(), ())


def as_jwk(number: int) -> dict[str, str]:
    """A key of 32 bytes, which is soon made."""
    raw = ed25519.Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big")).public_key()
    x = base64.urlsafe_b64encode(raw.public_bytes_raw()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


KEYS = [as_jwk(number) for number in range(16)]


def key_sets(number: int, size: int) -> object:
    return client_keys(json.dumps({"keys": KEYS, "a": text(number, size - 1600)}))


def rsa_key_sets(number: int, size: int) -> object:
    """Moduli of 2,048 bits, which nobody has to factor."""
    keys = [rsa_key(number, place) for place in range(min(size // 400, 16))]
    return client_keys(json.dumps({"keys": keys}))


def rsa_key(number: int, place: int) -> dict[str, str]:
    n = (b"\xc0" + number.to_bytes(4, "big") + bytes([place])).ljust(255, b"\x01") + b"\x01"
    return {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(n).rstrip(b"=").decode()}


def proof_with_key(number: int, size: int) -> object:
    """A proof whose signature is wrong. RSA keys take the most memory."""
    members = {"typ": "dpop+jwt", "alg": "RS256", "jwk": rsa_key(number, 0) | {"kid": ""}}
    members["jwk"]["kid"] = "a" * (3 * size // 4 - len(json.dumps(members)) - 2)  # type: ignore[index]
    head = base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=")
    with suppress(ProofError):
        judge_proof([head + b".e30.AAAA"], method="GET", uri="https://a.example/", now=1.0)
    return None


class KeysFrom:
    """A server with the keys of each client."""

    def __init__(self, keys: Callable[[int], list[dict[str, str]]]) -> None:
        self.keys = keys

    async def get(self, url: str) -> bytes:
        return json.dumps({"keys": self.keys(int(url)), "a": "a" * 10_000}).encode()

    async def post(self, url: str, form: dict[str, str], login: tuple[str, str]) -> bytes:
        raise AssertionError


def fetched(keys: Callable[[int], list[dict[str, str]]]) -> Fill:
    server = KeysFrom(keys)
    sets = ClientKeySets(server, server)
    return lambda number, size: asyncio.run(sets.keys(Client("a", jwks_uri=str(number)), None))


def fetched_key_sets() -> Fill:
    return fetched(lambda number: [{**KEYS[place % 16], "kid": f"{number}-{place}"} for place in range(100)])


def fetched_rsa_key_sets() -> Fill:
    return fetched(lambda number: [{**rsa_key(number, place), "kid": f"{place}"} for place in range(100)])


class OneAnswer:
    """A store that answers every command alike."""

    def __init__(self) -> None:
        self.answer: Any = None

    async def execute(self, *command: object, decode: Callable[[Any], Any]) -> Any:
        return decode(self.answer)

    async def script(self, script: object, keys: object, args: object, decode: Callable[[Any], Any]) -> Any:
        return decode(self.answer)


def run(coroutine: Coroutine[Any, Any, object]) -> None:
    """Runs what waits for nothing."""
    with suppress(StopIteration):
        coroutine.send(None)


def client_records(scopes: Callable[[int], list[str]]) -> New:
    def new() -> Fill:
        link = OneAnswer()
        clients = ClientStore(link, None, KeyNames("p:"), MAC)  # type: ignore[arg-type]
        clients.known.on_tracking_on()

        def fill(number: int, size: int) -> None:
            client_id = text(number, size)
            record = json.dumps(
                {"secrets": [], "enabled": True, "scopes": scopes(number)}, separators=(",", ":")
            )
            link.answer = MAC.sign(client_record_name(KeyNames("p:"), client_id), record).encode()
            run(clients.get(client_id))

        return fill

    return new


def failed_attempts() -> Fill:
    link = OneAnswer()
    link.answer = [10_000, 10_000, 10_000, 50_000, 1, 0, 50_000]
    store = FailedAttemptStore(link, KeyNames("gatepost:"))  # type: ignore[arg-type]
    store.counts.on_tracking_on()
    return lambda number, size: run(
        store.read(Attempt("token", text(number, size, "\U0001f600"), f"2001:db8:{number:x}::/64"), RULES)
    )


RULES = LockoutPolicy(60, 10, 50)


def proven_secrets() -> Fill:
    """Each is known by a digest, whatever its size."""
    slow = SlowSecrets(Passwords(), None)
    secret = Secret(b"", foreign="$pbkdf2-sha256$i=1$$" + "A" * 43)
    return lambda number, size: run(slow.remember(Client("a"), secret, text(number, size)))


# Tokens.


def facts(number: int, size: int) -> TokenInfo:
    """What a token of `size` bytes can say: many short scopes."""
    scopes = tuple(f"{number:x}.{place:x}" for place in range(size // 10))
    bound, user = {"jkt": f"{number:043d}"}, f"user {number}"
    return TokenInfo(
        f"client {number}", scopes, (), f"sub {number}", 0, 2**40, "g", user=user, user_id=user, cnf=bound
    )


def token_records(token_size: int, facts_size: int) -> New:
    def new() -> Fill:
        records = TokenCache(KeyNames("gatepost:"), Clock())
        records.on_tracking_on()

        def fill(number: int, size: int) -> None:
            found = read_token_info(write_token_info(facts(number, facts_size)).encode())
            assert found is not None
            records.put(text(number, token_size), f"{number:043d}", found, 9.0)

        return fill

    return new


def issuer_results(token_size: int, facts_size: int) -> New:
    def new() -> Fill:
        results = ResultCache(Clock())
        return lambda number, size: results.put(text(number, token_size), facts(number, facts_size), 2**40)

    return new


def issuer_refusals() -> Fill:
    results = ResultCache(Clock())
    return lambda number, size: results.put_refused(text(number, 8000), 2**40, "it has expired")


def signatures() -> Fill:
    by = tokens()
    return lambda number, size: ours(jwt(HEADER, {**CLAIMS, "n": number}, signature=b"x"), by)


class Signer:
    """Signs nothing."""

    kid, algorithm = "a", "ES256"

    async def signer(self) -> Signer:
        return self

    def sign(self, data: bytes) -> bytes:
        return b"s" * 64


def assertions() -> Fill:
    async def nothing(name: str) -> None:
        return None

    made = BackendAssertions(Signer(), "https://gw", Clock(), nothing, nothing)  # type: ignore[arg-type]
    rules = AssertionRules("/", "", 60)
    return lambda number, size: run(
        made.made(replace(facts(number, 10), user=text(number, size - 200)), rules)
    )


def reusable() -> Fill:
    live = ReusableTokenCache()
    live.on_tracking_on()
    return lambda number, size: live.put(
        f"{number:032x}",
        ReusableToken(text(number, size), f"{number:043d}", 2.0**40 + number),
        [f"gatepost:{{{number:022x}}}:reuse:{number:032x}", f"gatepost:clients:generation:{number:032x}"],
    )


def reuse(number: int, size: int) -> object:
    scopes = tuple(f"{number:x}.{place:x}" for place in range((size - 20) // 57))
    return reuse_key(Client("demo", scopes=()), "g", Grant("demo", scopes, (), lifetime=60))


def reuse_for_audiences(number: int, size: int) -> object:
    """A form has at most 64 parameters, and so many resources."""
    audiences = tuple(f"a:{number:x}.{place:x}" for place in range(64))
    return reuse_key(Client("demo", scopes=()), "g", Grant("demo", (), audiences, lifetime=60))


def grants() -> Fill:
    """Of clients that were changed since: nothing else has their scopes any more."""
    kept = GrantCache()

    def fill(number: int, size: int) -> None:
        scopes = tuple(f"{number:x}{place:x}" for place in range(900))
        client = Client("demo", scopes=scopes)
        form = Form({"scope": text(number, size - len("demo") - 1)})
        key = grant_key(client, "g", form, ("scope",))
        if key is not None:
            kept.put(key, client, Grant("demo", ("default", *scopes), (), 60))

    return fill


def issue_plans(facts: Callable[[int, int], dict[str, Any]]) -> New:
    """`facts` of a grant, of that size with what else is in the key."""

    def new() -> Fill:
        link = RedisConnection(parse_address("redis://127.0.0.1:1"))  # it is never connected to
        plans = IssuePlans(TokenStore(link, KeyNames("p:"), MAC))
        form = JwtFormat(make_key("EdDSA"), "https://gateway.example", "https://api.example", bytes)
        client = Client("demo", secrets=(Secret(b"s" * 32),) * 10, credential_digests=("a" * 64,) * 10)

        def fill(number: int, size: int) -> object:
            grant = Grant("demo", lifetime=60, **{"scopes": (), "audience": (), **facts(number, size)})
            return plans.find(client, "g", grant, {}, form)

        return fill

    return new


def scopes_of_records(number: int, size: int) -> object:
    record = {"client": "a", "scope": words(number, size), "iat": 0, "exp": 1}
    return read_token_info(json.dumps(record).encode())


def records_without_times(record: dict[str, object]) -> Fill:
    def fill(number: int, size: int) -> object:
        tail = json.dumps(record | {"sub": f"{number}"}, separators=(",", ":"))[1:].encode()
        start = b'{"client":"a","iat":1,"exp":2,'
        return read_token_info(start + tail)

    return fill


# Many small texts take more memory than one that is long.
RECORDS = (
    {"aud": [f"{place:x}" for place in range(100)]},
    {"extra": {f"{place:x}": "" for place in range(60)}},
    {"user": "a" * 400},
)


def limiter(subject: Callable[[int, int], str]) -> New:
    def new() -> Fill:
        table, window = LeaseTable(), Window(5, 60.0)

        def fill(number: int, size: int) -> None:
            bucket = table.find("limit", subject(number, size), window, 1.0)
            table.take(bucket, 1.0, away=True)
            batch = table.batch(2.0) if number % 256 == 0 else []
            table.failed(batch, 2.0)

        return fill

    return new


def series() -> Fill:
    telemetry = Telemetry()
    return lambda number, size: telemetry.request(text(number, 64), "GET", 200, 0.1)


def challenges(number: int, size: int) -> object:
    to = route(f"/{number}", scope_text=text(number, 100), metadata_url=f"https://g/{number:0100d}")
    challenge = prepared_challenge(AuthError.SCOPE, to, "gatepost")
    return challenge.message(challenge.body("id"), [], keep_alive=False, now=float(number))


def forged_tokens() -> Fill:
    tokens = OpaqueTokens((b"k" * 32,), secrets.token_bytes)

    def fill(number: int, size: int) -> None:
        tokens.has_valid_tag(PREFIX + text(number, LENGTH - len(PREFIX)))

    return fill


FILLS: dict[str, tuple[New | Input, ...]] = {
    "subjects of certificates": (
        once(lambda number, size: subject_name(f"L={text(number, size - 2)}")),
        once(
            lambda number, size: subject_name(",".join(["C=DE"] * ((size - 14) // 5)) + f",CN={number:08d}")
        ),
    ),
    "matches of certificates and subjects": (once(certificate),),
    "keys of client certificates": (once(not_a_certificate), once(key_of_certificate)),
    "forged tokens": (forged_tokens,),
    "Basic credentials": (once(basic), once(malformed_basic)),
    "token requests": (known_token_requests,),
    "grants of clients": (grants,),
    "tokens issued alike": (
        issue_plans(lambda number, size: {"scopes": (text(number, size - 450),)}),
        issue_plans(lambda number, size: {"scopes": tuple(f"{number:x}.{place:x}" for place in range(25))}),
        issue_plans(lambda number, size: {"extra": {"claims": f'{{"a":"{text(number, size - 550)}"}}'}}),
    ),
    "content types of forms": (
        once(lambda number, size: parse_form(f"{FORM};{text(number, size - len(FORM) - 1)}", b"")),
    ),
    "addresses as subjects of limits": (
        once(lambda number, size: address_subject(text(number, size))),
        once(lambda number, size: address_subject(ipv6(number, size))),
    ),
    "addresses that attempts are counted under": (
        once(lambda number, size: counted_address(text(number, size))),
        once(lambda number, size: counted_address(ipv6(number, size))),
    ),
    "response heads": (response(many_headers), response(long_header)),
    "Date headers": (once(lambda number, size: date_header(number)),),
    "reason phrases": (once(lambda number, size: reason_phrase(number)),),
    "header lines": (
        once(lambda number, size: parse_header_lines(f"x: {text(number, size - 3)}\r\n".encode())),
        once(lambda number, size: parse_header_lines(f"{text(number, size - 2)}: \r\n".encode())),
    ),
    "hosts": (
        once(lambda number, size: valid_host(text(number, size).encode())),
        once(lambda number, size: valid_host(text(number, size, "?").encode())),
    ),
    "trusted addresses": (trusted_addresses,),
    "peers at the edge": (once(peer_at_the_edge),),
    "peers": (once(lambda number, size: direct_peer(ipv6(number, 64), "https")),),
    "addresses of hops": (
        once(lambda number, size: read_node(text(number, size))),
        once(lambda number, size: read_node(ipv6(number, size))),
    ),
    "names of request headers": (
        once(lambda n, size: request_headers(request((text(n, size).encode(), b"")), forward_token=False)),
    ),
    "names of response headers": (
        once(lambda number, size: response_headers([(text(number, size).encode(), b"")])),
    ),
    "values of Connection": (
        once(lambda number, size: nominees(words(number, size, ",").encode())),
        once(lambda number, size: nominees(text(number, size).encode())),
    ),
    "identity headers": tuple(
        once(lambda number, size, of=of: identity_headers(of(number, size)[0], "1", of(number, size)[1]))
        for of in (long_identity, many_scopes)
    ),
    "lines of identity headers": tuple(
        once(lambda number, size, of=of: identity_header_lines(*of(number, size)))
        for of in (long_identity, many_scopes)
    ),
    "scopes of token records": (once(scopes_of_records),),
    "token records without their times": tuple(once(records_without_times(record)) for record in RECORDS),
    "scope parameters": (once(lambda number, size: parse_scope(words(number, size))),),
    "rendered challenges": (once(challenges),),
    "request header blocks": (block(many_headers), block(long_header)),
    "request heads": HEADS[:2],
    "request heads without their token": HEADS[2:],
    "heads of forward authentication": QUESTIONS[:2],
    "heads of forward authentication without token and address": QUESTIONS[2:],
    "requests that may be refused": (
        once(
            lambda number, size: refusable_request(
                f"GET /{text(number, size - 18)} HTTP/1.1\r\n\r\n".encode()
            )
        ),
    ),
    "members of access log lines": (once(log_line),),
    "further members of access log lines": (once(detailed_log_line),),
    "headers of JWTs": (once(header_of_many_members), once(header_of_lists)),
    "keys in DPoP proofs": (once(proof_with_key),),
    "key sets of clients": (once(key_sets), once(rsa_key_sets)),
    "client records": (
        client_records(lambda number: [f"{number:x}{place:x}" for place in range(900)]),
        client_records(lambda number: [text(number, 7_900)]),
    ),
    "failed attempts": (failed_attempts,),
    "proven secrets with foreign hashes": (proven_secrets,),
    "reusable tokens": (reusable,),
    "reuse keys": (once(reuse), once(reuse_for_audiences)),
    "verified signatures of JWTs": (signatures,),
    "token records": (
        Input(token_records(128, 10), 24_000),
        Input(token_records(40, 6_000), 1_200),
    ),
    "valid tokens of an issuer": (issuer_results(128, 10), Input(issuer_results(8_000, 6_000), 600)),
    "refused tokens of an issuer": (issuer_refusals,),
    "buckets of limits": (limiter(text), limiter(lambda number, size: text(number, size, "\xff"))),
    "label sets of a metric": (series,),
    "addresses of ip_filter": (addresses_of_ip_filter,),
    "assertions for backends": (assertions,),
    "fetched key sets of clients": (Input(fetched_key_sets, 150), Input(fetched_rsa_key_sets, 150)),
    "addresses of clients": (once(lambda number, size: is_inside(("10.0.0.0/8",), ipv6(number, size - 60))),),
}
"""By the cache's name: the inputs, each of which fills it anew."""
