#!/usr/bin/env python3
"""install: what make install puts in place serves by itself: no variable names a folder of the source tree.

The build tree is copied and told another prefix. Only what has a folder compiled in is compiled again.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

from harness import (BUILD, PATIENCE, SOURCE, Gateway, World, environment, equal, wait_for)
from tap import Skip, run, test

UNITS = ("muengstend.service", "muengsten-adapter@.service")
# What knows where it was installed has one of these.
FOLDERS = re.compile(r"\b(MG_DATA_FOLDER|MG_ADAPTERS_FOLDER|MG_ADAPTER_HOST|SYSCONFDIR)\b")

ADAPTER = """
#include <muengsten/adapter.h>

static const struct mg_gateway *host;

static void *open_shelf(const struct mg_gateway *gateway, struct mg_instance *instance,
                        const struct mg_instance_facts *facts)
{
    host = gateway;
    (void)facts;
    return instance;
}

static void close_shelf(void *state)
{
    (void)state;
}

static void deliver(void *state, struct mg_delivery *delivery)
{
    const struct mg_outcome outcome = {.size = sizeof outcome, .kind = MG_DELIVERED};
    host->log(state, MG_LEVEL_NOTICE, "shelf.took", host->delivery_message(delivery)->id, "taken");
    host->delivery_done(delivery, &outcome);
}

static const struct mg_adapter shelf = {
    .size = sizeof shelf, .abi = MG_ADAPTER_ABI, .name = "shelf", .version = "1",
    .abilities = MG_CAN_TAKE, .open = open_shelf, .close = close_shelf, .deliver = deliver,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &shelf : NULL;
}
"""


def command(*words, **variables):
    """Runs a command without what make and the other tests have set, and gives what it says."""
    values = {**environment(), **variables}
    for name in ("MUENGSTEN_DATA", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "DESTDIR"):
        values.pop(name, None)
    done = subprocess.run([str(word) for word in words], env=values, capture_output=True, text=True,
                          check=False, timeout=120 * PATIENCE)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n"
                             f"{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout + done.stderr


class Place(World):
    """A prefix in which muengsten is installed."""

    def __enter__(self):
        self.prefix = self.folder / "prefix"
        if not (BUILD / "config.status").exists():
            raise Skip("the build tree is not there")
        self.copy = self.like_the_original()
        shutil.copytree(BUILD, self.copy, symlinks=True, ignore=self.left_out)
        for source in (SOURCE / "gateway").rglob("*.c"):
            if FOLDERS.search(source.read_text(encoding="utf-8")):
                folder = self.copy / source.parent.relative_to(SOURCE)
                for compiled in folder.glob(f"*-{source.stem}.*o"):
                    compiled.unlink()
        for name in ("muengsten-adapter.pc", "tools/muengsten-adapter-check", "tools/muengsten-adapter-new",
                     "etc/muengsten-adapter@.service", "etc/muengstend.service"):
            (self.copy / name).unlink()
        self.make("install")
        return self

    def like_the_original(self):
        """Where the copy goes, so that relative paths lead from it to the sources as from the original."""
        common = pathlib.Path(os.path.commonpath([SOURCE, BUILD]))
        copy = self.folder / "copy" / BUILD.relative_to(common)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if common == SOURCE != BUILD:
            own = BUILD.relative_to(SOURCE).parts[0]
            links = [entry for entry in SOURCE.iterdir() if entry.name != own]
        else:
            links = [] if common == BUILD else [SOURCE]
        for original in links:
            link = self.folder / "copy" / original.relative_to(common)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(original)
        return copy

    @staticmethod
    def left_out(folder, names):
        """What other tests write at the same time, and what no build needs."""
        large = {".git", "build"} if pathlib.Path(folder) == BUILD else set()
        return [name for name in names if name in large | {"found", "pki.lock"} or
                (name == "pki" and folder.endswith("system")) or
                re.search(r"\.(log|trs)(-t)?$", name)]

    def make(self, target):
        command("make", "-s", "-C", self.copy, target, f"prefix={self.prefix}")

    def pkg_config(self, *words):
        try:
            return command("pkg-config", *words, "muengsten-adapter",
                           PKG_CONFIG_PATH=self.prefix / "lib" / "pkgconfig").strip()
        except FileNotFoundError as error:
            raise Skip("there is no pkg-config") from error

    def configuration(self):
        """A folder with the sample, development certificates, and the folders that it names."""
        folder = self.folder / "etc"
        if not folder.exists():
            shutil.copytree(self.pki.folder, folder / "pki")
            for name in ("store", "inbox/solingen", "outbox/solingen"):
                (folder / name).mkdir(parents=True)
            shutil.copy(self.prefix / "share/doc/muengsten/examples/muengsten.xml", folder)
        return folder / "muengsten.xml"

    def start(self):
        """The installed gateway with the sample, on a port of ours, and with Remscheid's messages on the shelf."""
        text = self.configuration().read_text(encoding="utf-8")
        for old, new in (("127.0.0.1:8443", f"127.0.0.1:{self.port}"), ("127.0.0.1:9980", "127.0.0.1:0"),
                         ('adapter="rest" url="https://localhost:9444/inbox" seal="enveloped"',
                          'adapter="shelf"')):
            equal(text.count(old), 1, f"occurrences of {old}")
            text = text.replace(old, new)
        gateway = Gateway(self, "etc", text)
        gateway.command[0] = str(self.prefix / "sbin" / "muengstend")
        self.processes.append(gateway)
        # The installed one is to be found without being told.
        os.environ["MUENGSTEN_ADAPTER_HOST"] = ""
        return gateway.start()

    def send(self, reader):
        """Sends a message of the installed samples with the installed muengsten-send; the gateway's id of it."""
        pki, samples = self.pki, self.prefix / "share/muengsten/schemas/samples"
        said = command(
            self.prefix / "bin" / "muengsten-send", "--to", f"https://localhost:{self.port}/messages",
            "--authorities", pki / "authorities.pem", "--receipt-certificate", pki / "gateway-seal.pem",
            "--tls-certificate", pki / "wuppertal-portal-tls.pem",
            "--tls-key", pki / "wuppertal-portal-tls.key",
            "--signing-certificate", pki / "wuppertal-portal-signing.pem",
            "--signing-key", pki / "wuppertal-portal-signing.key",
            "--new-uuid", "--author", "ags:05124000", "--reader", reader, "--json",
            samples / "service-0101.xml")
        result = json.loads(said.splitlines()[0])
        equal((result["result"], result["verified"]), ("accepted", True), said)
        return result["id"]


def installed_files(prefix):
    return {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}


@test("make install puts everything into its place, and nothing else")
def layout(world):
    schemas = {f"share/muengsten/schemas/{path.relative_to(SOURCE / 'schemas')}"
               for path in (SOURCE / "schemas").rglob("*.x*")}
    kit = {f"share/muengsten/adapter-kit/{path.relative_to(SOURCE / 'tools/adapter-kit')}"
           for pattern in ("adapter_kit/*.py", "templates/**/*.in")
           for path in (SOURCE / "tools/adapter-kit").glob(pattern)}
    # Which adapters there are depends on the libraries of this machine.
    adapters = {f"lib/muengsten/adapters/{path.name}" for path in (BUILD / "adapters" / ".libs").glob("*.so")}
    equal(sorted(installed_files(world.prefix)), sorted(schemas | kit | adapters | {
        "bin/muengsten-adapter-check",
        "bin/muengsten-adapter-host",
        "bin/muengsten-adapter-new",
        "bin/muengsten-send",
        "bin/muengstenctl",
        "include/muengsten/adapter.h",
        "lib/pkgconfig/muengsten-adapter.pc",
        "sbin/muengstend",
        "share/doc/muengsten/CONTRIBUTING.md",
        "share/doc/muengsten/LICENSE",
        "share/doc/muengsten/README.md",
        "share/doc/muengsten/adapter-protocol.md",
        "share/doc/muengsten/architecture.md",
        "share/doc/muengsten/audit.md",
        "share/doc/muengsten/errors.md",
        "share/doc/muengsten/operations.md",
        "share/doc/muengsten/page.png",
        "share/doc/muengsten/examples/muengsten.xml",
        "share/doc/muengsten/seals.md",
        "share/doc/muengsten/writing-adapters.md",
        "lib/systemd/system/muengsten-adapter@.service",
        "lib/systemd/system/muengstend.service",
        "lib/systemd/system/muengstend.socket",
        "lib/sysusers.d/muengsten.conf",
        "lib/tmpfiles.d/muengsten.conf",
        "share/man/man1/muengsten-adapter-check.1",
        "share/man/man1/muengsten-adapter-host.1",
        "share/man/man1/muengsten-adapter-new.1",
        "share/man/man1/muengsten-send.1",
        "share/man/man1/muengstenctl.1",
        "share/bash-completion/completions/muengstenctl",
        "share/man/man5/muengsten-amqp.5",
        "share/man/man5/muengsten-config.5",
        "share/man/man5/muengsten-mailbox.5",
        "share/man/man5/muengsten-mqtt.5",
        "share/man/man5/muengsten-sftp.5",
        "share/man/man5/muengsten-smtp.5",
        "share/man/man8/muengstend.8",
        "share/muengsten/grafana/muengsten.json",
        "share/muengsten/prometheus/muengsten.rules.yml",
        "share/muengsten/schemas/status.schema.json",
        "share/muengsten/examples/command.c",
        "share/muengsten/examples/jobfile",
        "share/muengsten/examples/soapdesk",
        "share/muengsten/pki",
    }), "the installed files")


def judged(file, *words):
    """What systemd-analyze says of a unit; of others that it reads too it may say what it likes."""
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd-analyze is not installed")
    done = subprocess.run(["systemd-analyze", *words, file], capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if file.name.split(".")[0] in line]
    return done.returncode, "\n".join(said)


@test("the installed units are in order")
def units(world):
    for name in (*UNITS, "muengstend.socket"):
        _, said = judged(world.prefix / "lib/systemd/system" / name, "verify", "--man=no")
        equal(said, "", f"what is said of {name}")


@test("the sandbox of each unit exposes little: at most 2.0 of 10")
def sandboxes(world):
    for name in UNITS:
        file = world.prefix / "lib/systemd/system" / name
        status, said = judged(file, "security", "--offline=yes", "--threshold=20")
        equal(status, 0, said)


@test("the users and folders that the units name are made by systemd")
def users(world):
    if not shutil.which("systemd-sysusers"):
        raise Skip("systemd-sysusers is not installed")
    if os.geteuid() != 0:
        raise Skip("only root makes folders for others")
    root = world.folder / "root"
    (root / "etc").mkdir(parents=True)
    command("systemd-sysusers", f"--root={root}", world.prefix / "lib/sysusers.d/muengsten.conf")
    known = {line.split(":")[0]: line.split(":") for line in (root / "etc/passwd").read_text("ascii").splitlines()}
    named = set()
    for name in UNITS:
        unit = (world.prefix / "lib/systemd/system" / name).read_text(encoding="utf-8")
        named |= set(re.findall("^User=(.*)", unit, re.MULTILINE))
    equal(set(known), named, "the users")
    command("systemd-tmpfiles", f"--root={root}", "--create", world.prefix / "lib/tmpfiles.d/muengsten.conf")
    place = (root / "run/muengsten/adapters").stat()
    equal((place.st_mode & 0o777, str(place.st_uid)), (0o755, known["muengsten"][2]), "the folder of sockets")


@test("an installed adapter exports its entry and nothing else")
def exports(world):
    for path in sorted((world.prefix / "lib/muengsten/adapters").glob("*.so")):
        said = command("nm", "-D", "--defined-only", path)
        names = [line.split()[-1] for line in said.splitlines() if not re.search(r" [wWvV] |san_", line)]
        equal(names, ["mg_adapter_entry"], f"what {path.name} exports")


@test("the installed muengstend knows where its schemas and adapters are, and finds the sample in order")
def checked(world):
    said = command(world.prefix / "sbin" / "muengstend", "-t", "-c", world.configuration())
    assert "the configuration is in order" in said, said
    assert "error" not in said, said


@test("the default configuration is the one below the folder for configurations")
def default(world):
    said = command(world.prefix / "sbin" / "muengstend", "--help")
    assert f"[{world.prefix}/etc/muengsten/muengsten.xml]" in said, said


@test("an adapter of somebody else is built with pkg-config alone, without a warning")
def built(world):
    folder = world.pkg_config("--variable=adapterdir")
    equal(folder, str(world.prefix / "lib/muengsten/adapters"), "the folder of adapters")
    source = world.folder / "shelf.c"
    source.write_text(ADAPTER, encoding="utf-8")
    command(*shlex.split(os.environ.get("CC") or "cc"), "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
            *world.pkg_config("--cflags").split(), "-fPIC", "-shared", "-o", f"{folder}/shelf.so", source)


@test("the installed gateway takes a message of the installed muengsten-send and delivers it")
def travelled(world):
    world.main = world.start()
    identifier = world.send("ags:05122000")
    arrived = world.folder / "etc/outbox/solingen" / f"{identifier}.xml"
    wait_for(arrived.exists, "the message in Solingen's folder")


@test("it delivers by the adapter of somebody else too")
def shelved(world):
    identifier = world.send("ags:05120000")
    world.main.wait_for("shelf.took", message=identifier)
    equal(world.main.stop(), 0, "the exit status")


@test("make uninstall takes everything away again")
def uninstalled(world):
    (world.prefix / "lib/muengsten/adapters/shelf.so").unlink()
    world.make("uninstall")
    equal(installed_files(world.prefix), set(), "what is left")


if __name__ == "__main__":
    run(lambda: Place("install"))
