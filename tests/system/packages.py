#!/usr/bin/env python3
"""packages: Debian's packages of muengsten are built, judged, installed, upgraded and removed, and the gateway runs as
the service that they bring.

What is installed here stays to be seen by others, so this is for a machine of its own: `./check packages` on one that
was made for it. What changes the machine is done only there (MUENGSTEN_INSTALL), as root, where systemd runs, and where
no muengsten is installed.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import urllib.request

from harness import BUILD, PATIENCE, World, equal, wait_for
from tap import Skip, run, test

PACKAGES = ("muengsten", "muengsten-adapter-amqp", "muengsten-adapter-mqtt", "muengsten-adapter-sftp",
            "muengsten-adapter-smtp", "muengsten-dev", "muengsten-tools")
CONFIGURATION = pathlib.Path("/etc/muengsten/muengsten.xml")
STATE = pathlib.Path("/var/lib/muengsten")
PKI = pathlib.Path("/etc/muengsten/pki")
ADAPTERS = "/usr/lib/muengsten/adapters"
CONTROL = "/run/muengsten/control"
# What only operators of one machine have; made for the test, and removed after it.
COLLEAGUES = {"muengsten-test-viewer": "muengsten-viewer", "muengsten-test-operator": "muengsten-operator",
              "muengsten-test-nobody": "nogroup"}
SOCKET = pathlib.Path("/etc/systemd/system/muengstend.socket.d/test.conf")
# Where the adapter writes that has a service of its own.
EXCHANGE = pathlib.Path("/srv/muengsten-test")
OVERRIDES = [pathlib.Path(f"/etc/systemd/system/{unit}.service.d/exchange.conf")
             for unit in ("muengsten-adapter@remscheid", "muengstend")]


def command(*words, **options):
    """Runs a command as a login would, and gives what it says."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
                   "DEBIAN_FRONTEND": "noninteractive", **options.pop("variables", {})}
    done = subprocess.run([str(word) for word in words], env=environment, capture_output=True, text=True,
                          check=False, timeout=900 * PATIENCE, stdin=subprocess.DEVNULL, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n"
                             f"{done.stdout[-3000:]}{done.stderr[-6000:]}")
    return done.stdout + done.stderr


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def dpkg_knows(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip() or "not-installed"


class House(World):
    """Where packages are built, and the machine that they are installed on."""

    def __enter__(self):
        needs("dpkg-buildpackage", "dh", "dh_python3")
        self.source = self.folder / "muengsten"
        self.may_install = None
        if not os.environ.get("MUENGSTEN_INSTALL"):
            self.may_install = "only ./check packages installs them"
        elif os.geteuid() != 0:
            self.may_install = "only root installs packages"
        elif not pathlib.Path("/run/systemd/system").exists():
            self.may_install = "this machine was not booted by systemd"
        elif dpkg_knows("muengsten") != "not-installed":
            self.may_install = "muengsten is installed on this machine"
        self.installed = False
        return self

    def needs_installation(self):
        if not self.installed:
            raise Skip(self.may_install or "the packages could not be installed")

    def build(self, *options):
        command("dpkg-buildpackage", "-us", "-uc", "-b", *options, cwd=self.source,
                variables={"DEB_BUILD_OPTIONS": "nocheck parallel=2"})

    def files(self):
        """The packages of the newest version."""
        return sorted(self.folder.glob(f"*_{self.version}_*.deb"))

    @property
    def version(self):
        return command("dpkg-parsechangelog", "-S", "Version", cwd=self.source).strip()

    def install(self):
        command("apt-get", "install", "-y", "--no-install-recommends", *self.files())

    def close(self):
        if getattr(self, "installed", False):
            subprocess.run(["dpkg", "--purge", *PACKAGES], capture_output=True, check=False,
                           stdin=subprocess.DEVNULL)
            for file in (*OVERRIDES, SOCKET):
                shutil.rmtree(file.parent, ignore_errors=True)
            for name in COLLEAGUES:
                subprocess.run(["userdel", name], capture_output=True, check=False)
            shutil.rmtree(EXCHANGE, ignore_errors=True)
            self.installed = False
        super().close()


def shown(*properties):
    """What systemd knows of the service."""
    said = command("systemctl", "show", "muengstend", *(f"--property={name}" for name in properties))
    return dict(line.split("=", 1) for line in said.splitlines())


def status():
    return shown("StatusText")["StatusText"]


def running():
    """The processes of muengsten's users, each with its command line."""
    found = []
    for place in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            user, line = place.owner(), (place / "cmdline").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if user.startswith("muengsten"):
            found.append((user, line.rstrip("\0").replace("\0", " ")))
    return found


def journal():
    return command("journalctl", "-u", "muengstend", "-o", "cat", "--no-pager")


def contents(file):
    return {"/" + line.split()[5].removeprefix("./") for line in command("dpkg-deb", "-c", file).splitlines()}


@test("dpkg-buildpackage builds the packages from what is in the archive")
def built(world):
    command("make", "-s", "-C", BUILD, "distdir", f"distdir={world.source}")
    world.build()
    equal(sorted(file.name.split("_")[0] for file in world.files() if "-dbgsym" not in file.name), list(PACKAGES),
          "the packages")


@test("lintian finds neither an error nor a warning in them")
def judged(world):
    needs("lintian")
    changes = next(world.folder.glob("*.changes"))
    done = subprocess.run(["lintian", "--fail-on=error,warning", "--tag-display-limit=0", str(changes)],
                          capture_output=True, text=True, check=False)
    equal(done.returncode, 0, done.stdout + done.stderr)


@test("each adapter with a library of its own is in a package of its own, with its manual page")
def apart(world):
    needs("dpkg-deb")
    for file in world.files():
        adapters = {pathlib.Path(path).stem for path in contents(file) if path.endswith(".so")}
        name = file.name.split("_")[0]
        if name == "muengsten":
            equal(adapters, {"folder", "mailbox", "rest"}, name)
        elif name.startswith("muengsten-adapter-") and "dbgsym" not in name:
            own = name.rpartition("-")[2]
            equal(adapters, {own}, name)
            assert f"/usr/share/man/man5/muengsten-{own}.5.gz" in contents(file), contents(file)


@test("they can be installed, and the service waits for a configuration without having failed")
def installed(world):
    if world.may_install:
        raise Skip(world.may_install)
    world.installed = True
    world.install()
    values = shown("ActiveState", "ConditionResult", "UnitFileState", "Result")
    equal(values, {"ActiveState": "inactive", "ConditionResult": "no", "UnitFileState": "enabled",
                   "Result": "success"}, "the service")
    folder = CONFIGURATION.parent.stat()
    equal(folder.st_mode & 0o777, 0o750, "the mode of /etc/muengsten")
    equal(command("id", "-gn", "muengsten").strip(), CONFIGURATION.parent.group(), "its group")


def configure(port, status_port):
    """As docs/operations.md says: the sample, with the folders and the store where the service may write."""
    command("/usr/share/muengsten/pki", "init", PKI)
    command("chown", "-R", "muengsten", PKI)
    text = pathlib.Path("/usr/share/doc/muengsten/examples/muengsten.xml").read_text(encoding="utf-8")
    for old, new in (("127.0.0.1:8443", f"127.0.0.1:{port}"), ("127.0.0.1:9980", f"127.0.0.1:{status_port}"),
                     ('<control socket="control"/>', f'<control socket="{CONTROL}" operators="muengsten-operator" '
                      'viewers="muengsten-viewer"/>'),
                     ('<store folder="store"/>', f'<store folder="{STATE}/store"/>'),
                     ('folder="inbox/solingen"', f'folder="{STATE}/inbox"'),
                     ('adapter="folder" folder="outbox/solingen"',
                      f'adapter="folder" isolation="process" folder="{STATE}/outbox"')):
        equal(text.count(old), 1, f"occurrences of {old}")
        text = text.replace(old, new)
    for name in ("store", "inbox", "outbox"):
        command("install", "-d", "-o", "muengsten", "-g", "muengsten", STATE / name)
    CONFIGURATION.write_text(text, encoding="utf-8")
    CONFIGURATION.chmod(0o640)
    shutil.chown(CONFIGURATION, "root", "muengsten")
    command("runuser", "-u", "muengsten", "--", "muengstend", "-t", "-c", CONFIGURATION)


def send(world, reader):
    """Sends a message with the packaged muengsten-send; the gateway's id of it."""
    said = command(
        "muengsten-send", "--to", f"https://localhost:{world.port}/messages", "--authorities", PKI / "authorities.pem",
        "--receipt-certificate", PKI / "gateway-seal.pem",
        "--tls-certificate", PKI / "wuppertal-portal-tls.pem", "--tls-key", PKI / "wuppertal-portal-tls.key",
        "--signing-certificate", PKI / "wuppertal-portal-signing.pem",
        "--signing-key", PKI / "wuppertal-portal-signing.key", "--new-uuid", "--author", "ags:05124000",
        "--reader", reader, "--json", "/usr/share/muengsten/schemas/samples/service-0101.xml")
    found = re.search(r'"id": ?"([^"]+)"', said)
    assert found and '"accepted"' in said, said
    return found[1]


def arrives(identifier, folder=STATE / "outbox", owner="muengsten"):
    file = folder / f"{identifier}.xml"
    wait_for(file.exists, f"{identifier} is in the folder", 60)
    equal(file.owner(), owner, "whose it is")


@test("with the sample as the handbook says the service starts, and says that it takes messages")
def started(world):
    world.needs_installation()
    world.status_port = world.free_port()
    configure(world.port, world.status_port)
    command("systemctl", "start", "muengstend")
    equal(shown("ActiveState", "User"), {"ActiveState": "active", "User": "muengsten"}, "the service")
    equal(status(), "Takes messages.", "its status")


@test("in its sandbox the service takes a message and delivers it by the process of an adapter")
def travelled(world):
    world.needs_installation()
    arrives(send(world, "ags:05122000"))
    assert ("muengsten", f"/usr/bin/muengsten-adapter-host {ADAPTERS}/folder.so") in running(), running()


def as_user(name, *words):
    """What muengstenctl says to that user: (exit status, text)."""
    done = subprocess.run(["runuser", "-u", name, "--", "muengstenctl", *map(str, words)], capture_output=True,
                          text=True, check=False, timeout=120 * PATIENCE, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def get(world, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{world.status_port}{path}", timeout=20 * PATIENCE) as answer:
        return answer.read()


@test("page, state and figures are there, for this machine alone, and it says that it takes messages")
def shown_to_all(world):
    world.needs_installation()
    assert b"<html" in get(world, "/"), get(world, "/")[:500]
    get(world, "/healthz")
    equal(json.loads(get(world, "/readyz"))["ready"], True, "whether it is ready")
    assert b"muengsten_" in get(world, "/metrics"), "no figures"
    equal(json.loads(get(world, "/openapi.json"))["openapi"][:2], "3.", "the version of its description")


@test("members of the two groups look and act by the control socket as their group may, and nobody else does")
def colleagues(world):
    world.needs_installation()
    for name, group in COLLEAGUES.items():
        command("useradd", "--no-create-home", "--groups", group, name)
    pause = ("pause", "solingen", "--why", "the test of the packages")
    for name, may_look, may_act in (("muengsten-test-nobody", False, False), ("muengsten-test-viewer", True, False),
                                    ("muengsten-test-operator", True, True)):
        status, said = as_user(name, "status")
        equal(status in (0, 1) and "gateway.muengsten.example" in said, may_look, f"{name} looks: {status} {said}")
        equal(as_user(name, *pause)[0] == 0, may_act, f"{name} pauses a destination")
    # What the handbook lets a newcomer type; 1 says that something is wrong, such as a city that is not there.
    for words in (("routes",), ("certs",), ("dead",), ("messages", "--limit", "1")):
        for more in ((), ("--json",)):
            status, said = as_user("muengsten-test-operator", *words, *more)
            assert status in (0, 1) and said.strip(), f"{words}: {status} {said}"
    command("muengstenctl", "audit", "verify")
    waiting = send(world, "ags:05122000")
    assert not (STATE / "outbox" / f"{waiting}.xml").exists(), "a paused destination was delivered to"
    command("muengstenctl", "resume", "solingen", "--why", "the test of the packages")
    arrives(waiting)
    said = command("muengstenctl", "trace", waiting)
    assert "solingen" in said, said


@test("the sandbox exposes little in the eyes of the systemd that runs it: at most 2.0 of 10")
def sandboxed(world):
    world.needs_installation()
    command("systemd-analyze", "security", "--threshold=20", "muengstend")


@test("an adapter in a service and a sandbox of its own connects to the gateway, and delivers as a user of its own")
def beside(world):
    world.needs_installation()
    # The gateway too checks that its configuration names a folder that can be written to.
    command("install", "-d", "-m", "0777", EXCHANGE)
    for file in OVERRIDES:
        file.parent.mkdir(parents=True)
        file.write_text(f"[Service]\nReadWritePaths={EXCHANGE}\n", encoding="ascii")
    (CONFIGURATION.parent / "adapters/remscheid.conf").write_text(f"ADAPTER={ADAPTERS}/folder.so\n", encoding="ascii")
    text, count = re.subn('<destination name="remscheid"[^>]*/>',
                          f'<destination name="remscheid" adapter="folder" isolation="process" folder="{EXCHANGE}">'
                          '<process socket="/run/muengsten/adapters/remscheid.sock" user="muengsten-adapter"/>'
                          '</destination>', CONFIGURATION.read_text(encoding="utf-8"))
    equal(count, 1, "destinations of that name")
    CONFIGURATION.write_text(text, encoding="utf-8")
    command("systemctl", "daemon-reload")
    command("systemctl", "enable", "muengsten-adapter@remscheid")
    command("systemctl", "restart", "muengstend")
    arrives(send(world, "ags:05120000"), EXCHANGE, "muengsten-adapter")


def wait_for_status(beginning):
    wait_for(lambda: status().startswith(beginning), f"the status is {beginning}", 30)


@test("systemctl reload applies a new configuration, and shows why another one is refused")
def reloaded(world):
    world.needs_installation()
    good = CONFIGURATION.read_text(encoding="utf-8")
    CONFIGURATION.write_text(good.replace("<gateway ", '<gateway nonsense="yes" '), encoding="utf-8")
    try:
        done = subprocess.run(["systemctl", "reload", "muengstend"], capture_output=True, text=True, check=False)
        assert done.returncode != 0, "a reload that is refused seems to have succeeded"
        assert status().startswith("Takes messages by its former configuration; the new one is refused: "), status()
        assert "nonsense" in status(), status()
        arrives(send(world, "ags:05122000"))
    finally:
        CONFIGURATION.write_text(good, encoding="utf-8")
    # Each returns when its configuration counts, and not before: nobody waits here.
    for number in range(3, 8):
        CONFIGURATION.write_text(good.replace('concurrency="2"', f'concurrency="{number}"'), encoding="utf-8")
        command("systemctl", "reload", "muengstend")
        found = next(one for one in json.loads(get(world, "/status"))["destinations"] if one["name"] == "solingen")
        equal((found["concurrency"], status()), (number, "Takes messages."), "what counts after the reload")
    equal(shown("ActiveState", "NRestarts"), {"ActiveState": "active", "NRestarts": "0"}, "the service")
    assert "event=gateway.reloaded" in journal(), journal()


@test("while the service restarts with its socket held by systemd no connection is refused")
def held(world):
    world.needs_installation()
    SOCKET.parent.mkdir(parents=True)
    SOCKET.write_text(f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{world.port}\n", encoding="ascii")
    command("systemctl", "daemon-reload")
    command("systemctl", "stop", "muengstend")
    command("systemctl", "enable", "--now", "muengstend.socket")
    command("systemctl", "start", "muengstend")
    answers, ends = [], threading.Event()

    def knock():
        while not ends.is_set():
            with socket.socket() as one:
                answers.append(one.connect_ex(("127.0.0.1", world.port)))

    thread = threading.Thread(target=knock)
    thread.start()
    for _ in range(3):
        command("systemctl", "restart", "muengstend")
    ends.set()
    thread.join()
    assert len(answers) > 10, answers
    equal(set(answers), {0}, "what became of the connections")
    arrives(send(world, "ags:05122000"))


@test("a backup of the running service is restored, and what was not delivered by then is held and not lost")
def restored(world):
    world.needs_installation()
    backup = STATE / "backup"
    waiting = send(world, "ags:05124000")  # nobody listens there
    command("muengstenctl", "backup", backup, "--why", "the test of the packages")
    command("systemctl", "stop", "muengstend.socket", "muengstend")
    shutil.rmtree(STATE / "store")
    command("install", "-d", "-o", "muengsten", "-g", "muengsten", STATE / "store")
    said = command("muengstenctl", "restore", backup, "--store", STATE / "store", "--why", "the test of the packages")
    assert waiting in said, said
    command("systemctl", "start", "muengstend")
    said = command("muengstenctl", "trace", waiting)
    assert waiting in said and "wuppertal" in said, said
    command("muengstenctl", "cancel", waiting, "--why", "the test of the packages")
    backup.unlink()
    arrives(send(world, "ags:05122000"))


@test("the service is started anew when its loop hangs, and goes on with what waited")
def hung(world):
    world.needs_installation()
    os.kill(int(shown("MainPID")["MainPID"]), signal.SIGSTOP)
    wait_for(lambda: shown("NRestarts")["NRestarts"] == "1" and shown("ActiveState")["ActiveState"] == "active",
             "the service is started anew", 120, pause=0.5)
    arrives(send(world, "ags:05122000"))


@test("an upgrade restarts the service, asks nothing, changes no configuration and keeps what waits")
def upgraded(world):
    world.needs_installation()
    before = shown("MainPID")["MainPID"]
    text = CONFIGURATION.read_text(encoding="utf-8")
    # Nobody listens there, so it waits.
    world.waiting = send(world, "ags:05124000")
    changelog = world.source / "debian" / "changelog"
    old = changelog.read_text(encoding="utf-8")
    changelog.write_text(old.replace(world.version, f"{world.version}+upgrade", 1), encoding="utf-8")
    world.build("-nc")
    world.install()
    equal(command("dpkg-query", "-W", "-f", "${Version}", "muengsten"), world.version, "the installed version")
    assert shown("MainPID")["MainPID"] != before, "the old one still runs"
    equal(status(), "Takes messages.", "its status")
    equal(CONFIGURATION.read_text(encoding="utf-8"), text, "the configuration")
    assert re.search(r"event=gateway\.ready .*waiting=1 ", journal().rsplit("event=gateway.stopped", 1)[1]), journal()
    arrives(send(world, "ags:05122000"))


@test("removing and purging leave no file of the packages, but the configuration and the messages")
def removed(world):
    world.needs_installation()
    owned = {path for file in world.files() for path in contents(file) if not path.endswith("/")}
    command("apt-get", "remove", "-y", *PACKAGES)
    equal(running(), [], "what still runs")
    # Of the others nothing is left to be purged, and apt does not know them any more.
    said = command("dpkg", "--purge", "muengsten")
    assert "/var/lib/muengsten stays" in said, said
    equal(sorted(path for path in owned if os.path.lexists(path)), [], "what is left")
    assert CONFIGURATION.exists() and list((STATE / "store").iterdir()), "configuration and store"


@test("who installs them again gets a gateway that still knows what waits")
def came_back(world):
    world.needs_installation()
    world.install()
    wait_for_status("Takes messages.")
    said = journal().rsplit("event=gateway.ready", 1)[1]
    assert "waiting=1 " in said, said


if __name__ == "__main__":
    run(lambda: House("packages"), limit=3600)
