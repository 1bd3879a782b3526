#!/usr/bin/env python3
"""hostile_http: requests that are no requests, clients that are slow, silent or many. The gateway answers each
precisely or closes, stores nothing, and goes on serving the others."""

import concurrent.futures
import contextlib
import resource
import select
import socket
import ssl
import struct
import time

from gate import honest
from harness import (PATIENCE, Client, World, configuration, destination, equal, partner, read_answer, wait_for)
from tap import Skip, run, say, test

CONNECTIONS = 5000
HEAD = b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"


class Hostile(World):
    """A gateway that loses its patience within seconds."""

    def __enter__(self):
        self.remscheid = self.city("remscheid")
        self.main = self.gateway(configuration(
            self, partners=[partner(self.pki, "wuppertal-portal")],
            destinations=[destination("remscheid", self.remscheid)],
            listener={"head_time": "2s", "body_pause": "2s", "write_pause": "2s", "handshake_time": "20s",
                      "idle_time": "120s"}))
        self.send()
        self.before = self.main.settled()
        self.resident_with_idle = None
        return self

    def send(self):
        """An honest message gets through, and arrives."""
        answer = self.client().post(honest(self)).expect(201)
        self.remscheid.wait_for(id=answer.id)

    def unharmed(self):
        self.main.check_running()
        equal(self.main.holdings(), self.before, "what the store holds")

    def raw(self):
        return self.client().raw()

    def refused(self, data, status, code=None):
        """Sends bytes on a new connection; the answer is the refusal, and the connection ends behind it."""
        with self.raw() as connection:
            connection.sendall(data)
            answer = read_answer(connection)
            assert answer is not None, "the connection ended without an answer"
            equal(answer.status, status, f"status ({answer!r})")
            if code:
                equal(answer.code, code, "code")
            assert closed(connection), "the connection stays open, though nobody knows where it stands"
        self.unharmed()


def closed(connection, seconds=5):
    """True if the peer ends the connection without a further byte."""
    connection.settimeout(seconds * PATIENCE)
    try:
        return connection.recv(1) == b""
    except (TimeoutError, socket.timeout):
        return False
    except OSError:
        return True


@test("a body with both framings: 400 http.both-framings")
def both_framings(world):
    for order in (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                  b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"):
        world.refused(HEAD + order + b"\r\n0\r\n\r\n", 400, "http.both-framings")


@test("two lengths, the same or not: 400 http.two-lengths")
def two_lengths(world):
    for lengths in (b"Content-Length: 5\r\nContent-Length: 6\r\n",
                    b"Content-Length: 5\r\nContent-Length: 5\r\n"):
        world.refused(HEAD + lengths + b"\r\n<a/>\n", 400, "http.two-lengths")


@test("lengths that are no numbers: 400")
def bad_lengths(world):
    for length in (b"-1", b"+5", b"0x5", b"5, 5", b"5 5", b"", b"5;"):
        world.refused(HEAD + b"Content-Length: %s\r\n\r\n<a/>\n" % length, 400)
    world.refused(HEAD + b"Content-Length: 99999999999999999999\r\n\r\n<a/>\n", 413)


@test("bad chunk sizes: 400 http.chunk")
def bad_chunks(world):
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    for chunks in (b"x\r\n<a/>\r\n", b"-4\r\n<a/>\r\n", b"0x4\r\n<a/>\r\n", b" 4\r\n<a/>\r\n",
                   b"4\n<a/>\r\n", b"4\r\n<a/>0\r\n\r\n", b"fffffffffffffffff\r\n<a/>\r\n",
                   b"4\r\n<a/>\r\n;\r\n", b"\r\n"):
        world.refused(chunked + chunks + b"0\r\n\r\n", 400, "http.chunk")


@test("other or repeated transfer encodings: 400 or 501, and never a second request out of the body")
def transfer_encodings(world):
    smuggled = b"0\r\n\r\nGET /messages/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for field in (b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, chunked",
                  b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                  b"Transfer-Encoding : chunked", b"Transfer-Encoding:\x0bchunked"):
        with world.raw() as connection:
            connection.sendall(HEAD + field + b"\r\n\r\n" + smuggled)
            answer = read_answer(connection)
            assert answer is not None and answer.status in (400, 501), (field, answer)
            assert closed(connection), field
    world.unharmed()


@test("a request smuggled in a body is part of the body and gets no answer of its own")
def smuggled_in_body(world):
    body = b"<a/>\r\n\r\nGET /messages/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with world.raw() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        equal(read_answer(connection).code, "xml.malformed")
        connection.settimeout(0.5)
        with contextlib.suppress(OSError):
            equal(connection.recv(100), b"", "a second answer")
    world.unharmed()


@test("heads that are not HTTP/1.1 as RFC 9112 has it: 400")
def bad_heads(world):
    for head in (b"GET  /messages/1 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /messages/1\r\n\r\n",
                 b"GET /messages/1 HTTP/1.1\nHost: x\n\n", b"GET /messages/1 HTTP/1.1\r\nHost : x\r\n\r\n",
                 b"GET /messages/1 HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
                 b"GET /messages/1 HTTP/1.1\r\nHost: x\r\nA\x00B: y\r\n\r\n",
                 b"GET /messages/1 HTTP/1.1\r\nHost: x\r\nA: y\x00z\r\n\r\n",
                 b"GET /messages/1 HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
                 b"GET /messages/1 HTTP/1.1\r\n\r\n", b"GET messages HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /messages/1 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n"):
        world.refused(head, 400)


@test("other versions of HTTP: 505; a head that is too large: 431")
def versions_and_sizes(world):
    world.refused(b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505)
    long_value = b"a" * 20000
    world.refused(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + long_value + b"\r\n\r\n", 431)
    many = b"".join(b"A%d: y\r\n" % i for i in range(100))
    world.refused(b"GET / HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n", 431)


@test("another path: 404; another method: 405")
def paths(world):
    client = world.client()
    for path in ("/", "/message", "//messages", "/%6dessages"):
        equal(client.request("POST", path, b"<a/>", {"Content-Type": "application/xml"}).status, 404, path)
    for method in ("PUT", "DELETE", "GET", "OPTIONS"):
        equal(client.request(method, "/messages").status, 405, method)
    world.unharmed()


@test("several requests on one connection, sent at once, are answered in order")
def pipelined(world):
    one = b"GET /messages/%d HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with world.raw() as connection:
        connection.sendall(HEAD + b"Content-Length: 4\r\n\r\n<a/>" + one % 1 + one % 2)
        codes = [read_answer(connection).code for _ in range(3)]
    equal(codes, ["profile.unknown", "message.unknown", "message.unknown"])


@test("a request for a report with a body, announced or in chunks: 413, and the report is dropped")
def report_with_body(world):
    get = b"GET /messages/01a2079b-9454-73af-885e-772a0ff80d1b HTTP/1.1\r\nHost: localhost\r\n"
    for body in (b"Content-Length: 5\r\n\r\nabcde", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"):
        for _ in range(5):
            world.refused(get + body, 413, "http.body-too-large")


@test("connections that are reset while a report or a receipt is made for them harm nobody")
def reset(world):
    known = world.client().post(honest(world)).expect(201).id.encode()
    text = honest(world).encode()
    get = b"GET /messages/%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % known
    post = HEAD + b"Content-Length: %d\r\n\r\n" % len(text) + text
    for number in range(60):
        with world.raw() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(get if number % 2 else post)
            time.sleep(number % 10 / 2000)
    world.main.check_running()
    world.client().report(known.decode()).expect(200)
    wait_for(lambda: len(world.main.lines("delivery.delivered")) == len(world.main.lines("message.accepted")),
             "what was accepted is delivered")
    world.before = world.main.holdings()


@test("a truncated body is forgotten")
def truncated(world):
    text = honest(world).encode()
    with world.raw() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(text) + text[:-100])
    with world.raw() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(text) + text + b"\r\n")
    time.sleep(0.3)
    world.unharmed()


@test("a client that sends its head a byte at a time is cut off")
def slow_head(world):
    with world.raw() as connection:
        start = time.monotonic()
        with contextlib.suppress(OSError):
            for byte in HEAD * 10:
                connection.sendall(bytes([byte]))
                connection.settimeout(0.25)
                try:
                    if not connection.recv(1000):
                        break
                    break  # 408, before the end
                except (TimeoutError, socket.timeout):
                    pass
        seconds = time.monotonic() - start
        assert 1 < seconds < 6 * PATIENCE, f"{seconds:.1f} s"
    world.unharmed()


@test("a client that sends a byte of its body a second is cut off")
def slow_body(world):
    with world.raw() as connection:
        connection.sendall(HEAD + b"Content-Length: 10000\r\n\r\n")
        start = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - start < 15 * PATIENCE:
                connection.sendall(b" ")
                connection.settimeout(0.9)
                try:
                    connection.recv(1000)
                    break  # 408, or the end
                except (TimeoutError, socket.timeout):
                    pass
        seconds = time.monotonic() - start
        assert seconds < 10 * PATIENCE, f"after {seconds:.0f} s it is still there"
    world.unharmed()


@test("a client that never reads its answers is cut off, and takes no memory meanwhile")
def never_reads(world):
    before = world.main.resident()
    with world.raw() as connection:
        connection.settimeout(60 * PATIENCE)
        request = b"GET /messages/1 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500
        start = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - start < 60 * PATIENCE:
                connection.sendall(request)
        seconds = time.monotonic() - start
    # The kernel takes some megabytes of answers before the gateway feels that nobody reads them.
    assert seconds < 50 * PATIENCE, f"after {seconds:.0f} s the gateway still takes requests"
    assert world.main.resident() < before + (20 << 20), "memory"
    world.send()
    world.before = world.main.settled()


@test("a handshake that is begun and not finished holds nobody up")
def half_handshake(world):
    plain = [socket.create_connection(("127.0.0.1", world.port)) for _ in range(50)]
    for connection in plain:
        connection.sendall(b"\x16\x03\x01")
    start = time.monotonic()
    Client(world.port, world.pki, "wuppertal-portal").report("1").expect(404, "message.unknown")
    assert time.monotonic() - start < 2 * PATIENCE
    for connection in plain:
        connection.close()


@test("a report whose asker goes away, or sends a body with the question, harms nobody")
def forgotten_reports(world):
    question = b"GET /messages/00000000-0000-7000-8000-000000000000 HTTP/1.1\r\nHost: localhost\r\n"
    for _ in range(30):
        world.refused(question + b"Content-Length: 5\r\n\r\nhello", 413, "http.body-too-large")
        with world.raw() as connection:
            connection.sendall(question + b"\r\n")
    world.send()
    world.before = world.main.settled()


@test("bytes that are not TLS end the connection")
def no_tls(world):
    with socket.create_connection(("127.0.0.1", world.port), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"HTTP" not in plain.recv(1000)
    world.unharmed()


def allow_connections(world):
    """Raises the limit of descriptors, for this program and the gateway."""
    needed = CONNECTIONS + 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), max(hard, needed)))
    except (ValueError, OSError) as error:
        raise Skip(f"no more than {hard} descriptors are allowed") from error
    if hard < needed:  # the running gateway has the old limit
        world.client().close()
        world.main.stop()
        world.main.start()


@contextlib.contextmanager
def many(connect):
    """As many connections as are asked for, the oldest first, made by a few threads; closed at the end."""
    with contextlib.ExitStack() as stack:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            connections = [stack.enter_context(one) for one in pool.map(lambda _: connect(), range(CONNECTIONS))]
        yield connections


def small(world):
    """An honest message gets through beside them, and the gateway has not grown."""
    Client(world.port, world.pki, "wuppertal-portal").post(honest(world)).expect(201)
    resident = world.main.resident()
    assert resident < 100_000_000, f"{resident / 1e6:.1f} MB"


def ended(connections):
    """How many of the connections have something to read: in the midst of silence, that is their end."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN)
    return len(poll.poll(0))


def usable(connection):
    """Whether a request on the connection is answered."""
    connection.settimeout(10 * PATIENCE)
    connection.sendall(b"GET /messages/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = read_answer(connection)
    return answer is not None and answer.status == 404


@test("5,000 connections that say nothing take less than 100 MB, and hold nobody up")
def silent_connections(world):
    allow_connections(world)
    with many(lambda: socket.create_connection(("127.0.0.1", world.port), timeout=60)):
        small(world)


@test("5,000 idle connections after their TLS handshake stay open and usable, and hold nobody up")
def idle_connections(world):
    allow_connections(world)
    context = world.client().tls

    def connect():
        plain = socket.create_connection(("127.0.0.1", world.port), timeout=60)
        connection = context.wrap_socket(plain, server_hostname="localhost")
        equal(connection.version(), "TLSv1.3", "version")
        return connection

    with many(connect) as connections:
        Client(world.port, world.pki, "wuppertal-portal").post(honest(world)).expect(201)
        equal(ended(connections), 0, "connections that the gateway has ended")
        for connection in connections[:100] + connections[CONNECTIONS // 2:][:100] + connections[-100:]:
            assert usable(connection), connection
        equal(ended(connections), 0, "connections that the gateway has ended")
        world.resident_with_idle = world.main.resident()
        say(f"resident: {world.resident_with_idle / 1e6:.1f} MB")


@test("5,000 idle connections after their TLS handshake take less than 100 MB")
def small_idle_connections(world):
    resident = world.resident_with_idle
    if resident is None:
        raise Skip("the connections were not made")
    if 100_000_000 <= resident < 150_000_000 and ssl.OPENSSL_VERSION_INFO >= (3, 2):
        raise Skip(f"{ssl.OPENSSL_VERSION} itself takes 22 KB for each, that of Debian 12 13 KB; "
                   f"they took {resident / 1e6:.1f} MB")
    assert resident < 100_000_000, f"{resident / 1e6:.1f} MB"


@test("after all of this an honest message is still accepted and delivered")
def honest_after_all(world):
    world.client().close()
    world.send()


if __name__ == "__main__":
    run(lambda: Hostile("hostile"))
