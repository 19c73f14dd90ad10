"""Attacks before a request is complete: slow, endless, many, and what is not HTTP."""

import socket
import time
from collections import Counter
from contextlib import ExitStack, suppress

from bench.attack.wire import ATTACKER, Answers, Attacks, ask, connect, endless, head, held, repeated, request, status

MEBIBYTE = 1 << 20
_MANY = [f"127.0.1.{last}" for last in range(1, 41)]
_PREDICT = head("POST", "/predict", "Content-Type: image/png", "Content-Length: 5000000")
_CHUNKED = head("POST", "/predict", "Content-Type: image/png", "Transfer-Encoding: chunked")


def slow_headers(port: int) -> Answers:
    """Send a header's letters one by one."""
    return held(port, [ATTACKER] * 250, b"GET / HTTP/1.1\r\nX: ", 12, lambda one: one.sendall(b"a"))


def silent_connections(port: int) -> Answers:
    """Connect and say nothing."""
    return held(port, [ATTACKER] * 1000, b"", 3)


def five_thousand_connections(port: int) -> Answers:
    """Connect 5,000 times from 40 addresses, and begin a request each time."""
    return held(port, _MANY * 125, b"GET / HTTP/1.1\r\n", 2)


def connection_churn(port: int) -> Answers:
    """Connect and leave, 3,000 times."""
    for _ in range(3000):
        connect(port).close()
    return Counter(left=3000)


def many_headers(port: int) -> Answers:
    """Send 200 MiB of headers."""
    return endless(port, b"GET / HTTP/1.1\r\n", (b"X-A: " + b"a" * 8000 + b"\r\n") * 100, 200 * MEBIBYTE)


def small_headers(port: int) -> Answers:
    """Send a head of 3,000 small headers."""
    return repeated(port, head("GET", "/health", *["a: b"] * 3000), 50)


def one_header(port: int) -> Answers:
    """Send one header of 200 MiB."""
    return endless(port, b"GET / HTTP/1.1\r\nX: ", b"a" * MEBIBYTE, 200 * MEBIBYTE)


def long_url(port: int) -> Answers:
    """Send a URL of 200 MiB."""
    return endless(port, b"GET /", b"a" * MEBIBYTE, 200 * MEBIBYTE)


def slow_bodies(port: int) -> Answers:
    """Announce pictures and send a byte each second: more of them than the queue has places."""
    return held(port, [ATTACKER] * 250, _PREDICT, 6, lambda one: one.sendall(b"a"))


def unfinished_uploads(port: int) -> Answers:
    """Send pictures but for their last bytes: 490 MiB in 100 requests."""
    return held(port, [ATTACKER] * 100, _PREDICT + bytes(4_900_000), 3)


def unread_bodies(port: int) -> Answers:
    """Send bodies to a path that reads none."""
    return endless(port, head("GET", "/nowhere", f"Content-Length: {1 << 40}"), bytes(MEBIBYTE), 200 * MEBIBYTE)


def endless_chunks(port: int) -> Answers:
    """Send a body of chunks without an end."""
    return endless(port, _CHUNKED, b"100000\r\n" + bytes(MEBIBYTE) + b"\r\n", 200 * MEBIBYTE)


def small_chunks(port: int) -> Answers:
    """Send chunks of one byte."""
    return endless(port, _CHUNKED, b"1\r\na\r\n" * 10_000, 50 * MEBIBYTE)


def chunk_extensions(port: int) -> Answers:
    """Send one chunk whose extension never ends."""
    return endless(port, _CHUNKED + b"1;", b"a" * MEBIBYTE, 200 * MEBIBYTE)


def trailers(port: int) -> Answers:
    """Send trailers without an end."""
    return endless(port, _CHUNKED + b"1\r\na\r\n0\r\n", (b"t: " + b"a" * 1000 + b"\r\n") * 100, 200 * MEBIBYTE)


def one_trailer(port: int) -> Answers:
    """Send one trailer without an end."""
    return endless(port, _CHUNKED + b"1\r\na\r\n0\r\nt: ", b"a" * MEBIBYTE, 200 * MEBIBYTE)


def pipelining(port: int) -> Answers:
    """Send 10,000 requests at once on each of 20 connections."""
    return repeated(port, head("GET", "/v2/health/live") * 10_000, 20)


def answers_not_taken(port: int) -> Answers:
    """Ask for metrics again and again, and read nothing."""
    found: Answers = Counter()
    with ExitStack() as stack:
        for _ in range(200):
            with suppress(OSError):
                one = stack.enter_context(connect(port, receive=4096))
                one.settimeout(0.02)
                for _ in range(40):
                    one.sendall(head("GET", "/metrics"))
        time.sleep(2)
        found["unread"] = 200
    return found


def smuggling(port: int) -> Answers:
    """Send both a length and chunks, two lengths, and lengths that are none."""
    found: Answers = Counter()
    for headers in (
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        ["Content-Length: 4", "Content-Length: 5"],
        ["Content-Length: -1"],
        ["Content-Length: 99999999999999999999999"],
        ["Transfer-Encoding: gzip, chunked, identity"],
        ["Content-Length : 4"],
    ):
        found += Counter([ask(port, head("POST", "/predict", *headers) + b"0\r\n\r\n")])
    return found


def upgrades(port: int) -> Answers:
    """Ask for other protocols, and go on sending."""
    found: Answers = Counter()
    for protocol in ("websocket", "h2c"):
        begin = head("GET", "/health", "Connection: Upgrade", f"Upgrade: {protocol}")
        found += endless(port, begin, bytes(MEBIBYTE), 50 * MEBIBYTE)
    return found + Counter([ask(port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")])


def not_http(port: int) -> Answers:
    """Send TLS, line breaks without an end, and random bytes."""
    found = Counter([ask(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500))])
    found += endless(port, b"", b"\r\n" * 100_000, 50 * MEBIBYTE)
    return found + endless(port, b"", bytes(range(128, 256)) * 1000, 50 * MEBIBYTE)


def expectations(port: int) -> Answers:
    """Announce a body with `Expect: 100-continue` and never send it."""
    begin = head("POST", "/predict", "Content-Type: image/png", "Content-Length: 100", "Expect: 100-continue")
    return held(port, [ATTACKER] * 200, begin, 2)


def paths(port: int) -> Answers:
    """Send paths of 7,000 characters, escaped and not, and unknown methods."""
    found = repeated(port, head("GET", "/" + "%00" * 2300), 100)
    found += repeated(port, head("GET", "/v2/models/" + "m" * 7000), 100)
    return found + repeated(port, head("BREW", "/predict"), 100)


def half_closed(port: int) -> Answers:
    """Close the sending side in mid-request."""
    found: Answers = Counter()
    for _ in range(200):
        with connect(port) as one:
            one.sendall(request("/predict", b"x" * 100, "image/png")[:-50])
            one.shutdown(socket.SHUT_WR)
            found[status(one)] += 1
    return found


ATTACKS: Attacks = {
    slow_headers: {"408"},
    silent_connections: {"closed", "held"},
    five_thousand_connections: {"closed", "held"},
    connection_churn: {"left"},
    many_headers: {"431"},
    small_headers: {"431"},
    one_header: {"431"},
    long_url: {"414"},
    slow_bodies: {"held"},
    unfinished_uploads: {"503", "held"},
    unread_bodies: {"404"},
    endless_chunks: {"413"},
    small_chunks: {"400"},
    chunk_extensions: {"400"},
    trailers: {"431"},
    one_trailer: {"400", "431"},
    pipelining: {"closed"},
    answers_not_taken: {"unread"},
    smuggling: {"400"},
    upgrades: {"200", "400"},
    not_http: {"400"},
    expectations: {"100"},
    paths: {"400", "404"},
    half_closed: {"closed"},
}
