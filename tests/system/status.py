#!/usr/bin/env python3
"""status: what operators and Prometheus see of a gateway is true, and only this machine sees it."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess

from harness import (PATIENCE, QUICK, SOURCE, Answer, Client, World, configuration, destination, element, equal,
                     folder_destination, partner, read_answer, route, sanitized, wait_for)
from tap import Skip, run, say, test

try:
    import jsonschema
except ImportError:
    jsonschema = None

PORTAL = "wuppertal-portal"
READER = "solingen-registry"


class Watched(World):
    """A gateway that shows its state, with a city system that takes and one that does not."""

    def __enter__(self):
        self.pki = self.private_pki()
        self.city_system = self.city("city", certificate="remscheid-registry")
        self.status_port = self.free_port()
        self.outbox = self.folder / "outbox"
        self.schema = (SOURCE / "schemas" / "status.schema.json").read_text(encoding="utf-8")
        self.validator = jsonschema and jsonschema.Draft202012Validator(json.loads(self.schema))
        self.main = self.gateway(self.text())
        return self

    def text(self, *, more=(), status=None, names=("main", "files"), partners=(), **attributes):
        """The destination "main" leads to the city system, "files" to a folder."""
        known = [destination("main", self.city_system, title="Main office", place="schwebebahn", **attributes),
                 folder_destination("files", self.outbox)]
        text = configuration(
            self, partners=[partner(self.pki, PORTAL, title="Portal", place="schwebebahn"),
                            partner(self.pki, READER), *partners],
            destinations=[one for one, name in zip(known, ("main", "files")) if name in names] + list(more),
            routes=[route(f"test:{name}", name) for name in
                    [*names, *re.findall(r'<destination name="([^"]+)"', "".join(more))]],
            extra=element("status", address=f"127.0.0.1:{status or self.status_port}")
            + element("place", name="schwebebahn", title="Schwebebahn", latitude="51.2562", longitude="7.1508",
                      authorities="test:main test:more"))
        return text

    def send(self, name="main"):
        _, text = self.signed("wuppertal", f"test:{name}")
        return self.client().post(text).expect(201).id

    def ask(self, path, method="GET", port=None, **headers):
        """One request without TLS, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.status_port, timeout=20 * PATIENCE)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def status(self):
        """The state, which obeys the published schema whatever a test does to the gateway."""
        status = json.loads(self.ask("/status").expect(200).body)
        if jsonschema:
            self.validator.validate(status)
        return status

    def reasons(self, code):
        """What the health says under a code."""
        return [one for one in self.status()["health"]["reasons"] if one["code"] == code]

    def destination(self, name):
        found = [one for one in self.status()["destinations"] if one["name"] == name]
        return found[0] if found else None

    def instance(self, name):
        """The instance of an adapter for a source or destination."""
        return [one for adapter in self.status()["adapters"] for one in adapter["instances"]
                if one["name"] == name][0]

    def metrics(self):
        """Every series with its value."""
        text = self.ask("/metrics").expect(200).body.decode()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


@test("the status tells version, configuration and store; the metrics tell the same")
def whole(world):
    status = world.status()
    assert re.fullmatch(r"\d+\.\d+\.\d+", status["version"]), status["version"]
    equal(status["name"], "gateway.muengsten.example")
    assert status["uptime_seconds"] >= 0 and status["started"] <= status["time"]
    equal(status["stopping"], False)
    assert re.fullmatch("[0-9a-f]{64}", status["configuration"]["hash"])
    equal(status["configuration"]["file"], str(world.main.config_file))
    equal(status["configuration"]["last_refused"], None)
    equal((status["store"]["accepts"], status["store"]["records"]), (True, True))
    wait_for(lambda: (world.status()["store"]["bytes"] or 0) > 4096, "the store is measured")
    equal([one["name"] for one in status["destinations"]], ["files", "main"])
    equal([(one["name"], one["adapter"], one["state"]) for one in status["sources"]],
          [("submission", "rest", "ready")])
    equal([one["name"] for one in status["adapters"]], ["folder", "rest"])
    metrics = world.metrics()
    equal(metrics[f'muengsten_build_info{{version="{status["version"]}"}}'], 1)
    equal(metrics[f'muengsten_configuration_info{{hash="{status["configuration"]["hash"]}"}}'], 1)
    assert metrics["process_resident_memory_bytes"] > 1e6 and metrics["process_cpu_seconds_total"] > 0
    equal(metrics['muengsten_instance_up{adapter="rest",source="submission"}'], 1)
    equal(metrics['muengsten_instance_up{adapter="rest",destination="main"}'], 1)


@test("figures are true before and after deliveries")
def figures(world):
    world.main.reload(world.text(paused="true"))
    before = world.metrics()
    for number in range(1, 4):
        world.send()
        equal(world.metrics()["muengsten_store_messages"] - before["muengsten_store_messages"], number,
              "messages that the store holds, at once")
    wait_for(lambda: world.destination("main")["queue"]["waiting"] == 3, "three wait")
    waiting = world.destination("main")
    assert waiting["queue"]["bytes"] > 1000 and waiting["queue"]["oldest_seconds"] >= 0, waiting
    equal((waiting["state"], waiting["code"]), ("paused", "destination.paused"))
    metrics = world.metrics()
    equal(metrics['muengsten_destination_waiting{destination="main"}'], 3)
    equal(metrics['muengsten_destination_waiting_bytes{destination="main"}'], waiting["queue"]["bytes"])
    equal(metrics['muengsten_destination_state{destination="main",state="paused"}'], 1)
    equal(metrics['muengsten_destination_state{destination="main",state="ready"}'], 0)
    world.main.reload(world.text())
    wait_for(lambda: world.destination("main")["deliveries"]["delivered"] == 3, "three are delivered")
    after = world.destination("main")
    equal(after["queue"], dict(waiting=0, running=0, held=0, dead=0, bytes=0, oldest=None, oldest_seconds=None))
    equal((after["state"], after["code"], after["reason"]), ("ready", None, None))
    assert after["last_success"] and after["last_error"] is None, after
    metrics = world.metrics()
    name = 'muengsten_destination_deliveries_total{destination="main",outcome="delivered"}'
    equal(metrics[name] - before[name], 3)
    equal(metrics['muengsten_destination_waiting{destination="main"}'], 0)


@test("every answer of the status obeys the published schema, which the gateway serves itself")
def schema(world):
    served = world.ask("/status.schema.json").expect(200)
    equal(json.loads(served.body), json.loads(world.schema))
    if not jsonschema:
        raise Skip("there is no python3-jsonschema")
    jsonschema.Draft202012Validator.check_schema(json.loads(world.schema))
    status = world.status()
    status["store"]["colour"] = "red"
    assert list(world.validator.iter_errors(status)), "what the schema does not know is no part of the status"


@test("routes, listeners, partners and places are told with what came in since the start")
def named(world):
    world.send()
    world.client().post("<nothing/>").expect(422, "profile.unknown")
    wait_for(lambda: world.destination("main")["queue"]["waiting"] == 0, "it is delivered")
    status = world.status()
    equal(status["places"], [dict(name="schwebebahn", title="Schwebebahn", latitude=51.2562, longitude=7.1508)])
    route_to = {one["reader"]: one for one in status["routes"]}["test:main"]
    equal((route_to["type"], route_to["destinations"], route_to["state"], route_to["place"]),
          ("*", ["main"], "ready", "schwebebahn"))
    assert route_to["messages"] >= 1, route_to
    portal, silent = status["partners"]
    equal((portal["name"], portal["title"], portal["place"]), (PORTAL, "Portal", "schwebebahn"))
    assert portal["accepted"] >= 1 and portal["refused"] >= 1 and portal["last_seen"] >= status["started"], portal
    equal((silent["name"], silent["title"], silent["last_seen"]), (READER, READER, None))
    listener, = status["listeners"]
    equal((listener["name"], listener["port"], listener["state"]), ("cities", world.port, "ready"))
    assert listener["connections"] >= 1, listener
    source, = status["sources"]
    equal((source["listener"], source["partner"]), ("cities", None))
    there = world.destination("main")
    equal((there["title"], there["place"]), ("Main office", "schwebebahn"))
    assert there["rate_per_minute"] > 0, there
    assert 0 < there["delivery_seconds"]["p50"] <= there["delivery_seconds"]["p99"] < 60, there
    assert 0 < status["store"]["commit_seconds"]["p50"] <= status["store"]["commit_seconds"]["p99"], status["store"]
    assert status["store"]["free_bytes"] > status["store"]["reserve_bytes"] == 1 << 20, status["store"]


@test("times of intake, commit and delivery are histograms, and what is refused counts by its code")
def histograms(world):
    before = world.metrics()
    for _ in range(3):
        world.send()
    world.client().post("<nothing/>").expect(422, "profile.unknown")
    wait_for(lambda: world.destination("main")["queue"]["waiting"] == 0, "all are delivered")
    after = world.metrics()
    for name, labels, times in (
            ("muengsten_intake_duration_seconds", 'type="service:0101",source="submission"', 3),
            ("muengsten_route_intake_duration_seconds", 'route="* > test:main"', 3),
            ("muengsten_delivery_duration_seconds", 'destination="main"', 3)):
        equal(after[f"{name}_count{{{labels}}}"] - before.get(f"{name}_count{{{labels}}}", 0), times, name)
        assert after[f"{name}_sum{{{labels}}}"] > before.get(f"{name}_sum{{{labels}}}", 0)
        buckets = [value for series, value in after.items() if series.startswith(f"{name}_bucket{{{labels},")]
        equal(buckets, sorted(buckets), "buckets are cumulative")
        equal(buckets[-1], after[f"{name}_count{{{labels}}}"])
    assert after["muengsten_store_commit_duration_seconds_count"] \
        > before["muengsten_store_commit_duration_seconds_count"]
    for name, more in (("muengsten_messages_accepted_total", 3),
                       ('muengsten_messages_refused_total{code="profile.unknown"}', 1),
                       ('muengsten_route_messages_total{route="* > test:main"}', 3),
                       (f'muengsten_partner_messages_total{{partner="{PORTAL}",result="accepted"}}', 3),
                       (f'muengsten_partner_messages_total{{partner="{PORTAL}",result="refused"}}', 1)):
        equal(after[name] - before.get(name, 0), more, name)
    equal(after['muengsten_listener_connections{listener="cities"}'], 1)
    assert after['muengsten_store_free_bytes'] > after["muengsten_store_reserve_bytes"] == 1 << 20
    ends = [value for series, value in after.items() if series.startswith(
        'muengsten_certificate_expiry_timestamp_seconds{role="tls",owner="",')]
    equal(len(ends), 1)
    history = json.loads(world.ask("/history").expect(200).body)
    equal((history["step_seconds"], history["start"]), (60, world.status()["started"]))


@test("every certificate that the configuration names is told with its owner and days left")
def certificates(world):
    status = world.status()
    roles = {(one["role"], one["owner"]) for one in status["certificates"]}
    for expected in (("tls", None), ("seal", None), ("authority", None), ("partner.tls", PORTAL),
                     ("partner.signing", PORTAL), ("partner.tls", READER)):
        assert expected in roles, f"{expected} in {roles}"
    own, = [one for one in status["certificates"] if one["role"] == "tls"]
    text = subprocess.run(["openssl", "x509", "-in", own["file"], "-noout", "-fingerprint", "-sha256", "-serial",
                           "-subject", "-nameopt", "RFC2253"], capture_output=True, text=True, check=True).stdout
    told = dict(line.split("=", 1) for line in text.splitlines())
    equal(own["fingerprint"], told["sha256 Fingerprint"].replace(":", "").lower())
    equal(own["serial"].lstrip("0"), told["serial"].lower().lstrip("0"))
    equal(own["subject"], told["subject"].strip())
    assert own["not_before"] <= status["time"] < own["not_after"] and own["days_left"] > 0, own
    assert status["revocation"], "the revocation lists"
    for one in status["revocation"]:
        assert one["next_update"] > status["time"] and one["days_left"] >= 0, one


@test("the health names what is wrong, the worst first, and says so no longer once it is mended")
def health(world):
    world.main.reload(world.text(paused="true"))
    paused, = world.reasons("destination.paused")
    equal((paused["severity"], paused["subject"]), ("warning", "main"))
    world.main.reload(world.text().replace("</gateway>", "<colour/></gateway>"), "gateway.reload-refused")
    refused_one, = world.reasons("reload.refused")
    assert "colour" in refused_one["text"] and refused_one["since"], refused_one
    route_to = [one for one in world.status()["routes"] if one["reader"] == "test:main"][0]
    equal(route_to["state"], "down")
    world.main.reload(world.text())
    wait_for(lambda: not world.reasons("destination.paused") and not world.reasons("reload.refused"),
             "both are mended")
    world.city_system.change("--refuse", "422")
    world.send()
    wait_for(lambda: world.reasons("destination.dead-letters"), "a delivery is dead")
    state = world.status()["health"]
    equal(state["state"], state["reasons"][0]["severity"])
    world.city_system.change()


def ending(world, days):
    """A partner whose certificate ends in so many days."""
    file = world.folder / f"ending-{days}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=ending", "-days", str(days), "-keyout", "/dev/null", "-out", file],
                   capture_output=True, check=True)
    permission = element("permission", author="test:ending", type="*", reader="*")
    return element("partner", permission, name="ending", tls_certificate=file)


@test("a certificate that ends soon is a warning, and critical in its last week")
def endings(world):
    for days, severity in ((20, "warning"), (3, "critical")):
        world.main.reload(world.text(partners=[ending(world, days)]))
        soon, = [one for one in world.reasons("certificate.expiring") if one["subject"] == "CN=ending"]
        equal(soon["severity"], severity)
        assert "ending (partner.tls)" in soon["text"], soon
    world.main.reload(world.text())
    equal([one for one in world.reasons("certificate.expiring") if one["subject"] == "CN=ending"], [])


@test("a destination that fails shows its last error, its breaker and when it is tried again")
def failing(world):
    world.main.reload(world.text(retry=dict(breaker="2", breaker_time="30s", first="100ms")))
    world.city_system.change("--fail", "503:99")
    world.send()
    wait_for(lambda: world.destination("main")["breaker"]["state"] == "open", "the breaker opens")
    there = world.destination("main")
    assert there["last_error"]["code"] and there["last_error"]["text"], there
    assert there["next_attempt"] > world.status()["time"], there
    equal(there["queue"]["waiting"], 1)
    wait_for(lambda: world.destination("main")["deliveries"]["postponed"] >= 2, "both failures are recorded")
    equal(world.metrics()['muengsten_destination_breaker_open{destination="main"}'], 1)
    world.city_system.change()
    world.main.stop()
    world.main.config_file.write_text(world.text(), encoding="utf-8")
    world.main.start()
    wait_for(lambda: world.destination("main")["deliveries"]["delivered"] == 1, "it is delivered")


@test("a destination that is no longer configured is shown while something waits for it")
def removed(world):
    world.main.reload(world.text(more=[folder_destination("shelf", world.folder / "shelf", paused="true")]))
    world.send("shelf")
    wait_for(lambda: world.destination("shelf")["queue"]["waiting"] == 1, "one waits")
    world.main.reload(world.text())
    there = world.destination("shelf")
    equal((there["state"], there["code"], there["queue"]["waiting"]), ("removed", "destination.removed", 1))
    equal(world.metrics()['muengsten_destination_waiting{destination="shelf"}'], 1)
    world.main.reload(world.text(more=[folder_destination("shelf", world.folder / "shelf")]))
    wait_for(lambda: world.destination("shelf")["queue"]["waiting"] == 0, "it is delivered")
    world.main.reload(world.text())
    equal(world.destination("shelf"), None)


@test("a mailbox shows number, size and age of what waits, what is taken, and what was collected")
def mailbox(world):
    box = element("destination", name="box", adapter="mailbox", listener="cities", partner=READER)
    world.main.reload(world.text(more=[box]))
    for _ in range(3):
        world.send("box")
    wait_for(lambda: world.destination("box")["queue"]["waiting"] == 3, "three wait")
    there = world.destination("box")
    equal((there["state"], there["collected"], there["next_attempt"]), ("ready", True, None))
    assert there["queue"]["bytes"] > 1000 and there["queue"]["oldest"] <= world.status()["time"], there
    reader = Client(world.port, world.pki, READER)
    fetched = reader.request("POST", "/box/fetch").expect(200)
    wait_for(lambda: world.destination("box")["queue"]["running"] == 1, "one is taken")
    for _ in range(2):
        path = f"/box/messages/{fetched.id}?claim={fetched.headers['Muengsten-Claim']}"
        reader.request("DELETE", path).expect(204)
    reader.close()
    there = world.destination("box")
    equal((there["queue"]["waiting"], there["queue"]["running"]), (2, 0))
    equal(there["deliveries"]["collected"], 1, "collected once, however often that is said")
    assert there["last_success"] > there["queue"]["oldest"]
    metrics = world.metrics()
    equal(metrics['muengsten_destination_waiting{destination="box"}'], 2)
    equal(metrics['muengsten_destination_deliveries_total{destination="box",outcome="collected"}'], 1)
    equal(metrics['muengsten_adapter_mailbox_fetched_total{destination="box"}'], 1)
    world.main.reload(world.text())
    equal(world.destination("box")["state"], "removed")
    equal(world.metrics()['muengsten_adapter_mailbox_fetched_total{destination="box"}'], 1)


@test("what nobody collects in time is counted as dead and told as the last error")
def not_collected(world):
    late = element("destination", element("retry", **{**QUICK, "give_up": "1s"}), name="late", adapter="mailbox",
                   listener="cities", partner=READER)
    world.main.reload(world.text(more=[late]))
    world.send("late")
    wait_for(lambda: world.destination("late")["deliveries"]["dead"] == 1, "it is given up", 20)
    there = world.destination("late")
    equal((there["queue"]["waiting"], there["queue"]["dead"]), (0, 1))
    equal(there["last_error"]["code"], "mailbox.not-collected")
    world.main.reload(world.text())


@test("the process of an adapter is shown, and when it dies, that it is down, why, and how often it was started")
def process(world):
    apart = folder_destination("apart", world.folder / "apart", isolation="process")
    world.main.reload(world.text(more=[apart]))
    wait_for(lambda: world.destination("apart")["state"] == "ready", "the process is ready", 20)
    before = world.instance("apart")
    equal((before["isolation"], before["process"]["state"], before["process"]["restarts"]),
          ("process", "running", 0))
    equal(world.instance("files")["process"], None)
    os.kill(before["process"]["pid"], signal.SIGKILL)
    seen = wait_for(lambda: [one for one in [world.destination("apart")] if one["state"] == "down"],
                    "it is down", pause=0.005)[0]
    assert seen["code"] in ("adapter.died", "adapter.starting") and seen["reason"], seen
    wait_for(lambda: world.destination("apart")["state"] == "ready", "it is ready again", 20)
    after = world.instance("apart")
    equal(after["process"]["restarts"], 1)
    assert after["process"]["pid"] != before["process"]["pid"], after
    metrics = world.metrics()
    labels = '{adapter="folder",destination="apart"}'
    equal(metrics[f"muengsten_instance_process_restarts_total{labels}"], 1)
    equal(metrics[f"muengsten_instance_process_up{labels}"], 1)
    world.main.reload(world.text())


@test("an ordered destination that is blocked names the message that blocks it")
def blocked(world):
    world.main.reload(world.text(ordered="true"))
    world.city_system.change("--refuse", "422")
    before = world.destination("main")["deliveries"]["dead"]
    dead = world.send()
    wait_for(lambda: world.destination("main")["deliveries"]["dead"] == before + 1, "it is dead")
    world.send()
    wait_for(lambda: world.destination("main")["state"] == "blocked", "it is blocked")
    there = world.destination("main")
    equal((there["code"], there["blocking_message"], there["ordered"]), ("destination.blocked", dead, True))
    equal(there["deliveries"]["dead"], before + 1)
    equal(world.metrics()['muengsten_destination_state{destination="main",state="blocked"}'], 1)
    world.city_system.change()
    world.main.reload(world.text(ordered="true", after_dead="continue"))
    wait_for(lambda: world.destination("main")["queue"]["waiting"] == 0, "the next was let through")
    equal(world.destination("main")["state"], "ready")
    world.main.reload(world.text())


@test("a look costs the gateway less than 5 ms with 200 destinations")
def cost(world):
    more = [folder_destination(f"many-{number}", world.outbox) for number in range(200)]
    world.main.reload(world.text(more=more))
    for path in ("/status", "/metrics"):
        before = world.main.cpu_ticks()
        for _ in range(100):
            world.ask(path).expect(200)
        seconds = (world.main.cpu_ticks() - before) / os.sysconf("SC_CLK_TCK") / 100
        say(f"{path}: {seconds * 1000:.2f} ms of processor time")
        assert seconds < 0.005 * PATIENCE or sanitized(), f"{path}: {seconds * 1000:.2f} ms"
    equal(len(world.status()["destinations"]) >= 202, True)
    world.main.reload(world.text())


@test("a refused configuration is shown with every reason until one is applied")
def refused(world):
    good = world.status()["configuration"]
    applied = world.metrics()['muengsten_reloads_total{result="applied"}']
    world.main.reload(world.text().replace("</gateway>", "<colour/>\n<size/></gateway>"), "gateway.reload-refused")
    seen = world.status()["configuration"]
    equal(seen["hash"], good["hash"])
    assert seen["last_refused"]["time"] > good["loaded"], seen
    assert any("muengsten.xml:" in text and "colour" in text for text in seen["last_refused"]["problems"]), seen
    equal(world.metrics()["muengsten_configuration_refused"], 1)
    taken = world.city_system.port
    world.main.reload(world.text(status=taken), "gateway.reload-refused")
    assert any("net.listen" in text and str(taken) in text
               for text in world.status()["configuration"]["last_refused"]["problems"])
    world.main.reload(world.text(concurrency="3"))
    seen = world.status()["configuration"]
    equal(seen["last_refused"], None)
    assert seen["hash"] != good["hash"] and seen["loaded"] > good["loaded"], seen
    metrics = world.metrics()
    equal(metrics["muengsten_configuration_refused"], 0)
    equal(metrics['muengsten_reloads_total{result="applied"}'], applied + 1)
    world.main.reload(world.text())


@test("a reload moves the address, and takes it away")
def moved(world):
    port = world.free_port()
    world.main.reload(world.text(status=port))
    world.ask("/status", port=port).expect(200)
    gone(world, world.status_port)
    world.main.reload(re.sub("<status[^>]*>\n", "", world.text()))
    gone(world, port)
    world.main.reload(world.text())
    world.status()


def gone(world, port):
    try:
        world.ask("/status", port=port)
    except OSError:
        return
    raise AssertionError(f"port {port} still answers")


@test("it can only be looked at, and only under this machine's own name")
def guarded(world):
    for name in ("localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]"):
        world.ask("/status", Host=name).expect(200)
        world.ask("/metrics", Host=f"{name}:{world.status_port}").expect(200)
    for name in ("muengsten.example", "localhost.muengsten.example", "127.0.0.1.muengsten.example", "10.0.0.1",
                 "[::2]", "localhost:", "2130706433", "0x7f.0.0.1"):
        answer = world.ask("/status", Host=name)
        equal(answer.status in (400, 421), True, f"{name}: {answer}")
        assert b"uptime" not in answer.body
    world.ask("/status", Host="muengsten.example").expect(421, "http.host")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        equal(world.ask("/status", method).expect(405, "http.method").headers["Allow"], "GET, HEAD")
    for path in ("/statu", "/status/", "/status/x", "/metrics%00", "//status"):
        world.ask(path).expect(404, "http.path")
    answer = world.ask("/status", Origin="https://muengsten.example").expect(403, "access.cross-site")
    equal([name for name in answer.headers if name.lower().startswith("access-control")], [])
    for answer in (answer, world.ask("/nothing"), world.ask("/metrics")):
        equal(answer.headers["X-Content-Type-Options"], "nosniff")
        equal(answer.headers["Cache-Control"], "no-store")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    head = world.ask("/metrics", "HEAD").expect(200)
    equal(head.body, b"")
    assert int(head.headers["Content-Length"]) > 1000


def begin(world):
    """A message of which the gateway has the head alone: (connection, body)."""
    body = world.signed("wuppertal", "test:main")[1].encode()
    connection = world.client().raw()
    connection.sendall(b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
                       b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += connection.recv(1)
    assert said.startswith(b"HTTP/1.1 100 "), said
    return connection, body


@test("a listener that has given up its address is shown until what it has begun is done")
def leaving(world):
    def listeners():
        return {(one["port"], one["state"]) for one in world.status()["listeners"]}

    connection, body = begin(world)
    other = world.free_port()
    world.main.reload(world.text().replace(f'"127.0.0.1:{world.port}"', f'"127.0.0.1:{other}"'))
    equal(listeners(), {(world.port, "stopping"), (other, "ready")})
    world.ask("/metrics").expect(200)
    connection.sendall(body)
    read_answer(connection).expect(201)
    connection.close()
    wait_for(lambda: listeners() == {(other, "ready")}, "the old listener has gone")
    world.main.reload(world.text())


@test("while the gateway stops, it is shown and not ready; whoever looks does not keep it from stopping")
def stopping(world):
    world.city_system.change("--slow", "3")
    world.send()
    wait_for(lambda: world.destination("main")["queue"]["running"] == 1, "the delivery runs")
    idle = http.client.HTTPConnection("127.0.0.1", world.status_port, timeout=20 * PATIENCE)
    idle.request("GET", "/status")
    idle.getresponse().read()
    connection, body = begin(world)
    world.main.signal(signal.SIGTERM)
    world.main.wait_for("gateway.stopping")
    equal(world.status()["stopping"], True)
    equal([(one["port"], one["state"]) for one in world.status()["listeners"]], [(world.port, "stopping")])
    ready = json.loads(world.ask("/readyz").expect(503).body)
    equal((ready["ready"], [one["code"] for one in ready["reasons"]]), (False, ["gateway.stopping"]))
    world.ask("/healthz").expect(200)
    equal(world.metrics()["muengsten_stopping"], 1)
    connection.sendall(body)
    read_answer(connection).expect(201)
    connection.close()
    equal(world.main.process.wait(15 * PATIENCE), 0)
    idle.close()
    world.city_system.change()
    world.main.start()


@test("promtool finds nothing wrong with the metrics")
def promtool(world):
    tool = shutil.which("promtool")
    if not tool:
        raise Skip("there is no promtool")
    text = world.ask("/metrics").expect(200).body
    done = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True, check=False)
    equal((done.returncode, done.stdout + done.stderr), (0, b""), "what promtool says")


if __name__ == "__main__":
    run(lambda: Watched("status"))
