#!/usr/bin/env python3
"""folder: messages as files. Nothing half is read or written, nothing vanishes, and what is refused says why."""

import json
import threading
import time

import messages
from harness import (World, configuration, destination, equal, folder_destination, folder_source, packed,
                     partner, wait_for)
from signing import canonical
from tap import run, test


class Folders(World):
    """Solingen hands in and takes out by folders; Remscheid has a system."""

    def __enter__(self):
        self.remscheid = self.city("remscheid")
        self.inbox, self.outbox = self.folder / "inbox", self.folder / "outbox"
        self.enveloped = self.folder / "enveloped"
        self.main = self.gateway(configuration(
            self, partners=[partner(self.pki, "solingen-registry"), partner(self.pki, "wuppertal-portal")],
            sources=[folder_source("solingen-folder", "solingen-registry", self.inbox, settle=1)],
            destinations=[destination("remscheid", self.remscheid),
                          folder_destination("solingen", self.outbox),
                          folder_destination("wuppertal", self.enveloped, seal="enveloped")]))
        return self

    def put(self, name, data):
        """As another program does it: written elsewhere, then moved in."""
        data = data.encode() if isinstance(data, str) else data
        temporary = self.folder / f"{name}.new"
        temporary.write_bytes(data)
        temporary.rename(self.inbox / name)

    def names(self, below=""):
        return sorted(path.name for path in (self.inbox / below).iterdir() if path.is_file())

    def reason(self, name):
        """The refusal beside a rejected file."""
        file = self.inbox / "rejected" / f"{name}.reason.json"
        wait_for(file.exists, f"{name} is rejected with a reason")
        return json.loads(file.read_text(encoding="utf-8"))


@test("a file that is moved in is accepted, taken away, and its receipt is left")
def accepted(world):
    message, text = world.signed("solingen", "remscheid")
    world.put("first.xml", text)
    receipt = world.inbox / "receipts" / "first.xml.receipt.xml"
    wait_for(receipt.exists, "the receipt")
    assert message.uuid in receipt.read_text(encoding="utf-8")
    wait_for(lambda: world.names() == [] and world.names("in-progress") == [], "nothing is left")
    wait_for(lambda: world.remscheid.record(uuid=message.uuid, valid="yes"), "the delivery")


@test("a packed file is unpacked and accepted")
def gzipped(world):
    message, text = world.signed("solingen", "remscheid")
    world.put("packed.xml.gz", packed(text))
    wait_for(lambda: world.remscheid.record(uuid=message.uuid), "the delivery")


@test("a file that is refused is moved to rejected, byte by byte, with code and reason beside it")
def rejected(world):
    for name, data, code in (("broken.xml", "<a><b></a>", "xml.malformed"),
                             ("unsigned.xml", messages.message("solingen", "remscheid").text,
                              "signature.missing"),
                             ("empty.xml", "", "body.empty"),
                             ("foreign.xml", world.signed("wuppertal", "remscheid")[1], "permission.author")):
        world.put(name, data)
        equal(world.reason(name)["code"], code, name)
        equal((world.inbox / "rejected" / name).read_text(encoding="utf-8"), data, name)
        assert not (world.inbox / name).exists()


@test("two rejected files of one name are both kept")
def same_name(world):
    world.put("twin.xml", "<one/>")
    world.reason("twin.xml")
    world.put("twin.xml", "<two/>")
    wait_for(lambda: len([n for n in world.names("rejected") if n.startswith("twin")
                          and "reason" not in n]) == 2, "both twins")
    kept = {(world.inbox / "rejected" / name).read_text(encoding="utf-8")
            for name in world.names("rejected") if name.startswith("twin") and "reason" not in name}
    equal(kept, {"<one/>", "<two/>"})


@test("a file that is written slowly is taken when it is complete, and not before")
def slowly(world):
    message, text = world.signed("solingen", "remscheid")
    data = text.encode()
    with open(world.inbox / "slow.xml", "wb") as file:
        for position in range(0, len(data), len(data) // 6 + 1):
            file.write(data[position:position + len(data) // 6 + 1])
            file.flush()
            time.sleep(0.4)
    wait_for(lambda: world.remscheid.record(uuid=message.uuid), "the delivery")
    assert "slow.xml" not in world.names("rejected")


@test("files that are not ours to read stay where they are")
def not_ours(world):
    for name in (".hidden.xml", "notes.txt", "upload.xml.part"):
        world.put(name, "<a/>")
    outside = world.folder / "outside.xml"
    outside.write_text("<a/>", encoding="utf-8")
    (world.inbox / "link.xml").symlink_to(outside)
    time.sleep(2.5)
    for name in (".hidden.xml", "notes.txt", "upload.xml.part"):
        assert (world.inbox / name).exists(), name
    equal(outside.read_text(encoding="utf-8"), "<a/>", "what the link points to")


@test("the same message in a second file gets the same receipt, and is not delivered again")
def repeated(world):
    message, text = world.signed("solingen", "remscheid")
    for name in ("once.xml", "twice.xml"):
        world.put(name, text)
        wait_for((world.inbox / "receipts" / f"{name}.receipt.xml").exists, f"the receipt of {name}")
    receipts = [(world.inbox / "receipts" / f"{name}.xml.receipt.xml").read_bytes()
                for name in ("once", "twice")]
    equal(receipts[0], receipts[1], "receipts")
    wait_for(lambda: world.remscheid.record(uuid=message.uuid), "the delivery")
    equal(len(world.remscheid.record(uuid=message.uuid)), 1, "deliveries")


@test("who looks into the outbox never sees half a message, nor a message without its seal")
def never_half(world):
    stop, seen, faults = threading.Event(), set(), []

    def watch():
        while not stop.is_set():
            for path in world.outbox.glob("*.xml"):
                if path.name.endswith(".seal.xml") or path.name in seen:
                    continue
                seen.add(path.name)
                if not path.read_bytes().rstrip().endswith(b">"):
                    faults.append(f"{path.name} is not complete")
                if not path.with_suffix(".seal.xml").exists():
                    faults.append(f"{path.name} has no seal")

    watcher = threading.Thread(target=watch)
    watcher.start()
    client = world.client("wuppertal-portal")
    sent = [world.signed("wuppertal", "solingen") for _ in range(30)]
    identifiers = [client.post(text).expect(201).id for _, text in sent]
    wait_for(lambda: all((world.outbox / f"{i}.xml").exists() for i in identifiers), "30 files")
    stop.set()
    watcher.join()
    equal(faults, [])
    for identifier, (message, _) in zip(identifiers, sent):
        equal((world.outbox / f"{identifier}.xml").read_text(encoding="utf-8"), message.text)


@test("where the destination wants it, the seal stands inside the file and nothing beside it")
def inside(world):
    _, text = world.signed("solingen", "wuppertal")
    identifier = world.client("solingen-registry").post(text).expect(201).id
    path = world.enveloped / f"{identifier}.xml"
    wait_for(path.exists, "the file")
    assert "Signature" in path.read_text(encoding="utf-8")
    assert not path.with_suffix(".seal.xml").exists()
    canonical(path.read_bytes())


@test("files that were in progress when the gateway was killed are handed in after the restart, once")
def killed(world):
    sent = [world.signed("solingen", "remscheid") for _ in range(20)]
    for number, (_, text) in enumerate(sent):
        world.put(f"crash-{number}.xml", text)
    time.sleep(0.05)
    world.main.kill()
    world.main.start()
    for message, _ in sent:
        wait_for(lambda uuid=message.uuid: world.remscheid.record(uuid=uuid), message.uuid, 20)
    for number in range(20):
        receipt = world.inbox / "receipts" / f"crash-{number}.xml.receipt.xml"
        wait_for(receipt.exists, receipt.name, 20)
    for message, _ in sent:
        identifiers = {entry["id"] for entry in world.remscheid.record(uuid=message.uuid)}
        equal(len(identifiers), 1, "ids of one message")


if __name__ == "__main__":
    run(lambda: Folders("folder"))
