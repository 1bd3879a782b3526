"""gateway: the gateway's end of docs/adapter-protocol.md, for one adapter that runs.

It is stricter than the gateway itself: whatever an adapter sends that the protocol does not know is a Fault.
How calls are answered and submissions judged is for the check to say: answer_call and judge.
"""

import re
import time
import uuid

from .frames import ALIVE, FORM, LARGEST_CONTENT, ONCE, SECRET, Fault, Process

# Seconds that the protocol allows.
HELLO, OPEN, CLOSE = 10, 30, 10

NUMBER, TEXT, TRUTH, LIST, OBJECT, FIELDS = "a whole number", "a text", "true or false", "an array", "an object", \
    "an array of arrays of a name and a value"

# What an adapter may send: its members and their kinds; those it needs stand first, before the stroke.
FRAMES = {
    "hello": ({"protocol": NUMBER, "adapter": TEXT, "version": TEXT, "abilities": LIST}, {"parameters": LIST}),
    "route": ({"method": TEXT, "pattern": TEXT}, {}),
    "opened": ({}, {}),
    "failed": ({"code": TEXT, "text": TEXT}, {}),
    "closed": ({}, {}),
    "read": ({"request": NUMBER, "delivery": NUMBER, "part": TEXT, "offset": NUMBER, "length": NUMBER}, {}),
    "done": ({"delivery": NUMBER, "outcome": TEXT},
             {"code": TEXT, "text": TEXT, "retryAfter": NUMBER, "replyMediaType": TEXT}),
    "submit": ({"submission": NUMBER, "mediaType": TEXT},
               {"contentEncoding": TEXT, "length": NUMBER, "exchange": NUMBER, "finish": TRUTH}),
    "append": ({"submission": NUMBER}, {"finish": TRUTH}),
    "abort": ({"submission": NUMBER}, {}),
    "report": ({"request": NUMBER, "exchange": NUMBER, "id": TEXT}, {}),
    "answer": ({"exchange": NUMBER, "status": NUMBER}, {"fields": FIELDS}),
    "call": ({"call": NUMBER, "method": TEXT, "url": TEXT}, {"fields": FIELDS, "timeout": NUMBER}),
    "call-cancel": ({"call": NUMBER}, {}),
    "box": ({"request": NUMBER}, {}),
    "list": ({"request": NUMBER}, {"after": TEXT, "limit": NUMBER}),
    "take": ({"request": NUMBER}, {"id": TEXT, "lease": NUMBER}),
    "release": ({"delivery": NUMBER}, {}),
    "settle": ({"request": NUMBER, "id": TEXT, "claim": TEXT, "settlement": TEXT}, {}),
    "log": ({"level": TEXT, "event": TEXT}, {"message": TEXT, "text": TEXT}),
    "count": ({"counter": TEXT, "number": NUMBER}, {"help": TEXT}),
    "state": ({"state": TEXT}, {"code": TEXT, "text": TEXT}),
    "pong": ({}, {}),
}
CLOSED, ALWAYS = ("hello", "idle"), ("hello", "log", "count", "closed", "pong", "state")
AFTER_OPENED = ("submit", "append", "done", "answer", "read", "report")
CODE = re.compile(r"[A-Za-z0-9._-]{1,47}")
# What stands for things that the gateway itself does (muengsten/adapter.h, struct mg_outcome).
GATEWAYS = re.compile(r"accepted|cancelled|collected|dead|delivered|mailbox\.not-collected|returned"
                      r"|(destination|gateway|operator|reply|restore|store)\..*")


def malformed(what, change):
    return Fault(FORM, what, change)


def of_kind(value, kind):
    if kind == NUMBER:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2 ** 53
    if kind == FIELDS:
        return isinstance(value, list) and all(
            isinstance(field, list) and len(field) == 2 and all(isinstance(text, str) for text in field)
            for field in value)
    return isinstance(value, {TEXT: str, TRUTH: bool, LIST: list, OBJECT: dict}[kind])


def check_form(header):
    kind = header["type"]
    if kind not in FRAMES:
        raise malformed(f"It sent a frame of the type {kind!r}, which an adapter does not send.",
                        "Send the types of docs/adapter-protocol.md only.")
    needed, possible = FRAMES[kind]
    for name in needed:
        if name not in header:
            raise malformed(f"Its frame {kind} has no member {name}.", f"Send {name} with every {kind}.")
    for name, value in header.items():
        wanted = needed.get(name) or possible.get(name)
        if wanted and not of_kind(value, wanted):
            raise malformed(f"The member {name} of its frame {kind} is {value!r}.",
                            f"It has to be {wanted}.")


class Delivery:
    """A message on its way out."""

    def __init__(self, number, message, parts):
        self.number, self.message, self.parts = number, message, parts  # parts: name → bytes
        self.done = None
        self.reply = b""
        self.began = time.monotonic()

    @property
    def outcome(self):
        return self.done and self.done["outcome"]


class Submission:
    """A message on its way in."""

    def __init__(self, header):
        self.header, self.body, self.finished, self.verdict = header, bytearray(), False, None


class Call:
    """An HTTP request of the adapter's own."""

    def __init__(self, header, body):
        self.header, self.body = header, body
        self.method, self.url = header["method"], header["url"]
        timeout = header.get("timeout", 0)
        self.end = time.monotonic() + timeout / 1000 if timeout else None


class Exchange:
    """An HTTP request to the adapter."""

    def __init__(self, number):
        self.number, self.answer, self.body = number, None, b""


def accepted(_submission):
    return {"result": "accepted"}


def refused(status, code, text, retry_after=None):
    refusal = {"status": status, "code": code, "title": "Refused by the check", "text": text}
    if retry_after is not None:
        refusal["retryAfter"] = retry_after
    return {"result": "refused", "refusal": refusal}


def good_answer(_call):
    return 200, [], b""


class Gateway:
    """Speaks with one process. Every method may raise a Fault."""

    def __init__(self, command, environment, folder, prepare=None):
        self.process = Process(command, environment, folder, self._handle, prepare, self._end_late_calls)
        self.description = None
        self.deliveries, self.submissions, self.exchanges = {}, {}, {}
        self.calls, self.routes, self.logs, self.all_submissions = {}, [], [], []
        self.calls_made = 0
        self.answers = []  # hello, opened, failed, closed, pong, as they come
        self.phase = "hello"  # hello, idle, opening, open, closing
        self.answer_call, self.judge = good_answer, accepted
        self.secret = None  # a text of the content, which may appear nowhere
        self.state = "ready"
        self.number = 0

    # ---- what the gateway asks ----

    def hello(self, protocol=(1, 1), **more):
        self.process.send({"type": "hello", "protocol": list(protocol), "gateway": "adapter-check",
                           "content": LARGEST_CONTENT, **more})

    def wait_answer(self, kinds, seconds):
        """The next answer if it comes in time; it has to be one of these."""
        if not self.process.pump(lambda: self.answers, seconds):
            return None
        header = self.answers.pop(0)
        if header["type"] not in kinds:
            raise malformed(f"It sent {header['type']} where {' or '.join(kinds)} was due.",
                            "Answer each frame with the answer that belongs to it, once.")
        return header

    def open(self, role, parameters, instance="checked", **more):
        """Its answer, opened or failed; None if none comes in time."""
        self.phase, self.routes, self.state = "opening", [], "ready"
        self.process.send({"type": "open", "instance": instance, "role": role, "parameters": parameters, **more})
        answer = self.wait_answer(("opened", "failed"), OPEN)
        return answer

    def close(self):
        """True if it closes in time."""
        self.phase = "closing"
        self.process.send({"type": "close"})
        answer = self.wait_answer(("closed",), CLOSE)
        for things in (self.submissions, self.exchanges, self.calls, self.deliveries):
            things.clear()
        self.answer_call, self.judge, self.secret = good_answer, accepted, None
        return bool(answer)

    def ping(self, seconds):
        self.process.send({"type": "ping"})
        return bool(self.wait_answer(("pong",), seconds))

    def deliver(self, message, parts, facts, deadline=60000, attempt=1):
        """Hands a message out and returns at once. parts: name → bytes; facts: name → what is said of it."""
        self.number += 1
        delivery = Delivery(self.number, message, parts)
        self.deliveries[delivery.number] = delivery
        listed = [{"part": name, "length": len(data), **facts.get(name, {})} for name, data in parts.items()]
        self.process.send({"type": "deliver", "delivery": delivery.number, "attempt": attempt,
                           "deadline": deadline, "message": message, "parts": listed},
                          parts["document"] + parts.get("seal", b""))
        return delivery

    def wait_done(self, deliveries, seconds):
        return self.process.pump(lambda: all(delivery.done for delivery in deliveries), seconds)

    def cancel(self, delivery):
        self.process.send({"type": "cancel", "delivery": delivery.number})

    def request(self, method, path, body=b"", fields=(), query="", partner="checked-partner", end=True):
        """A request from outside. With end=False it goes on with request_end or request_abort."""
        self.number += 1
        exchange = Exchange(self.number)
        self.exchanges[exchange.number] = exchange
        self.process.send({"type": "request", "exchange": exchange.number, "method": method, "path": path,
                           "query": query, "fields": [list(field) for field in fields], "length": len(body),
                           "partner": partner})
        for start in range(0, len(body), 65536):
            self.process.send({"type": "request-data", "exchange": exchange.number}, body[start:start + 65536])
        if end:
            self.process.send({"type": "request-end", "exchange": exchange.number})
        return exchange

    def request_abort(self, exchange):
        del self.exchanges[exchange.number]
        self.process.send({"type": "request-abort", "exchange": exchange.number})

    # ---- what the adapter says ----

    def _handle(self, header, content):
        check_form(header)
        kind = header["type"]
        if self.phase in CLOSED and kind not in ALWAYS or self.phase == "opening" and kind in AFTER_OPENED:
            raise malformed(f"It sent {kind} while no instance was open.",
                            "Begin after opened, and let nothing go on after closed or failed: end timers and "
                            "threads in close.")
        getattr(self, "_on_" + kind.replace("-", "_"), self._answer)(header, content)

    def _answer(self, header, _content):
        self.answers.append(header)
        if header["type"] == "hello":
            self.description = header
        # At once, since what follows in the same piece of the stream is judged by it.
        self.phase = {"hello": "idle", "opened": "open", "failed": "idle", "closed": "idle"}.get(
            header["type"], self.phase)

    def _on_route(self, header, _content):
        if self.phase != "opening":
            raise malformed("It sent a route when no instance was being opened.",
                            "Send each route between open and opened.")
        self.routes.append(header)

    def _delivery(self, header):
        delivery = self.deliveries.get(header["delivery"])
        if not delivery:
            raise malformed(f"It sent {header['type']} for the delivery {header['delivery']}, which is over or "
                            f"never was.", "Do nothing with a delivery after its done.")
        return delivery

    def _on_read(self, header, _content):
        part, start = self._delivery(header).parts.get(header["part"]), header["offset"]
        if part is None:
            self.process.send({"type": "data", "request": header["request"], "code": "adapter.no-part",
                               "text": "There is no such part."})
        else:
            self.process.send({"type": "data", "request": header["request"]},
                              part[start:start + min(header["length"], 65536)])

    def _on_done(self, header, content):
        delivery = self.deliveries.pop(header["delivery"], None)
        if not delivery:
            raise Fault(ONCE, f"It sent done for the delivery {header['delivery']}, which was over or never was.",
                        "Send done once for each deliver, also if a cancel comes meanwhile.")
        outcome = header["outcome"]
        if outcome not in ("delivered", "temporary", "permanent"):
            raise malformed(f"The outcome of its done is {outcome!r}.",
                            "Say delivered, temporary or permanent.")
        if outcome != "delivered":
            self._check_reason(header, "done")
            if GATEWAYS.fullmatch(header["code"]):
                raise malformed(f"Its done has the code {header['code']!r}, which stands for what the gateway itself does.",
                                "Put the adapter's name in front of its codes.")
        elif content and not header.get("replyMediaType"):
            raise malformed("Its done carries a reply without a replyMediaType.", "Say what the reply is.")
        self._check_secret(header.get("text"), "the text of its done")
        delivery.done, delivery.reply = header, content

    def _check_reason(self, header, kind):
        code, text = header.get("code"), header.get("text")
        if not code or not CODE.fullmatch(code):
            raise malformed(f"Its {kind} has the code {code!r}.",
                            "Give a stable word such as http.503, of letters, digits, points, hyphens and underscores.")
        if not text or len(text) < 8 or " " not in text.strip():
            raise malformed(f"Its {kind} has the text {text!r}.",
                            "Give a sentence that tells an operator what happened and what to do.")

    def _check_secret(self, text, where):
        if self.secret and text and self.secret in text:
            raise Fault(SECRET, f"A part of the message's content stands in {where}.",
                        "Name the message by its id, and say what is wrong without quoting it.")

    def _on_failed(self, header, content):
        self._check_reason(header, "failed")
        self._answer(header, content)

    def _on_submit(self, header, content):
        if header["submission"] in self.submissions:
            raise malformed(f"It began the submission {header['submission']}, which is underway already.",
                            "Give each submission a number of its own until it has ended.")
        submission = Submission(header)
        self.submissions[header["submission"]] = submission
        self.all_submissions.append(submission)
        self._append(submission, header, content)

    def _on_append(self, header, content):
        submission = self.submissions.get(header["submission"])
        if submission:
            self._append(submission, header, content)

    def _append(self, submission, header, content):
        submission.body += content
        if not header.get("finish"):
            return
        length = submission.header.get("length")
        if length is not None and length != len(submission.body):
            raise malformed(f"A submission of {len(submission.body)} bytes was announced with {length}.",
                            "Announce the true length, or none.")
        submission.finished = True
        verdict = self.judge(submission) if self.phase == "open" else None
        if verdict:
            self.end_submission(submission, verdict)

    def end_submission(self, submission, verdict):
        """Says what became of a submission. verdict: members of submitted, without number and id."""
        submission.verdict = verdict
        number = submission.header["submission"]
        del self.submissions[number]
        if verdict["result"] == "refused":
            self.process.send({"type": "submitted", "submission": number, **verdict})
        else:
            self.process.send({"type": "submitted", "submission": number, "id": str(uuid.uuid4()), **verdict},
                              b"<receipt>as the gateway would sign it</receipt>")

    def _on_abort(self, header, _content):
        self.submissions.pop(header["submission"], None)

    def _on_report(self, header, _content):
        self.process.send({"type": "reported", "request": header["request"],
                           **refused(404, "message.unknown", "No message of this id was handed in by you.")})

    def _on_answer(self, header, content):
        exchange = self.exchanges.pop(header["exchange"], None)
        if exchange:
            if not 100 <= header["status"] <= 599:
                raise malformed(f"Its answer has the status {header['status']}.", "Use a status of HTTP.")
            exchange.answer, exchange.body = header, content

    def _on_call(self, header, content):
        if header["call"] in self.calls:
            raise malformed(f"It began the call {header['call']}, which is underway already.",
                            "Give each call a number of its own until it has ended.")
        for name, value in header.get("fields", []):
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\r\n\0]", value):
                raise malformed(f"A call has the field {name!r} with the value {value!r}.",
                                "Leave out of fields what HTTP does not admit, line ends above all: they come "
                                "from messages, and a field more is an attack.")
        if not re.fullmatch(r"https?://[!-~]+", header["url"]) or not re.fullmatch(r"[A-Z]+", header["method"]):
            raise malformed(f"A call is {header['method']!r} of {header['url']!r}.",
                            "Escape in a URL what it does not admit.")
        call = Call(header, content)
        self.calls[header["call"]] = call
        self.calls_made += 1
        answer = self.answer_call(call)
        if answer and self.phase in ("opening", "open"):
            self.end_call(call, answer)

    def end_call(self, call, answer):
        """answer: (status, fields, body), or a pair of code and text of a call that failed, or both in one."""
        number = call.header["call"]
        if self.calls.pop(number, None) is None:
            return
        end = {"type": "call-done", "call": number}
        if isinstance(answer[0], int):
            self.process.send({"type": "response", "call": number, "status": answer[0],
                               "fields": [list(field) for field in answer[1]]})
            if answer[2]:
                self.process.send({"type": "response-data", "call": number}, answer[2])
            answer = answer[3:]
        if answer:
            end.update(code=answer[0], text=answer[1])
        self.process.send(end)

    def _end_late_calls(self):
        for call in list(self.calls.values()) if self.phase == "open" else ():
            if call.end and time.monotonic() > call.end:
                self.end_call(call, ("net.timeout", "The system did not answer in time."))

    def _on_call_cancel(self, header, _content):
        self.calls.pop(header["call"], None)

    def _on_box(self, header, _content):
        self.process.send({"type": "box", "request": header["request"], "waiting": 0, "taken": 0, "bytes": 0,
                           "oldest": 0})

    def _on_list(self, header, _content):
        self.process.send({"type": "list", "request": header["request"], "entries": []})

    def _on_take(self, header, _content):
        self.process.send({"type": "taken", "request": header["request"]})

    def _on_release(self, _header, _content):
        pass

    def _on_settle(self, header, _content):
        refusal = refused(404, "box.unknown", "There is no such message.")["refusal"]
        self.process.send({"type": "settled", "request": header["request"], "refusal": refusal})

    def _on_log(self, header, _content):
        if header["level"] not in ("error", "warning", "notice", "info", "debug"):
            raise malformed(f"A log has the level {header['level']!r}.",
                            "Use error, warning, notice, info or debug.")
        self._check_secret(header.get("text"), "its log")
        self.logs.append(header)

    def _on_count(self, header, _content):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", header["counter"]):
            raise malformed(f"A counter is called {header['counter']!r}.",
                            "Use lower_case_with_underscores.")

    def _on_state(self, header, _content):
        if header["state"] not in ("ready", "down"):
            raise malformed(f"Its state is {header['state']!r}.", "Say ready or down.")
        if header["state"] == "down":
            self._check_reason(header, "state")
        self.state = header["state"]

    # ---- the end ----

    def ends(self, seconds):
        """Ends the stream; True if the adapter then exits in time, by itself."""
        self.process.end_stream()
        ended = self.process.wait(seconds)
        status = self.process.child.poll()
        if ended and status is not None and status < 0:
            raise Fault(ALIVE, f"At the end of the stream it {self.process.how_it_ended()}."
                        f"{self.process.last_words()}", "Exit in order when the stream ends.")
        return ended

    def kill(self):
        self.process.kill()
