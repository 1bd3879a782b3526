#!/usr/bin/env python3
"""signatures: forged, weak, foreign and wrapped ones, each refused with its exact code, with nothing stored.

An attack that is not shown to be one proves little: where a careless verifier would be deceived, the xmlsec1
command is asked in that careless way first, and has to say that the signature is valid.
"""

import base64
import re
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import signing
from gate import PORTAL, Gate, fresh, honest
from harness import PATIENCE, multipart, xmlsec1_verify
from signing import ENVELOPED, EXCLUSIVE, INCLUSIVE, envelop, insert, reference, signature, transform
from tap import run, test


@test("no signature: 422 signature.missing")
def unsigned(world):
    world.refuse(fresh().text, 422, "signature.missing")


@test("two signatures, or an enveloped and a detached one: 422 signature.more-than-one")
def two(world):
    text = honest(world)
    extra = signature(world.signer(PORTAL), [reference("", fresh().text)])
    world.refuse(insert(text, extra), 422, "signature.more-than-one")
    body, kind = multipart(text, signing.detach(text, world.signer(PORTAL)))
    world.refuse(body, 422, "signature.more-than-one", kind)


@test("a content that was changed after signing: 422 signature.content-changed")
def changed(world):
    text = honest(world)
    later = re.sub(r"(vorgangsnummer>[A-Z]+-\d{4}-\d{5})\d", r"\g<1>x", text)
    assert later != text
    world.refuse(later, 422, "signature.content-changed")


@test("a detached signature of another document: 422 signature.content-changed")
def changed_apart(world):
    body, kind = multipart(fresh().text, signing.detach(fresh().text, world.signer(PORTAL)))
    world.refuse(body, 422, "signature.content-changed", kind)


@test("a signature value that was changed, or is zero: 422 signature.value")
def changed_value(world):
    def other(match):
        first = "B" if match[1][0] == "A" else "A"
        return f"SignatureValue>{first}{match[1][1:]}<"

    world.refuse(re.sub(r"SignatureValue>([^<]+)<", other, honest(world), count=1), 422, "signature.value")
    world.refuse(envelop(fresh().text, world.signer(PORTAL), value=bytes(64)), 422, "signature.value")


@test("a signature value that is empty: 422 signature.shape")
def empty_value(world):
    world.refuse(envelop(fresh().text, world.signer(PORTAL), value=b""), 422, "signature.shape")


@test("SHA-1 as digest: 422 signature.algorithm")
def sha1_digest(world):
    message = fresh()
    weak = signature(world.signer(PORTAL), [reference("", message.text, digest="sha1")])
    world.refuse(careless(world, insert(message.text, weak)), 422, "signature.algorithm")


@test("SHA-1 in the signature method: 422 signature.algorithm")
def sha1_method(world):
    message = fresh()
    weak = signature(world.signer(PORTAL), [reference("", message.text)], digest="sha1")
    world.refuse(careless(world, insert(message.text, weak)), 422, "signature.algorithm")


@test("an HMAC in place of a signature, keyed with the public certificate: 422 signature.algorithm")
def hmac(world):
    message, signer = fresh(), world.signer(PORTAL)
    forged = signature(signer, [reference("", message.text)], method=signing.DSIG_MORE + "hmac-sha256",
                       hmac_key=signer.shown().encode())
    world.refuse(insert(message.text, forged), 422, "signature.algorithm")


def unknown_signer(world):
    return signing.Signer(f"{world.unknown}-signing.pem", f"{world.unknown}-signing.key")


def key_value(world, beside=""):
    """A KeyInfo with the bare public key of the unknown signer."""
    der = subprocess.run(["openssl", "ec", "-in", f"{world.unknown}-signing.key", "-pubout", "-outform",
                          "DER"], check=True, capture_output=True).stdout
    point = base64.b64encode(der[-65:]).decode()
    return (f'<ds:KeyInfo><ds:KeyValue><d:ECKeyValue xmlns:d="http://www.w3.org/2009/xmldsig11#">'
            f'<d:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"></d:NamedCurve><d:PublicKey>{point}'
            f"</d:PublicKey></d:ECKeyValue></ds:KeyValue>{beside}</ds:KeyInfo>")


@test("a self-made certificate with the partner's own name: 422 certificate.untrusted")
def self_made(world):
    world.refuse(envelop(fresh().text, unknown_signer(world)), 422, "certificate.untrusted")


@test("a bare key in KeyInfo: 422 signature.no-certificate")
def bare_key(world):
    text = envelop(fresh().text, unknown_signer(world), key_info=key_value(world))
    world.refuse(text, 422, "signature.no-certificate")


@test("a bare key in KeyInfo that has signed, with the partner's certificate beside it: 422 signature.value")
def key_beside(world):
    shown = (f"<ds:X509Data><ds:X509Certificate>{world.signer(PORTAL).shown()}</ds:X509Certificate>"
             f"</ds:X509Data>")
    text = envelop(fresh().text, unknown_signer(world), key_info=key_value(world, shown))
    world.refuse(text, 422, "signature.value")


@test("a signing certificate of another partner: 422 signature.foreign-certificate")
def foreign(world):
    world.refuse(envelop(fresh().text, world.signer("remscheid-planning")), 422,
                 "signature.foreign-certificate")


def bad_signer(sentence, name, code):
    """A test of a system that is known, and signs with what does not count."""

    @test(f"{sentence}: 422 {code}")
    def refused(world):
        world.refuse(envelop(fresh().text, world.signer(name)), 422, code, system=name)

    return refused


bad_signer("an expired signing certificate", "wuppertal-late", "certificate.expired")
bad_signer("a revoked signing certificate", "wuppertal-former", "certificate.revoked")
bad_signer("RSA with 1024 bits", "wuppertal-weak", "signature.key-too-short")


@test("an XSLT transform: 422 signature.algorithm")
def xslt(world):
    style = ('<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0">'
             '<xsl:template match="/"><harmless></harmless></xsl:template></xsl:stylesheet>')
    one = reference("", "<harmless></harmless>", [ENVELOPED, transform(signing.XSLT, style), INCLUSIVE])
    text = insert(fresh().text, signature(world.signer(PORTAL), [one]))
    world.refuse(text, 422, "signature.algorithm")


@test("an XPath transform that leaves out what was changed: 422 signature.algorithm")
def xpath(world):
    path = "<ds:XPath>not(ancestor-or-self::*[local-name()='bemerkung'])</ds:XPath>"
    message = fresh()
    one = reference("", message.without("bemerkung"), [ENVELOPED, transform(signing.XPATH, path), INCLUSIVE])
    text = insert(message.text, signature(world.signer(PORTAL), [one]))
    world.refuse(careless(world, text), 422, "signature.algorithm")


@test("canonicalisation with comments: 422 signature.algorithm")
def comments(world):
    message = fresh()
    one = reference("", message.text, [ENVELOPED, signing.INCLUSIVE_WITH_COMMENTS])
    text = insert(message.text, signature(world.signer(PORTAL), [one]))
    world.refuse(careless(world, text), 422, "signature.algorithm")


def blown_up(where):
    """A test of exclusive canonicalisation, which repeats a long namespace on each of many elements."""

    @test(f"{where} of 1 MB of XML whose exclusive form has gigabytes: 400 xml.not-canonical, at once")
    def attack(world):
        blown = f'<x Id="signed" xmlns:a="urn:{"u" * 60000}">{"<a:b></a:b>" * 100000}</x>'
        text, signer = fresh().text, world.signer(PORTAL)
        if where == "a document":
            text = insert(text, blown)
            made = signature(signer, [reference("", "", (ENVELOPED, EXCLUSIVE))])
        else:
            made = signature(signer, [reference("", text), reference("#signed", "", (EXCLUSIVE,))],
                             objects=objects(blown))
        before, begin = world.main.resident(), time.monotonic()
        world.refuse(insert(text, made), 400, "xml.not-canonical")
        assert time.monotonic() - begin < 10 * PATIENCE, "it took too long"
        assert world.main.resident() - before < 100e6, "it took too much memory"

    return attack


blown_up("a document")
blown_up("signed properties")


# ---- signature wrapping: what is verified is not what is used ----

def careless(world, text, *options):
    """Returns the document if the xmlsec1 command, asked carelessly, takes its signature as valid."""
    path = world.folder / "attack.xml"
    path.write_text(text, encoding="utf-8")
    names = sorted({item.tag.strip("{").replace("}", ":")
                    for item in ElementTree.fromstring(text).iter() if "Id" in item.attrib})
    ids = [word for name in names for word in ("--id-attr:Id", name)]
    done = xmlsec1_verify(world.pki, path, *ids, *options)
    assert done.returncode == 0, f"this attack would deceive nobody: {done.stderr}"
    return text


def identified(text, element=r"[\w.:-]+"):
    """The document with the Id "signed" at its document element, or at the first of that name."""
    return re.sub(rf"<({element})([ >])", r'<\1 Id="signed"\2', text, count=1)


def exclusive(text):
    """Exclusive canonical form of a text that declares all of its namespaces."""
    return subprocess.run(["xmllint", "--nonet", "--exc-c14n", "-"], input=text.encode(), check=True,
                          capture_output=True).stdout.decode()


def by_id(data, uri="#signed", transforms=(EXCLUSIVE,)):
    """A reference to what has the Id "signed"."""
    return reference(uri, exclusive(data), transforms)


def objects(inside):
    return f"<ds:Object>{inside}</ds:Object>"


def wrapping(sentence, code="signature.shape", deceives=True):
    """A test of one wrapping. The function makes the document, with the portal's signer."""

    def register(function):
        @test(f"signature wrapping: {sentence}: 422 {code}")
        def attack(world):
            text = function(world, world.signer(PORTAL))
            if deceives:
                careless(world, text)
            world.refuse(text, 422, code)
        return attack

    return register


@wrapping("the signed document moved into an object of the signature, another in its place")
def in_object(_, signer):
    signed = identified(fresh().text)
    return insert(fresh().text, signature(signer, [by_id(signed)], objects=objects(signed)))


@wrapping("the signed document as a child of another")
def as_child(_, signer):
    signed = identified(fresh().text)
    return insert(fresh().text, signed, signature(signer, [by_id(signed)]))


@wrapping("the signed document with its signature, deep in another", "signature.missing")
def nested(_, signer):
    signed = identified(fresh().text)
    inner = insert(signed, signature(signer, [by_id(signed, transforms=(ENVELOPED, EXCLUSIVE))]))
    return insert(fresh().text, f"<payload>{inner}</payload>")


@wrapping("the signature in a wrapper of its own, not a child of the document element", "signature.missing")
def in_wrapper(_, signer):
    text = insert(fresh().text, "<wrapper></wrapper>")
    return text.replace("<wrapper>", "<wrapper>" + signature(signer, [reference("", text)]))


@wrapping("a signature over the header only")
def header_only(_, signer):
    name = r"(?:\w+:)?nachrichtenkopf\.g2g"
    text = identified(fresh().text, name)
    header = re.search(rf"<{name}.*</{name}>", text, re.DOTALL)[0]
    spaces = " ".join(re.findall(r'xmlns(?::\w+)?="[^"]*"', text[:text.index(">")]))
    header = header.replace(" Id=", f" {spaces} Id=", 1)
    return insert(text, signature(signer, [by_id(header)]))


@wrapping("a second reference, to an element outside of the signature")
def second_outside(_, signer):
    part = '<part xmlns="urn:test" Id="signed">1</part>'
    text = insert(fresh().text, part)
    return insert(text, signature(signer, [reference("", text), by_id(part)]))


@wrapping("a reference to the signature's own properties alone")
def only_properties(_, signer):
    properties = '<properties xmlns="urn:test" Id="signed">yes</properties>'
    return insert(fresh().text, signature(signer, [by_id(properties)], objects=objects(properties)))


@wrapping("an XPointer to the signed document")
def xpointer(_, signer):
    signed = identified(fresh().text)
    one = by_id(signed, "#xpointer(id('signed'))")
    return insert(fresh().text, signed, signature(signer, [one]))


@wrapping("a manifest, whose own digests need not match", deceives=False)
def manifest(world, signer):
    inside = f'<ds:Manifest xmlns:ds="{signing.DSIG}" Id="signed">{reference("", "other")}</ds:Manifest>'
    one = reference("#signed", exclusive(inside), [EXCLUSIVE], attributes=f' Type="{signing.DSIG}Manifest"')
    text = insert(fresh().text, signature(signer, [one], objects=objects(inside)))
    return careless(world, text, "--ignore-manifests")


@wrapping("a reference to a file on the gateway's own disk")
def file_on_disk(world, signer):
    path = world.folder / "signed.xml"
    path.write_text(fresh().text, encoding="utf-8")
    return insert(fresh().text, signature(signer, [reference(f"file://{path}", path.read_bytes(),
                                                             [INCLUSIVE])]))


@wrapping("a reference by Id where two elements have that Id", deceives=False)
def same_id(_, signer):
    signed = identified(fresh().text)
    return insert(identified(fresh().text), signed, signature(signer, [by_id(signed)]))


@wrapping("the document element by its Id in place of the empty URI")
def whole_by_id(_, signer):
    text = identified(fresh().text)
    return insert(text, signature(signer, [by_id(text, transforms=(ENVELOPED, EXCLUSIVE))]))


@wrapping("a reference without URI", deceives=False)
def without_uri(_, signer):
    text = fresh().text
    return insert(text, signature(signer, [reference(None, text)]))


@wrapping("the signature around the document", "profile.unknown")
def enveloping(_, signer):
    inside = f'<ds:Object Id="signed">{fresh().text}</ds:Object>'
    data = inside.replace("<ds:Object", f'<ds:Object xmlns:ds="{signing.DSIG}"', 1)
    return signature(signer, [by_id(data)], objects=inside)


@test("signature wrapping: a detached signature of another part: 422 signature.shape")
def other_part(world):
    message = fresh()
    body, kind = multipart(message.text, signing.detach(message.text, world.signer(PORTAL), "cid:other"))
    world.refuse(body, 422, "signature.shape", kind)


@test("after all of this an honest message is still accepted and delivered")
def honest_after_all(world):
    answer = world.client().post(honest(world)).expect(201)
    world.remscheid.wait_for(id=answer.id, valid="yes")


if __name__ == "__main__":
    run(lambda: Gate("signatures"))
