#!/usr/bin/env python3
"""dispatch: what happens when a city's system is down, slow, or says no."""

import re
import signal
import socket
import threading
import time

from harness import (QUICK, PATIENCE, World, configuration, destination, equal, partner, route, wait_for)
from tap import run, test

NAMES = ("patient", "wary", "hasty", "single", "known")


class Dispatch(World):
    """One gateway with a destination of each temper, all systems of Remscheid."""

    def __enter__(self):
        self.systems = {name: self.city(name, certificate="remscheid-registry") for name in NAMES}
        tempers = {
            "patient": dict(first="400ms", longest="10s", factor="2"),
            "wary": dict(first="50ms", longest="100ms", breaker="3", breaker_time="1500ms"),
            "hasty": dict(first="200ms", longest="400ms", give_up="1500ms"),
            "single": QUICK,
            "known": QUICK,
        }
        choices = {"wary": dict(concurrency=1), "single": dict(concurrency=1),
                   "known": dict(tls_certificate=self.pki / "solingen-registry-tls.pem",
                                 tls_key=self.pki / "solingen-registry-tls.key")}
        self.text = configuration(
            self, partners=[partner(self.pki, "wuppertal-portal")],
            destinations=[destination(name, self.systems[name], tempers[name], **choices.get(name, {}))
                          for name in NAMES],
            routes=[route(f"test:{name}", name) for name in NAMES])
        self.main = self.gateway(self.text)
        return self

    def send(self, name):
        """Hands in a message for the destination of that name, and returns its id."""
        _, text = self.signed("wuppertal", f"test:{name}")
        return self.client().post(text).expect(201).id

    def report(self, identifier):
        return self.client().report(identifier).expect(200).body.decode()


def status_of(report):
    return re.search(r"<(?:\w+:)?Status>(\d)<", report)[1]


def gaps(entries):
    times = [float(entry["time"]) for entry in entries]
    return [later - earlier for earlier, later in zip(times, times[1:])]


@test("a system that answers 503 is asked again, with pauses that grow, until it takes the message")
def retry(world):
    city = world.systems["patient"].change("--fail", "503:3")
    identifier = world.send("patient")
    city.wait_for(id=identifier, answer=200)
    entries = city.record(id=identifier)
    equal([entry["answer"] for entry in entries], ["503", "503", "503", "200"], "answers")
    equal([entry["attempt"] for entry in entries], ["1", "2", "3", "4"], "Muengsten-Attempt")
    first, second, third = gaps(entries)
    # 400, 800 and 1600 ms, of which chance takes away up to half.
    assert 0.19 < first and 0.39 < second and 0.79 < third, (first, second, third)
    assert third < 1.7 * PATIENCE + 1, third


@test("a system is called under the identity of its destination, or the gateway's where it has none")
def identity(world):
    for name, shown in (("known", "registry.solingen.example"), ("single", "gateway.muengsten.example")):
        entry = world.systems[name].wait_for(id=world.send(name), answer=200)
        equal(entry["client"], shown, f"the certificate that {name} has seen")


@test("a system that breaks the connection, or answers what is no HTTP, is asked again")
def broken(world):
    for fault in ("--reset", "--nonsense"):
        city = world.systems["single"].change(fault, "2")
        identifier = world.send("single")
        city.wait_for(id=identifier, answer=200)
        equal(len(city.record(id=identifier)), 3, f"attempts after {fault}")


@test("a system that says when to come back is not asked before")
def retry_after(world):
    city = world.systems["single"].change("--fail", "429:1", "--retry-after", "2")
    identifier = world.send("single")
    city.wait_for(id=identifier, answer=200)
    assert gaps(city.record(id=identifier))[0] >= 1.9


@test("a system that is not there gets its messages when it comes back")
def away(world):
    city = world.systems["single"]
    city.kill()
    identifiers = [world.send("single") for _ in range(5)]
    time.sleep(0.5)
    city.change()
    for identifier in identifiers:
        city.wait_for(id=identifier, answer=200)


@test("a status that no repetition can mend makes a dead letter at once, which the sender's report tells")
def permanent(world):
    city = world.systems["single"].change("--refuse", "400")
    identifier = world.send("single")
    world.main.wait_for("delivery.dead", message=identifier, destination="single")
    time.sleep(0.5)
    equal(len(city.record(id=identifier)), 1, "attempts")
    report = world.report(identifier)
    equal(status_of(report), "3", "the status of the report")
    assert "http.400" in report and "single" in report, report
    city.change()


@test("a redirect is not followed and makes a dead letter")
def redirect(world):
    city = world.systems["single"].change("--refuse", "307")
    identifier = world.send("single")
    world.main.wait_for("delivery.dead", message=identifier)
    equal(len(city.record(id=identifier)), 1, "attempts")
    city.change()


@test("a delivery that fails until its time is over is dead, and the sender's report tells")
def given_up(world):
    city = world.systems["hasty"].change("--refuse", "503")
    identifier = world.send("hasty")
    equal(status_of(world.report(identifier)), "0", "the status while it is underway")
    world.main.wait_for("delivery.dead", message=identifier, destination="hasty")
    assert len(city.record(id=identifier)) > 2
    equal(status_of(world.report(identifier)), "3", "the status afterwards")


@test("a breaker keeps the gateway from hammering a system that is down, and closes when it is back")
def breaker(world):
    city = world.systems["wary"].change("--refuse", "503")
    identifiers = [world.send("wary") for _ in range(12)]
    world.main.wait_for("destination.breaker-open", destination="wary")
    opened = len(city.record())
    time.sleep(1)
    assert len(city.record()) <= opened + 1, "asked while the breaker was open"
    assert len(city.record()) < 12, "each message was tried though the breaker should be open"
    city.change()
    for identifier in identifiers:
        city.wait_for(id=identifier, answer=200, seconds=15)
    world.main.wait_for("destination.breaker-closed", destination="wary")


@test("a system that hangs does not hold up the deliveries to others")
def independent(world):
    world.systems["single"].change("--slow", "3")
    slow = world.send("single")
    start = time.monotonic()
    quick = world.send("patient")
    world.systems["patient"].wait_for(id=quick, answer=200)
    assert time.monotonic() - start < 2 * PATIENCE
    world.systems["single"].wait_for(id=slow, answer=200)


@test("deliveries to one system share kept connections")
def reuse(world):
    city = world.systems["single"].change("--verify", "none")
    for _ in range(20):
        world.send("single")
    wait_for(lambda: len(city.record(answer=200, valid="unchecked")) >= 20, "20 deliveries")
    connections = {entry["connection"] for entry in city.record(valid="unchecked", answer=200)[-20:]}
    equal(len(connections), 1, "connections for 20 deliveries, one at a time")


@test("no more deliveries than the limit run at once")
def concurrency(world):
    city = world.systems["patient"].change("--slow", "0.4", "--verify", "none")
    before = len(city.record())
    identifiers = [world.send("patient") for _ in range(24)]
    for identifier in identifiers:
        city.wait_for(id=identifier, answer=200, seconds=20)
    times = sorted(float(entry["time"]) for entry in city.record()[before:])
    equal(len(times), 24, "deliveries")
    assert times[-1] - times[0] >= 0.75, "24 deliveries of 0.4 s, 8 at once, take three rounds"
    city.change()


@test("an idle gateway with kept connections uses no processor time for three seconds")
def idle(world):
    world.client().report("00000000-0000-7000-8000-000000000000").expect(404, "message.unknown")
    for name in NAMES:
        world.systems[name].change()
        world.systems[name].wait_for(id=world.send(name), answer=200, seconds=20)
    time.sleep(1.5)
    before = world.main.cpu_ticks()
    time.sleep(3)
    used = world.main.cpu_ticks() - before
    assert used <= 1, f"{used * 10} ms"


@test("on SIGTERM what runs is finished, what waits is kept for the next start, and the status is 0")
def graceful(world):
    city = world.systems["single"].change("--slow", "1.5")
    running = world.send("single")
    waiting = [world.send("single") for _ in range(3)]
    time.sleep(0.5)
    equal(world.main.stop(), 0, "exit status")
    wait_for(lambda: city.record(id=running), "the running delivery")
    world.client().close()
    time.sleep(0.3)
    assert len(city.record(id=waiting[-1])) == 0, "the last one should not have been begun"
    city.change()
    world.main.start()
    for identifier in waiting:
        city.wait_for(id=identifier, answer=200)
    for identifier in [running, *waiting]:
        equal(len(city.record(id=identifier)), 1, "deliveries of each")


@test("on SIGTERM a request that is underway gets its receipt")
def answers_first(world):
    _, text = world.signed("wuppertal", "test:patient")
    body = text.encode()
    results = []

    def slowly():
        yield body[:500]
        time.sleep(1)
        yield body[500:]

    def send():
        results.append(world.client("wuppertal-portal").request(
            "POST", "/messages", slowly(),
            {"Content-Type": "application/xml", "Content-Length": str(len(body))}))

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(0.4)
    equal(world.main.stop(), 0, "exit status")
    sender.join()
    assert results and (results[0].status == 201 or results[0].code == "gateway.stopping"), results
    world.main.start()
    if results[0].status == 201:
        world.systems["patient"].wait_for(id=results[0].id, answer=200)


@test("a start that fails leaves what waits as it is, for a start that does not")
def failed_start(world):
    city = world.systems["single"]
    city.kill()
    identifiers = [world.send("single") for _ in range(3)]
    equal(world.main.stop(), 0, "exit status")
    with socket.create_server(("127.0.0.1", world.main.port)):
        for _ in range(3):
            world.main.launch()
            equal(world.main.process.wait(20 * PATIENCE), 1, "exit status without a port")
    assert world.main.lines("gateway.not-started", code="net.listen"), "the log says why"
    world.client().close()
    city.change()
    world.main.start()
    for identifier in identifiers:
        city.wait_for(id=identifier, answer=200)


@test("a second SIGTERM waits neither for a slow client nor for a slow system, and nothing is lost")
def impatient(world):
    city = world.systems["single"].change("--slow", "15")
    identifier = world.send("single")
    time.sleep(0.3)
    with world.client().raw() as connection:
        connection.sendall(b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
                           b"Content-Length: 5000\r\n\r\n<?xml")
        time.sleep(0.3)
        start = time.monotonic()
        world.main.signal(signal.SIGTERM)
        time.sleep(0.3)
        assert world.main.running(), "the first SIGTERM waits"
        equal(world.main.stop(), 0, "exit status")
        assert time.monotonic() - start < 5 * PATIENCE, "the second SIGTERM should not wait"
    world.client().close()
    city.change()
    world.main.start()
    city.wait_for(id=identifier, answer=200)


if __name__ == "__main__":
    run(lambda: Dispatch("dispatch"))
