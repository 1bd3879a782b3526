#!/usr/bin/env python3
"""sftp: messages as files at OpenSSH's server. Nothing is lost when it goes, and nobody else is taken for it."""

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time

from conformance import conformance
import messages
from harness import (BUILD, PATIENCE, Process, World, configuration, destination, element, environment, equal,
                     muengstend, packed, partner, route, wait_for)
from tap import Skip, run, test

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
RETRY = dict(first="300ms", longest="1s", give_up="10min", breaker="1000", breaker_time="1s")
STEP = 5  # seconds that a step may take


def make_key(path):
    """An Ed25519 key; its public half beside it."""
    for old in (path, path.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


class Server(Process):
    """OpenSSH's sshd with a configuration and host key of its own, offering nothing but SFTP."""

    def __init__(self, world, name="sshd", password=None):
        self.folder = world.folder / name
        self.folder.mkdir()
        self.port = world.free_port()
        self.host_key = make_key(self.folder / "host-key")
        self.user_key = make_key(self.folder / "user-key")
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.authorized = self.folder / "authorized"
        self.known_hosts = self.folder / "known-hosts"
        self.accept()
        self.be_known()
        config = self.folder / "sshd_config"
        config.write_text("\n".join([
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.authorized}", f"PidFile {self.folder}/pid", "StrictModes no",
            f"PasswordAuthentication {'yes' if password else 'no'}", "KbdInteractiveAuthentication no", "UsePAM no",
            f"PermitRootLogin {'yes' if password else 'prohibit-password'}", "Subsystem sftp internal-sftp",
            "ForceCommand internal-sftp", "MaxStartups 100", "LogLevel ERROR", ""]), encoding="ascii")
        command = [SSHD, "-D", "-e", "-f", config]
        super().__init__(name, world.folder, self.with_users(password, command) if password else command,
                         start_new_session=True)

    def with_users(self, password, command):
        """The command, which then knows a user "office" of that password: in files that only it sees."""
        coded = subprocess.run(["openssl", "passwd", "-6", password], capture_output=True, text=True,
                               check=True).stdout.strip()
        for name, line in (("passwd", "office:x:0:0::/:/bin/sh"), ("shadow", f"office:{coded}:19000:0:99999:7:::")):
            text = pathlib.Path("/etc", name).read_text(encoding="utf-8")
            (self.folder / name).write_text(f"{text.rstrip()}\n{line}\n", encoding="utf-8")
            (self.folder / name).chmod(0o600 if name == "shadow" else 0o644)
        self.mounts = " && ".join(f"mount --bind {self.folder}/{name} /etc/{name}" for name in ("passwd", "shadow"))
        return ["unshare", "--mount", "sh", "-c", f'{self.mounts} && exec "$@"', "sh", *command]

    def possible(self):
        """Whether the system lets its users be exchanged for one program."""
        return subprocess.run(["unshare", "--mount", "sh", "-c", self.mounts], capture_output=True,
                              check=False).returncode == 0

    def accept(self, accepted=True):
        """Whether the server accepts the user's key."""
        text = self.user_key.with_suffix(".pub").read_text(encoding="ascii") if accepted else ""
        self.authorized.write_text(text, encoding="ascii")

    def be_known(self):
        """Writes the host key down where the gateway looks for it."""
        public = self.host_key.with_suffix(".pub").read_text(encoding="ascii")
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}", encoding="ascii")

    def start(self):
        if os.geteuid() == 0:
            pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.launch()

        def listening():
            if not self.running():
                raise AssertionError(f"sshd ended at once: {self.log()}")
            return self.greeted()

        wait_for(listening, "sshd listens")
        return self

    def greeted(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as probe:
            return probe.recv(4).startswith(b"SSH")
        return False

    def connections(self):
        """The processes that serve connections: children, and in newer versions of OpenSSH theirs too."""
        found, parents = [], [self.pid]
        while parents:
            done = subprocess.run(["ps", "-o", "pid=", "--ppid", ",".join(map(str, parents))], capture_output=True,
                                  text=True, check=False)
            parents = [int(word) for word in done.stdout.split()]
            found += parents
        return found

    def kill(self):
        """Ends the server with everything that it does for anybody, in the middle of it."""
        if not self.process:
            return
        pids = self.connections() if self.running() else []
        super().kill()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Offices(World):
    """Solingen hands in and takes out over SFTP; Remscheid has a system, Wuppertal a portal."""

    def __enter__(self):
        if not SSHD or not shutil.which("ssh-keygen"):
            raise Skip("OpenSSH's server is not installed (openssh-server)")
        if not (BUILD / "adapters" / ".libs" / "sftp.so").exists():
            raise Skip("muengsten was built without the adapter sftp")
        self.server = Server(self)
        self.processes.append(self.server)
        self.server.start()
        self.inbox, self.archive, self.outbox = (self.folder / name for name in ("inbox", "archive", "outbox"))
        self.disk = self.folder / "disk"
        for folder in (self.inbox, self.archive, self.outbox, self.disk):
            folder.mkdir()
        self.remscheid = self.city("remscheid")
        self.main = self.gateway(self.text())
        return self

    def close(self):
        for process in self.processes:
            process.kill()
        if os.path.ismount(self.folder / "disk"):
            subprocess.run(["umount", "--lazy", self.folder / "disk"], capture_output=True, check=False)
        super().close()

    def common(self, folder):
        return {"adapter": "sftp", "host": "127.0.0.1", "port": self.server.port, "user": self.server.user,
                "key": self.server.user_key, "known-hosts": self.server.known_hosts, "folder": folder,
                "step-timeout": STEP}

    def source(self, name, folder, **more):
        return element("source", name=name, partner="solingen-registry",
                       **{"interval": 1, "settle": 0, **self.common(folder), **more})

    def destination(self, name, folder):
        return element("destination", element("retry", **RETRY), name=name, timeout="20s", **self.common(folder))

    def text(self):
        return configuration(
            self, partners=[partner(self.pki, "solingen-registry"), partner(self.pki, "wuppertal-portal")],
            sources=[self.source("solingen-inbox", self.inbox),
                     self.source("solingen-archive", self.archive, keep="true", settle=2)],
            destinations=[destination("remscheid", self.remscheid),
                          self.destination("solingen", self.outbox),
                          self.destination("small", self.disk / "box"),
                          self.destination("nowhere", self.folder / "nowhere")],
            routes=[route(name, name) for name in ("remscheid", "solingen")] +
                   [route(f"test:{name}", name) for name in ("small", "nowhere")])

    def put(self, name, data, folder=None):
        """As another program does it: written under another name, then renamed."""
        data = data.encode() if isinstance(data, str) else data
        folder = folder or self.inbox
        temporary = folder / f".{name}.new"
        temporary.write_bytes(data)
        temporary.rename(folder / name)

    def names(self, below="", folder=None):
        return sorted(path.name for path in ((folder or self.inbox) / below).iterdir() if path.is_file())

    def send(self, reader="solingen"):
        """Hands in a message for a destination: its id, and the text that has to arrive."""
        message, text = self.signed("wuppertal", reader)
        return self.client("wuppertal-portal").post(text).expect(201).id, message.text

    def delivered(self, identifier, seconds=20.0, folder=None):
        file = (folder or self.outbox) / f"{identifier}.xml"
        return wait_for(file.exists, f"{identifier} is delivered", seconds)

    def postponed(self, identifier, code):
        """Waits until an attempt has failed so, and sees that nothing of the message is at the server."""
        self.main.wait_for("delivery.postponed", message=identifier, code=code, seconds=20)
        assert not list(self.outbox.glob(f"*{identifier}*")), "something was sent"
        return self

    def receipt(self, name, folder=None, seconds=20.0):
        file = (folder or self.inbox) / "receipts" / f"{name}.receipt.xml"
        wait_for(file.exists, f"the receipt of {name}", seconds)
        return file.read_bytes()

    def reason(self, name):
        """The refusal beside a rejected file, once the file is there too."""
        wait_for((self.inbox / "rejected" / name).exists, f"{name} is rejected")
        return json.loads((self.inbox / "rejected" / f"{name}.reason.json").read_text(encoding="utf-8"))

    def once(self, sent):
        """Every message has arrived, in one file with its seal, and nothing else lies there."""
        for identifier, text in sent:
            self.delivered(identifier, 60)
            equal((self.outbox / f"{identifier}.xml").read_text(encoding="utf-8"), text)
            files = sorted(path.name for path in self.outbox.glob(f"*{identifier}*"))
            equal(files, [f"{identifier}.seal.xml", f"{identifier}.xml"], "files of one message")


@test("a message is delivered as ID.xml with its seal beside it, and nothing else is left at the server")
def delivered(world):
    identifier, text = world.send()
    world.delivered(identifier)
    equal((world.outbox / f"{identifier}.xml").read_text(encoding="utf-8"), text)
    seal = (world.outbox / f"{identifier}.seal.xml").read_text(encoding="utf-8")
    assert f"cid:{identifier}@muengsten" in seal, seal[:500]
    equal(sorted(path.name for path in world.outbox.iterdir()),
          [f"{identifier}.seal.xml", f"{identifier}.xml"], "files")


@test("a file at the server is collected, its receipt is left there, and the file is taken away")
def collected(world):
    message, text = world.signed("solingen", "remscheid")
    world.put("first.xml", text)
    assert message.uuid.encode() in world.receipt("first.xml")
    wait_for(lambda: world.names() == [] and world.names("in-progress") == [], "nothing is left")
    world.remscheid.wait_for(uuid=message.uuid, valid="yes")


@test("a file that is refused is moved to rejected, byte by byte, with code and reason beside it")
def rejected(world):
    for name, data, code in (("broken.xml", "<a><b></a>", "xml.malformed"), ("empty.xml", "", "body.empty"),
                             ("unsigned.xml", messages.message("solingen", "remscheid").text,
                              "signature.missing"),
                             ("foreign.xml", world.signed("wuppertal", "remscheid")[1], "permission.author")):
        world.put(name, data)
        equal(world.reason(name)["code"], code, name)
        equal((world.inbox / "rejected" / name).read_text(encoding="utf-8"), data, name)
    wait_for(lambda: world.names() == [] and world.names("in-progress") == [], "nothing is left")


@test("two rejected files of one name are both kept")
def same_name(world):
    world.put("twin.xml", "<one/>")
    world.reason("twin.xml")
    world.put("twin.xml", "<two/>")
    wait_for((world.inbox / "rejected" / "twin.xml.2").exists, "the second")
    equal((world.inbox / "rejected" / "twin.xml").read_text(encoding="ascii"), "<one/>")
    equal((world.inbox / "rejected" / "twin.xml.2").read_text(encoding="ascii"), "<two/>")


@test("the same message in a second file gets the same receipt, and is not delivered again")
def repeated(world):
    message, text = world.signed("solingen", "remscheid")
    world.put("once.xml", text)
    first = world.receipt("once.xml")
    world.put("twice.xml", text)
    equal(world.receipt("twice.xml"), first, "receipts")
    world.remscheid.wait_for(uuid=message.uuid)
    equal(len(world.remscheid.record(uuid=message.uuid)), 1, "deliveries")


@test("a packed file is unpacked and accepted; hidden files, links and others are left alone")
def others(world):
    outside = world.folder / "outside.xml"
    outside.write_text("<a/>", encoding="ascii")
    (world.inbox / "link.xml").symlink_to(outside)
    (world.inbox / "folder.xml").mkdir()
    for name in (".hidden.xml", "notes.txt", "upload.xml.part"):
        (world.inbox / name).write_text("<a/>", encoding="ascii")
    message, text = world.signed("solingen", "remscheid")
    world.put("zz-packed.xml.gz", packed(text))
    world.receipt("zz-packed.xml.gz")
    world.remscheid.wait_for(uuid=message.uuid)
    for name in (".hidden.xml", "notes.txt", "upload.xml.part", "link.xml", "folder.xml"):
        assert (world.inbox / name).exists(), name
    equal(outside.read_text(encoding="ascii"), "<a/>", "what the link points to")


@test("where they are to be kept, accepted files are moved to done, two of one name beside each other")
def kept(world):
    for number in (1, 2):
        message, text = world.signed("solingen", "remscheid")
        world.put("kept.xml", text, world.archive)
        world.remscheid.wait_for(uuid=message.uuid, seconds=20)
        done = world.archive / "done" / ("kept.xml" if number == 1 else "kept.xml.2")
        wait_for(done.exists, "the file in done", 20)
        equal(done.read_text(encoding="utf-8"), text)
    assert message.uuid.encode() in world.receipt("kept.xml", world.archive), "the later receipt"


@test("a file that is written slowly is taken when it is complete, and not before")
def slowly(world):
    message, text = world.signed("solingen", "remscheid")
    data = text.encode()
    with open(world.archive / "slow.xml", "wb") as file:
        for position in range(0, len(data), len(data) // 6 + 1):
            file.write(data[position:position + len(data) // 6 + 1])
            file.flush()
            time.sleep(0.6)
    world.remscheid.wait_for(uuid=message.uuid, seconds=20)
    assert "slow.xml" not in world.names("rejected", world.archive)


@test("a host key that nobody has written down is refused, nothing is sent, and the message waits until it is")
def unknown(world):
    world.server.kill()
    world.server.known_hosts.write_text("", encoding="ascii")
    world.server.start()
    identifier, text = world.send()
    world.postponed(identifier, "sftp.host-unknown")
    world.server.be_known()
    world.once([(identifier, text)])


@test("a changed host key is refused and told as an error; messages wait, and go out when it is written down")
def changed(world):
    world.server.kill()
    make_key(world.server.host_key)
    world.server.start()
    message, text = world.signed("solingen", "remscheid")
    world.put("changed.xml", text)
    identifier, text = world.send()
    world.postponed(identifier, "sftp.host-changed")
    sent = [(identifier, text), *(world.send() for _ in range(3))]
    print_of_key = subprocess.run(["ssh-keygen", "-l", "-f", world.server.host_key], capture_output=True,
                                  text=True, check=True).stdout.split()[1]
    for instance in ("solingen", "solingen-inbox"):
        line = world.main.wait_for("sftp.host-changed", instance=instance, level="error")
        assert print_of_key in line, line
        world.main.wait_for("instance.down", instance=instance, code="sftp.host-changed")
    assert not [path for path in world.outbox.iterdir() if path.name.split(".")[0] in dict(sent)], "something was sent"
    assert (world.inbox / "changed.xml").exists(), "the file was taken from a server that is not known"
    world.server.be_known()
    world.once(sent)
    world.receipt("changed.xml", seconds=90)
    world.remscheid.wait_for(uuid=message.uuid)


@test("a revoked host key is refused though it is written down as the server's")
def revoked(world):
    world.server.kill()
    world.server.be_known()
    known = world.server.known_hosts.read_text(encoding="ascii")
    world.server.known_hosts.write_text(f"{known}@revoked * {known.split(' ', 1)[1]}", encoding="ascii")
    world.server.start()
    identifier, text = world.send()
    world.postponed(identifier, "sftp.host-revoked")
    world.server.be_known()
    world.once([(identifier, text)])


@test("a key that the server does not accept is told, and the message waits until it does")
def not_accepted(world):
    world.server.kill()
    world.server.accept(False)
    world.server.start()
    identifier, text = world.send()
    world.postponed(identifier, "sftp.login")
    world.server.accept()
    world.once([(identifier, text)])


@test("where a server wants a password, it comes from a file, and a wrong one is told")
def password(world):
    if os.geteuid() != 0:
        raise Skip("only root can give a server users of its own")
    other = Server(world, "sshd-password", password="correct horse")
    if not other.possible():
        raise Skip("no server with users of its own can be started")
    world.processes.append(other)
    other.start()
    secret, outbox = other.folder / "password", other.folder / "outbox"
    secret.write_text("wrong\n", encoding="ascii")
    secret.chmod(0o600)
    outbox.mkdir()
    attributes = world.common(outbox)
    attributes.update({"port": other.port, "user": "office", "known-hosts": other.known_hosts,
                       "password-file": secret})
    del attributes["key"]
    gateway = world.gateway(configuration(
        world, port=world.free_port(), partners=[partner(world.pki, "wuppertal-portal")],
        destinations=[element("destination", element("retry", **RETRY), name="solingen", **attributes)]),
        name="gateway-password")
    _, text = world.signed("wuppertal", "solingen")
    identifier = world.client("wuppertal-portal", gateway.port).post(text).expect(201).id
    gateway.wait_for("delivery.postponed", message=identifier, code="sftp.login", seconds=20)
    secret.write_text("correct horse\n", encoding="ascii")
    world.delivered(identifier, folder=outbox)
    assert "correct" not in gateway.log() and "wrong" not in gateway.log()
    equal(gateway.stop(), 0, "status")


@test("a folder that is missing at the server is told, and the message goes there once it is made")
def missing(world):
    identifier, _ = world.send("test:nowhere")
    world.main.wait_for("delivery.postponed", message=identifier, code="sftp.missing")
    (world.folder / "nowhere").mkdir()
    world.delivered(identifier, folder=world.folder / "nowhere")


@test("a full disk at the server is told, nothing half is left, and the message goes there when there is room")
def full(world):
    if os.geteuid() != 0:
        raise Skip("only root can mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", world.disk], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise Skip(f"no small disk can be mounted: {done.stderr.strip()}")
    box = world.disk / "box"
    box.mkdir()
    with open(world.disk / "something-else", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    identifier, text = world.send("test:small")
    world.main.wait_for("delivery.postponed", message=identifier, code="sftp.full")
    equal([path.name for path in box.iterdir() if not path.name.startswith(".")], [], "visible files")
    (world.disk / "something-else").unlink()
    world.delivered(identifier, folder=box)
    equal((box / f"{identifier}.xml").read_text(encoding="utf-8"), text)
    equal(len(list(box.iterdir())), 2, "files")


@test("a server that hangs holds up nobody else; its messages go on when it does")
def hangs(world):
    identifier, text = world.send()
    world.once([(identifier, text)])
    served = [world.server.pid, *world.server.connections()]
    for pid in served:
        os.kill(pid, signal.SIGSTOP)
    try:
        stuck, stuck_text = world.send()
        message, other = world.signed("solingen", "remscheid")
        start = time.monotonic()
        world.client("solingen-registry").post(other).expect(201)
        world.remscheid.wait_for(uuid=message.uuid)
        assert time.monotonic() - start < STEP * PATIENCE, "held up"
        world.main.wait_for("delivery.postponed", message=stuck, code="sftp.timeout", seconds=30)
    finally:
        for pid in served:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    world.once([(stuck, stuck_text)])


@test("something else than an SSH server at the port is told, and does no harm")
def nonsense(world):
    world.server.kill()
    with socket.create_server(("127.0.0.1", world.server.port)) as listener:
        stop = threading.Event()

        def answer():
            listener.settimeout(0.1)
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    connection = listener.accept()[0]
                    with connection:
                        connection.sendall(b"SSH-2.0-nonsense\r\n" + os.urandom(40000))

        thread = threading.Thread(target=answer)
        thread.start()
        identifier, text = world.send()
        world.main.wait_for("delivery.postponed", message=identifier)
        stop.set()
        thread.join()
    world.main.check_running()
    world.server.start()
    world.once([(identifier, text)])


@test("a server that is killed again and again in the middle loses nothing; who looks there sees nothing half")
def killed(world):
    stop, faults = threading.Event(), []

    def watch():
        seen = set()
        while not stop.is_set():
            for path in world.outbox.glob("[!.]*.xml"):
                if path.name.endswith(".seal.xml") or path.name in seen:
                    continue
                seen.add(path.name)
                if not path.read_bytes().rstrip().endswith(b">"):
                    faults.append(f"{path.name} is not complete")
                if not path.with_suffix(".seal.xml").exists():
                    faults.append(f"{path.name} has no seal")

    watcher = threading.Thread(target=watch)
    watcher.start()
    collected_messages, sent = [], []
    for turn in range(6):
        for number in range(8):
            message, text = world.signed("solingen", "remscheid")
            world.put(f"killed-{turn}-{number}.xml", text)
            collected_messages.append((message, f"killed-{turn}-{number}.xml"))
            sent.append(world.send())
        time.sleep(0.03 * turn)
        world.server.kill()
        world.server.start()
    world.once(sent)
    for message, name in collected_messages:
        world.receipt(name, seconds=90)
        world.remscheid.wait_for(uuid=message.uuid, seconds=30)
        equal(len({entry["id"] for entry in world.remscheid.record(uuid=message.uuid)}), 1, "ids of one message")
    stop.set()
    watcher.join()
    equal(faults, [])
    equal([name for name in world.names() if name.startswith("killed")], [])
    wait_for(lambda: world.names("in-progress") == [], "nothing is in progress")


@test("a gateway that is killed in the middle delivers each message in one file, and collects each file once")
def gateway_killed(world):
    sent, files = [], []
    for turn in range(3):
        for number in range(10):
            message, text = world.signed("solingen", "remscheid")
            world.put(f"crash-{turn}-{number}.xml", text)
            files.append((message, f"crash-{turn}-{number}.xml"))
            sent.append(world.send())
        time.sleep(0.02 * turn)
        world.main.kill()
        world.clients.clear()
        world.main.start()
    world.once(sent)
    for message, name in files:
        world.receipt(name, seconds=60)
        world.remscheid.wait_for(uuid=message.uuid, seconds=30)
        equal(len({entry["id"] for entry in world.remscheid.record(uuid=message.uuid)}), 1, "ids of one message")


@test("an unknown or bad parameter, and a server without key and password, are refused with the reason")
def bad_configuration(world):
    for change, words in ((("step-timeout=\"%d\"" % STEP, "step-timeout=\"0\""), "step-timeout"),
                          (("known-hosts=", "known-host="), "known-host"),
                          ((f"key=\"{world.server.user_key}\"", ""), "key or password-file")):
        text = world.text().replace(*change).replace('adapter="sftp"', 'adapter="sftp" isolation="none"')
        file = world.folder / "bad.xml"
        file.write_text(text, encoding="utf-8")
        done = subprocess.run([muengstend(), "-c", file], capture_output=True, text=True, check=False,
                              timeout=30 * PATIENCE, env=environment())
        assert done.returncode != 0 and words in done.stdout + done.stderr, (words, done.stderr)


@test("the conformance suite finds nothing wrong, as a source and as a destination")
def conforms(world):
    inbox, outbox = world.folder / "kit-in", world.folder / "kit-out"
    inbox.mkdir()
    outbox.mkdir()
    # One takes connections and says nothing; the other does not even listen.
    with socket.socket() as silent, socket.socket() as dead:
        for place in (silent, dead):
            place.bind(("127.0.0.1", 0))
        silent.listen(200)
        places = ["--dead-set", f"port={dead.getsockname()[1]}", "--hang-set", f"port={silent.getsockname()[1]}",
                  "--wrong-set", f"folder={'a' * 2000}"]
        for role, folder, more in (
                ("destination", outbox, []),
                ("source", inbox, ["--bring", f'cp "$DOCUMENT" {inbox}/.new && mv {inbox}/.new {inbox}/brought-$(date +%s%N).xml'])):
            values = {name: value for name, value in world.common(folder).items() if name != "adapter"}
            if role == "source":
                values.update({"interval": 1, "settle": 0})
            conformance("sftp", role, values, *places, *more)


@test("the gateway stops in good time though a server says nothing")
def stops(world):
    for pid in [world.server.pid, *world.server.connections()]:
        os.kill(pid, signal.SIGSTOP)
    world.send()
    start = time.monotonic()
    equal(world.main.stop(30), 0, "status")
    assert time.monotonic() - start < 25 * PATIENCE


if __name__ == "__main__":
    run(lambda: Offices("sftp"), limit=600)
