#!/usr/bin/env python3
"""shapes: signed messages of unusual shape. What says something else to one reader than to another is refused;
what says the same to all is accepted, and delivered as exactly the bytes that were signed."""

import re

import signing
from gate import PORTAL, Gate, fresh, honest
from harness import equal, multipart
from signing import envelop, insert, reference, signature
from tap import run, test

READER = "ags:05120000"


@test("a processing instruction in a header fact, which stays in what is delivered: 422 header.instruction")
def divided(world):
    for fact in ("ags:0512<?x?>0000", f"{READER}<?x?>", f"<?x?>{READER}"):
        text = fresh().text.replace(READER, fact, 1)
        assert fact in text
        world.refuse(envelop(text, world.signer(PORTAL)), 422, "header.instruction")


@test("facts twice, a second head, xsi:type and xsi:nil: none gets past permission and schema")
def doubled(world):
    text = fresh().text
    author = re.search(r"<g2g:autor>.*?</g2g:autor>", text, re.DOTALL)[0]
    head = re.search(r"<g2g:nachrichtenkopf.g2g>.*?</g2g:nachrichtenkopf.g2g>", text, re.DOTALL)[0]
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    remscheids = head.replace("ags:05124000", "ags:05120000")
    for old, new, status, code in (
            (author, author + author.replace("05124000", "05120000"), 422, "schema.invalid"),
            (head, head + remscheids, 422, "schema.invalid"),
            (head, remscheids + head, 403, "permission.author"),
            ("<behoerde:kennung>", f'<behoerde:kennung xmlns:xs="http://www.w3.org/2001/XMLSchema" {xsi} '
                                   'xsi:type="xs:string">', 422, "schema.invalid"),
            ("<service:antrag>", f'<service:antrag {xsi} xsi:nil="true">', 422, "schema.invalid")):
        changed = signing.canonical(text.replace(old, new, 1))
        assert changed != text
        world.refuse(envelop(changed, world.signer(PORTAL)), status, code)


@test("look-alikes and invisible characters in an author: 403 permission.author, or 422 header.authority")
def look_alikes(world):
    for author in ("ags:0512\uff14000", "ags:05124000\u200b", "ags:\u202e05124000"):
        text = fresh().text.replace("ags:05124000", author, 1)
        world.refuse(envelop(text, world.signer(PORTAL)), 403, "permission.author")
    text = fresh().text.replace("ags:05124000", "\u0430gs:05124000", 1)
    world.refuse(envelop(text, world.signer(PORTAL)), 422, "header.authority")


def certificates(*signers):
    inside = "".join(f"<ds:X509Certificate>{signer.shown()}</ds:X509Certificate>" for signer in signers)
    return f"<ds:KeyInfo><ds:X509Data>{inside}</ds:X509Data></ds:KeyInfo>"


@test("the partner's certificate beside another's, in both orders, signed with the other's key: 422 signature.value")
def beside(world):
    own, other = world.signer(PORTAL), world.signer("remscheid-planning")
    for shown in (certificates(own, other), certificates(other, own)):
        world.refuse(envelop(fresh().text, other, key_info=shown), 422, "signature.value")


@test("a signature with the partner's certificate for TLS: 422 certificate.usage")
def tls_signs(world):
    signer = signing.Signer(world.pki / f"{PORTAL}-tls.pem", world.pki / f"{PORTAL}-tls.key")
    world.refuse(envelop(fresh().text, signer), 422, "certificate.usage")


@test("URIs that are nearly empty, an xml:base, and a Content-ID in percent signs: 422 signature.shape")
def nearly(world):
    signer = world.signer(PORTAL)
    for uri in (" ", "#", "?", ".", "%20"):
        text = fresh().text
        world.refuse(insert(text, signature(signer, [reference(uri, text)])), 422, "signature.shape")
    text = fresh().text
    based = reference("", text, attributes=' xml:base="http://example.org/"')
    world.refuse(insert(text, signature(signer, [based])), 422, "signature.shape")
    body, kind = multipart(text, signing.detach(text, signer, "cid:%64ocument"))
    world.refuse(body, 422, "signature.shape", kind)


@test("parts that change places: start at the signature, the same Content-ID twice, two documents")
def parts(world):
    text, signer = fresh().text, world.signer(PORTAL)
    detached = signing.detach(text, signer)

    def post(first, second, names, start):
        body = "".join(f"--b\r\nContent-Type: application/xml\r\nContent-ID: <{name}>\r\n\r\n{part}\r\n"
                       for name, part in zip(names, (first, second))) + "--b--\r\n"
        return world.client().post(body, f'multipart/related; boundary=b; start="<{start}>"')

    post(text, detached, "ds", "s").expect(422, "profile.unknown")
    post(text, detached, "dd", "d").expect(400, "multipart.malformed")
    post(text, text, "ds", "d").expect(422, "signature.shape")
    post(detached, text, "sd", "d").expect(201)


# ---- what is unusual but says the same: what was signed is what is delivered, to the byte ----

UNUSUAL = {
    "a comment in a header fact": lambda text: text.replace(READER, "ags:0512<!-- 1 -->0000", 1),
    "a CDATA section in a header fact": lambda text: text.replace(READER, "ags:<![CDATA[0512]]>0000", 1),
    "character references in a header fact": lambda text: text.replace(READER, "ags&#58;0512&#x30;000", 1),
    "a byte order mark, a declaration and comments outside":
        lambda text: f"\ufeff<?xml version='1.0' encoding='utf-8'?><!-- & -->\n{text}\n<!-- </ds:Signature> -->",
    "CR LF at the ends of lines": lambda text: text.replace("\n", "\r\n"),
    "apostrophes around attributes": lambda text: re.sub(r'="([^"\']*)"', r"='\1'", text),
    "white space in tags": lambda text: re.sub(r"(</[\w:.]+)>", "\\1 \n>", text),
    "the signature as the first child":
        lambda text: re.sub(r"^(<[^>]*>)(.*)(<ds:Signature .*</ds:Signature>)", r"\1\3\2", text, flags=re.DOTALL),
    "comments throughout the signature": lambda text: re.sub(r"(<ds:\w+[^>]*>)", r"\1<!-- x -->", text),
}


def unusual(sentence, change):
    @test(f"{sentence}: accepted, and delivered as exactly the bytes that were signed")
    def same(world):
        message = fresh()
        changed = change(honest(world, message))
        assert changed != honest(world, message), "nothing was changed"
        answer = world.client().post(changed).expect(201)
        world.remscheid.wait_for(id=answer.id, valid="yes")
        equal(world.remscheid.message(answer.id).decode(), message.text, "what was delivered")

    return same


for _sentence, _change in UNUSUAL.items():
    unusual(_sentence, _change)


if __name__ == "__main__":
    run(lambda: Gate("shapes"))
