#!/usr/bin/env python3
"""disk_full: the store's disk fills up. Messages are refused in time, and what has a receipt still arrives."""

import contextlib
import os
import subprocess

from harness import World, configuration, destination, element, equal, partner, wait_for
from tap import Skip, run, test
from trail import backdate, entries_of, last_closed

MEGABYTE = 1 << 20


class DiskFull(World):
    """The store stands on a disk of 64 MB, half of which is the gateway's reserve: SQLite's log alone may need
    16 MB."""

    def __init__(self):
        super().__init__("disk-full")
        self.disk = self.folder / "disk"

    def __enter__(self):
        self.disk.mkdir()
        if os.geteuid() != 0:
            raise Skip("only root can mount a small disk")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", self.disk],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Skip(f"no small disk can be mounted: {done.stderr.strip()}")
        self.remscheid = self.city("remscheid", "--refuse", "503")
        self.main = self.gateway(configuration(
            self, store={"folder": self.disk / "store", "reserve": "32M"},
            partners=[partner(self.pki, "wuppertal-portal")],
            destinations=[destination("remscheid", self.remscheid)],
            extra=element("control", socket=self.folder / "control")))
        return self

    def close(self):
        for process in self.processes:
            process.kill()
        subprocess.run(["umount", "--lazy", self.disk], capture_output=True, check=False)
        super().close()

    def send(self):
        return self.client().post(self.signed("wuppertal", "remscheid")[1])

    def free(self):
        facts = os.statvfs(self.disk)
        return facts.f_bavail * facts.f_frsize

    def fill(self, left):
        """Fills the disk with something else, but for so many bytes."""
        with open(self.disk / "something-else", "ab") as file, contextlib.suppress(OSError):
            while self.free() > left:
                file.write(bytes(min(65536, max(4096, self.free() - left))))
                file.flush()

    def clear(self):
        (self.disk / "something-else").unlink()


@test("with space above the reserve messages are accepted")
def before(world):
    world.accepted = [world.send().expect(201).id for _ in range(5)]


@test("when the reserve is reached they are refused: 503 store.full, with Retry-After; the gateway runs on")
def reserve(world):
    world.fill(31 * MEGABYTE)

    def refused():
        answer = world.send()
        if answer.status == 201:
            world.accepted.append(answer.id)
            return None
        return answer

    answer = wait_for(refused, "a refusal", 15)
    answer.expect(503, "store.full")
    assert int(answer.headers["Retry-After"]) > 0
    world.main.check_running()


@test("what was accepted is delivered while the disk is full, from the reserve")
def delivered(world):
    world.remscheid.change()
    for identifier in world.accepted:
        world.remscheid.wait_for(id=identifier, answer=200, valid="yes", seconds=20)


@test("with space again, messages are accepted again without a restart")
def again(world):
    world.clear()

    def accepted():
        answer = world.send()
        return answer if answer.status == 201 else None

    answer = wait_for(accepted, "an acceptance", 20, pause=0.2)
    world.remscheid.wait_for(id=answer.id, answer=200)


@test("with not a byte left, nothing gets a receipt that is not on disk")
def not_a_byte(world):
    receipts = [world.send().expect(201).id]
    world.fill(0)
    for _ in range(20):
        answer = world.send()
        assert answer.status in (201, 503), answer
        if answer.status == 201:
            receipts.append(answer.id)
        else:
            assert answer.code in ("store.full", "store.failed"), answer
    world.main.check_running()
    world.main.kill()
    world.clear()
    world.main.start()
    for identifier in receipts:
        world.remscheid.wait_for(id=identifier, answer=200, seconds=20)
    equal(world.send().status, 201, "afterwards")


@test("a day is said to be closed once its closing is on disk, and not before")
def closed(world):
    def closings():
        return [entry["line"]["day"] for entry in entries_of(world.main) if entry["line"]["act"] == "closed"]

    world.main.stop()
    backdate(world.main, 1)
    world.fill(3 * MEGABYTE)
    world.main.start()
    wait_for(lambda: [line for line in world.main.lines("audit.not-written") if "signature" in line],
             "the closing is not written")
    equal((closings(), last_closed(world.folder / "control"), world.main.lines("audit.closed")), ([], None, []))
    world.main.stop()
    world.clear()
    world.main.start()
    day, = wait_for(closings, "the day is closed")
    wait_for(lambda: last_closed(world.folder / "control") == day, "the status says so")
    world.main.wait_for("audit.closed", day=day)


if __name__ == "__main__":
    run(DiskFull)
