"""town: a gateway whose configuration changes, and partners who send meanwhile without a pause."""

import re
import threading

from harness import Client, World, configuration, destination, partner, route, wait_for

PORTAL = "wuppertal-portal"


class Town(World):
    """A gateway whose configuration each test writes anew, and cities' systems for it."""

    def __enter__(self):
        self.pki = self.private_pki()
        self.cities = {name: self.city(name, certificate="remscheid-registry") for name in ("one", "two")}
        self.main = self.gateway(self.text())
        return self

    def text(self, *, more=(), to="one", partners=None, sources=(), **attributes):
        """The destination "main" leads to a city; more destinations have their own type."""
        names = re.findall(r'<destination name="([^"]+)"', "".join(more))
        return configuration(
            self, partners=partners or [partner(self.pki, PORTAL)], sources=sources,
            destinations=[destination("main", self.cities[to], **attributes), *more],
            routes=[route("test:main", "main"), *(route(f"test:{name}", name) for name in names)])

    def send(self, name="main"):
        _, text = self.signed("wuppertal", f"test:{name}")
        return self.client().post(text).expect(201).id

    def new_client(self):
        return Client(self.port, self.pki, PORTAL)

    def arrives_at(self, city):
        """Whether a message sent now arrives at this one of the cities."""
        identifier = self.send()
        wait_for(lambda: any(there.record(id=identifier, answer=200) for there in self.cities.values()),
                 f"{identifier} has arrived")
        return bool(self.cities[city].record(id=identifier, answer=200))

    def arrived(self, identifier, city="one"):
        self.cities[city].wait_for(id=identifier, answer=200)


class Load(threading.Thread):
    """A partner that sends without a pause over one connection, which must never break."""

    def __init__(self, world, name="main"):
        super().__init__(daemon=True)
        self.world, self.name_of_destination = world, name
        self.identifiers, self.fault, self.ends = [], None, threading.Event()

    def run(self):
        try:
            client = self.world.new_client()
            client.request("GET", "/messages/none")
            connection = client.connection
            while not self.ends.is_set():
                _, text = self.world.signed("wuppertal", f"test:{self.name_of_destination}")
                self.identifiers.append(client.post(text).expect(201).id)
                assert client.connection is connection, "the connection was cut"
        except Exception as fault:  # told by the thread that waits
            self.fault = fault

    def __enter__(self):
        self.start()
        wait_for(lambda: self.fault or self.identifiers, "the load begins")
        return self

    def __exit__(self, *_):
        count = len(self.identifiers)
        wait_for(lambda: self.fault or len(self.identifiers) > count + 3, "the load goes on")
        self.ends.set()
        self.join()
        if self.fault:
            raise self.fault
