#!/usr/bin/env python3
"""sftp: messages as files at OpenSSH's server. Nothing is lost when it goes, and nobody else is taken for it."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess

from harness import (BUILD, Process, World, configuration, destination, element, equal, partner, wait_for)
from tap import Skip, run, test

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
SLOW = dict(first="300ms", longest="1s", give_up="10min", breaker="1000", breaker_time="1s")


def make_key(path):
    """An Ed25519 key; its public half beside it."""
    for old in (path, path.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


class Server(Process):
    """OpenSSH's sshd with a configuration and host key of its own, offering nothing but SFTP."""

    def __init__(self, world, name="sshd"):
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
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no",
            "PermitRootLogin prohibit-password", "Subsystem sftp internal-sftp", "ForceCommand internal-sftp",
            "MaxStartups 100", "LogLevel ERROR", ""]), encoding="ascii")
        super().__init__(name, world.folder, [SSHD, "-D", "-e", "-f", config], start_new_session=True)

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
        """The processes that serve connections."""
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True,
                               check=False)
        return [int(word) for word in found.stdout.split()]

    def kill(self):
        """Ends the server with everything that it does for anybody, in the middle of it."""
        if not self.process:
            return
        pids = []
        if self.running():
            pids = self.connections()
            for pid in list(pids):
                found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True,
                                       check=False)
                pids += [int(word) for word in found.stdout.split()]
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
        self.inbox, self.outbox = self.folder / "inbox", self.folder / "outbox"
        for folder in (self.inbox, self.outbox):
            folder.mkdir()
        self.remscheid = self.city("remscheid")
        self.main = self.gateway(self.text())
        return self

    def common(self, folder):
        return {"adapter": "sftp", "host": "127.0.0.1", "port": self.server.port, "user": self.server.user,
                "key": self.server.user_key, "known-hosts": self.server.known_hosts, "folder": folder,
                "step-timeout": 5}

    def text(self, **more):
        return configuration(
            self, partners=[partner(self.pki, "solingen-registry"), partner(self.pki, "wuppertal-portal")],
            sources=[element("source", name="solingen-inbox", partner="solingen-registry", interval=1, settle=0,
                             **self.common(self.inbox), **more)],
            destinations=[destination("remscheid", self.remscheid),
                          element("destination", element("retry", **SLOW), name="solingen", timeout="20s",
                                  **self.common(self.outbox))])

    def put(self, name, data):
        """As another program does it: written under another name, then renamed."""
        data = data.encode() if isinstance(data, str) else data
        temporary = self.inbox / f".{name}.new"
        temporary.write_bytes(data)
        temporary.rename(self.inbox / name)

    def names(self, below=""):
        return sorted(path.name for path in (self.inbox / below).iterdir() if path.is_file())

    def send(self):
        """Hands in a message for Solingen: its id, and the text that has to arrive."""
        message, text = self.world_signed()
        return self.client("wuppertal-portal").post(text).expect(201).id, message.text

    def world_signed(self):
        return self.signed("wuppertal", "solingen")

    def delivered(self, identifier, seconds=20.0):
        return wait_for((self.outbox / f"{identifier}.xml").exists, f"{identifier} is delivered", seconds)


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
    receipt = world.inbox / "receipts" / "first.xml.receipt.xml"
    wait_for(receipt.exists, "the receipt")
    assert message.uuid in receipt.read_text(encoding="utf-8")
    wait_for(lambda: world.names() == [] and world.names("in-progress") == [], "nothing is left")
    world.remscheid.wait_for(uuid=message.uuid, valid="yes")


if __name__ == "__main__":
    run(lambda: Offices("sftp"))
