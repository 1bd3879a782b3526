#!/usr/bin/env python3
"""impersonation: partners with good certificates of their own who try to be somebody else, to outlast their
certificate, or to put into the log what does not belong there."""

import ssl
import subprocess

import messages
import signing
from gate import PORTAL, subject
from harness import (Client, World, client_tls, configuration, destination, element, equal, partner, profile,
                     read_answer)
from signing import envelop, reference, signature
from tap import run, test

OFFICE = "remscheid-office"
SLEEPER = "wuppertal-sleeper"


def searching():
    """A profile whose XPaths search the whole document for its facts."""

    def first(name, parent=None):
        inside = f"[parent::*[local-name()='{parent}']]" if parent else ""
        return f"(//*[local-name()='{name}']{inside})[1]"

    return profile("service", layout="xpath", children=(element(
        "header", uuid=first("nachrichtenUUID"), type_list=first("nachrichtentyp") + "/@listURI",
        type_code=first("nachrichtentyp") + "/code", created=first("erstellungszeitpunkt"),
        author=first("kennung", "autor"), reader=first("kennung", "leser")),))


class Impersonation(World):
    """Remscheid's office is known by the subject of its certificates, as Remscheid's authority issues them."""

    def __enter__(self):
        self.pki = self.private_pki()
        self.pki.issue(*OFFICE.split("-"))
        self.pki.issue(*SLEEPER.split("-"))
        self.issue_namesakes()
        self.remscheid = self.city("remscheid")
        self.solingen = self.city("solingen")
        office = {f"{use}-{kind}": value for use in ("tls", "signing") for kind, value in
                  (("certificate", None), ("subject", subject(self.pki / f"{OFFICE}-{use}.pem")))}
        self.main = self.gateway(configuration(
            self, profiles=[searching()],
            partners=[partner(self.pki, PORTAL), partner(self.pki, SLEEPER),
                      partner(self.pki, OFFICE, issuer=self.pki / "authority" / "remscheid" / "ca.pem",
                              **office)],
            destinations=[destination("remscheid", self.remscheid), destination("solingen", self.solingen)]))
        return self

    def issue_namesakes(self):
        """Solingen's authority issues certificates with the subjects of Remscheid's office."""
        authority, extensions = self.pki / "authority" / "solingen", self.folder / "extensions"
        extensions.write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                              "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n", encoding="ascii")
        for use in ("tls", "signing"):
            own, base = self.pki / f"{OFFICE}-{use}.pem", self.folder / f"namesake-{use}"
            name = "/" + "/".join(reversed(subject(own).split(",")))
            openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-utf8", "-subj", name, "-keyout", f"{base}.key", "-out", f"{base}.csr")
            openssl("x509", "-req", "-in", f"{base}.csr", "-CA", authority / "ca.pem", "-CAkey",
                    authority / "ca.key", "-CAcreateserial", "-days", "2", "-extfile", extensions,
                    "-out", f"{base}.pem")
            equal(subject(f"{base}.pem"), subject(own), "the subject that was taken")

    def message(self, author="wuppertal", reader="remscheid"):
        return messages.message(author, reader)

    def said_of(self, word):
        """The lines of the log that have this word."""
        return [line for line in self.main.log().splitlines() if word in line]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


# ---- another authority's subject ----

@test("a partner known by its subject hands in with certificates of its own authority")
def own_authority(world):
    text = envelop(world.message("remscheid", "solingen").text, world.signer(OFFICE))
    world.client(OFFICE).post(text).expect(201)


@test("a TLS certificate with its subject from another trusted authority: 403 partner.unknown")
def namesake_tls(world):
    tls = client_tls(world.pki, None, world.folder / "namesake-tls.pem", world.folder / "namesake-tls.key")
    text = envelop(world.message("remscheid", "solingen").text, world.signer(OFFICE))
    Client(world.port, world.pki, None, tls=tls).post(text).expect(403, "partner.unknown")


@test("a signing certificate with its subject from another trusted authority: 422 signature.foreign-certificate")
def namesake_signing(world):
    signer = signing.Signer(world.folder / "namesake-signing.pem", world.folder / "namesake-signing.key")
    text = envelop(world.message("remscheid", "solingen").text, signer)
    world.client(OFFICE).post(text).expect(422, "signature.foreign-certificate")


# ---- header facts that are not the message's ----

def lent(world, facts, message):
    """A message signed by the portal, whose signature stands first and lends it facts that nobody signed."""
    signer = world.signer(PORTAL)
    key_info = (f"<ds:KeyInfo><lent>{facts}</lent><ds:X509Data><ds:X509Certificate>{signer.shown()}"
                f"</ds:X509Certificate></ds:X509Data></ds:KeyInfo>")
    made = signature(signer, [reference("", message.text)], key_info=key_info)
    start = message.text.index(">") + 1
    return message.text[:start] + made + message.text[start:]


@test("an author that stands in the signature's KeyInfo does not hide the message's own: 403 permission.author")
def lent_author(world):
    forged = lent(world, "<autor><kennung>ags:05124000</kennung></autor>", world.message("solingen"))
    world.client().post(forged).expect(403, "permission.author")


@test("a UUID that stands there does not either: the message keeps its own, and is recognised")
def lent_uuid(world):
    message = world.message()
    first = world.client().post(envelop(message.text, world.signer(PORTAL))).expect(201)
    uuid = "<nachrichtenUUID>00000000-0000-4000-8000-000000000000</nachrichtenUUID>"
    again = world.client().post(lent(world, uuid, message)).expect(200)
    equal(again.id, first.id, "the message that was recognised")


# ---- the log ----

@test("a name in place of the UUID is told to nobody and logged nowhere: 422 header.uuid")
def name_as_uuid(world):
    message = world.message()
    text = message.text.replace(message.uuid, "Erika Mustermann, geboren 1984-08-12")
    answer = world.client().post(envelop(text, world.signer(PORTAL))).expect(422, "header.uuid")
    assert "Mustermann" not in answer.body.decode(), answer.body
    equal(world.said_of("Mustermann"), [], "lines with the name")


@test("white space, control characters and asterisks in a type do not reach the log: 422 header.type")
def controls_as_type(world):
    for code in ("0101 level=error", "01&#10;time=0", "01\u009b31m", "01\u0085", "0101*"):
        message = world.message()
        text = message.text.replace("<code>0101</code>", f"<code>{code}</code>", 1)
        world.client().post(envelop(text, world.signer(PORTAL))).expect(422, "header.type")
        equal([line.split("=")[0] for line in world.said_of(message.uuid)], ["time"], "lines about it")
    equal([line for line in world.main.log().split("\n") if line and not line.startswith("time=2")], [],
          "lines that are none of the gateway's")


# ---- a connection that waits ----

@test("a connection made before the revocation and used after it: 403 certificate.revoked, nothing stored")
def sleeper(world):
    with Client(world.port, world.pki, SLEEPER).raw() as connection:
        world.pki.revoke(f"{SLEEPER}-tls")
        held = world.main.holdings()
        world.main.reload()
        text = envelop(world.message().text, world.signer(SLEEPER)).encode()
        try:
            connection.sendall(b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(text) + text)
            answer = read_answer(connection)
        except (OSError, ssl.SSLError):
            answer = None
        # None: the gateway had closed the connection, which is as good.
        if answer:
            answer.expect(403, "certificate.revoked")
        world.main.check_running()
        equal(world.main.holdings(), held, "what the store holds")


if __name__ == "__main__":
    run(lambda: Impersonation("impersonation"))
