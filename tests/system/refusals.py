#!/usr/bin/env python3
"""refusals: everything that must not get in, with the exact code or TLS alert that says why. After each the
gateway still runs, and its store holds what it held before. Signatures have a program of their own."""

import gzip
import re
import ssl
import time
import xml.etree.ElementTree as ElementTree

import messages
from gate import PORTAL, Gate, fresh, honest
from harness import Client, client_tls, equal, packed, read_answer, tls_alert
from signing import envelop
from tap import run, test

MEGABYTE = 1 << 20


# ---- who connects ----

@test("no client certificate: the TLS alert certificate_required")
def no_certificate(world):
    client = Client(world.port, world.pki, None, tls=client_tls(world.pki))
    equal(tls_alert(client.raw), "CERTIFICATE_REQUIRED")
    world.unharmed()


@test("no client certificate under TLS 1.2: the TLS alert handshake_failure")
def no_certificate_12(world):
    tls = client_tls(world.pki)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    equal(tls_alert(Client(world.port, world.pki, None, tls=tls).raw), "HANDSHAKE_FAILURE")
    world.unharmed()


@test("a certificate of an unknown authority: the TLS alert unknown_ca")
def unknown_authority(world):
    tls = client_tls(world.pki, certificate=f"{world.unknown}-tls.pem", key=f"{world.unknown}-tls.key")
    equal(tls_alert(Client(world.port, world.pki, None, tls=tls).raw), "UNKNOWN_CA")
    world.unharmed()


@test("an expired certificate: the TLS alert certificate_expired")
def expired(world):
    equal(tls_alert(Client(world.port, world.pki, world.expired).raw), "CERTIFICATE_EXPIRED")
    world.unharmed()


@test("a revoked certificate: the TLS alert certificate_revoked")
def revoked(world):
    equal(tls_alert(Client(world.port, world.pki, world.revoked).raw), "CERTIFICATE_REVOKED")
    world.unharmed()


@test("a trusted certificate of nobody's: 403 partner.unknown")
def stranger(world):
    client = Client(world.port, world.pki, world.stranger)
    client.post(honest(world)).expect(403, "partner.unknown")
    client.close()
    world.unharmed()


# ---- what the request announces ----

@test("another media type: 415 media-type.unsupported")
def media_type(world):
    for kind in ("application/json", "text/plain", "application/xml-dtd", "multipart/form-data; boundary=x"):
        world.refuse(honest(world), 415, "media-type.unsupported", kind)


@test("another content encoding: 415 encoding.unsupported")
def encoding(world):
    world.refuse(honest(world), 415, "encoding.unsupported", Content_Encoding="br")


@test("a body announced over the limit: 413 body.too-large, before a byte of it is sent")
def announced(world):
    with world.client().raw() as connection:
        connection.sendall(b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
                           b"Content-Length: 17000000\r\n\r\n")
        answer = answer_of(connection)
    answer.expect(413, "body.too-large")
    world.unharmed()


def answer_of(connection):
    answer = read_answer(connection)
    assert answer is not None, "the connection ended without an answer"
    return answer


@test("a client that waits for 100 Continue is told 413 at once")
def expecting(world):
    with world.client().raw() as connection:
        connection.sendall(b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
                           b"Content-Length: 17000000\r\nExpect: 100-continue\r\n\r\n")
        start = time.monotonic()
        answer_of(connection).expect(413, "body.too-large")
        assert time.monotonic() - start < 2
    world.unharmed()


@test("a body that turns out over the limit, in chunks: 413 body.too-large")
def chunked(world):
    with world.client().raw() as connection:
        connection.sendall(b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        try:
            for _ in range(17 * 16):
                connection.sendall(piece)
        except OSError:
            pass  # it has closed: the answer was sent before
        answer = answer_of(connection)
    assert answer.status == 413 and answer.code in ("body.too-large", "http.body-too-large"), answer
    world.unharmed()


@test("refusals come as XML for who wants XML")
def as_xml(world):
    answer = world.client().post(b"<nobody/>", Accept="application/xml")
    equal((answer.status, answer.headers.get_content_type()), (422, "application/xml"))
    root = ElementTree.fromstring(answer.body)
    equal(root.tag, "{urn:muengsten:refusal:1}refusal")
    assert "profile.unknown" in answer.body.decode()


# ---- unpacking and parsing ----

@test("a gzip bomb: 413 gzip.too-large")
def bomb(world):
    body = gzip.compress(b"<a>" + b" " * (300 * MEGABYTE) + b"</a>", 9)
    assert len(body) < MEGABYTE
    world.refuse(body, 413, "gzip.too-large", Content_Encoding="gzip")
    assert world.main.resident() < 150 * MEGABYTE


@test("what is no gzip, or gzip cut off: 400 gzip.malformed")
def no_gzip(world):
    world.refuse(honest(world), 400, "gzip.malformed", Content_Encoding="gzip")
    world.refuse(packed(honest(world))[:-20], 400, "gzip.malformed", Content_Encoding="gzip")


@test("what is not XML: 400 xml.malformed")
def no_xml(world):
    for body in (b"Sehr geehrte Damen und Herren,", b"%PDF-1.7", b"<a><b></a></b>", b"<a/><b/>", b"<a",
                 honest(world)[:-3]):
        world.refuse(body, 400, "xml.malformed")


@test("an empty body: 400 body.empty")
def empty(world):
    world.refuse(b"", 400, "body.empty")


@test("another encoding than UTF-8, declared or not: 400 xml.encoding")
def wrong_encoding(world):
    text = honest(world)
    latin = '<?xml version="1.0" encoding="ISO-8859-1"?>\n' + text
    for body in (latin.encode("iso-8859-1", "replace"), text.encode("utf-16"), text.encode("utf-32"),
                 b"<a>\xff\xfe</a>"):
        world.refuse(body, 400, "xml.encoding")


@test("a document type declaration: 400 xml.doctype")
def doctype(world):
    world.refuse("<!DOCTYPE a><a/>", 400, "xml.doctype")
    world.refuse('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>', 400, "xml.doctype")


@test("internal and external entities: 400 xml.doctype")
def entities(world):
    world.refuse('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 400, "xml.doctype")
    world.refuse('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', 400, "xml.doctype")
    world.refuse("<a>&b;</a>", 400, "xml.malformed")


@test("billion laughs: 400 xml.doctype")
def laughs(world):
    entities_ = ['<!ENTITY l0 "ha">'] + [
        f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10)]
    world.refuse(f'<!DOCTYPE a [{"".join(entities_)}]><a>&l9;</a>', 400, "xml.doctype")


@test("10,000 levels of depth: 400 xml.too-deep")
def depth(world):
    world.refuse("<a>" * 10000 + "</a>" * 10000, 400, "xml.too-deep")


@test("100,000 attributes: 400 xml.too-many-attributes, in under 10 milliseconds")
def attributes(world):
    body = ("<a " + " ".join(f'a{i}=""' for i in range(100000)) + "/>").encode()
    head = (b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body))
    world.refuse(body, 400, "xml.too-many-attributes")
    times = []
    with world.client().raw() as connection:
        for _ in range(7):
            connection.sendall(head + body[:-1])
            time.sleep(0.1)
            start = time.perf_counter()
            connection.sendall(body[-1:])
            answer_of(connection).expect(400, "xml.too-many-attributes")
            times.append(time.perf_counter() - start)
    assert min(times) < 0.010, times


@test("a text of 9 MB in a field with a pattern: 400 xml.text-too-long")
def text_too_long(world):
    message = fresh()
    text = re.sub(r"(vorgangsnummer[^>]*>)[^<]*<", lambda m: m[1] + "A" * (9 << 20) + "<", message.text, 1)
    world.refuse(envelop(text, world.signer(PORTAL)), 400, "xml.text-too-long")


# ---- kind, header, permission ----

@test("an unknown root: 422 profile.unknown")
def unknown_root(world):
    world.refuse("<nobody/>", 422, "profile.unknown")
    text = fresh().text.replace(messages.SERVICE, messages.SERVICE + "0")
    world.refuse(envelop(text, world.signer(PORTAL)), 422, "profile.unknown")


@test("each header fact that is missing: 422 header.missing, with its place")
def header_missing(world):
    for fact in ("nachrichtenUUID", "nachrichtentyp", "erstellungszeitpunkt", "autor", "leser"):
        text = fresh().without(fact)
        problem = world.refuse(envelop(text, world.signer(PORTAL)), 422, "header.missing")
        assert problem["place"], fact


@test("an author the partner may not speak for: 403 permission.author")
def author(world):
    message = messages.message("solingen", "remscheid")
    world.refuse(honest(world, message), 403, "permission.author")


@test("a type, or a reader, the partner may not send to: 403 permission.type, permission.reader")
def type_and_reader(world):
    client, signer = world.client("remscheid-planning"), world.signer("remscheid-planning")
    message = messages.message("remscheid", "wuppertal", sample="service-0102")
    client.post(envelop(message.text, signer)).expect(403, "permission.type")
    message = messages.message("remscheid", "test:nobody")
    client.post(envelop(message.text, signer)).expect(403, "permission.reader")
    world.unharmed()


@test("a reader without a route: 422 route.none")
def no_route(world):
    world.refuse(honest(world, fresh("solingen")), 422, "route.none")


# ---- schema ----

@test("schema-invalid: 422 schema.invalid, with line and element of the first five errors and no values")
def invalid(world):
    text = fresh().text
    broken = ["vorgangsnummer", "eingang", "geburtsdatum", "telefon", "email", "groesse"]
    for name in broken:
        text, count = re.subn(rf"(<(?:\w+:)?{name}>)[^<]+<", r"\1geheim<", text, count=1)
        equal(count, 1, f"the sample has an element {name}")
    problem = world.refuse(envelop(text, world.signer(PORTAL)), 422, "schema.invalid")
    shown = problem["detail"] + problem["place"]
    lines = text.split("\n")
    for name in broken[:5]:
        line = next(n for n, line in enumerate(lines, 1) if f"{name}>geheim" in line)
        assert re.search(rf"line {line}\b[^;]*\b{name}\b", shown), f"{name} in line {line}: {shown}"
    assert "geheim" not in shown and "geheim" not in world.main.log(), "values are personal data"


# ---- afterwards ----

@test("the same UUID with other content: 409 duplicate.different-content")
def different(world):
    message = fresh()
    world.client().post(honest(world, message)).expect(201)
    world.remember()
    other = messages.message("wuppertal", "remscheid", sample="service-0102", uuid=message.uuid)
    problem = world.refuse(honest(world, other), 409, "duplicate.different-content")
    equal(problem["message"], message.uuid, "the message in the problem")


@test("another partner's message, and one that never was: 404 message.unknown")
def others_report(world):
    for identifier in (world.good.id, "00000000-0000-7000-8000-000000000000", "1", "%2e%2e"):
        world.client("remscheid-planning").report(identifier).expect(404, "message.unknown")
    world.unharmed()


@test("after all of this an honest message is still accepted and delivered")
def honest_after_all(world):
    answer = world.client().post(honest(world)).expect(201)
    world.remscheid.wait_for(id=answer.id, valid="yes")


@test("each refusal has left a line in the log, with its code and partner, and of a schema error line and element")
def logged(world):
    for code in ("xml.doctype", "permission.author", "schema.invalid"):
        lines = world.main.lines("message.refused", code=code, partner=PORTAL)
        assert lines, code
    assert any("line " in str(line) and "element vorgangsnummer" in str(line) for line in lines), lines


if __name__ == "__main__":
    run(lambda: Gate("refusals"))
