#!/usr/bin/env python3
"""revocation: a certificate that is revoked while everything runs stops counting, on open connections too."""

import ssl

import messages
from harness import (Client, World, client_tls, configuration, destination, equal, partner,
                     tls_alert, wait_for)
from signing import envelop
from tap import run, test


class Revocation(World):
    """Two systems of Wuppertal with certificates of their own."""

    def __enter__(self):
        self.pki = self.private_pki()
        for name in ("leaver", "signer"):
            self.pki.issue("wuppertal", name)
        self.remscheid = self.city("remscheid")
        self.main = self.gateway(configuration(
            self, partners=[partner(self.pki, name) for name in
                            ("wuppertal-portal", "wuppertal-leaver", "wuppertal-signer")],
            destinations=[destination("remscheid", self.remscheid)]))
        return self

    def text(self, system):
        return envelop(messages.message("wuppertal", "remscheid").text, self.signer(system))

    def revoke(self, name):
        """Revokes, tells the gateway, and waits until it has read the new list."""
        self.pki.revoke(name)
        self.main.reload()


@test("a system whose TLS certificate is revoked is refused on its open connection, with nothing stored")
def open_connection(world):
    client = world.client("wuppertal-leaver")
    client.post(world.text("wuppertal-leaver")).expect(201)
    connection, tls = client.connection, client.tls
    session = connection.sock.session
    world.revoke("wuppertal-leaver-tls")
    before = world.main.settled()
    text = world.text("wuppertal-leaver").encode()
    try:
        connection.request("POST", "/messages", text, {"Content-Type": "application/xml"})
        response = connection.getresponse()
        body = response.read().decode()
        equal(response.status, 403, body)
        assert "certificate.revoked" in body, body
    except (OSError, ssl.SSLError, ConnectionError):
        pass  # the gateway had closed the connection: as good
    world.main.check_running()
    equal(world.main.holdings(), before, "what the store holds")
    world.session = (tls, session)


@test("it gets the TLS alert certificate_revoked on a new connection")
def new_connection(world):
    equal(tls_alert(Client(world.port, world.pki, "wuppertal-leaver").raw), "CERTIFICATE_REVOKED")


@test("a TLS session from before does not help it")
def resumed(world):
    tls, session = world.session
    client = Client(world.port, world.pki, "wuppertal-leaver", tls=tls)
    equal(tls_alert(lambda: client.raw(session=session)), "CERTIFICATE_REVOKED")


@test("a TLS 1.2 session from before does not help either")
def resumed_12(world):
    world.pki.issue("wuppertal", "older")
    tls = client_tls(world.pki, "wuppertal-signer")
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    client = Client(world.port, world.pki, "wuppertal-signer", tls=tls)
    client.report("1").expect(404, "message.unknown")
    session = client.connection.sock.session
    client.close()
    world.revoke("wuppertal-signer-tls")
    equal(tls_alert(lambda: client.raw(session=session)), "CERTIFICATE_REVOKED")


@test("a message signed with a revoked certificate is refused, though it was known as good before")
def signing_certificate(world):
    client = world.client("wuppertal-portal")
    client.post(world.text("wuppertal-portal")).expect(201)
    world.revoke("wuppertal-portal-signing")
    client.post(world.text("wuppertal-portal")).expect(422, "certificate.revoked")


@test("what was accepted before is delivered all the same")
def delivered(world):
    wait_for(lambda: len(world.remscheid.record(answer=200)) == 2, "both messages arrive")


if __name__ == "__main__":
    run(lambda: Revocation("revocation"))
