#!/usr/bin/env python3
"""tutorial: every command of docs/writing-adapters.md does what the document says, typed as it stands.

The blocks marked "sh run" are run one after the other, in a folder that looks like the one of the sources while ./demo --stay
runs: its gateway is one of the harness, what is built comes from the build tree.
"""

import os
import re
import shutil
import signal
import subprocess

from harness import BUILD, PATIENCE, SOURCE, Gateway, World, configuration, environment, wait_for
from tap import Skip, run, test

DOCUMENT = SOURCE / "docs" / "writing-adapters.md"


class Tutorial(World):
    def __enter__(self):
        if not shutil.which("python3") or not shutil.which("make"):
            raise Skip("there is no python3 or make")
        self.place = self.folder / "muengsten"
        run_folder = self.place / "build" / "demo" / "run"
        run_folder.mkdir(parents=True)
        for name in ("tests", "schemas", "tools", "examples", "certs", "include"):
            (self.place / name).symlink_to(SOURCE / name)
        shutil.copy(SOURCE / "demo", self.place)
        (run_folder.parent / "tools").symlink_to(BUILD / "tools")
        shutil.copytree(self.pki.folder, run_folder / "pki")
        self.main = Gateway(self, "muengsten/build/demo/run", configuration(self))
        self.processes.append(self.main)
        self.main.log_file = run_folder / "gateway.log"
        self.main.start()
        (run_folder / "pids").write_text(f"{self.main.process.pid} gateway\n", encoding="ascii")
        return self

    def type(self, commands):
        """Runs commands in a shell with the variables that those before have exported; what they print."""
        state = self.folder / "state"
        begin = f". '{state}'" if state.exists() else ""
        script = f"set -e\n{begin}\n{commands}\nexport -p >'{state}'\n"
        shell = subprocess.run(["bash", "-c", script], cwd=self.place, capture_output=True, text=True,
                               check=False, timeout=250 * PATIENCE,
                               env={**environment(), "MAKEFLAGS": "", "PYTHONDONTWRITEBYTECODE": "1"})
        assert shell.returncode == 0, f"{commands}\n{shell.stdout}{shell.stderr}"
        return shell.stdout


def blocks():
    return re.findall(r"^```sh run\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@test("every command of the tutorial works as it stands, and the message arrives")
def commands(world):
    found = blocks()
    assert len(found) >= 6 and found[0].startswith("export PATH"), found
    for block in found:
        if block.startswith("ls "):
            # A person looks again; what is looked for comes soon.
            wait_for(lambda block=block: world.type(block).strip(), f"something to see by {block}", 20)
        else:
            world.type(block)
    arrived = list((world.place / "archive" / "out").glob("*.xml"))
    assert len(arrived) == 1 and b"antrag.weiterleiten" in arrived[0].read_bytes(), arrived


@test("a mistake in the configuration is told by ./demo --reload, with its line")
def mistake(world):
    file = world.place / "build" / "demo" / "run" / "muengsten.xml"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace('adapter="archive"', 'adapter="archive" colour="red"'), encoding="utf-8")
    said = subprocess.run(["./demo", "--reload"], cwd=world.place, capture_output=True, text=True, check=False,
                          env=environment(), timeout=60 * PATIENCE)
    assert said.returncode != 0 and re.search(r"muengsten\.xml:\d+: .*colour", said.stdout), said.stdout + said.stderr
    file.write_text(good, encoding="utf-8")
    world.type("./demo --reload")


@test("the tutorial names only options that the commands have")
def options(_):
    text = DOCUMENT.read_text(encoding="utf-8")
    known = subprocess.run(["python3", SOURCE / "tools/adapter-kit/muengsten-adapter-check", "--help"],
                           capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    known += subprocess.run(["python3", SOURCE / "tools/adapter-kit/muengsten-adapter-new", "--help"],
                            capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    known += (SOURCE / "demo").read_text(encoding="utf-8") + "--variable --role"
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)):
        assert option in known, f"nobody knows {option}"


@test("the gateway ends in order with the adapter in place")
def ends(world):
    world.main.process.send_signal(signal.SIGTERM)
    wait_for(lambda: not world.main.running(), "the gateway ends", 20)
    assert world.main.process.returncode == 0, world.main.process.returncode


if __name__ == "__main__":
    run(lambda: Tutorial("tutorial"))
