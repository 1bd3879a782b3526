"""checks_out: what a destination does with deliveries."""

import uuid

from . import gateway as protocol
from .suite import Failure, Skip, check

DESTINATION = "destination"
TEMPORARY = "Say temporary where the same message may get through later: a message that is permanently refused is dead."
PERMANENT = "Say permanent where the same message will never get through: otherwise it is tried for days."
# How a call may end without a complete answer.
DEAD = (("net.resolve", "The name of the host is not known."), ("net.connect", "The connection was refused."),
        ("net.tls", "The certificate at the other end does not count."), ("net.closed", "The connection broke."))


def said(done):
    reason = f" ({done.get('code')}: {done.get('text')})" if done["outcome"] != "delivered" else ""
    return f"the outcome was {done['outcome']}{reason}"


def expect(delivery, outcomes, when, change):
    if delivery.done["outcome"] not in outcomes.split(" or "):
        raise Failure(f"{when}, {said(delivery.done)} instead of {outcomes}.", change)


@check("takes a delivery", DESTINATION, "-collected")
def takes(suite):
    with suite.opened(DESTINATION) as gateway:
        before = gateway.calls_made
        delivery = suite.deliver(gateway)
        suite.calls = gateway.calls_made > before
        expect(delivery, "delivered", "For an ordinary message",
               "Let the system that takes the messages run, and give its place with --set.")


@check("takes the same delivery again when it is repeated", DESTINATION, "-collected")
def again(suite):
    identifier = str(uuid.uuid4())
    with suite.opened(DESTINATION) as gateway:
        for attempt in (1, 2):
            delivery = suite.deliver(gateway, attempt=attempt, content=b"<once/>", id=identifier)
            expect(delivery, "delivered", f"At attempt {attempt} of the same message",
                   "A delivery is repeated when its outcome was lost: taking it twice has to succeed.")


@check("takes sixteen deliveries at once", DESTINATION, "-collected")
def at_once(suite):
    with suite.opened(DESTINATION) as gateway:
        deliveries = [suite.begin(gateway) for _ in range(16)]
        suite.wait_done(gateway, deliveries)
        for delivery in deliveries:
            expect(delivery, "delivered", "With sixteen deliveries at once",
                   "Keep the state of each delivery apart from that of the others.")


@check("takes a message of eight megabytes", DESTINATION, "-collected")
def large(suite):
    with suite.opened(DESTINATION) as gateway:
        delivery = suite.deliver(gateway, size=8_000_000)
        expect(delivery, "delivered or permanent", "For a message of 8 MB",
               "Read frames of any length that hello allows, in as many pieces as they come; and if your system "
               "takes no such message, say permanent.")


@check("takes what others have written for what it is: hostile", DESTINATION, "-collected")
def hostile(suite):
    elsewhere = ("../escaped", "../../escaped", "../../../../../../../../tmp/escaped", str(suite.place / "escaped"))
    values = [*elsewhere, "line\r\nInjected: yes\r\n\r\n", "\"';$(touch escaped)`touch escaped`|&<>%s%n", "\\", "",
              "\u202eM\u00fcller \U0001f600", "\u00e4" * 250]
    names = ("uuid", "typeCode", "typeName", "author", "reader", "partner", "created")
    for value in values:
        with suite.opened(DESTINATION) as gateway:
            delivery = suite.begin(gateway, attachments={value: b"%PDF-1.4"}, **dict.fromkeys(names, value))
            suite.wait_done(gateway, delivery)
            expect(delivery, "delivered or permanent", f"With {value!r} as uuid, author, reader and so on",
                   "Quote or replace what your system does not admit in names, fields and commands.")
    allowed = [suite.place / "parameters" / f"{DESTINATION}-{name}" for name in suite.of_kind(DESTINATION, "folder")]
    for path in suite.place.rglob("*escaped*"):
        if not any(path.parent == folder for folder in allowed):
            raise Failure(f"A value with ../ in it made the file {path.relative_to(suite.place)}.",
                          "Make file names from the gateway's id, which is always a UUID, and from nothing else.")


@check("completes a cancelled delivery soon", DESTINATION, "-collected")
def cancels(suite):
    with suite.opened(DESTINATION, **dict(suite.options.hang)) as gateway:
        gateway.answer_call = hang
        delivery = suite.begin(gateway)
        gateway.process.pump(lambda: gateway.calls or delivery.done, suite.slow(1))
        gateway.cancel(delivery)
        if not gateway.wait_done([delivery], suite.grace):
            raise Failure(f"There was no done {suite.grace:g} seconds after the cancel.",
                          "At a cancel, break off what is underway and complete with temporary.")
        expect(delivery, "temporary or delivered", "For a delivery that was cancelled", TEMPORARY)
        gateway.cancel(delivery)  # too late: it has to be ignored
        gateway.process.pump(lambda: False, 0.3)  # for a second done
        crossing(suite, gateway)
    with suite.opened(DESTINATION) as gateway:
        expect(suite.deliver(gateway), "delivered", "For the next delivery after one that was cancelled",
               "Clear away everything that belonged to the cancelled delivery, and nothing else.")


def crossing(suite, gateway):
    """The answer to its call crosses the cancel on its way."""
    delivery = suite.begin(gateway)
    gateway.process.pump(lambda: gateway.calls or delivery.done, suite.slow(1))
    gateway.cancel(delivery)
    for call in list(gateway.calls.values()):
        gateway.end_call(call, (200, [], b"just in time"))
    suite.wait_done(gateway, delivery)
    expect(delivery, "temporary or delivered", "For a delivery whose answer crossed the cancel", TEMPORARY)
    gateway.process.pump(lambda: False, 0.3)


def hang(_call):
    """The system never answers."""
    return None


@check("keeps to the deadline of a delivery", DESTINATION, "-collected")
def deadline(suite):
    with suite.opened(DESTINATION, **dict(suite.options.hang)) as gateway:
        gateway.answer_call = hang
        delivery = suite.begin(gateway, deadline=2000)
        if not gateway.wait_done([delivery], 2.5):
            gateway.cancel(delivery)
        if not gateway.wait_done([delivery], suite.grace):
            raise Failure(f"Two seconds were left for a delivery; {suite.grace:g} seconds later there was no done.",
                          "Give every wait the end that deadline names, and complete with temporary then.")
        expect(delivery, "temporary or delivered", "When the deadline has passed", TEMPORARY)


@check("tells a dead system as temporary", DESTINATION, "-collected")
def dead(suite):
    if suite.options.dead:
        dead_system(suite)
    elif not suite.calls:
        raise Skip("it makes no calls over the gateway; say how its system looks dead with --dead-set NAME=VALUE")
    with suite.opened(DESTINATION) as gateway:
        for reason in DEAD if suite.calls else ():
            gateway.answer_call = lambda _call, reason=reason: reason
            expect(suite.deliver(gateway), "temporary", f"When a call ends with {reason[0]}", TEMPORARY)
            gateway.answer_call = lambda _call, reason=reason: (200, [], b"half an ans", *reason)
            expect(suite.deliver(gateway), "temporary", f"When the answer 200 breaks off with {reason[0]}",
                   "Look at code in call-done: only without it has the whole answer come.")
        gateway.answer_call = protocol.good_answer
        expect(suite.deliver(gateway), "delivered", "When the system is there again",
               "Let a failed call leave nothing behind that stops the next.")


def dead_system(suite):
    """The system of an adapter with connections of its own. It may refuse to open, too: that is tried again."""
    gateway = suite.gateway()
    answer = gateway.open(DESTINATION, suite.parameters(DESTINATION, **dict(suite.options.dead)))
    if not answer:
        raise Failure("With a dead system it did not answer open.", "Give connecting an end, below thirty seconds.")
    if answer["type"] == "failed":
        return
    delivery = suite.deliver(gateway)
    expect(delivery, "temporary", "With a dead system", TEMPORARY)
    if not gateway.close():
        raise Failure("With a dead system it did not close.", "Let close end what still tries to connect.")


@check("tells from the status of HTTP what is temporary", DESTINATION, "-collected")
def temporary_status(suite):
    if not suite.calls:
        raise Skip("it makes no calls over the gateway")
    with suite.opened(DESTINATION) as gateway:
        for status in (503, 429, 500, 502, 504):
            answers(suite, gateway, status, "temporary", TEMPORARY)


@check("tells from the status of HTTP what is permanent", DESTINATION, "-collected")
def permanent_status(suite):
    if not suite.calls:
        raise Skip("it makes no calls over the gateway")
    with suite.opened(DESTINATION) as gateway:
        for status in (400, 403, 404, 410, 422):
            answers(suite, gateway, status, "permanent", PERMANENT)


def answers(suite, gateway, status, outcome, change):
    gateway.answer_call = lambda _call: (status, [("Content-Type", "text/plain")], b"no")
    expect(suite.deliver(gateway), outcome, f"When its system answers {status}", change)


@check("hands on how long its system asks to wait", DESTINATION, "-collected")
def retry_after(suite):
    if not suite.calls:
        raise Skip("it makes no calls over the gateway")
    with suite.opened(DESTINATION) as gateway:
        gateway.answer_call = lambda _call: (503, [("Retry-After", "120")], b"")
        done = suite.deliver(gateway).done
        if done.get("retryAfter") != 120000:
            raise Failure(f"Its system answered 503 with Retry-After: 120, and its done said {done.get('retryAfter')}.",
                          "Say retryAfter with temporary, in milliseconds.")


@check("tells what its system will never take as permanent", DESTINATION, "-collected")
def rejected(suite):
    if not suite.options.reject:
        raise Skip("say with what its system rejects every message with --reject-set NAME=VALUE")
    with suite.opened(DESTINATION, **dict(suite.options.reject)) as gateway:
        expect(suite.deliver(gateway, size=2_000_000), "permanent", "For a message that is rejected", PERMANENT)


@check("answers a ping", DESTINATION, "-collected")
def ping(suite):
    with suite.opened(DESTINATION) as gateway:
        if not gateway.ping(suite.grace):
            raise Failure("It did not answer a ping.", "Answer each ping with a pong.")


@check("ends when the stream ends in the middle of a delivery", DESTINATION, "-collected")
def end_in_delivery(suite):
    with suite.apart() as gateway:
        suite.open(gateway, DESTINATION, **dict(suite.options.hang))
        gateway.answer_call = hang
        suite.begin(gateway)
        gateway.process.pump(lambda: gateway.calls, suite.slow(1))
        if not gateway.ends(suite.grace):
            raise Failure(f"It was still running {suite.grace:g} seconds after the stream had ended.",
                          "Exit when reading the stream says that it has ended, whatever is underway.")
