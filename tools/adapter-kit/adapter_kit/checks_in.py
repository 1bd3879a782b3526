"""checks_in: what a source does with messages and with what the gateway says of them."""

from . import gateway as protocol
from . import message
from .bring import SOURCE, Bringer
from .checks_long import judge_descriptors, judge_memory, measure
from .suite import Failure, Skip, check

# Seconds within which a message has to be handed in, and within which it must not come again.
COMES, STAYS_AWAY = 30, 1.5
NOT_NOW = protocol.refused(503, "gateway.overloaded", "The gateway takes no more at the moment.", 1)
NEVER = protocol.refused(422, "schema.invalid", "The document is not valid.")


class Inlet:
    """A source and the system that it brings messages from."""

    def __init__(self, suite):
        self.suite, self.bringer = suite, Bringer(suite)
        quick = {parameter["name"]: str(parameter["smallest"]) for parameter in suite.declared(SOURCE)
                 if parameter["name"] == "interval" and parameter["name"] not in suite.options.set}
        self.changed = quick

    def opened(self, gateway=None):
        return self.suite.opened(SOURCE, gateway, **self.changed)

    def bring(self, gateway, **how):
        brought = self.bringer.bring(gateway, **how)
        if not brought:
            raise Skip("say how a message comes to it with --bring COMMAND")
        return brought

    def submissions(self, gateway, brought):
        return [submission for submission in gateway.all_submissions
                if submission.finished and brought.is_in(submission)]

    def wait(self, gateway, brought, number=1):
        """Waits until the message has been handed in so many times."""
        seconds = self.suite.slow(COMES)
        if gateway.process.pump(lambda: len(self.submissions(gateway, brought)) >= number, seconds):
            return self.submissions(gateway, brought)[-1]
        if number > 1:
            raise Failure(f"Within {seconds:g} seconds the message was not handed in again.",
                          "Keep a message until the gateway has accepted it or refused it for good.")
        raise Failure(f"Within {seconds:g} seconds no message was handed in that has the brought document in it.",
                      "If moving a file into its folder is not how messages come to it, say how with --bring.")

    def stays_away(self, gateway, brought, why, change):
        """The message must not come again, neither now nor after the instance was opened anew."""
        before = len(self.submissions(gateway, brought))
        gateway.process.pump(lambda: len(self.submissions(gateway, brought)) > before, STAYS_AWAY)
        if len(self.submissions(gateway, brought)) > before:
            raise Failure(f"A message that was {why} was handed in again.", change)


def comes_once(suite, verdict, why, change):
    inlet = Inlet(suite)
    with inlet.opened() as gateway:
        gateway.judge = lambda _submission: verdict
        brought = inlet.bring(gateway)
        inlet.wait(gateway, brought)
        inlet.stays_away(gateway, brought, why, change)
    with inlet.opened() as gateway:
        gateway.answer_call = inlet.bringer.answer
        inlet.stays_away(gateway, brought, why, change + " Opening again does not make it new.")


@check("brings a message in, whole", SOURCE, "-listener")
def brings(suite):
    inlet = Inlet(suite)
    with inlet.opened() as gateway:
        brought = inlet.bring(gateway, size=300_000)
        submission = inlet.wait(gateway, brought)
        if brought.content not in bytes(submission.body):
            suite.report.say("note: the document was changed on its way in, which a signature would not survive")
        media_type = submission.header["mediaType"]
        if "/" not in media_type:
            raise Failure(f"It was handed in with the media type {media_type!r}.", "Say application/xml or the like.")


@check("does not hand in again what was accepted", SOURCE, "-listener")
def accepted_once(suite):
    comes_once(suite, {"result": "accepted"}, "accepted", "Remove, move or mark what was accepted.")


@check("takes a repetition as accepted", SOURCE, "-listener")
def repeated_once(suite):
    comes_once(suite, {"result": "repeated"}, "accepted before", "Treat repeated like accepted: the gateway has it.")


@check("hands in again what was refused for now", SOURCE, "-listener")
def refused_for_now(suite):
    inlet = Inlet(suite)
    with inlet.opened() as gateway:
        verdicts = [NOT_NOW]
        gateway.judge = lambda _submission: verdicts.pop() if verdicts else {"result": "accepted"}
        brought = inlet.bring(gateway)
        inlet.wait(gateway, brought, number=2)


@check("does not hand in again what was refused for good", SOURCE, "-listener")
def refused_for_good(suite):
    comes_once(suite, NEVER, "refused for good", "Put it aside with the reason, where a person finds it: the same "
               "message would be refused again.")


@check("hands in again what the gateway had not answered when it was killed", SOURCE, "-listener")
def killed(suite):
    inlet = Inlet(suite)
    with suite.apart() as gateway:
        suite.open(gateway, SOURCE, **inlet.changed)
        gateway.judge = lambda _submission: None
        brought = inlet.bring(gateway)
        inlet.wait(gateway, brought)
    with inlet.opened() as gateway:
        gateway.answer_call = inlet.bringer.answer
        inlet.wait(gateway, brought)


@check("closes while the gateway has not answered", SOURCE, "-listener")
def closes_early(suite):
    inlet = Inlet(suite)
    with inlet.opened() as gateway:
        gateway.judge = lambda _submission: None
        brought = inlet.bring(gateway)
        inlet.wait(gateway, brought)
    with inlet.opened() as gateway:
        gateway.answer_call = inlet.bringer.answer
        inlet.wait(gateway, brought, number=2)


# ---- sources that serve HTTP ----

def listens(suite, gateway):
    """The path to post to, of a source with a listener."""
    prefix = suite.place_of(SOURCE)["prefix"]
    for route in gateway.routes:
        pattern = route["pattern"]
        if not (pattern + "/").startswith(prefix.rstrip("/") + "/"):
            raise Failure(f"Its route {pattern} is not below its prefix {prefix}.", "Put prefix in front of each.")
    for route in gateway.routes:
        if route["method"] in ("POST", "PUT"):
            pattern = route["pattern"]
            return route["method"], pattern + "checked" if pattern.endswith("/") else pattern
    raise Skip("it has no route for POST or PUT")


def post(suite, gateway, verdict):
    """Posts a message and says that of it; gives the answer."""
    method, path = listens(suite, gateway)
    gateway.judge = lambda _submission: verdict
    gateway.all_submissions.clear()
    exchange = gateway.request(method, path, message.document(100_000), [("Content-Type", "application/xml")])
    if not gateway.process.pump(lambda: exchange.answer, suite.slow(COMES)):
        raise Failure(f"A {method} to {path} got no answer within {COMES} seconds.", "Answer every request once.")
    return exchange.answer["status"]


@check("answers by HTTP what became of a message", SOURCE, "listener")
def answers(suite):
    with suite.opened(SOURCE) as gateway:
        for verdict, wanted, word in (({"result": "accepted"}, range(200, 300), "accepted"),
                                      ({"result": "repeated"}, range(200, 300), "repeated"),
                                      (NEVER, range(400, 500), "refused with 422"),
                                      (NOT_NOW, (503, 429), "refused with 503")):
            status = post(suite, gateway, verdict)
            if status not in wanted:
                raise Failure(f"For a message that was {word} it answered {status}.",
                              "Answer 201 or 200 for accepted and repeated, and the status of the refusal otherwise.")


@check("bears that a request breaks off", SOURCE, "listener")
def breaks_off(suite):
    with suite.opened(SOURCE) as gateway:
        method, path = listens(suite, gateway)
        for body in (b"", message.document(100_000)):
            exchange = gateway.request(method, path, body, [("Content-Type", "application/xml")], end=False)
            gateway.process.pump(lambda: False, 0.1)
            gateway.request_abort(exchange)
        if post(suite, gateway, {"result": "accepted"}) >= 300:
            raise Failure("After a request that broke off, the next was not accepted.",
                          "At request-abort, forget the exchange, and send abort for its submission.")


@check("serves 1,000 requests, one after the other", SOURCE, "listener")
def requests(suite):
    suite.served = {}
    with suite.apart() as gateway, suite.opened(SOURCE, gateway):
        suite.served = {SOURCE: measure(gateway, suite.options.cycles,
                                        lambda: post(suite, gateway, {"result": "accepted"}))}


@check("leaves no descriptor open after a request", SOURCE, "listener")
def request_descriptors(suite):
    judge_descriptors(suite.served, "after each request")


@check("leaves no memory behind after a request", SOURCE, "listener")
def request_memory(suite):
    judge_memory(suite, suite.served, "after each request")
