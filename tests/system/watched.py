"""watched: a gateway between three cities with its page in a real browser, for the tests of the page."""

import contextlib
import http.client
import json
import shutil
import subprocess

import messages
import signing
from browsing import Browser
from harness import (PATIENCE, QUICK, SOURCE, SYSTEMS, Answer, World, configuration, destination, element, environment,
                     equal, muengstenctl, partner, route, wait_for)
from messages import AGS, authority

HOSTILE = "<img src=x onerror=alert(1)><script>document.title='taken'</script>"
ESCAPED = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
TITLES = dict(wuppertal="Stadt Wuppertal", remscheid="Stadt Remscheid", solingen="Klingenstadt Solingen")
PLACES = dict(wuppertal=("51.26", "7.15"), remscheid=("51.18", "7.19"), solingen=("51.17", "7.08"))
# Whose certificates the operators show; only the first may see contents.
OPERATORS = {"anna.beispiel": "remscheid-registry", "bert.beispiel": "solingen-planning"}
ANNA, BERT = OPERATORS


class Watched(World):
    """A gateway between three cities, with its page in a browser."""

    def __enter__(self):
        self.browser = Browser()
        self.status_port = self.free_port()
        self.control = self.folder / "control"
        self.first = None  # the id of the first message
        self.base = f"http://127.0.0.1:{self.status_port}"
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        shutil.copy(SOURCE / "tests" / "system" / "programs" / "bitter", self.programs / "bitter")
        self.answer = self.folder / "answer"
        self.answer.write_text(HOSTILE, encoding="utf-8")
        self.cities = {name: self.city(name, certificate="remscheid-registry") for name in AGS}
        self.main = self.gateway(self.configured())
        self.main.wait_for("instance.ready", 30, instance="bitter")
        return self

    def close(self):
        if getattr(self, "browser", None):
            self.browser.close()
        super().close()

    def configured(self, role="operator", more=(), address=None, retention=""):
        partners = [partner(self.pki, name, place=name.split("-")[0], title=title)
                    for name, title in zip(SYSTEMS, ("Serviceportal", ESCAPED, None))]
        there = [destination(name, city, title=f"Einwohnerwesen {name.capitalize()}", place=name,
                             retry=dict(QUICK, breaker="3", breaker_time="1s"))
                 for name, city in self.cities.items()]
        bitter = element("destination", element("retry", **QUICK), name="bitter", adapter="bitter",
                         answer=self.answer, title="Amt für Bitteres")
        places = [element("place", name=name, title=TITLES[name], latitude=north, longitude=east,
                          authorities=authority(name)) for name, (north, east) in PLACES.items()]
        return configuration(
            self, partners=partners, destinations=[*there, bitter, *more],
            routes=[*(route(name, name) for name in self.cities), route("test:bitter", "bitter")],
            extra="".join([*places, retention, element("adapters", folder=self.programs), element("control", socket=self.control),
                           element("status", address=address or f"127.0.0.1:{self.status_port}",
                                   role=None if address else role, hosts="localhost"),
                           *(element("operator", name=name, role="operator", certificate=self.pki / f"{system}-tls.pem",
                                     contents="true" if name == ANNA else None)
                             for name, system in OPERATORS.items())]))

    def send(self, reader="remscheid", author="wuppertal", change=lambda text: text):
        """Hands in a message; returns its UUID and the gateway's id."""
        message = messages.message(author, reader)
        signed = signing.envelop(change(message.text), self.signer("wuppertal-portal"))
        identifier = self.client().post(signed).expect(201).id
        self.first = self.first or identifier
        return message.uuid, identifier

    def ask(self, path, method="GET", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.status_port, timeout=20 * PATIENCE)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def message(self, identifier):
        return json.loads(self.ask(f"/messages/{identifier}").expect(200).body)

    def state(self, identifier, number=0):
        return self.message(identifier)["deliveries"][number]["state"]

    def queue(self, name):
        """What the state says of a destination's queue: unlike the messages in it, it may be looked at often."""
        status = json.loads(self.ask("/status").expect(200).body)
        return next(one["queue"] for one in status["destinations"] if one["name"] == name)

    def dead(self, reader="test:bitter"):
        """A message that nobody could deliver."""
        uuid, identifier = self.send(reader)
        wait_for(lambda: self.state(identifier) == "dead", "the message is dead")
        return uuid, identifier

    def open(self, way="", **options):
        """A fresh page; until something is known of the gateway."""
        self.browser.ask("open", **{"base": self.base, "hash": f"#/{way}", **options})
        self.browser.wait("document.querySelector('.live.is-ok')")
        return self.browser

    def spoken(self, *words):
        """What muengstenctl says on a German screen."""
        done = subprocess.run([muengstenctl(), *words], capture_output=True, text=True, check=False, timeout=60 * PATIENCE,
                              env=dict(environment(), LC_ALL="de_DE.UTF-8", MUENGSTEN_CONTROL=str(self.control)))
        return done.stdout

    def quiet(self, *allowed):
        """The browser has had nothing to complain of: no violated policy, no error, no dialog, nothing outside."""
        told = [line for line in self.browser.ask("told") if not any(word in line for word in allowed)]
        equal(told, [], "what the browser tells")


@contextlib.contextmanager
def by_tls(world, **options):
    """The page at another address, where operators are known by their certificates: how each opens it."""
    port = world.free_port()
    world.main.reload(world.configured(address=f"*:{port}", **options))
    try:
        yield {name: dict(base=f"https://localhost:{port}",
                          certificate=dict(certPath=str(world.pki / f"{system}-tls.pem"),
                                           keyPath=str(world.pki / f"{system}-tls.key")))
               for name, system in OPERATORS.items()}
    finally:
        world.main.reload(world.configured())


def give_reason(page, text="Rücksprache mit dem Amt"):
    page.wait("document.getElementById('dialog').open")
    page.evaluate("document.querySelector('#dialog [name=why]').focus()")
    page.ask("type", text=text)


def send_dialog(page):
    page.evaluate("document.querySelector('#dialog [type=submit]').click()")
