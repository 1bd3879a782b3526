#!/usr/bin/env python3
"""activation: sockets that a service manager opens and holds while the gateway is not there."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request

from harness import (PATIENCE, Client, Gateway, World, configuration, destination, element, environment, equal,
                     wait_for)
from tap import Skip, run, test

PORTAL = "wuppertal-portal"
# Puts the sockets where the manager puts them, and says whose they are.
LAUNCHER = 'number=3; for descriptor in $1; do eval "exec $number<&$descriptor"; number=$((number + 1)); done; ' \
    'export LISTEN_PID=${2:-$$}; shift 2; exec "$@"'


def listening(address=("127.0.0.1", 0)):
    held = socket.create_server(address)
    return held, held.getsockname()[1]


class Activated(Gateway):
    """A gateway that is started with sockets, as (name, socket)."""

    sockets, whose = (), ""

    def launch(self):
        # High numbers, so that none is where another one has to go.
        copies = [os.dup2(held.fileno(), 100 + number) for number, (_, held) in enumerate(self.sockets)]
        values = {**environment(), "LISTEN_FDS": str(len(copies)),
                  "LISTEN_FDNAMES": ":".join(name for name, _ in self.sockets)}
        words = ["bash", "-c", LAUNCHER, "launcher", " ".join(map(str, copies)), self.whose, *self.command]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=values,
                                            pass_fds=copies)
        for copy in copies:
            os.close(copy)


class Manager(World):
    """A manager that holds the sockets of a gateway, and a city."""

    def __enter__(self):
        self.remscheid = self.city("remscheid")
        self.cities, self.port = listening()
        self.status, self.status_port = listening()
        self.control_path = self.folder / "control"
        self.control = socket.socket(socket.AF_UNIX)
        self.control.bind(str(self.control_path))
        self.control.listen()
        self.main = Activated(self, "gateway", self.text())
        self.main.sockets = [("", self.cities), ("status", self.status), ("", self.control)]
        self.processes.append(self.main)
        self.main.start()
        return self

    def text(self, **choices):
        # The socket called "status" counts, whatever the address says.
        extra = element("status", address="127.0.0.1:0") + element("control", socket=self.control_path)
        return configuration(self, destinations=[destination("remscheid", self.remscheid, isolation="none")],
                             extra=choices.pop("extra", extra), **choices)

    def ask_status(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/status", timeout=10 * PATIENCE) as answer:
            return answer.read()

    def ask_control(self, path):
        """What the control socket answers; it closes the connection after that."""
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(10 * PATIENCE)
            one.connect(str(self.control_path))
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: one.recv(65536), b""))


class Load(threading.Thread):
    """A partner that sends each message over a new connection, and again if the connection broke. Its connections
    may have to wait, or break off; they are never refused."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.identifiers, self.refused, self.fault = world, [], 0, None
        self.ends = threading.Event()

    def send(self, text):
        client = Client(self.world.port, self.world.pki, PORTAL)
        with contextlib.closing(client):
            try:
                answer = client.post(text)
            except ConnectionRefusedError:
                self.refused += 1
                return None
            except (ssl.SSLError, http.client.HTTPException, OSError):
                return None
        return answer if answer.status in (200, 201) else None

    def run(self):
        try:
            while not self.ends.is_set():
                _, text = self.world.signed()
                answer = wait_for(lambda text=text: self.send(text), "the message is accepted", 60)
                self.identifiers.append(answer.id)
        except Exception as fault:  # told by the thread that waits
            self.fault = fault

    def goes_on(self):
        count = len(self.identifiers)
        wait_for(lambda: self.fault or len(self.identifiers) > count + 5, "the load goes on", 60)

    def __enter__(self):
        self.start()
        self.goes_on()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.join()
        if self.fault:
            raise self.fault


@test("a gateway takes the sockets that it is given: by their address or path, or by the name of its status")
def given(world):
    identifier = world.client().post(world.signed()[1]).expect(201).id
    world.remscheid.wait_for(id=identifier, answer=200)
    equal(json.loads(world.ask_status())["name"], "gateway.muengsten.example", "whose status it is")
    assert world.ask_control("/healthz").startswith(b"HTTP/1.1 200 "), "no control"
    equal(len(world.main.lines("listener.open", port=str(world.port))), 1, "where it listens")
    equal(len(world.main.lines("status.open", port=str(world.status_port))), 1, "where it shows its state")


@test("neither the sockets nor their numbers come to the processes of adapters")
def not_inherited(world):
    world.main.reload(world.text().replace('isolation="none"', 'isolation="process"'))
    world.main.wait_for("adapter.ready", instance="remscheid")
    children = [child for file in pathlib.Path(f"/proc/{world.main.pid}/task").glob("*/children")
                for child in file.read_text(encoding="ascii").split()]
    assert children, "there is no process of an adapter"
    held = {f"socket:[{os.fstat(one.fileno()).st_ino}]" for one in (world.cities, world.status)}
    for child in children:
        open_there = {os.readlink(path) for path in pathlib.Path(f"/proc/{child}/fd").iterdir()}
        assert not held & open_there, open_there
        assert b"LISTEN_" not in pathlib.Path(f"/proc/{child}/environ").read_bytes()
    world.main.reload(world.text())


@test("while the gateway restarts under load no connection is refused and no message is lost")
def restarts(world):
    place = world.control_path.stat().st_ino
    with Load(world) as load, Load(world) as other:
        for _ in range(4):
            equal(world.main.stop(), 0, "the exit status")
            world.main.start()
            load.goes_on()
    equal(load.refused + other.refused, 0, "refused connections")
    equal(world.control_path.stat().st_ino, place, "whose the path of the control socket is")
    assert world.ask_control("/healthz").startswith(b"HTTP/1.1 200 "), "no control after the restarts"
    for identifier in load.identifiers + other.identifiers:
        world.remscheid.wait_for(id=identifier, answer=200)


@test("who connects while the gateway is not there is answered when it is back")
def waits(world):
    equal(world.main.stop(), 0, "the exit status")
    answers = []
    _, text = world.signed()
    client = Client(world.port, world.pki, PORTAL)
    thread = threading.Thread(target=lambda: answers.append(client.post(text)))
    thread.start()
    world.main.start()
    thread.join(20 * PATIENCE)
    client.close()
    equal([answer.status for answer in answers], [201], "what was answered")


@test("an address that a reload gives up can be taken again by the next one")
def taken_again(world):
    other = world.free_port()
    world.main.reload(world.text(port=other))
    world.client(port=other).post(world.signed()[1]).expect(201)
    world.main.reload(world.text())
    Client(world.port, world.pki, PORTAL).post(world.signed()[1]).expect(201)


@test("systemd-socket-activate starts it at the first connection, which is answered")
def activated(world):
    if not shutil.which("systemd-socket-activate"):
        raise Skip("systemd-socket-activate is not installed")
    port = world.free_port()
    one = Gateway(world, "second", world.text(port=port, extra=""))
    one.command = ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=cities",
                   *(f"--setenv={name}={value}" for name, value in environment().items()), *one.command]
    world.processes.append(one)
    one.launch()
    wait_for(lambda: "Listening on" in one.log(), "systemd listens")
    client = Client(port, world.pki, PORTAL)
    world.remscheid.wait_for(id=client.post(world.signed()[1]).expect(201).id, answer=200)
    client.close()
    equal(one.stop(), 0, "the exit status")


@test("sockets that are meant for another process are none of the gateway's, and what is no listening socket is told")
def not_ours(world):
    equal(world.main.stop(), 0, "the exit status")
    world.main.whose = "1"
    world.main.launch()
    equal(world.main.process.wait(20 * PATIENCE), 1, "the exit status where the address is taken")
    assert "net.listen" in world.main.lines("gateway.not-started")[-1], world.main.log()[-500:]
    world.main.whose = ""
    with socket.socket() as silent:
        world.main.sockets = [("", world.cities), ("status", world.status), ("", world.control), ("cities", silent)]
        world.main.start()
    assert "no socket that listens" in world.main.lines("net.inherited", descriptor="6")[-1]
    world.client().post(world.signed()[1]).expect(201)


if __name__ == "__main__":
    run(lambda: Manager("activation"))
