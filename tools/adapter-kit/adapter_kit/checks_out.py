"""checks_out: what a destination does with deliveries."""

import uuid

from . import gateway as protocol
from .suite import Failure, check

DESTINATION = "destination"


def expect(delivery, outcome, when, change):
    done = delivery.done
    if done["outcome"] != outcome:
        said = f" ({done.get('code')}: {done.get('text')})" if done["outcome"] != "delivered" else ""
        raise Failure(f"{when}, the outcome was {done['outcome']}{said} instead of {outcome}.", change)


@check("takes a delivery", DESTINATION)
def takes(suite):
    with suite.opened(DESTINATION) as gateway:
        delivery = suite.deliver(gateway)
        suite.calls = bool(gateway.made_calls)
        expect(delivery, "delivered", "For an ordinary message",
               "Let the system that takes the messages run, and give its place with --set.")


@check("takes the same delivery again when it is repeated", DESTINATION)
def again(suite):
    identifier = str(uuid.uuid4())
    with suite.opened(DESTINATION) as gateway:
        for attempt in (1, 2):
            delivery = suite.deliver(gateway, attempt=attempt, content=b"<once/>", id=identifier)
            expect(delivery, "delivered", f"At attempt {attempt} of the same message",
                   "A delivery is repeated when its outcome was lost: taking it twice has to succeed.")


@check("takes sixteen deliveries at once", DESTINATION)
def at_once(suite):
    with suite.opened(DESTINATION) as gateway:
        deliveries = [suite.begin(gateway) for _ in range(16)]
        suite.wait_done(gateway, deliveries)
        for delivery in deliveries:
            expect(delivery, "delivered", "With sixteen deliveries at once",
                   "Keep the state of each delivery apart from that of the others.")


@check("takes a message of eight megabytes", DESTINATION)
def large(suite):
    with suite.opened(DESTINATION) as gateway:
        expect(suite.deliver(gateway, size=8_000_000), "delivered", "For a message of 8 MB",
               "Read frames of any length that hello allows, in as many pieces as they come.")


@check("answers a ping", DESTINATION)
def ping(suite):
    with suite.opened(DESTINATION) as gateway:
        if not gateway.ping(suite.slow(protocol.END)):
            raise Failure("It did not answer a ping.", "Answer each ping with a pong.")
