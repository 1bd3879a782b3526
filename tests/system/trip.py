#!/usr/bin/env python3
"""trip: the main job. Messages travel between three cities, in every form, and everybody can prove it."""

import itertools
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import messages
import signing
from harness import (CITIES, SOURCE, SYSTEMS, World, configuration, destination, element, equal,
                     folder_destination, folder_source, packed, profile, wait_for, xmlsec1_verify)
from tap import Skip, run, test

XTA = "{http://xoev.de/transport/xta/211}"
XBETEILIGUNG = "https://www.xleitstelle.de/xbeteiligung/12"
SYSTEM_OF = {name.split("-")[0]: name for name in SYSTEMS}


class Trip(World):
    """Wuppertal takes detached seals, Remscheid enveloped ones, Solingen has folders in and out."""

    def __enter__(self):
        self.wuppertal, self.remscheid = self.city("wuppertal"), self.city("remscheid")
        self.outbox, self.inbox = self.folder / "outbox", self.folder / "inbox"
        self.main = self.gateway(configuration(
            self, profiles=profiles(),
            destinations=[destination("wuppertal", self.wuppertal),
                          destination("remscheid", self.remscheid, seal="enveloped"),
                          folder_destination("solingen", self.outbox)],
            sources=[folder_source("solingen-folder", "solingen-registry", self.inbox)]))
        return self

    def delivered(self, reader, identifier):
        """(content, seal or None) as the reader has it, once it does."""
        if reader == "solingen":
            path = self.outbox / f"{identifier}.xml"
            wait_for(path.exists, f"{path.name} in Solingen's folder")
            return path, self.outbox / f"{identifier}.seal.xml"
        city = getattr(self, reader)
        entry = city.wait_for(id=identifier)
        equal(entry["valid"], "yes", "the receiver's own look at the seal")
        path = city.folder / "messages" / f"{identifier}.xml"
        seal = path.with_suffix(".seal.xml")
        return path, seal if seal.exists() else None

    def accepted(self, author, body, *more):
        answer = self.client(SYSTEM_OF[author]).post(body, *more)
        return answer.expect(201)


def profiles():
    listed = [profile("service"), profile("register")]
    listed[1] = profile("register", children=[element("way", adapter="folder", signature="optional")])
    shared = messages.shared()
    if shared:
        schema = shared / "standards" / "xbeteiligung-1.2" / "xbeteiligung.xsd"
        listed.append(profile("xbeteiligung", namespace=XBETEILIGUNG, layout="basisnachricht-1.1",
                              schema=schema))
    return listed


@test("a message from each of the three cities reaches each of the others")
def six_directions(world):
    for author, reader in itertools.permutations(CITIES, 2):
        message, text = world.signed(author, reader)
        answer = world.accepted(author, text)
        content, _ = world.delivered(reader, answer.id)
        root = ElementTree.parse(content).getroot()
        assert message.uuid in ElementTree.tostring(root, encoding="unicode")


@test("the reader of a detached seal gets the document byte by byte as it was signed")
def same_bytes(world):
    message, text = world.signed("remscheid", "wuppertal")
    content, seal = world.delivered("wuppertal", world.accepted("remscheid", text).id)
    equal(content.read_text(encoding="utf-8"), message.text, "the content")
    assert seal is not None, "the seal came apart"


@test("what the reader gets is valid against the schema of its profile, the seal apart")
def valid(world):
    for sample, schema in (("service-0101", "service.xsd"), ("register-0201", "register.xsd")):
        _, text = world.signed("remscheid", "wuppertal", sample=sample)
        content, _ = world.delivered("wuppertal", world.accepted("remscheid", text).id)
        subprocess.run(["xmllint", "--nonet", "--noout", "--schema", SOURCE / "schemas" / schema, content],
                       check=True, capture_output=True)


@test("a message of the older layout with split keys travels like any other")
def split_keys(world):
    message, text = world.signed("wuppertal", "remscheid", sample="register-0201")
    answer = world.accepted("wuppertal", text)
    equal(world.remscheid.wait_for(id=answer.id)["uuid"], message.uuid)


@test("a detached signature of the sender counts as much as an enveloped one")
def detached(world):
    message = messages.message("wuppertal", "remscheid")
    for uri in ("", "cid:document"):
        signature = signing.detach(message.text, world.signer("wuppertal-portal"), uri)
        answer = world.client().post_detached(message.text, signature)
        assert answer.status in (200, 201), answer
        world.delivered("remscheid", answer.id)


@test("a message that the xmlsec1 command has signed, with inclusive canonicalisation, is accepted")
def xmlsec(world):
    message = messages.message("solingen", "wuppertal")
    template = signing.insert(message.text, (
        f'<Signature xmlns="{signing.DSIG}"><SignedInfo>'
        f'<CanonicalizationMethod Algorithm="{signing.INCLUSIVE}"/>'
        f'<SignatureMethod Algorithm="{signing.DSIG_MORE}ecdsa-sha256"/><Reference URI="">'
        f'<Transforms><Transform Algorithm="{signing.ENVELOPED}"/></Transforms>'
        f'<DigestMethod Algorithm="{signing.DIGESTS["sha256"]}"/><DigestValue/></Reference></SignedInfo>'
        "<SignatureValue/><KeyInfo><X509Data/></KeyInfo></Signature>"))
    path = world.folder / "template.xml"
    path.write_text(template, encoding="utf-8")
    pki = world.pki
    signed = subprocess.run(
        ["xmlsec1", "--sign", "--privkey-pem",
         f"{pki / 'solingen-registry-signing.key'},{pki / 'solingen-registry-signing.pem'}", path],
        check=True, capture_output=True).stdout
    world.delivered("wuppertal", world.accepted("solingen", signed).id)


@test("a message packed with gzip is unpacked and accepted")
def gzipped(world):
    message, text = world.signed("wuppertal", "remscheid")
    answer = world.client().post(packed(text), Content_Encoding="gzip").expect(201)
    equal(world.remscheid.wait_for(id=answer.id)["uuid"], message.uuid)


@test("a message that comes in chunks of seven bytes is accepted")
def chunked(world):
    _, text = world.signed("wuppertal", "remscheid")
    data = text.encode()
    pieces = [data[i:i + 7] for i in range(0, len(data), 7)]
    client = world.client()
    answer = client.request("POST", "/messages", pieces,
                            {"Content-Type": "text/xml; charset=utf-8"})
    answer.expect(201)
    world.delivered("remscheid", answer.id)


@test("the same message again gives the same receipt and no second delivery")
def repetition(world):
    _, text = world.signed("wuppertal", "remscheid")
    first = world.accepted("wuppertal", text)
    second = world.client().post(text).expect(200)
    equal(second.headers["Muengsten-Repeated"], "true")
    equal((second.id, second.body), (first.id, first.body), "id and receipt")
    world.delivered("remscheid", first.id)
    _, marker = world.signed("wuppertal", "remscheid")
    world.delivered("remscheid", world.accepted("wuppertal", marker).id)
    equal(len(world.remscheid.record(id=first.id)), 1, "deliveries")


@test("the receipt is signed by the gateway, says the message's id and that it was accepted")
def receipt(world):
    message, text = world.signed("wuppertal", "remscheid")
    answer = world.accepted("wuppertal", text)
    equal(answer.headers.get_content_type(), "application/xml")
    equal(answer.headers["Location"].rpartition("/")[2], answer.id, "Location")
    root = ElementTree.fromstring(answer.body)
    equal(root.tag, f"{XTA}TransportReport")
    assert message.uuid in answer.body.decode() and answer.id in answer.body.decode()
    verify_receipt(world, answer.body)


def verify_receipt(world, body):
    path = world.folder / "receipt.xml"
    path.write_bytes(body)
    done = xmlsec1_verify(world.pki, path, "--enabled-key-data", "x509")
    equal(done.returncode, 0, done.stderr)
    shown = re.search(r"X509Certificate>([^<]+)<", body.decode())[1]
    equal("".join(shown.split()), signing.certificate_base64(world.pki / "gateway-seal.pem"), "signer")


@test("receipt and report are valid against the schema of XTA 2.1.1")
def xta(world):
    shared = messages.shared()
    if not shared:
        raise Skip("the published standards are not there (MUENGSTEN_SHARED)")
    _, text = world.signed("wuppertal", "remscheid")
    answer = world.accepted("wuppertal", text)
    world.delivered("remscheid", answer.id)
    report = world.client().report(answer.id).expect(200)
    schema = shared / "standards" / "xta-2.1.1" / "XTA-Webservice-Globale-Elemente.xsd"
    for name, body in (("receipt", answer.body), ("report", report.body)):
        path = world.folder / f"{name}.xml"
        path.write_bytes(body)
        done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", schema, path],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"


@test("the sender's report says how far the delivery has come, and is signed")
def report_says(world):
    _, text = world.signed("wuppertal", "remscheid")
    answer = world.accepted("wuppertal", text)
    world.delivered("remscheid", answer.id)
    report = wait_for(lambda: (lambda r: r if b"delivered" in r.body else None)(
        world.client().report(answer.id).expect(200)), "the report says delivered")
    assert b"remscheid" in report.body
    verify_receipt(world, report.body)


@test("nobody but the one who handed a message in gets its report")
def report_for_nobody_else(world):
    _, text = world.signed("wuppertal", "remscheid")
    answer = world.accepted("wuppertal", text)
    world.client("remscheid-planning").report(answer.id).expect(404, "message.unknown")
    world.client("solingen-registry").report(answer.id).expect(404, "message.unknown")
    world.client().report(answer.id).expect(200)


@test("a message put into Solingen's folder is accepted with a receipt beside it, and delivered")
def folder_in(world):
    message, text = world.signed("solingen", "remscheid")
    put(world, "message.xml", text)
    receipts = world.inbox / "receipts"
    found = wait_for(lambda: list(receipts.glob("message*")), "the receipt")
    assert message.uuid in found[0].read_text(encoding="utf-8")
    assert not (world.inbox / "message.xml").exists(), "the file was taken away"
    wait_for(lambda: world.remscheid.record(uuid=message.uuid), "the message in Remscheid")


@test("what a profile lets come unsigned by folder comes through, and its seal says so")
def unsigned_by_folder(world):
    message = messages.message("solingen", "wuppertal", sample="register-0201")
    put(world, "unsigned.xml", message.text)
    entry = world.wuppertal.wait_for(uuid=message.uuid)
    seal = (world.wuppertal.folder / "messages" / f"{entry['id']}.seal.xml").read_text(encoding="utf-8")
    assert "none" in seal and "solingen-registry" in seal


def put(world, name, text):
    temporary = world.folder / name
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(world.inbox / name)


@test("real messages of XBeteiligung 1.2 travel, valid against the real schemas on arrival")
def real(world):
    shared = messages.shared()
    if not shared:
        raise Skip("the real messages are not there (MUENGSTEN_SHARED)")
    schema = shared / "standards" / "xbeteiligung-1.2" / "xbeteiligung.xsd"
    names = [path.name.removesuffix(".xml")
             for path in sorted((shared / "messages" / "xbeteiligung").glob("*.xml"))]
    for name, (author, reader) in zip(names, itertools.cycle([("remscheid", "wuppertal"),
                                                              ("solingen", "wuppertal")])):
        message = messages.xbeteiligung(author, reader, name)
        text = signing.envelop(message.text, world.signer(SYSTEM_OF[author]))
        answer = world.accepted(author, text)
        content, _ = world.delivered("wuppertal", answer.id)
        equal(content.read_text(encoding="utf-8"), message.text, "the content")
        subprocess.run(["xmllint", "--nonet", "--noout", "--schema", schema, content], check=True,
                       capture_output=True)


@test("the seal in Solingen's folder is valid for the xmlsec1 command")
def folder_seal(world):
    _, text = world.signed("wuppertal", "solingen")
    answer = world.accepted("wuppertal", text)
    content, seal = world.delivered("solingen", answer.id)
    options = []
    for item in ElementTree.parse(seal).getroot().iter():
        if "Id" in item.attrib:
            options += ["--id-attr:Id", item.tag.strip("{").replace("}", ":")]
    done = xmlsec1_verify(world.pki, seal, "--enabled-key-data", "x509", *options,
                          f"--url-map:cid:{answer.id}@muengsten", content)
    equal(done.returncode, 0, done.stderr)


@test("a detached seal is valid for the JDK's own implementation, and a changed content is not")
def java_detached(world):
    _, text = world.signed("remscheid", "wuppertal")
    content, seal = world.delivered("wuppertal", world.accepted("remscheid", text).id)
    java(world, content, seal)
    forged = world.folder / "forged.xml"
    forged.write_text(content.read_text(encoding="utf-8").replace("05120000", "05122000"),
                      encoding="utf-8")
    java(world, forged, seal, valid=False)


@test("an enveloped seal is valid for the JDK's own implementation")
def java_enveloped(world):
    _, text = world.signed("wuppertal", "remscheid")
    content, _ = world.delivered("remscheid", world.accepted("wuppertal", text).id)
    java(world, content)


def java(world, *files, valid=True):
    program = SOURCE / "tests" / "system" / "VerifySeal.java"
    if not shutil.which("java") or not shutil.which("javac"):
        raise Skip("there is no JDK")
    if not program.exists():
        raise Skip("there is no VerifySeal.java")
    done = subprocess.run(["java", program, world.pki / "authorities.pem", *files], capture_output=True,
                          text=True, check=False)
    assert (done.returncode == 0) == valid, done.stdout + done.stderr


@test("the log has a line for acceptance and delivery of a message, with its id, and no payload")
def log(world):
    message, text = world.signed("wuppertal", "remscheid")
    answer = world.accepted("wuppertal", text)
    line = world.main.wait_for("message.accepted", message=answer.id)
    assert f"uuid={message.uuid}" in line and "partner=wuppertal-portal" in line, line
    world.main.wait_for("delivery.delivered", message=answer.id, destination="remscheid")
    names = re.findall(r"<(?:\w+:)?(?:name|familienname|vorname)>([^<]{4,})<", message.text)
    assert names, "the sample has names"
    for name in names:
        assert name not in world.main.log(), f"{name} is in the log"


if __name__ == "__main__":
    run(lambda: Trip("trip"))
