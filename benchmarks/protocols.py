"""`python -m benchmarks.protocols`: HTTP/2 at the edge, forward authentication, and gRPC.

Beside Gatepost stand Envoy with Lua, which looks tokens up in a table, and an Envoy that checks nothing. It needs
Debian's nghttp2-client (h2load) and wrk, and the extras `edge` and `xds`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import h2load, wrk
from benchmarks.cases import Case, get
from benchmarks.contender import Contender
from benchmarks.grpc_load import MESSAGE, UNARY, check_call, framed, run_streams
from benchmarks.load import Load, Outcome
from benchmarks.machine import shape
from benchmarks.meter import Meter
from benchmarks.peers.edge import EdgeGatepost, GrpcServer, PlainEnvoy
from benchmarks.peers.envoy import Envoy
from benchmarks.peers.gatepost import Gatepost
from benchmarks.peers.upstream import Upstream
from benchmarks.report import cases_table
from benchmarks.samples import Sample
from benchmarks.stand import TOKEN, program

EDGE, ENVOY, PLAIN = "Gatepost, edge", "Envoy + Lua", "Envoy, no check"
HTTP_2 = "HTTP/2, token checked, 120 bytes"
PROXIED = "HTTP/1.1, proxied"
ASKED = "forward authentication, asked"
CALL = "gRPC, a call"
STREAM = "gRPC, a message of a stream"

Run = Callable[[Contender, str, float], Outcome]


@dataclass(frozen=True, slots=True)
class Row:
    """Who takes part in a case, and how each is loaded with its token for so many seconds."""

    case: Case
    run: Run


def by_http_2(contender: Contender, token: str, seconds: float) -> Outcome:
    """GET with a token."""
    load = Load(f"http://127.0.0.1:{h2_port(contender)}/small", (f"authorization: Bearer {token}",))
    return h2load.run(load, seconds)


def by_call(contender: Contender, token: str, seconds: float) -> Outcome:
    """Calls with one message each way."""
    check_call(h2_port(contender), token)
    headers = ("content-type: application/grpc", "te: trailers", f"authorization: Bearer {token}")
    return h2load.run(
        Load(f"http://127.0.0.1:{h2_port(contender)}{UNARY}", headers), seconds, framed(MESSAGE)
    )


def by_stream(contender: Contender, token: str, seconds: float) -> Outcome:
    """Calls with many messages back."""
    return run_streams(h2_port(contender), token, seconds)


def proxied(contender: Contender, token: str, seconds: float) -> Outcome:
    """GET with a token, over HTTP/1.1 and past the edge."""
    return wrk.run(
        Load(f"http://127.0.0.1:{contender.port}/small", (f"Authorization: Bearer {token}",)), seconds
    )


def asked(contender: Contender, token: str, seconds: float) -> Outcome:
    """The same request, described by a proxy."""
    described = ("X-Original-Method: GET", f"X-Original-URL: http://127.0.0.1:{contender.port}/small")
    url = f"http://127.0.0.1:{contender.port}/auth/verify"
    return wrk.run(Load(url, (*described, f"Authorization: Bearer {token}")), seconds)


def h2_port(contender: Contender) -> int:
    """Where it speaks HTTP/2."""
    return contender.h2_port if isinstance(contender, EdgeGatepost) else contender.port


_UNUSED = get("/small")
ROWS = (
    Row(Case(HTTP_2, (ENVOY, EDGE), _UNUSED, ENVOY), by_http_2),
    Row(Case(PROXIED, (EDGE,), _UNUSED, EDGE), proxied),
    Row(Case(ASKED, (EDGE,), _UNUSED, EDGE, PROXIED), asked),
    Row(Case(CALL, (PLAIN, EDGE), _UNUSED, PLAIN), by_call),
    Row(Case(STREAM, (PLAIN, EDGE), _UNUSED, PLAIN), by_stream),
)


@contextmanager
def contenders(folder: Path) -> Iterator[dict[str, Contender]]:
    """All of them, started; whatever fails, none is left behind."""
    upstream, calls, envoy = Upstream(folder), GrpcServer(folder), program("envoy")
    made: list[Contender] = [
        EdgeGatepost(folder, upstream.port, calls.port),
        Envoy(folder, upstream.port, TOKEN, envoy),
        PlainEnvoy(folder, calls.port, envoy),
    ]
    with ExitStack() as started:
        for one in (upstream, calls, *made):
            started.callback(one.stop)
            one.start()
        yield {one.name: one for one in made}


def measured(row: Row, contender: Contender, token: str, number: int, seconds: float) -> Sample:
    """One contender in one case, after a second of the same load."""
    row.run(contender, token, 1)
    meter = Meter(contender)
    done = meter.sample(row.case.name, number, row.run(contender, token, seconds), paced=False)
    contender.empty_logs()
    return done


def samples(rows: Sequence[Row], rounds: int, seconds: float) -> list[Sample]:
    """Round by round, so that what disturbs one disturbs its neighbours, too."""
    found = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, contenders(Path(folder)) as started:
        gatepost = started[EDGE]
        assert isinstance(gatepost, Gatepost)
        tokens = {EDGE: gatepost.token()}
        for number in range(rounds):
            for row in rows:
                for name in row.case.contenders:
                    done = measured(row, started[name], tokens.get(name, TOKEN), number, seconds)
                    print(
                        f"{number + 1}: {done.case}: {name}: {done.cpu:.1f} µs, {done.rate:.0f}/s", flush=True
                    )
                    found.append(done)
    return found


def main() -> None:
    """Reads the options, runs, and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.protocols", description=__doc__)
    parser.add_argument("--case", default="", help="only what has this in its name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of load for each contender, case and round")
    options = parser.parse_args()
    rows = [row for row in ROWS if options.case in row.case.name]
    found = samples(rows, options.rounds, options.seconds)
    print(f"{shape()}, {options.rounds} × {options.seconds} s each\n")
    print(cases_table([row.case for row in rows], found))


if __name__ == "__main__":
    main()
