#!/usr/bin/env python3
"""renewal: schemas, authorities and revocation lists are exchanged while messages travel, and nobody else notices."""

import re
import shutil

import signing
from harness import SOURCE, Client, Pki, equal, partner, pki_command, tls_alert
from tap import run, test
from town import PORTAL, Load, Town


class Renewal(Town):
    """A town whose schemas are copies, with a system that will leave and one of an authority of its own."""

    def __enter__(self):
        self.schemas = self.folder / "schemas"
        shutil.copytree(SOURCE / "schemas", self.schemas)
        super().__enter__()
        self.pki.issue("wuppertal", "leaver")
        pki_command("init", self.folder / "other", "--city", "wuppertal")
        self.other = Pki(self.folder / "other")
        return self

    def text(self, **choices):
        text = super().text(partners=[partner(self.pki, PORTAL), *choices.pop("more_partners", ())], **choices)
        text = text.replace(str(SOURCE / "schemas"), str(self.schemas))
        return text.replace("<trust ", '<trust check="1s" ', 1)

    def with_fax(self):
        """A message with an element that the schema does not have yet."""
        message, _ = self.signed("wuppertal", "test:main")
        text, count = re.subn(r"(<(\w+:)?telefon>)(.*?)(</(\w+:)?telefon>)",
                              lambda found: found[0] + found[0].replace("telefon", "fax"), message.text)
        equal(count, 1, "telephones in the sample")
        return signing.envelop(text, self.signer(PORTAL))


def arrived(world, load):
    for identifier in load.identifiers:
        world.arrived(identifier)


@test("a new version of a schema counts from the reload on, and a broken one changes nothing and says where")
def schemas(world):
    schema = world.schemas / "service.xsd"
    before = schema.read_text(encoding="utf-8")
    telephone = '<xs:element name="telefon" type="service:Telefon" minOccurs="0"/>'
    equal(before.count(telephone), 1, "where the sample's telephone is declared")
    with Load(world) as load:
        world.client().post(world.with_fax()).expect(422, "schema.invalid")
        schema.write_text(before.replace(telephone, telephone + telephone.replace("telefon", "fax")), encoding="utf-8")
        world.client().post(world.with_fax()).expect(422, "schema.invalid")
        world.main.reload()
        identifier = world.client().post(world.with_fax()).expect(201).id
        schema.write_text(before.replace(telephone, "<xs:nonsense/>"), encoding="utf-8")
        world.main.reload(event="gateway.reload-refused")
        assert "service.xsd:" in world.main.lines("gateway.configuration")[-1], world.main.log()[-1000:]
        world.arrived(world.client().post(world.with_fax()).expect(201).id)
    world.arrived(identifier)
    arrived(world, load)
    schema.write_text(before, encoding="utf-8")
    world.main.reload()
    world.client().post(world.with_fax()).expect(422, "schema.invalid")


@test("an authority is added by a reload and its systems may send; it is removed, and they are refused at once")
def authorities(world):
    newcomer = partner(world.other, "newcomer", author="ags:05124000", certificate=PORTAL)
    files = {name: (world.pki / name).read_bytes() for name in ("authorities.pem", "revocation.pem")}

    def text():
        message, _ = world.signed("wuppertal", "test:main")
        return signing.envelop(message.text, world.other.signer(PORTAL))

    client = Client(world.port, world.other, PORTAL)
    client.tls.load_verify_locations(world.pki / "authorities.pem")  # it knows the gateway's
    with Load(world) as load:
        equal(tls_alert(client.raw), "UNKNOWN_CA", "before")
        for name, old in files.items():
            (world.pki / name).write_bytes(old + (world.other / name).read_bytes())
        world.main.reload(world.text(more_partners=[newcomer]))
        identifier = client.post(text()).expect(201).id
        for name, old in files.items():
            (world.pki / name).write_bytes(old)
        world.main.reload()
        try:
            client.connection.request("POST", "/messages", text().encode(), {"Content-Type": "application/xml"})
            equal(client.connection.getresponse().status, 403, "what its open connection is answered")
        except OSError:
            pass  # the gateway had closed it: as good
        client.close()
        equal(tls_alert(client.raw), "UNKNOWN_CA", "after")
    world.arrived(identifier)
    arrived(world, load)
    world.main.reload(world.text())


@test("a revocation list counts as soon as its file has changed, without a reload, on open connections too")
def revocation(world):
    world.main.reload(world.text(more_partners=[partner(world.pki, "wuppertal-leaver")]))
    client = Client(world.port, world.pki, "wuppertal-leaver")
    with Load(world) as load:
        client.report("1").expect(404, "message.unknown")
        reloads, exchanged = len(world.main.lines("gateway.reloaded")), len(world.main.lines("revocation.exchanged"))
        world.pki.revoke("wuppertal-leaver-tls")
        world.main.wait_for_more("revocation.exchanged", exchanged)
        try:
            client.connection.request("GET", "/messages/1")
            equal(client.connection.getresponse().status, 403, "what its open connection is answered")
        except OSError:
            pass  # the gateway had closed it: as good
        client.close()
        equal(tls_alert(client.raw), "CERTIFICATE_REVOKED", "on a new connection")
        equal(len(world.main.lines("gateway.reloaded")), reloads, "reloads")
    arrived(world, load)


@test("a revocation list that cannot be read changes nothing, is told, and counts when it can")
def unreadable(world):
    file = world.pki / "revocation.pem"
    good = file.read_bytes()
    with Load(world) as load:
        file.write_bytes(b"no list at all\n")
        world.main.wait_for("revocation.unreadable")
        client = Client(world.port, world.pki, "wuppertal-leaver")
        equal(tls_alert(client.raw), "CERTIFICATE_REVOKED", "while the file cannot be read")
        exchanged = len(world.main.lines("revocation.exchanged"))
        file.write_bytes(good)
        world.pki.revoke("wuppertal-planning-tls")
        world.main.wait_for_more("revocation.exchanged", exchanged)
    arrived(world, load)


if __name__ == "__main__":
    run(lambda: Renewal("renewal"))
