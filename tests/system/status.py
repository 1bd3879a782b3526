#!/usr/bin/env python3
"""status: what operators and Prometheus see of a gateway is true, and only this machine sees it."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess

from harness import (PATIENCE, QUICK, Answer, Client, World, configuration, destination, element, equal,
                     folder_destination, partner, route, wait_for)
from tap import Skip, run, say, test

PORTAL = "wuppertal-portal"
READER = "solingen-registry"


class Watched(World):
    """A gateway that shows its state, with a city system that takes and one that does not."""

    def __enter__(self):
        self.pki = self.private_pki()
        self.city_system = self.city("city", certificate="remscheid-registry")
        self.status_port = self.free_port()
        self.outbox = self.folder / "outbox"
        self.main = self.gateway(self.text())
        return self

    def text(self, *, more=(), status=None, names=("main", "files"), **attributes):
        """The destination "main" leads to the city system, "files" to a folder."""
        known = [destination("main", self.city_system, **attributes), folder_destination("files", self.outbox)]
        text = configuration(
            self, partners=[partner(self.pki, PORTAL), partner(self.pki, READER)],
            destinations=[one for one, name in zip(known, ("main", "files")) if name in names] + list(more),
            routes=[route(f"test:{name}", name) for name in
                    [*names, *re.findall(r'<destination name="([^"]+)"', "".join(more))]],
            extra=element("status", address=f"127.0.0.1:{status or self.status_port}"))
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
        return json.loads(self.ask("/status").expect(200).body)

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
    for _ in range(3):
        world.send()
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
    equal(after["queue"], dict(waiting=0, running=0, dead=0, bytes=0, oldest=None, oldest_seconds=None))
    equal((after["state"], after["code"], after["reason"]), ("ready", None, None))
    assert after["last_success"] and after["last_error"] is None, after
    metrics = world.metrics()
    name = 'muengsten_destination_deliveries_total{destination="main",outcome="delivered"}'
    equal(metrics[name] - before[name], 3)
    equal(metrics['muengsten_destination_waiting{destination="main"}'], 0)


@test("a destination that fails shows its last error, its breaker and when it is tried again")
def failing(world):
    world.main.reload(world.text(retry=dict(breaker="2", breaker_time="30s", first="100ms")))
    world.city_system.change("--fail", "503:99")
    world.send()
    wait_for(lambda: world.destination("main")["breaker"]["state"] == "open", "the breaker opens")
    there = world.destination("main")
    assert there["last_error"]["code"] and there["last_error"]["text"], there
    assert there["next_attempt"] > world.status()["time"], there
    assert there["deliveries"]["postponed"] >= 2, there
    equal(there["queue"]["waiting"], 1)
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
    dead = world.send()
    wait_for(lambda: world.destination("main")["queue"]["dead"] == 1, "it is dead")
    world.send()
    wait_for(lambda: world.destination("main")["state"] == "blocked", "it is blocked")
    there = world.destination("main")
    equal((there["code"], there["blocking_message"], there["ordered"]), ("destination.blocked", dead, True))
    equal(there["deliveries"]["dead"], 1)
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
        assert seconds < 0.005 * PATIENCE, f"{path}: {seconds * 1000:.2f} ms"
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


@test("while the gateway stops, the state is still shown; whoever looks does not keep it from stopping")
def stopping(world):
    world.city_system.change("--slow", "3")
    world.send()
    wait_for(lambda: world.destination("main")["queue"]["running"] == 1, "the delivery runs")
    idle = http.client.HTTPConnection("127.0.0.1", world.status_port, timeout=20 * PATIENCE)
    idle.request("GET", "/status")
    idle.getresponse().read()
    world.main.signal(signal.SIGTERM)
    world.main.wait_for("gateway.stopping")
    equal(world.status()["stopping"], True)
    equal(world.metrics()["muengsten_stopping"], 1)
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
