"""Requests as bytes, sound and unsound, made by hand: the table that the proxies are compared on."""

from __future__ import annotations

HOST = "Host: api.test\r\n"


def get(
    target: str = "/open/x", *, extra: str = "", host: str = HOST, version: str = "1.1", method: str = "GET"
) -> bytes:
    return f"{method} {target} HTTP/{version}\r\n{host}{extra}\r\n".encode("latin-1")


def post(extra: str, body: str = "", version: str = "1.1") -> bytes:
    return get(extra=extra, version=version, method="POST") + body.encode("latin-1")


CHUNKED = "Transfer-Encoding: chunked\r\n"
END = "0\r\n\r\n"

SOUND = {
    "get": get(),
    "query": get("/open/x?a=b&c=%2F"),
    "escapes": get("/open/%41%20b/@:!$&'()*+,;=~"),
    "empty segment": get("/open//x"),
    "encoded slash": get("/open/a%2Fb"),
    "raw brackets": get("/open/a[1]|b^c"),
    "head": get(method="HEAD"),
    "options": get(method="OPTIONS"),
    "delete": get(method="DELETE"),
    "headers": get(extra="X-A: 1\r\nx-a: 2\r\nCookie: a=b\r\nX-Empty:\r\nX-Spaced:   v  \r\n"),
    "length": post("Content-Length: 5\r\n", "abcde"),
    "zero length": post("Content-Length: 0\r\n"),
    "chunked": post(CHUNKED, "3\r\nabc\r\n2\r\nde\r\n" + END),
    "chunk extension": post(CHUNKED, '3;a=b\r\nabc\r\n2;c="d"\r\nde\r\n' + END),
    "leading zeros in a chunk size": post(CHUNKED, "0003\r\nabc\r\n" + END),
    "trailers": post(CHUNKED, "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"),
    "coding in capitals": post("Transfer-Encoding: CHUNKED\r\n", "3\r\nabc\r\n" + END),
    "get with a body": get(extra="Content-Length: 3\r\n") + b"abc",
    "delete with a body": get(extra="Content-Length: 3\r\n", method="DELETE") + b"abc",
    "connection close": get(extra="Connection: close\r\n"),
    "http/1.0": get(version="1.0"),
    "http/1.0 kept": get(version="1.0", extra="Connection: keep-alive\r\n"),
    "http/1.0 without host": get(version="1.0", host=""),
    "http/1.0 with a body": post("Content-Length: 3\r\n", "abc", version="1.0"),
    "absolute-form": get("http://api.test/open/x?y", host=HOST),
    "absolute-form with another host": get("http://named.test/open/x", host=HOST),
    "absolute-form with an underscore": get("http://a_b.test/open/x", host="Host: a_b.test\r\n"),
    "host with a port": get(host="Host: api.test:8080\r\n"),
    "ipv6 host": get(host="Host: [::1]:8080\r\n"),
    "host in capitals": get(host="Host: API.Test\r\n"),
    "empty line first": b"\r\n" + get(),
    "upgrade unnamed": get(extra="Upgrade: websocket\r\n"),
    "te trailers": get(extra="TE: trailers\r\nConnection: TE\r\n"),
    "obs-text in a value": get(extra="X-A: \xe9\r\n"),
    "expect": post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc"),
    "length with zeros": post("Content-Length: 0005\r\n", "abcde"),
    "request in a body": get(extra=f"Content-Length: {len(get('/open/inner'))}\r\n") + get("/open/inner"),
    "extra headers like the gateway's": get(extra="X_Client_Id: a\r\nX-Forwarded-For: b\r\n"),
}

UNSOUND = {
    # The request line.
    "no version": f"GET /open/x\r\n{HOST}\r\n".encode(),
    "two spaces": f"GET  /open/x HTTP/1.1\r\n{HOST}\r\n".encode(),
    "two spaces before the version": f"GET /open/x  HTTP/1.1\r\n{HOST}\r\n".encode(),
    "space first": f" GET /open/x HTTP/1.1\r\n{HOST}\r\n".encode(),
    "space behind the version": f"GET /open/x HTTP/1.1 \r\n{HOST}\r\n".encode(),
    "tab": f"GET\t/open/x HTTP/1.1\r\n{HOST}\r\n".encode(),
    "space in the target": get("/open/ x"),
    "method with a sign": get(method="G@T"),
    "method in small letters": get(method="get"),
    "unknown method": get(method="BREW"),
    "connect": get("api.test:443", method="CONNECT"),
    "http/1.2": get(version="1.2"),
    "http/2.0": get(version="2.0"),
    "http/0.9": get(version="0.9"),
    "version of two digits": get(version="1.10"),
    "lines end with LF": get().replace(b"\r\n", b"\n"),
    "asterisk": get("*"),
    "target without a slash": get("open/x"),
    "cr first": b"\r" + get(),
    "lf first": b"\n" + get(),
    # The target.
    "dot segments": get("/open/../open/x"),
    "encoded dot segments": get("/open/%2e%2e/open/x"),
    "dot segment with a parameter": get("/open/..;a/x"),
    "single dot": get("/open/./x"),
    "empty segment first": get("//open/x"),
    "capitals": get("/Open/x"),
    "encoded slash behind the route": get("/open%2Fx"),
    "parameter of the route": get("/open;a=b/x"),
    "encoded parameter of the route": get("/open%3Ba=b/x"),
    "encoded dot segment behind an encoded slash": get("/open/a%2F%2e%2e%2Fb"),
    "encoded line break": get("/open/a%0Ab"),
    "encoded backslash": get("/open/a%5Cb"),
    "backslash": get("/open/a\\b"),
    "encoded nul": get("/open/a%00b"),
    "bad escape": get("/open/%zz"),
    "cut escape": get("/open/a%4"),
    "fragment": get("/open/x#y"),
    "fragment in the query": get("/open/x?y#z"),
    "raw bytes in the path": get("/open/\xe9"),
    "quotes in the path": get('/open/"x"'),
    "angles in the path": get("/open/<x>"),
    "overlong encoding": get("/open/%c0%ae%c0%ae/x"),
    # Hosts.
    "no host": get(host=""),
    "two hosts": get(host=HOST + HOST),
    "two different hosts": get(host=HOST + "Host: b.test\r\n"),
    "empty host": get(host="Host:\r\n"),
    "host with a space": get(host="Host: a b\r\n"),
    "host with a path": get(host="Host: a.test/x\r\n"),
    "host with a user": get(host="Host: u@a.test\r\n"),
    "host with two ports": get(host="Host: a.test:1:2\r\n"),
    "host with a bad port": get(host="Host: a.test:x\r\n"),
    "two hosts in one": get(host="Host: a.test, b.test\r\n"),
    "absolute-form with a user": get("http://u@a.test/open/x"),
    "absolute-form without a host": get("http:///open/x"),
    "absolute-form of another scheme": get("ftp://a.test/open/x"),
    # Header lines.
    "space before the colon": get(extra="X-A : 1\r\n"),
    "space before the host's colon": get(host="Host : api.test\r\n"),
    "folded line": get(extra="X-A: 1\r\n 2\r\n"),
    "folded first line": get(host=" X: 1\r\n" + HOST),
    "no colon": get(extra="X-A\r\n"),
    "no name": get(extra=": 1\r\n"),
    "bad name": get(extra="X(A): 1\r\n"),
    "obs-text in a name": get(extra="X\xe9: 1\r\n"),
    "nul in a value": get(extra="X-A: a\0b\r\n"),
    "control in a value": get(extra="X-A: a\x01b\r\n"),
    "bare cr in a value": get(extra="X-A: a\rb\r\n"),
    "cr cr lf": get(extra="X-A: a\r\r\n"),
    "lf in the head": get(extra="X-A: a\nX-B: b\r\n"),
    # Framing.
    "te and cl": post("Content-Length: 5\r\n" + CHUNKED, END),
    "cl and te": post(CHUNKED + "Content-Length: 5\r\n", END),
    "te and cl with a request behind": post("Content-Length: 5\r\n" + CHUNKED, END) + get("/open/smuggled"),
    "te in http/1.0": post(CHUNKED, END, version="1.0"),
    "gzip": post("Transfer-Encoding: gzip\r\n", "abc"),
    "gzip, chunked": post("Transfer-Encoding: gzip, chunked\r\n", END),
    "chunked, gzip": post("Transfer-Encoding: chunked, gzip\r\n", END),
    "chunked twice": post("Transfer-Encoding: chunked, chunked\r\n", END),
    "two te headers": post(CHUNKED + CHUNKED, END),
    "identity": post("Transfer-Encoding: identity\r\n"),
    "xchunked": post("Transfer-Encoding: xchunked\r\n", END),
    "vertical tab and chunked": post("Transfer-Encoding: \x0bchunked\r\n", END),
    "quoted chunked": post('Transfer-Encoding: "chunked"\r\n', END),
    "chunked with a parameter": post("Transfer-Encoding: chunked;a=b\r\n", END),
    "te after a space": post("Transfer-Encoding : chunked\r\n", END),
    "empty te": post("Transfer-Encoding:\r\n"),
    **{
        f"length {text!r}": post(f"Content-Length: {text}\r\n", "abcde")
        for text in ("x", "-1", "+5", "5,5", "5, 5", "0x5", "5 5", "5.0", "", "9" * 20, "\x0b5", "5;a", "1_0")
    },
    "two lengths": post("Content-Length: 5\r\nContent-Length: 5\r\n", "abcde"),
    "two different lengths": post("Content-Length: 5\r\nContent-Length: 6\r\n", "abcde"),
    # Chunks.
    "chunk size that is none": post(CHUNKED, "x\r\nabc\r\n" + END),
    "negative chunk size": post(CHUNKED, "-3\r\nabc\r\n" + END),
    "chunk size with 0x": post(CHUNKED, "0x3\r\nabc\r\n" + END),
    "huge chunk size": post(CHUNKED, "fffffffffffffffff\r\nabc\r\n" + END),
    "chunk longer than its size": post(CHUNKED, "3\r\nabcde\r\n" + END),
    "chunk ends with lf": post(CHUNKED, "3\nabc\n0\n\n"),
    "space before a chunk size": post(CHUNKED, " 3\r\nabc\r\n" + END),
    "space behind a chunk size": post(CHUNKED, "3 \r\nabc\r\n" + END),
    "no size": post(CHUNKED, "\r\nabc\r\n" + END),
    "lf in a chunk extension": post(CHUNKED, "3;a\nb\r\nabc\r\n" + END),
    "cr in a chunk extension": post(CHUNKED, "3;a\rb\r\nabc\r\n" + END),
    "forged trailer": post(CHUNKED, "3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "bad trailer": post(CHUNKED, "3\r\nabc\r\n0\r\nX A\r\n\r\n"),
}

TABLE = {**SOUND, **UNSOUND}
