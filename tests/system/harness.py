"""harness: a world with a real gateway, real city systems and clients, all in a temporary folder.

    with World("trip") as world:
        city = world.city("remscheid")
        gateway = world.gateway(configuration(world, destinations=[rest("remscheid", city)]))
        answer = world.client("wuppertal-portal").post(signed(...))

Whatever the world has started it ends. Programs are found by MUENGSTEND, MUENGSTENCTL, srcdir and builddir,
which make sets; without them the source tree is where this file stands, and the build tree the current folder.
"""

import atexit
import contextlib
import fcntl
import gzip
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time

import messages
import signing
from tap import say

SOURCE = messages.SOURCE
BUILD = pathlib.Path(os.environ.get("builddir") or pathlib.Path.cwd()).resolve()
# Sanitizers make everything slower; times that only guard against hanging are stretched.
PATIENCE = float(os.environ.get("MUENGSTEN_PATIENCE", "1"))
CITIES = ("wuppertal", "remscheid", "solingen")
SYSTEMS = ("wuppertal-portal", "remscheid-planning", "solingen-registry")


def program(variable, *places):
    named = os.environ.get(variable)
    for place in [named] if named else [BUILD / place for place in places]:
        if os.access(place, os.X_OK):
            return str(place)
    raise RuntimeError(f"there is no {places[0]}; build it, or name it in {variable}")


def muengstend():
    return program("MUENGSTEND", "gateway/muengstend", "muengstend")


def sanitized():
    """Whether muengstend was built with a sanitizer that makes it slow and keeps memory for itself."""
    binary = pathlib.Path(muengstend()).read_bytes()
    return b"__asan_init" in binary or b"__tsan_init" in binary


def muengstenctl():
    return program("MUENGSTENCTL", "tools/muengstenctl", "muengstenctl")


def wait_for(condition, what, seconds=10.0, pause=0.02):
    """Waits until the condition gives something true, and returns that."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * PATIENCE:.0f} s in vain: {what}")
        time.sleep(pause)


def equal(value, wanted, what=""):
    """Fails with both values if they differ."""
    if value != wanted:
        raise AssertionError(f"{what or 'value'}: {value!r} instead of {wanted!r}")


def environment():
    values = dict(os.environ, MUENGSTEN_DATA=str(SOURCE))
    values.setdefault("MUENGSTEN_ADAPTER_HOST", str(BUILD / "tools" / "muengsten-adapter-host"))
    values.pop("NOTIFY_SOCKET", None)
    return values


# ---- certificates ----

def pki_command(*words):
    script = SOURCE / "certs" / "pki"
    if not script.exists():
        raise RuntimeError("there is no certs/pki")
    done = subprocess.run([str(script), *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"certs/pki {' '.join(map(str, words))}:\n{done.stdout}{done.stderr}")


class Pki:
    """The development PKI. Made once and shared by the test programs of a run; private ones are copies."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def __truediv__(self, name):
        return self.folder / name

    def signer(self, name):
        return signing.Signer(self / f"{name}-signing.pem", self / f"{name}-signing.key")

    def trusted(self):
        """Options for xmlsec1, which reads one certificate from a file: a file for each authority."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            text = (self / "authorities.pem").read_text(encoding="ascii")
            found = re.findall("-----BEGIN CERT.*?-----END.*?-----", text, re.DOTALL)
            options = []
            for number, certificate in enumerate(found):
                file = self / f"authority-{number}.pem"
                if not file.exists():
                    temporary = pathlib.Path(folder) / file.name
                    temporary.write_text(certificate + "\n", encoding="ascii")
                    temporary.rename(file)
                options += ["--trusted-pem", str(file)]
            return options

    def issue(self, city, system, *options):
        """Issues further certificates: CITY-SYSTEM-tls and CITY-SYSTEM-signing."""
        pki_command("issue", self.folder, city, system, *options)
        return f"{city}-{system}"

    def revoke(self, name):
        pki_command("revoke", self.folder, name)


def shared_pki():
    """The PKI of this run. What is older than two hours was left by another."""
    folder = BUILD / "tests" / "system" / "pki"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "complete"
        if not stamp.exists() or time.time() - stamp.stat().st_mtime > 7200:
            shutil.rmtree(folder, ignore_errors=True)
            pki_command("init", folder)
            stamp.touch()
    return Pki(folder)


# ---- the configuration ----

def element(tag, /, *children, **attributes):
    """<name attribute="value">…; an underscore in a name stands for a hyphen."""
    text = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items()
                   if value is not None)
    inside = "".join(children)
    return f"<{tag}{text}>{inside}</{tag}>\n" if inside else f"<{tag}{text}/>\n"


def profile(name, **attributes):
    known = {
        "service": dict(namespace=messages.SERVICE, layout="basisnachricht-1.1",
                        schema=SOURCE / "schemas" / "service.xsd"),
        "register": dict(namespace=messages.REGISTER, layout="split-keys",
                         schema=SOURCE / "schemas" / "register.xsd"),
    }
    children = attributes.pop("children", ())
    return element("profile", *children, name=name, **{**known.get(name, {}), **attributes})


def partner(pki, name, author=None, certificate=None, **attributes):
    """A partner with both certificates, who may send anything for its own city."""
    certificate = certificate or name
    author = author or messages.authority(name.split("-")[0])
    permission = attributes.pop("permission", None) or element(
        "permission", author=author, type="*", reader="*")
    values = {"tls-certificate": pki / f"{certificate}-tls.pem",
              "signing-certificate": pki / f"{certificate}-signing.pem", **attributes}
    return element("partner", permission, name=name, **values)


QUICK = dict(first="200ms", longest="1s", give_up="5min", breaker="1000", breaker_time="1s")


def destination(name, city, retry=None, **attributes):
    """Delivery to a city system by HTTPS; retries quickly unless said otherwise."""
    return element("destination", element("retry", **{**QUICK, **(retry or {})}), name=name,
                   adapter="rest", url=f"https://localhost:{city.port}/inbox", **attributes)


def folder_destination(name, folder, **attributes):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    return element("destination", element("retry", **QUICK), name=name, adapter="folder",
                   folder=folder, **attributes)


def folder_source(name, partner_name, folder, **attributes):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    values = {"settle": 0, "interval": 1, **attributes}
    return element("source", name=name, adapter="folder", partner=partner_name, folder=folder, **values)


def route(reader, to, **attributes):
    return element("route", reader=messages.authority(reader), to=to, **attributes)


def configuration(world, *, destinations=(), routes=None, partners=None, profiles=None, sources=(),
                  limits=None, listener=None, store=None, extra="", port=None, pki=None):
    """The text of a configuration: three cities, unless said otherwise."""
    pki = pki or world.pki
    port = port or world.port
    names = re.findall(r'<destination name="([^"]+)"', "".join(destinations))
    if routes is None:
        routes = [route(name, name) for name in names]
    if partners is None:
        partners = [partner(pki, name) for name in SYSTEMS]
    if profiles is None:
        profiles = [profile("service"), profile("register")]
    parts = [
        element("store", **{"folder": "store", "reserve": "1M", **(store or {})}),
        element("identity", tls_certificate=pki / "gateway-tls.pem", tls_key=pki / "gateway-tls.key",
                seal_certificate=pki / "gateway-seal.pem", seal_key=pki / "gateway-seal.key"),
        element("trust", authorities=pki / "authorities.pem", revocation=pki / "revocation.pem"),
        element("adapters", folder=BUILD / "adapters" / ".libs"),
        element("limits", **limits) if limits else "",
        element("listener", name="cities", address=f"127.0.0.1:{port}", **(listener or {})),
        *profiles, *partners,
        element("source", name="submission", adapter="rest", listener="cities"),
        *sources, *destinations, *routes, extra,
    ]
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            '<gateway xmlns="urn:muengsten:config:1" name="gateway.muengsten.example">\n'
            + "".join(parts) + "</gateway>\n")


# ---- processes ----

class Process:
    """A program that the world has started, with its output in a file."""

    def __init__(self, name, folder, command, **options):
        self.name, self.command = name, [str(word) for word in command]
        self.log_file = folder / f"{name}.log"
        self.options = options
        self.process = None

    def launch(self):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=environment(), **self.options)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace") \
            if self.log_file.exists() else ""

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.running():
            self.process.kill()
        if self.process:
            self.process.wait()

    def stop(self, seconds=30.0):
        """SIGTERM, and the exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(seconds * PATIENCE)


class Gateway(Process):
    """A muengstend with its configuration and store."""

    def __init__(self, world, name, text):
        self.folder = world.folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config_file = self.folder / "muengsten.xml"
        self.config_file.write_text(text, encoding="utf-8")
        self.port = int(re.search(r'<listener [^>]*address="[^"]*:(\d+)"', text)[1])
        super().__init__(name, world.folder, [muengstend(), "-c", self.config_file])

    def start(self):
        """Starts, and waits until it accepts connections."""
        before = self.log().count("event=gateway.ready")
        self.launch()
        wait_for(lambda: not self.running() or self.log().count("event=gateway.ready") > before,
                 "the gateway becomes ready", 20, pause=0.005)
        if not self.running():
            raise AssertionError("the gateway ended at once")
        return self

    def reload(self, text=None, event="gateway.reloaded"):
        """Gives it another configuration, or the same anew, and waits for what it says of it: that line."""
        before = len(self.lines(event))
        if text is not None:
            self.config_file.write_text(text, encoding="utf-8")
        self.signal(signal.SIGHUP)
        return wait_for(lambda: self.lines(event)[before:], event, 20)[-1]

    def lines(self, event, **pairs):
        """The log's lines of an event that have these pairs."""
        wanted = [f"event={event}"] + [f"{name}={value}" for name, value in pairs.items()]
        return [line for line in self.log().splitlines() if all(word in line.split() for word in wanted)]

    def wait_for(self, event, seconds=10.0, **pairs):
        return wait_for(lambda: self.lines(event, **pairs), f"{event} {pairs}", seconds)[-1]

    def wait_for_more(self, event, count, seconds=10.0):
        """Waits until the log has more than that many lines of an event."""
        return wait_for(lambda: self.lines(event)[count:], event, seconds)[-1]

    def check_running(self):
        if not self.running():
            raise AssertionError(f"the gateway has ended with status {self.process.returncode}")

    def resident(self):
        """Resident memory in bytes."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def cpu_ticks(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        return sum(int(field) for field in fields.split()[11:13])

    # What is stored is read from a copy, so that the gateway's file is never locked or written to.

    @contextlib.contextmanager
    def database(self):
        files = [path for path in self.store_files() if path.open("rb").read(15) == b"SQLite format 3"]
        if not files:
            raise AssertionError("the gateway has no database")
        with tempfile.TemporaryDirectory() as copy:
            for suffix in ("", "-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy(f"{files[0]}{suffix}", f"{copy}/db{suffix}")
            with contextlib.closing(sqlite3.connect(f"{copy}/db")) as connection:
                yield connection

    def store_files(self):
        store = re.search(r'<store [^>]*folder="([^"]+)"', self.config_file.read_text(encoding="utf-8"))
        return sorted(path for path in (self.folder / store[1]).rglob("*") if path.is_file())

    def settled(self):
        """What the store holds, once every delivery has been recorded as delivered."""
        def states():
            with self.database() as connection:
                return {row[0] for row in connection.execute("SELECT DISTINCT state FROM deliveries")}

        wait_for(lambda: states() == {3}, "every delivery is recorded as delivered")
        return self.holdings()

    def holdings(self):
        """How many rows each table of messages has, and how many spool files there are. Not the journal: in it
        stands also what left nothing else behind."""
        with self.database() as connection:
            tables = [row[0] for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
            rows = {table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
                    for table in tables if table not in ("probes", "journal")}
        rows["spool"] = len([path for path in self.store_files() if path.parent.name == "spool"])
        return rows


class City(Process):
    """A city system (peers/city-system) and its record."""

    def __init__(self, world, name, *options, port=0, certificate=None):
        self.folder = world.folder / f"city-{name}"
        certificate = certificate or f"{name}-registry"
        self.port = port or world.free_port()
        script = SOURCE / "tests" / "system" / "peers" / "city-system"
        super().__init__(f"city-{name}", world.folder, [
            script, "--listen", f"127.0.0.1:{self.port}", "--folder", self.folder,
            "--certificate", world.pki / f"{certificate}-tls.pem",
            "--key", world.pki / f"{certificate}-tls.key",
            "--authorities", world.pki / "authorities.pem",
            "--sealer", world.pki / "gateway-seal.pem", *options])

    def start(self):
        before = self.log().count("ready ")
        self.launch()
        wait_for(lambda: not self.running() or self.log().count("ready ") > before,
                 f"{self.name} listens")
        if not self.running():
            raise AssertionError(f"{self.name} ended at once")
        return self

    def change(self, *options):
        """Stops, and starts anew with other behaviour; with none, it behaves well."""
        self.kill()
        well = [word for word in ("--fail", "--retry-after", "--slow", "--refuse", "--reset", "--nonsense",
                                  "--verify", "--reply") if word in self.command]
        end = min([self.command.index(word) for word in well], default=len(self.command))
        self.command = self.command[:end] + [str(option) for option in options]
        return self.start()

    def record(self, **wanted):
        """The lines of the record that have these values, as dictionaries."""
        file = self.folder / "record"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        entries = [dict(pair.split("=", 1) for pair in line.split()) for line in lines]
        return [entry for entry in entries
                if all(entry.get(name) == str(value) for name, value in wanted.items())]

    def wait_for(self, seconds=10.0, **wanted):
        """Waits for a line and returns it."""
        return wait_for(lambda: self.record(**wanted), f"{self.name} has {wanted}", seconds)[-1]

    def message(self, identifier):
        return (self.folder / "messages" / f"{identifier}.xml").read_bytes()


# ---- clients ----

class Answer:
    """An HTTP answer with what the gateway says in it."""

    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body
        self.id = self.headers.get("Muengsten-Message-Id")
        self.problem = {}
        if "problem+json" in self.headers.get("Content-Type", ""):
            self.problem = json.loads(body)
        self.code = self.problem.get("code")

    def __repr__(self):
        return f"<{self.status} {self.code or self.id or self.body[:200]}>"

    def expect(self, status, code=None):
        if (self.status, self.code) != (status, code):
            raise AssertionError(f"{self.status} {self.code} instead of {status} {code}; "
                                 f"{self.problem or self.body[:300]!r}")
        return self


class Client:
    """A partner's system, with a kept connection."""

    def __init__(self, port, pki, name, tls=None):
        self.port, self.name = port, name
        self.tls = tls or client_tls(pki, name)
        self.connection = None

    def request(self, method, path, body=None, headers=None):
        """One exchange. A kept connection that has been closed meanwhile is replaced once."""
        for again in (True, False):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPSConnection(
                    "localhost", self.port, timeout=20 * PATIENCE, context=self.tls)
            try:
                self.connection.request(method, path, body=body, headers=headers or {},
                                        encode_chunked="Transfer-Encoding" in (headers or {}))
                response = self.connection.getresponse()
                answer = Answer(response, response.read())
                if response.will_close:
                    self.close()
                return answer
            except (OSError, http.client.HTTPException):
                self.close()
                if fresh or not again:
                    raise
        raise AssertionError("unreachable")

    def post(self, body, content_type="application/xml", **headers):
        body = body.encode() if isinstance(body, str) else body
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/messages", body, {"Content-Type": content_type, **fields})

    def post_detached(self, document, signature):
        body, content_type = multipart(document, signature)
        return self.post(body, content_type)

    def report(self, identifier):
        return self.request("GET", f"/messages/{identifier}")

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def raw(self, seconds=20.0, session=None):
        """A bare TLS connection."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=seconds * PATIENCE)
        return self.tls.wrap_socket(plain, server_hostname="localhost", session=session)


def client_tls(pki, name=None, certificate=None, key=None):
    """A context that shows this system's certificate; name None: none at all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(pki / "authorities.pem")
    if name:
        certificate, key = pki / f"{name}-tls.pem", pki / f"{name}-tls.key"
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def multipart(document, signature, content_id="document"):
    """A document and its signature as multipart/related: (body, content type)."""
    boundary = "between-the-parts"
    parts = [(f"<{content_id}>", document), ("<signature>", signature)]
    body = b"".join(
        b"--%s\r\nContent-Type: application/xml\r\nContent-ID: %s\r\n\r\n%s\r\n"
        % (boundary.encode(), identifier.encode(), text.encode()) for identifier, text in parts)
    return (body + b"--%s--\r\n" % boundary.encode(),
            f'multipart/related; type="application/xml"; boundary="{boundary}"')


def xmlsec1_verify(pki, path, *options):
    """What the xmlsec1 command says of the signature in a file, as a completed process."""
    return subprocess.run(["xmlsec1", "--verify", *pki.trusted(), *map(str, options), str(path)],
                          capture_output=True, text=True, check=False)


def packed(text):
    return gzip.compress(text.encode() if isinstance(text, str) else text, mtime=0)


def read_answer(connection):
    """The next answer on a bare connection, or None if it ends without one."""
    try:
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response, response.read())
    except (http.client.HTTPException, OSError):
        return None


def tls_alert(connect):
    """The name of the alert with which the peer ends a connection, such as CERTIFICATE_REQUIRED. Under
    TLS 1.3 it comes after the client's side of the handshake is done."""
    try:
        with connect() as connection:
            connection.sendall(b"GET /messages/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.recv(100)
    except ssl.SSLError as error:
        return re.sub(r"^(SSLV3|TLSV1|TLSV13)_ALERT_", "", error.reason or "none")
    except OSError as error:
        return f"no alert: {error}"
    return "no alert"


# ---- the world ----

class World:
    """A temporary folder with everything that runs in it."""

    def __init__(self, name, pki=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"muengsten-{name}-"))
        self.pki = pki or shared_pki()
        self.processes = []
        self.clients = {}
        self.ports = []
        self.lock = threading.Lock()
        self.port = self.free_port()
        atexit.register(self.close)  # also if setting up fails

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends everything and removes the folder. Once is enough, twice does no harm."""
        for client in self.clients.values():
            client.close()
        for process in self.processes:
            process.kill()
        if not os.environ.get("MUENGSTEN_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def free_port(self):
        """A port that nobody listens on; kept in mind, so that it is given once."""
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            if port not in self.ports:
                self.ports.append(port)
                return port

    def private_pki(self):
        """A copy of the PKI for tests that change it."""
        folder = self.folder / "pki"
        if not folder.exists():
            shutil.copytree(self.pki.folder, folder)
        return Pki(folder)

    def gateway(self, text, name="gateway"):
        gateway = Gateway(self, name, text)
        self.processes.append(gateway)
        return gateway.start()

    def city(self, name, *options, **choices):
        city = City(self, name, *options, **choices)
        self.processes.append(city)
        return city.start()

    def client(self, name="wuppertal-portal", port=None):
        """The kept client of a system."""
        key = (name, port or self.port)
        if key not in self.clients:
            self.clients[key] = Client(port or self.port, self.pki, name)
        return self.clients[key]

    def signed(self, author="wuppertal", reader="remscheid", system=None, **choices):
        """A new message, signed by the author's system: (message, text)."""
        message = messages.message(author, reader, **choices)
        system = system or next(name for name in SYSTEMS if name.startswith(author))
        return message, signing.envelop(message.text, self.signer(system))

    def signer(self, name):
        return self.pki.signer(name)

    def check_logs(self):
        """Fails if a program has crashed or a sanitizer has found something."""
        for process in self.processes:
            found = re.search(r"(?:WARNING: ThreadSanitizer|ERROR: \w+Sanitizer|runtime error:|"
                              r"event=gateway\.fatal|Assertion .* failed)[\s\S]{0,3000}", process.log())
            assert not found, f"{process.name}: {found[0]}"

    def show_logs(self, lines=25):
        for process in self.processes:
            for line in process.log().splitlines()[-lines:]:
                say(f"{process.name}: {line}")
