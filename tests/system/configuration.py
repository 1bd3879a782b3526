#!/usr/bin/env python3
"""configuration: muengstend -t finds each kind of mistake and says file, line and reason; it starts nothing."""

import re
import subprocess
import time

from harness import (SOURCE, World, configuration, destination, element, environment, equal,
                     folder_destination, folder_source, muengstend, partner, profile, route)
from tap import run, test


class Somewhere:
    """A destination needs a port; nobody listens there."""

    port = 9


class Desk(World):
    """Configurations are written here; none is run."""

    def __init__(self):
        super().__init__("configuration")
        self.pki = self.private_pki()

    def text(self, **choices):
        choices.setdefault("destinations", [destination("remscheid", Somewhere)])
        return configuration(self, **choices)

    def write(self, text, name="muengsten.xml"):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def check(self, path):
        """Exit status and lines of muengstend -t."""
        done = subprocess.run([muengstend(), "-t", "-c", path], capture_output=True, text=True,
                              env=environment(), timeout=60, check=False)
        return done.returncode, done.stderr.splitlines()

    def mistaken(self, text, mark, reason):
        """The line in which mark stands is complained about, with a reason that has this in it."""
        line = next(number for number, words in enumerate(text.splitlines(), 1) if mark in words)
        path = self.write(text)
        status, lines = self.check(path)
        equal(status, 1, f"exit status ({lines})")
        wanted = rf"^{re.escape(str(path))}:{line}: .*(?i:{reason})"
        assert any(re.match(wanted, words) for words in lines), f"no {wanted} in {lines}"


def mistake(sentence, mark, reason, **choices):
    """A test of one mistake. Choices are functions of the world that give parts of the configuration."""

    @test(f"-t: {sentence}")
    def checked(world):
        world.mistaken(world.text(**{name: make(world) for name, make in choices.items()}), mark, reason)

    return checked


@test("-t: the configuration of the other tests is in order")
def in_order(world):
    status, lines = world.check(world.write(world.text()))
    equal(status, 0, f"exit status ({lines})")


@test("-t: it opens no port and makes no store")
def starts_nothing(world):
    path = world.write(world.text())
    start = time.monotonic()
    world.check(path)
    assert time.monotonic() - start < 10
    assert not (world.folder / "store" / "muengsten.sqlite").exists()
    assert not list(world.folder.glob("store/*")), "the store has something in it"


@test("-t: the sample configuration in etc is in order, with the development PKI")
def sample(world):
    folder = world.folder / "sample"
    folder.mkdir()
    (folder / "pki").symlink_to(world.pki.folder)
    (folder / "schemas").symlink_to(SOURCE / "schemas")
    for name in ("inbox/solingen", "outbox/solingen"):
        (folder / name).mkdir(parents=True)
    text = (SOURCE / "etc" / "muengsten.xml").read_text(encoding="utf-8")
    adapters = re.search(r"<adapters [^>]*/>", world.text())[0]
    path = world.write(text.replace("</gateway>", f"{adapters}\n</gateway>"), "sample/muengsten.xml")
    status, lines = world.check(path)
    equal(status, 0, f"exit status ({lines})")


@test("-t: the sample configuration fits one screen and is valid for xmllint")
def sample_schema(_):
    path = SOURCE / "etc" / "muengsten.xml"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 50
    schema = SOURCE / "schemas" / "muengsten-config.xsd"
    subprocess.run(["xmllint", "--nonet", "--noout", "--schema", schema, path], check=True,
                   capture_output=True)


mistake("an unknown element", "<partners", "partners", extra=lambda _: "<partners/>\n")
mistake("an unknown attribute", "colour=", "colour", extra=lambda _: '<limits colour="red"/>\n')
mistake("a value of the wrong form", 'content="soon"', "content|soon",
        extra=lambda _: '<retention content="soon"/>\n')
mistake("a route to an unknown destination", 'to="nowhere"', "nowhere",
        routes=lambda _: [route("remscheid", "nowhere")])
mistake("a source at an unknown listener", 'listener="backdoor"', "backdoor",
        extra=lambda _: element("source", name="second", adapter="rest", listener="backdoor"))
mistake("a source of an unknown partner", 'partner="nobody"', "nobody",
        sources=lambda w: [folder_source("box", "nobody", w.folder / "box")])
mistake("an adapter that is not there", 'adapter="carrier-pigeon"', "carrier-pigeon",
        extra=lambda _: element("destination", name="roof", adapter="carrier-pigeon"))
mistake("a parameter the adapter does not know", 'wings="2"', "wings",
        destinations=lambda w: [folder_destination("remscheid", w.folder / "out", wings=2)])
mistake("a parameter the adapter needs", 'name="mute"', "folder",
        extra=lambda _: element("destination", name="mute", adapter="folder"))
mistake("a url without TLS to a host whose name only begins like this machine's", "http://localhost.remote.example/",
        "https|url", extra=lambda _: element("destination", name="open", adapter="rest",
                                             url="http://localhost.remote.example/"))
mistake("a url without TLS that has this machine's name for a user", "http://127.0.0.1@remote.example/",
        "https|url", extra=lambda _: element("destination", name="open", adapter="rest",
                                             url="http://127.0.0.1@remote.example/"))
mistake("a url that is no https", "http://remote.example/", "https|url",
        extra=lambda _: element("destination", name="open", adapter="rest", url="http://remote.example/"))
mistake("a folder that is not there", 'folder="/nonexistent/outbox"', "/nonexistent/outbox",
        extra=lambda _: element("destination", name="lost", adapter="folder", folder="/nonexistent/outbox"))
mistake("two destinations of one name", "second-of-name", "remscheid",
        extra=lambda _: element("destination", name="remscheid", adapter="rest",
                                url="https://localhost/second-of-name"))
mistake("a partner's certificate that cannot be read", "missing-tls.pem", "missing-tls.pem",
        partners=lambda w: [partner(w.pki, "wuppertal-portal"),
                            partner(w.pki, "remscheid-planning", certificate="missing")])
mistake("a schema that is not there", "missing.xsd", "missing.xsd",
        profiles=lambda _: [profile("service", schema=SOURCE / "schemas" / "missing.xsd")])
mistake("a schema that does not compile", "broken.xsd", "compile|broken",
        profiles=lambda w: [profile("service", schema=w.write("<xs:schema/>", "broken.xsd"))])
mistake("an XPath that does not compile", "uuid[[", "uuid",
        profiles=lambda _: [profile("odd", namespace="urn:odd", layout="xpath",
                                    schema=SOURCE / "schemas" / "service.xsd", children=[
                                        "\n" + element("header", uuid="uuid[[", type_list="'urn:x'",
                                                       type_code="code", created="created",
                                                       author="author", reader="reader")])])
mistake("an attribute of a wrong name in a permission", "speaker=", "speaker",
        extra=lambda _: '<partner name="loud">\n<permission speaker="x" type="*" reader="*"/></partner>\n')


@test("-t: an expired certificate of a partner")
def expired(world):
    world.pki.issue("remscheid", "old", "--not-before", "2024-01-01", "--not-after", "2024-02-01")
    text = world.text(partners=[partner(world.pki, "wuppertal-portal"),
                                partner(world.pki, "remscheid-old")])
    world.mistaken(text, "remscheid-old-tls.pem", "expired")


@test("-t: a key that does not belong to the gateway's certificate")
def mismatch(world):
    text = world.text().replace("gateway-tls.key", "gateway-seal.key")
    world.mistaken(text, "gateway-tls.pem", "belong|match")


@test("-t: a key that others may read")
def open_key(world):
    key = world.pki / "gateway-seal.key"
    key.chmod(0o644)
    try:
        world.mistaken(world.text(), "gateway-seal.key", "permission|owner|read")
    finally:
        key.chmod(0o600)


@test("-t: authorities that cannot be read")
def authorities(world):
    world.mistaken(world.text().replace("authorities.pem", "nobody.pem"), "nobody.pem", "nobody.pem")


@test("-t: XML that is not well-formed")
def malformed(world):
    world.mistaken(world.text().replace("</gateway>", "</gateways>"), "</gateways>", ".")


@test("-t: a file that is not there")
def no_file(world):
    status, lines = world.check(world.folder / "nowhere.xml")
    equal(status, 1)
    assert any("nowhere.xml" in line for line in lines), lines


@test("-t: every mistake of a file is told at once")
def several(world):
    text = world.text(routes=[route("remscheid", "nowhere"), route("solingen", "elsewhere")])
    status, lines = world.check(world.write(text))
    equal(status, 1)
    assert any("nowhere" in line for line in lines) and any("elsewhere" in line for line in lines), lines


@test("-t: a conf.d of several files is one configuration, and mistakes name their file")
def several_files(world):
    text = world.text()
    head, partners = text.split("<partner ", 1)[0], re.findall(r"<partner .*?</partner>\n", text, re.DOTALL)
    rest = text[text.rindex("</partner>\n") + len("</partner>\n"):]
    start = re.match(r".*?<gateway xmlns=\"[^\"]*\"", text, re.DOTALL)[0] + ">\n"
    world.write(head + "</gateway>\n", "conf.d/10-gateway.xml")
    world.write(start + "".join(partners) + "</gateway>\n", "conf.d/20-partners.xml")
    world.write(start + rest, "conf.d/30-routes.xml")
    status, lines = world.check(world.folder / "conf.d")
    equal(status, 0, f"exit status ({lines})")
    world.write(start + '<route reader="ags:1" to="nowhere"/>\n</gateway>\n', "conf.d/40-more.xml")
    status, lines = world.check(world.folder / "conf.d")
    equal(status, 1)
    assert any("40-more.xml:3: " in line and "nowhere" in line for line in lines), lines


@test("a gateway with a bad configuration does not start, and says the same")
def does_not_start(world):
    path = world.write(world.text(routes=[route("remscheid", "nowhere")]))
    done = subprocess.run([muengstend(), "-c", path], capture_output=True, text=True, env=environment(),
                          timeout=60, check=False)
    equal(done.returncode, 1)
    assert "nowhere" in done.stderr, done.stderr


@test("-t: two sources at the same path of one listener, where the second would take the first one's messages")
def same_path(world):
    other = '<source name="other" adapter="rest" listener="cities"{}/>\n'
    reason = "taken by the source submission"
    world.mistaken(world.text(sources=[other.format("")]), 'name="other"', reason)
    world.mistaken(world.text(sources=[other.format(' path="/messages/more"')]), 'name="other"', reason)
    world.mistaken(world.text(sources=[other.format(' path="more"')]), 'name="other"', "begin with /")
    apart = world.text(sources=[other.format(' path="/messages-too"')])
    equal(world.check(world.write(apart))[0], 0, "two paths beside each other")


@test("-t: adapters are looked up in every folder that is named, and in the one they were installed to")
def adapter_folders(world):
    nobody = element("destination", name="solingen", adapter="nobody-has-it")
    world.mistaken(world.text(destinations=[nobody]), "nobody-has-it", "there is no adapter nobody-has-it in .*, ")
    (world.folder / "more").mkdir()
    text = world.text().replace("<adapters ", '<adapters folder="more"/>\n<adapters ', 1)
    equal(world.check(world.write(text))[0], 0, "two folders of adapters")


mistake("a destination with half an identity", "tls-certificate=\"pki.pem\"", "belong together",
        destinations=lambda _: [element("destination", name="other", adapter="rest", url="https://localhost:9/",
                                        tls_certificate="pki.pem")])
mistake("an ordered destination with several deliveries at once", 'ordered="true"', "one delivery at a time",
        destinations=lambda _: [element("destination", name="other", adapter="rest", url="https://localhost:9/",
                                        ordered="true", concurrency="4")])
mistake("a listener that an adapter has no use for", "<destination", "no use for a listener",
        destinations=lambda _: [element("destination", name="solingen", adapter="rest", url="https://localhost:9/",
                                        listener="cities")])


if __name__ == "__main__":
    run(Desk)
