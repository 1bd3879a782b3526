"""suite: what is common to all checks: how the adapter is started, its parameters, opening and closing.

A check is a function under @check("the sentence that it judges"). It gets the Suite, and raises Failure if the
sentence does not hold, or Skip if it cannot be judged here. A Fault that comes to light meanwhile is laid to the
standing sentence that it names, and the check counts as not judged.
"""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import tempfile

from . import gateway as protocol
from . import message
from .frames import CLEAN, SECRET, STANDING, Fault

ABILITY = {"source": "bring", "destination": "take"}
_checks = []


class Failure(Exception):
    """The sentence does not hold: what happened, and what to change."""

    def __init__(self, what, change):
        super().__init__(what)
        self.what, self.change = what, change


class Skip(Exception):
    """The sentence cannot be judged: why."""


class Unusable(Exception):
    """Nothing can be tried: what is missing on the command line or on this machine."""


def check(sentence, role=None, ability=None):
    """Marks a check; those with a role or an ability are for adapters that have it.

    -listener stands for adapters that have not the ability listener."""

    def register(function):
        _checks.append((sentence, role, ability, function))
        return function

    return register


class Suite:
    def __init__(self, options, report):
        self.options, self.report = options, report
        self.grace = options.grace * options.patience * (10 if options.valgrind else 1)
        self.faults = {}
        self.running = None
        self.description = None
        self.calls = False  # whether it makes calls when it delivers
        self.cycles = self.delivered = self.served = None  # what many times have left behind
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="adapter-check-"))
        for name in ("work", "home", "temporary", "parameters"):
            (self.place / name).mkdir()

    # ---- running the adapter ----

    def command(self):
        """What starts the adapter: itself, or the host of shared objects with it."""
        path = os.path.abspath(self.options.path)
        if not path.endswith(".so"):
            return [path]
        if self.options.valgrind:
            return ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite",
                    f"--log-file={self.place}/valgrind.%p", self.host(), path]
        return [self.host(), path]

    def valgrind_log(self, pid):
        """What valgrind has found in a process that has ended: lines without their number."""
        text = (self.place / f"valgrind.{pid}").read_text(encoding="utf-8", errors="replace")
        return [line.split("== ", 1)[-1] for line in text.splitlines()]

    def host(self):
        beside = pathlib.Path(os.path.abspath(self.options.program)).parent / "muengsten-adapter-host"
        host = self.options.host or os.environ.get("MUENGSTEN_ADAPTER_HOST") or \
            (str(beside) if os.access(beside, os.X_OK) else shutil.which("muengsten-adapter-host"))
        if not host:
            raise Unusable("a shared object needs muengsten-adapter-host, which is not to be found: see --host")
        return os.path.abspath(host)

    def environment(self):
        return {**os.environ, "HOME": str(self.place / "home"), "TMPDIR": str(self.place / "temporary"),
                "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self, wrap=(), limit=None):
        """A process that has said nothing yet. wrap: words in front of its command."""

        def prepare():
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if limit:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        try:
            return protocol.Gateway([*wrap, *self.command()], self.environment(), self.place / "work",
                                    prepare)
        except OSError as error:
            raise Unusable(f"{self.options.path} cannot be started: {error.strerror}") from error

    def fresh(self, **how):
        """A process that has said hello."""
        gateway = self.start(**how)
        gateway.hello()
        try:
            # Whether it is quick enough is one check's to judge; the others only need it.
            answer = gateway.wait_answer(("hello",), self.slow(protocol.HELLO * (6 if self.description else 1)))
        except Fault:
            gateway.kill()
            raise
        if not answer:
            words = gateway.process.last_words()
            gateway.kill()
            raise Failure(f"No hello came within {protocol.HELLO} seconds.{words}",
                          "Answer hello before anything else is done.")
        return gateway

    def slow(self, seconds):
        return seconds * self.options.patience * (10 if self.options.valgrind else 1)

    def gateway(self):
        """The process that the checks share; a new one if the last had to be ended."""
        if not self.running:
            self.running = self.fresh()
        return self.running

    def drop(self):
        if self.running:
            self.running.kill()
            self.running = None

    @contextlib.contextmanager
    def opened(self, role, gateway=None, **changed):
        """An open instance; closed afterwards. After anything that went wrong its process is ended."""
        shared = gateway is None
        gateway = gateway or self.gateway()
        try:
            self.open(gateway, role, **changed)
            gateway.secret = message.SECRET
            yield gateway
            closed = gateway.close()
            gateway.process.pump(lambda: False, 0.02)  # for what comes too late
            if not closed:
                raise Failure(f"It did not answer close within {protocol.CLOSE} seconds.",
                              "Answer close with closed, soon.")
            if gateway.process.wrote(message.SECRET.encode()):
                raise Fault(SECRET, "A part of the message's content stands in what it wrote to standard error.",
                            "Name the message by its id, and say what is wrong without quoting it.")
        except BaseException:
            gateway.kill()
            if shared:
                self.running = None
            raise

    def open(self, gateway, role, **changed):
        answer = gateway.open(role, self.parameters(role, **changed), **self.place_of(role))
        if not answer:
            raise Failure(f"It did not answer open within {protocol.OPEN} seconds.",
                          "Answer open with opened or failed, soon; connect later.")
        if answer["type"] == "failed":
            raise Failure(f"As {role} it refused to open: {answer['code']}: {answer['text']}",
                          "Give the values that it needs with --set NAME=VALUE.")

    def place_of(self, role):
        """Further members of open."""
        more = {"partner": "checked-partner"}
        if self.has("listener") and role == "source" or self.has("collected") and role == "destination":
            more["prefix"] = self.parameters(role).get("path", "/checked")
        return more

    @contextlib.contextmanager
    def apart(self, **how):
        """A process of its own, for what would disturb others."""
        gateway = self.fresh(**how)
        try:
            yield gateway
        finally:
            gateway.kill()

    # ---- what it has declared ----

    def has(self, ability):
        return ability in self.description["abilities"]

    def fits(self, ability):
        """Whether it has the ability, or has not the one behind a hyphen."""
        return not self.has(ability[1:]) if ability.startswith("-") else self.has(ability)

    def roles(self):
        return [role for role in ("destination", "source")
                if self.has(ABILITY[role]) and self.options.role in (None, role)]

    def declared(self, role):
        return [parameter for parameter in self.description.get("parameters", [])
                if parameter["use"] in (role, "both")]

    def of_kind(self, role, *kinds):
        """The names of the parameters of these kinds that are set."""
        values = self.parameters(role)
        return [parameter["name"] for parameter in self.declared(role)
                if parameter["kind"] in kinds and parameter["name"] in values]

    def refuse_unknown(self):
        """A name on the command line that the adapter has not declared is a slip, which must not go unnoticed."""
        parameters = self.description.get("parameters", [])
        known = [parameter["name"] for parameter in parameters
                 if isinstance(parameter, dict) and isinstance(parameter.get("name"), str)]
        options = self.options
        for name in [*options.set, *(name for name, _ in options.wrong + options.dead + options.hang + options.reject)]:
            if name not in known:
                raise Unusable(f"the adapter has no parameter {name}; it has {', '.join(known) or 'none'}")

    def parameters(self, role, **changed):
        """The values to open with: from the command line, the standards, and made up where that is possible."""
        values = {}
        for parameter in self.declared(role):
            name = parameter["name"]
            value = changed.get(name, self.options.set.get(name, parameter.get("standard")))
            if value is None and parameter.get("required"):
                value = self.made_up(parameter, role)
            if value is not None:
                values[name] = value
        return values

    def made_up(self, parameter, role):
        name, kind = parameter["name"], parameter["kind"]
        place = self.place / "parameters" / f"{role}-{name}"
        if kind == "folder":
            place.mkdir(exist_ok=True)
            return str(place)
        if kind == "file":
            place.write_text("written by muengsten-adapter-check\n", encoding="ascii")
            return str(place)
        if kind in ("number", "seconds"):
            return str(parameter.get("smallest", 1))
        if kind == "boolean":
            return "false"
        if kind == "url":
            return f"https://system.invalid/{name}"
        raise Unusable(f"it needs the parameter {name} ({parameter.get('description', 'a text')}): "
                       f"say --set {name}=VALUE")

    # ---- delivering ----

    def deliver(self, gateway, size=2000, seconds=None, attempt=1, content=None, **changed):
        """Hands out a message and waits until it is done."""
        delivery = self.begin(gateway, size, attempt=attempt, content=content, **changed)
        self.wait_done(gateway, delivery, seconds)
        return delivery

    def begin(self, gateway, size=2000, deadline=60000, attempt=1, content=None, attachments=None, **changed):
        data, said = message.parts(content or message.document(size), **(attachments or {}))
        return gateway.deliver(message.facts(**changed), data, said, deadline, attempt)

    def wait_done(self, gateway, deliveries, seconds=None):
        deliveries = deliveries if isinstance(deliveries, list) else [deliveries]
        if not gateway.wait_done(deliveries, self.slow(seconds or 60)):
            left = sum(not delivery.done for delivery in deliveries)
            raise Failure(f"{left} of {len(deliveries)} deliveries got no done within "
                          f"{self.slow(seconds or 60):g} seconds.", "Complete each deliver with one done.")

    def never_takes(self, size):
        """Whether a message of this size is refused for good where nothing stands in its way."""
        with self.apart() as gateway, self.opened("destination", gateway):
            return self.deliver(gateway, size=size).done["outcome"] == "permanent"

    # ---- the run ----

    def run(self):
        """Judges every sentence."""
        only = self.options.only
        if only and not any(only in sentence for sentence in [*(entry[0] for entry in _checks), *STANDING]):
            raise Unusable(f"no sentence contains {only!r}: without --only all sentences are printed")
        try:
            for sentence, role, ability, function in _checks:
                if role and role not in self.roles() or ability and not self.fits(ability):
                    continue
                described = self.description
                if not self._judge(sentence, function) and not self.description:
                    self.report.say("Without that, nothing else can be tried.")
                    break
                if self.description and not described:
                    self.refuse_unknown()
            self.drop()
            self._judge_standing()
        finally:
            self.drop()
            shutil.rmtree(self.place, ignore_errors=True)

    def _judge(self, sentence, function):
        if self.options.only and self.options.only not in sentence and self.description:
            return True
        try:
            function(self)
        except Skip as reason:
            self.report.skip(sentence, str(reason))
        except Failure as failure:
            self.drop()
            self.report.fails(sentence, failure.what, failure.change)
            return False
        except Fault as fault:
            self.drop()
            self.faults.setdefault(fault.sentence, (fault, sentence))
            self.report.skip(sentence, f'not judged, see "{fault.sentence}"')
            return False
        else:
            self.report.holds(sentence)
        return True

    def _judge_standing(self):
        for sentence in STANDING:
            if sentence in self.faults:
                fault, during = self.faults[sentence]
                self.report.fails(sentence, f"{fault.what} (Found while judging: {during}.)", fault.change)
            elif self.description or CLEAN not in self.faults:
                self.report.holds(sentence)
