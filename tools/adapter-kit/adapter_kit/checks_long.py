"""checks_long: what shows only after a thousand times, and on a full disk."""

import collections
import re

from . import disk
from .checks_out import DESTINATION, TEMPORARY, expect
from .suite import Failure, Skip, check

ROUNDS = 8
# What one round may leave behind in bytes: allocators round up. Who leaks leaves as much in every round.
ALLOWED = 64 * 1024


class Measured:
    """What many rounds of the same have left behind."""

    def __init__(self, count, descriptors, kinds, memory):
        self.count, self.descriptors, self.kinds, self.memory = count, descriptors, kinds, memory


def measure(gateway, count, once):
    """Does something so many times, and over again as long as the memory still grows."""
    for _ in range(max(count // 10, 1)):
        once()  # makes what is made once and kept
    before, memory, growths = gateway.process.descriptors(), gateway.process.memory(), []
    for _ in range(ROUNDS):
        for _ in range(count):
            once()
        after, now = gateway.process.descriptors(), gateway.process.memory()
        growths.append(now - memory)
        memory = now
        if len(after) - len(before) > count // 20 or growths[-1] <= ALLOWED:
            break
    more = collections.Counter(kind(what) for what in after.values())
    more.subtract(kind(what) for what in before.values())
    leaked = len(growths) == ROUNDS and growths[-1] > ALLOWED
    return Measured(count, len(after) - len(before), more.most_common(1), sum(growths) // ROUNDS if leaked else 0)


def kind(target):
    return re.sub(r"\d+", "N", target)


def judge_descriptors(measured, after):
    if not measured:
        raise Skip("it could not be done often enough")
    for what in measured.values():
        if what.descriptors > what.count // 20:
            raise Failure(f"After {what.count} times it held {what.descriptors} descriptors more, most of them "
                          f"{what.kinds[0][0]}.", f"Close {after} what was opened for it, on every way out.")


def judge_memory(suite, measured, after):
    if suite.options.valgrind:
        raise Skip("valgrind looks for leaks itself")
    if not measured:
        raise Skip("it could not be done often enough")
    for what in measured.values():
        if what.memory:
            raise Failure(f"In each of {ROUNDS} rounds of {what.count} its memory grew, by {what.memory // 1024} KiB "
                          f"on average.", f"Free {after} what was allocated for it. If it collects garbage, let it run "
                          "with a small heap, so that what is only not yet collected stays small, too.")


@check("opens and closes 1,000 times")
def cycles(suite):
    suite.cycles = {}
    measured = {}
    for role in suite.roles():
        # A process of its own: what another has used and freed would hide what is leaked.
        with suite.apart() as gateway:
            with suite.opened(role, gateway):
                pass
            measured[role] = measure(gateway, suite.options.cycles, lambda role=role: cycle(suite, gateway, role))
    suite.cycles = measured


def cycle(suite, gateway, role):
    answer = gateway.open(role, suite.parameters(role), **suite.place_of(role))
    if not answer or answer["type"] != "opened" or not gateway.close():
        raise Failure(f"As {role} it once answered {answer and answer['type']} when opened again and again.",
                      "Let close undo everything that open does.")


@check("leaves no descriptor open when it closes")
def cycle_descriptors(suite):
    judge_descriptors(suite.cycles, "in close")


@check("leaves no memory behind when it closes")
def cycle_memory(suite):
    judge_memory(suite, suite.cycles, "in close")


@check("takes 1,000 deliveries, one after the other", DESTINATION, "-collected")
def deliveries(suite):
    suite.delivered = {}
    with suite.apart() as gateway, suite.opened(DESTINATION, gateway):

        def once():
            expect(suite.deliver(gateway), "delivered", "For one of very many messages",
                   "Let a delivery leave nothing behind that stops a later one.")

        suite.delivered = {DESTINATION: measure(gateway, suite.options.cycles, once)}


@check("leaves no descriptor open after a delivery", DESTINATION, "-collected")
def delivery_descriptors(suite):
    judge_descriptors(suite.delivered, "after each delivery")


@check("leaves no memory behind after a delivery", DESTINATION, "-collected")
def delivery_memory(suite):
    judge_memory(suite, suite.delivered, "after each delivery")


@check("survives a full disk", DESTINATION, "-collected")
def full_disk(suite):
    folders = suite.of_kind(DESTINATION, "folder")
    if not folders:
        raise Skip("it has no parameter for a folder")
    folder = suite.place / "disk"
    folder.mkdir(exist_ok=True)
    wrap = disk.wrapping(folder)
    with suite.apart(wrap=wrap or (), limit=None if wrap else disk.SIZE) as gateway:
        with suite.opened(DESTINATION, gateway, **dict.fromkeys(folders, str(folder))):
            for _ in range(3):
                delivery = suite.deliver(gateway, size=4 * disk.SIZE)
                if delivery.done["outcome"] == "permanent" and suite.never_takes(4 * disk.SIZE):
                    raise Skip(f"even with room it never takes a message of {4 * disk.SIZE >> 20} MiB, which would "
                               "fill the disk: raise its limit with --set NAME=VALUE")
                expect(delivery, "temporary", "With a full disk", TEMPORARY)
            expect(suite.deliver(gateway, size=2000), "delivered", "When a small message fits on the full disk",
                   "Remove what a failed delivery has begun to write, so that it does not fill the disk.")


@check("makes no mistake that valgrind sees")
def valgrind(suite):
    if not suite.options.valgrind:
        raise Skip("it is run with --valgrind only")
    with suite.apart() as gateway:
        for role in suite.roles():
            with suite.opened(role, gateway):
                if role == DESTINATION:
                    for _ in range(20):
                        suite.deliver(gateway)
        if not gateway.ends(suite.slow(10)):
            raise Failure("It did not end under valgrind.", "Exit when the stream ends.")
        found = suite.valgrind_log(gateway.process.pid)
        if found:
            raise Failure("valgrind said: " + " | ".join(found[:6]), "See valgrind(1) for what that means.")
