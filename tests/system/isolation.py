#!/usr/bin/env python3
"""isolation: adapters in processes of their own, each as bad as can be, and none hurts anybody but itself."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from harness import (BUILD, PATIENCE, QUICK, SOURCE, World, configuration, destination, element, environment, equal,
                     folder_destination, folder_source, muengstend, partner, route, wait_for)
from tap import Skip, run, test

# What each illness is called in the gateway's log.
BROKEN = ("length", "content", "garbage", "json", "type", "number", "twice", "kind", "greedy")
DEAD = ("half", "exit", "crash", "leak", "files")
HUNG = ("stop", "silent")
NOISY = ("noise", "errors", "submissions")
CODES = {**dict.fromkeys(BROKEN, "adapter.frame"), **dict.fromkeys(DEAD, "adapter.died"),
         **dict.fromkeys(HUNG, "adapter.hung")}
SOMEBODY = "nobody"


class Isolation(World):
    """A gateway with a destination for each illness, and a healthy one. Everybody gets a message at once."""

    def __enter__(self):
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        shutil.copy(SOURCE / "tests" / "system" / "programs" / "ill", self.programs / "ill")
        names = (*BROKEN, *DEAD, *HUNG, *NOISY)
        destinations = [self.ill(name) for name in names]
        destinations.append(folder_destination("healthy", self.folder / "healthy"))
        self.text = configuration(
            self, partners=[partner(self.pki, "wuppertal-portal")], destinations=destinations,
            routes=[route(f"test:{name}", name) for name in (*names, "healthy")],
            extra=element("adapters", folder=self.programs))
        self.main = self.gateway(self.text)
        for name in names:
            self.main.wait_for("instance.ready", 30, instance=name)
        self.sent = {name: self.send(name) for name in names}
        self.cure_all()
        return self

    def cure_all(self):
        """Whoever is told to be ill is cured. All of that takes its time, and all at the same time."""
        ill = set(CODES)
        end = time.monotonic() + 60 * PATIENCE
        while ill and time.monotonic() < end:
            self.healthy_while("everybody")
            for name in list(ill):
                if self.main.lines("instance.down", instance=name, code=CODES[name]):
                    self.cure(name)
                    ill.remove(name)
            time.sleep(0.2)

    def cure(self, name):
        (self.folder / f"{name}.cure").touch()

    def ill(self, name, illness=None, process=None, **attributes):
        (self.folder / name).mkdir(exist_ok=True)
        process = {"memory": "96M", "files": 32, **(process or {})}
        return element("destination", element("retry", **QUICK), element("process", **process), name=name,
                       adapter="ill", illness=illness or name, cure=self.folder / f"{name}.cure",
                       to=self.folder / name, timeout=attributes.pop("timeout", "2s"), **attributes)

    def send(self, name):
        _, text = self.signed("wuppertal", f"test:{name}")
        return self.client().post(text).expect(201).id

    def has(self, name, identifier):
        return (self.folder / name / f"{identifier}.xml").exists()

    def healthy_while(self, name):
        """While something is ill, the healthy destination gets a message at once."""
        identifier = self.send("healthy")
        wait_for(lambda: self.has("healthy", identifier), f"the healthy one beside {name}", 5)

    def cured(self, name):
        """The illness was told by its code; what waited was delivered afterwards, and not before."""
        assert self.main.lines("instance.down", instance=name, code=CODES[name]), "it was not told"
        wait_for(lambda: self.has(name, self.sent[name]), f"what waited for {name}", 90)
        line = self.main.wait_for("delivery.delivered", message=self.sent[name], destination=name)
        if name != "twice":
            assert "attempt=1 " not in line, line
        self.main.check_running()


def ill_in(illnesses, sentence):
    for name in illnesses:
        test(sentence.format(name))(lambda world, name=name: world.cured(name))


ill_in(BROKEN, "a program that breaks the protocol ({}) is ended, and started anew; nothing is lost")
ill_in(DEAD, "a program that dies ({}) is started anew; nothing is lost")
ill_in(HUNG, "a program that hangs ({}) is ended, and started anew; nothing is lost")


@test("how a program ended is told: its signal, its status, and what it did to itself")
def told(world):
    lines = {name: "\n".join(world.main.lines("adapter.died", instance=name)) for name in DEAD}
    assert "signal 11" in lines["crash"], lines["crash"]
    assert "exit status 3" in lines["exit"], lines["exit"]
    assert "exit status 5" in lines["files"], lines["files"]
    assert "of 32: Too many open files" in "\n".join(world.main.lines("ill.files", instance="files"))
    assert "MemoryError" in "\n".join(world.main.lines("adapter.stderr", instance="leak"))


@test("what a program floods us with is bounded in the log, and costs the others nothing")
def floods(world):
    size = len(world.main.log())
    ticks = world.main.cpu_ticks()
    start = time.monotonic()
    for _ in range(10):
        world.healthy_while("floods")
        time.sleep(0.2)
    seconds = time.monotonic() - start
    grown = len(world.main.log()) - size
    used = (world.main.cpu_ticks() - ticks) / os.sysconf("SC_CLK_TCK")
    # 500 lines of 200 bytes a second, and what goes with them.
    assert grown < 700_000 * (seconds + 1), f"{grown} bytes in {seconds:.1f} s"
    assert used < 0.8 * seconds, f"{used:.1f} s of {seconds:.1f} s"
    for name in NOISY:
        world.cure(name)


@test("a program that floods us hangs in the end, is ended, and delivers when it is cured")
def flooded(world):
    for name in NOISY:
        wait_for(lambda name=name: world.has(name, world.sent[name]), f"what waited for {name}", 90)


@test("a program has none of our descriptors, and none of our environment")
def clean(world):
    line = world.main.wait_for("adapter.stderr", instance="exit")
    found = re.search(r"opened as (\d+) \[([^]]*)\] \[([^]]*)\]", line)
    environment_names = {name.strip("' ") for name in found[2].split(",")}
    assert environment_names <= {"PATH", "HOME", "LANG", "LC_CTYPE"}, environment_names
    descriptors = {name.strip("' ") for name in found[3].split(",")}
    assert descriptors <= {"0", "1", "2", "3"}, descriptors  # 3 is the folder that it looks into


@test("processes end with the gateway, though it be killed")
def killed(world):
    pids = children(world.main.pid)
    assert len(pids) >= len(BROKEN), pids
    world.main.kill()
    wait_for(lambda: not any(alive(pid) for pid in pids), "the programs end")
    world.client().close()
    world.main.start()


@test("a stop waits for the programs to end, and for none that does not")
def stopped(world):
    world.main.wait_for("instance.ready", instance="exit")
    pids = children(world.main.pid)
    for pid in pids[:1]:
        os.kill(pid, signal.SIGSTOP)
    start = time.monotonic()
    equal(world.main.stop(), 0, "exit status")
    assert time.monotonic() - start < 20 * PATIENCE, "a stopped program holds up the stop"
    assert not any(alive(pid) for pid in pids), "a program is left"
    world.client().close()
    world.main.start()


def children(pid):
    return [int(word) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text(encoding="ascii").split()]


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def check(world, destinations):
    """What muengstend -t says."""
    file = world.folder / "check.xml"
    names = re.findall(r'<destination name="([^"]+)"', "".join(destinations))
    file.write_text(configuration(
        world, partners=[partner(world.pki, "wuppertal-portal")], destinations=destinations,
        routes=[route(f"test:{name}", name) for name in names],
        extra=element("adapters", folder=world.programs)), encoding="utf-8")
    done = subprocess.run([muengstend(), "-t", "-c", str(file)], capture_output=True, text=True, check=False,
                          env=environment())
    return done.returncode, done.stderr


def program(world, name, text):
    path = world.programs / name
    path.write_text("#!/usr/bin/env python3\nimport os, struct, sys, json, time\n" + text, encoding="utf-8")
    path.chmod(0o755)


def describing(name, **changes):
    hello = dict(type="hello", protocol=1, adapter=name, version="1", abilities=["take"], parameters=[])
    hello.update(changes)
    return (f"text = {hello!r}\ndata = json.dumps(text).encode()\n"
            "os.write(1, struct.pack('>II', len(data), 0) + data)\nsys.stdin.read()\n")


def plain(name, **attributes):
    return element("destination", name="office", adapter=name, **attributes)


MISFITS = {
    "exits": ("sys.exit('I do not want to')\n", "exit status 1.*I do not want to"),
    "prints": ("print('Hello, world. This is no frame at all.')\n", "no frame|announces"),
    "elsewhere": (describing("somebody"), "another adapter"),
    "future": (describing("future", protocol=2), "protocol that was not offered"),
    "able": (describing("able", abilities=["fly"]), "ability that there is not"),
    "kinds": (describing("kinds", parameters=[dict(name="a", kind="colour", use="both")]), "kind or a use"),
    "double": (describing("double", parameters=[dict(name="a", kind="text", use="both")] * 2), "declared twice"),
    "bounds": (describing("bounds", parameters=[dict(name="a", kind="number", use="both", smallest=3, largest=1)]),
               "bounds that are none"),
}


@test("muengstend -t refuses a program that does not describe itself as it should, with its name, file and line")
def misfits(world):
    for name, (text, reason) in MISFITS.items():
        program(world, name, text)
        status, said = check(world, [plain(name)])
        assert status != 0, f"{name} was accepted"
        assert re.search(rf"check\.xml:\d+.*{name}.*({reason})", said), f"{name}: {said}"


@test("muengstend -t says of a program that stays silent that it does, after ten seconds")
def silent(world):
    program(world, "silent", "time.sleep(1000)\n")
    start = time.monotonic()
    status, said = check(world, [plain("silent")])
    assert status != 0 and "within 10 seconds" in said, said
    assert time.monotonic() - start < 15 * PATIENCE


@test("muengstend -t checks the parameters of programs like those of every adapter")
def parameters(world):
    program(world, "strict", describing("strict", parameters=[
        dict(name="room", kind="number", use="destination", required=True, smallest=1, largest=9,
             description="The room.")]))
    equal(check(world, [plain("strict", room="7")])[0], 0, "exit status with a good parameter")
    for wrong in (dict(room="70"), dict(room="x"), {}, dict(room="7", floor="1")):
        status, said = check(world, [plain("strict", **wrong)])
        assert status != 0 and re.search(r"check\.xml:\d+", said), said


@test("muengstend -t refuses shared objects that are no adapters for this gateway, with the reason")
def objects(world):
    compiler = os.environ.get("CC", "cc").split()
    sources = {
        "symbolless": ("int nothing;", "no function mg_adapter_entry"),
        "tomorrow": ('#include <muengsten/adapter.h>\nstatic const struct mg_adapter a = {.size = sizeof a, '
                     '.abi = 99, .name = "tomorrow"};\nconst struct mg_adapter *mg_adapter_entry(unsigned v)'
                     '{(void)v; return &a;}', "version 99"),
        "unwilling": ('#include <muengsten/adapter.h>\nconst struct mg_adapter *mg_adapter_entry(unsigned v)'
                      '{(void)v; return 0;}', "does not work with version"),
        "hollow": ('#include <muengsten/adapter.h>\nstatic const struct mg_adapter a = {.size = sizeof a, '
                   '.abi = 2, .name = "hollow"};\nconst struct mg_adapter *mg_adapter_entry(unsigned v)'
                   '{(void)v; return &a;}', "does not describe an adapter"),
        "bursting": ('#include <stdlib.h>\n#include <muengsten/adapter.h>\nconst struct mg_adapter *mg_adapter_entry('
                     'unsigned v){(void)v; abort();}', "signal 6"),
    }
    for name, (text, reason) in sources.items():
        source = world.programs / f"{name}.c"
        source.write_text(text + "\n", encoding="utf-8")
        subprocess.run([*compiler, "-shared", "-fPIC", f"-I{SOURCE / 'include'}", "-o",
                        world.programs / f"{name}.so", source], check=True)
        status, said = check(world, [plain(name)])
        assert status != 0 and re.search(rf"{name}.*{reason}", said), f"{name}: {said}"


@test("muengstend -t refuses a program inside the gateway, and a user that there is not")
def impossible(world):
    status, said = check(world, [plain("strict", room="7", isolation="none")])
    assert status != 0 and "cannot run inside the gateway" in said, said
    status, said = check(world, [element("destination", element("process", user="no-such-user"), name="office",
                                         adapter="strict", room="7")])
    assert status != 0 and "no user no-such-user" in said, said


@test("a process runs as the user that the configuration names")
def user(world):
    if os.geteuid() != 0:
        raise Skip("only root may start a process as another user")
    for folder in (world.folder, world.programs):
        folder.chmod(0o755)
    (world.folder / "other").mkdir(exist_ok=True)
    (world.folder / "other").chmod(0o777)
    (world.folder / "other.cure").touch()
    destinations = [world.ill("other", "well", process=dict(user=SOMEBODY))]
    apply(world, destinations)
    line = world.main.wait_for("adapter.stderr", instance="other")
    assert "opened as 65534" in line, line
    identifier = world.send("other")
    wait_for(lambda: world.has("other", identifier), "the message")


def apply(world, destinations, sources=(), limits=None):
    """The gateway goes on with these sources, and these destinations beside the healthy one."""
    destinations = [*destinations, folder_destination("healthy", world.folder / "healthy")]
    names = re.findall(r'<destination name="([^"]+)"', "".join(destinations))
    before = len(world.main.lines("gateway.reloaded"))
    world.main.config_file.write_text(configuration(
        world, port=world.main.port, partners=[partner(world.pki, "wuppertal-portal")], destinations=destinations,
        sources=sources, limits=limits, routes=[route(f"test:{name}", name) for name in names],
        extra=element("adapters", folder=world.programs)), encoding="utf-8")
    world.main.signal(signal.SIGHUP)
    wait_for(lambda: len(world.main.lines("gateway.reloaded")) > before, "the reload", 20)


def connect(path, name="ill"):
    """Starts the program as somebody else does, at the gateway's socket."""
    stream = socket.socket(socket.AF_UNIX)
    wait_for(pathlib.Path(path).exists, "the socket")
    stream.connect(str(path))
    started = subprocess.Popen([path.parent / "programs" / name], stdin=stream, stdout=stream,
                               stderr=subprocess.DEVNULL)
    stream.close()
    return started


@test("a program that somebody else starts connects to a socket, may come again, and nothing is lost meanwhile")
def connecting(world):
    path = world.folder / "door.sock"
    (world.folder / "door").mkdir(exist_ok=True)
    (world.folder / "door.cure").touch()
    apply(world, [world.ill("door", "well", process=dict(socket=path))])
    equal(path.stat().st_mode & 0o777, 0o600, "who may connect")
    first = world.send("door")
    started = connect(path)
    wait_for(lambda: world.has("door", first), "the first message")
    started.kill()
    started.wait()
    world.main.wait_for("instance.down", instance="door", code="adapter.died")
    second = world.send("door")
    started = connect(path)
    wait_for(lambda: world.has("door", second), "the second message", 20)
    apply(world, [])
    equal(started.wait(20 * PATIENCE), 0, "the program ends when it is closed")
    assert not path.exists(), "the socket is left behind"


@test("a reload that is refused leaves the socket of a program to the one that it belongs to")
def refused_socket(world):
    path = world.folder / "kept.sock"
    (world.folder / "kept").mkdir(exist_ok=True)
    (world.folder / "kept.cure").touch()
    apply(world, [world.ill("kept", "well", process=dict(socket=path))])
    before = path.stat().st_ino
    # A folder that cannot be opened is found when the other instances are open already.
    inbox = world.folder / "spoiled"
    inbox.mkdir()
    (inbox / "rejected").write_text("no folder", encoding="utf-8")
    text = world.main.config_file.read_text(encoding="utf-8")
    changed = text.replace('name="kept" ', 'name="kept" timeout="9s" ', 1).replace(
        "</gateway>", folder_source("spoiled", "wuppertal-portal", inbox) + "</gateway>")
    assert changed.count("timeout") > text.count("timeout")
    world.main.reload(changed, "gateway.reload-refused")
    equal(path.stat().st_ino, before, "the socket")
    started = connect(path)
    identifier = world.send("kept")
    wait_for(lambda: world.has("kept", identifier), "the message")
    apply(world, [])
    equal(started.wait(20 * PATIENCE), 0, "the program ends when it is closed")
    equal(list(world.folder.glob("kept.sock*")), [], "sockets that are left behind")


@test("a connection of the wrong user is sent away, and told of in the log, though not each time")
def stranger(world):
    path = world.folder / "guarded.sock"
    (world.folder / "guarded.cure").touch()
    apply(world, [world.ill("guarded", "well", process=dict(socket=path, user=SOMEBODY))])
    if os.geteuid() == 65534:
        raise Skip("we are the right user")
    started = connect(path)
    world.main.wait_for("adapter.user", instance="guarded")
    equal(started.wait(20 * PATIENCE), 0, "the program ends at the end of its stream")
    assert not world.main.lines("instance.ready", instance="guarded")
    start = time.monotonic()
    for _ in range(100):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(path))
            equal(stream.recv(1), b"", "what a stranger hears")
    lines = len(world.main.lines("adapter.user", instance="guarded"))
    assert lines <= time.monotonic() - start + 3, f"{lines} lines about 100 strangers"
    apply(world, [])


@test("the adapter folder delivers and collects in a process like inside the gateway")
def folder_in_process(world):
    inside = BUILD / "adapters" / ".libs" / "folder.so"
    assert inside.exists()
    (world.folder / "apart").mkdir(exist_ok=True)
    apply(world, [folder_destination("apart", world.folder / "apart", isolation="process")])
    world.main.wait_for("instance.ready", instance="apart")
    identifiers = [world.send("apart") for _ in range(20)]
    wait_for(lambda: all(world.has("apart", identifier) for identifier in identifiers), "20 messages", 20)
    assert (world.folder / "apart" / f"{identifiers[0]}.seal.xml").exists(), "the seal beside it"


@test("the adapter rest delivers from a process over connections that the gateway makes, and retries what fails")
def rest_out_of_process(world):
    city = world.city("remscheid", "--fail", "503:2")
    apply(world, [destination("calls", city, isolation="process")])
    identifiers = [world.send("calls") for _ in range(20)]
    for identifier in identifiers:
        city.wait_for(id=identifier, answer=200)
    equal(len(city.record(answer=503)), 2, "answers 503")
    assert all(entry["valid"] == "yes" for entry in city.record(answer=200)), city.record(answer=200)[-1]
    city.kill()
    identifier = world.send("calls")
    world.main.wait_for("delivery.postponed", message=identifier, code="net.connect")
    city.change()
    city.wait_for(id=identifier, answer=200)


@test("the adapter rest takes messages and answers reports from a process, and 503 while that does not read or is down")
def rest_in_process(world):
    port = world.free_port()
    text = world.main.config_file.read_text(encoding="utf-8")
    text = text.replace('adapter="rest" listener="cities"', 'adapter="rest" listener="cities" isolation="process"')
    other = world.gateway(text.replace(f":{world.main.port}\"", f":{port}\""), name="apart")
    other.wait_for("instance.ready", instance="submission")
    client = world.client(port=port)
    _, message = world.signed("wuppertal", "test:healthy")
    accepted = client.post(message).expect(201)
    equal(client.post(message).expect(200).id, accepted.id, "the id of a repetition")
    client.report(accepted.id).expect(200)
    client.post("<no").expect(400, "xml.malformed")
    assert client.request("PUT", "/messages", b"").status == 405
    ready = other.wait_for("adapter.ready", instance="submission")
    pid = int(re.search(r'"process (\d+)"', ready)[1])
    os.kill(pid, signal.SIGSTOP)
    client.post(b"x" * 12_000_000).expect(503, "adapter.busy")
    client.report(accepted.id).expect(503, "adapter.busy")
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: client.report(accepted.id).status == 200, "it reads again")
    os.kill(pid, signal.SIGKILL)
    other.wait_for("instance.down", instance="submission", code="adapter.died")
    client.post(message).expect(503, "adapter.down")
    wait_for(lambda: len(other.lines("instance.ready", instance="submission")) > 1, "it is started again")
    equal(client.post(message).expect(200).id, accepted.id, "the id of a repetition")
    equal(other.stop(), 0, "exit status")


SOURCE_OF_EVIL = """
def read():
    prefix = sys.stdin.buffer.read(8)
    if len(prefix) < 8:
        sys.exit(0)
    header, content = struct.unpack(">II", prefix)
    return json.loads(sys.stdin.buffer.read(header + content)[:header])


def write(content=b"", **header):
    text = json.dumps(header).encode()
    sys.stdout.buffer.write(struct.pack(">II", len(text), len(content)) + text + content)
    sys.stdout.buffer.flush()


def be(name, parameters=()):
    read()
    write(type="hello", protocol=1, adapter=name, version="1", abilities=["bring"], parameters=list(parameters))
    return read()


"""
LEAKY = SOURCE_OF_EVIL + """
be("leaky")
write(b"<begun", type="submit", submission=1, mediaType="application/xml")
write(type="opened")
while True:
    if read()["type"] == "ping":
        write(type="pong")
"""
HOARDER = SOURCE_OF_EVIL + """
url = be("hoarder", [dict(name="url", kind="url", use="source", required=True)])["parameters"]["url"]
write(type="opened")
for number in range(20):
    write(bytes(2 << 20), type="call", call=number, method="POST", url=url)
for _ in range(1100):
    write(type="count", counter="grains", help="Grains of sand.", number=(1 << 53) - 1)
write(type="log", level="notice", event="hoarder.counted")
while True:
    frame = read()
    if frame["type"] == "call-done":
        write(type="log", level="notice", event="hoarder.told", text=frame["code"])
    elif frame["type"] == "ping":
        write(type="pong")
"""


@test("what a program has called out and is not answered is bounded, and so is what it counts")
def hoarding(world):
    program(world, "hoarder", HOARDER)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        apply(world, [], limits=dict(message="1M"),
              sources=[element("source", name="hoarder", adapter="hoarder", partner="wuppertal-portal", url=url)])
        world.main.wait_for("hoarder.told", text="adapter.busy")
        world.main.wait_for("hoarder.counted")
        equal(world.main.stop(), 0, "exit status")
    world.main.wait_for("adapter.counted", instance="hoarder", value=str((1 << 63) - 1))
    world.client().close()
    world.main.start()
    apply(world, [])


def leaky(world):
    """The gateway goes on with a source that begins a message and never finishes it; its process."""
    program(world, "leaky", LEAKY)
    apply(world, [], sources=[element("source", name="leaky", adapter="leaky", partner="wuppertal-portal")])
    ready = world.main.wait_for("adapter.ready", instance="leaky")
    return int(re.search(r'"process (\d+)"', ready)[1])


@test("a reload that admits larger messages starts programs anew, which are told so at their beginning only")
def larger(world):
    apply(world, [world.ill("grown", "well")], limits=dict(message="1M"))
    world.main.wait_for("instance.ready", instance="grown")
    apply(world, [world.ill("grown", "well")], limits=dict(message="1M"))
    assert not world.main.lines("instance.retired", instance="grown"), "started anew without a reason"
    apply(world, [world.ill("grown", "well")], limits=dict(message="8M"))
    wait_for(lambda: len(world.main.lines("instance.ready", instance="grown")) > 1, "the program is started anew")
    apply(world, [])


@test("a reload does not wait for ever for a program that never ends what it began")
def reload_without(world):
    pid = leaky(world)
    apply(world, [])
    wait_for(lambda: not alive(pid), "the program ends", 30)
    world.main.wait_for("adapter.closed", instance="leaky")


@test("a stop does not wait for ever for a program that never ends what it began")
def stop_without(world):
    pid = leaky(world)
    start = time.monotonic()
    equal(world.main.stop(), 0, "exit status")
    assert time.monotonic() - start < 30 * PATIENCE, "the program holds up the stop"
    assert not alive(pid), "the program is left"
    world.client().close()
    world.main.start()


if __name__ == "__main__":
    run(lambda: Isolation("isolation"))
