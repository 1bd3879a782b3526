#!/usr/bin/env python3
"""smtp: messages as signed and encrypted mails through Postfix. Only the office reads them, and none is lost."""

import base64
import contextlib
import email
import email.policy
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

from conformance import conformance
from harness import (BUILD, PATIENCE, Process, World, configuration, element, environment, equal, muengstend, partner,
                     route, wait_for)
from tap import Skip, run, test

OFFICE = "poststelle@amt.example"
GATEWAY = "gateway@muengsten.example"
RETRY = dict(first="300ms", longest="1s", give_up="10min", breaker="1000", breaker_time="1s")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def openssl(*words, **options):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, check=False, **options)
    if done.returncode:
        raise AssertionError(f"openssl {' '.join(map(str, words))}: {done.stderr.decode()}")
    return done.stdout


class Pair:
    """A certificate for mail, signed by itself, and its key."""

    def __init__(self, folder, name, address, kind="ec"):
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        key = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:3072"]}[kind]
        openssl("req", "-x509", "-nodes", "-newkey", *key, "-keyout", self.key, "-out", self.certificate,
                "-subj", f"/CN={name}", "-days", "100", "-addext", f"subjectAltName=email:{address}",
                "-addext", "extendedKeyUsage=emailProtection", "-addext",
                "keyUsage=critical,digitalSignature,keyAgreement" if kind == "ec" else
                "keyUsage=critical,digitalSignature,keyEncipherment")
        self.key.chmod(0o600)


class Postfix(Process):
    """A Postfix of its own: it listens on loopback, and puts what comes for the office into a Maildir."""

    def __init__(self, world):
        self.folder = world.folder / "postfix"
        self.mail = self.folder / "mail"
        # Besides the usual one: TLS from the first byte, no TLS at all, a login, and only short mails.
        self.port, self.tls_port, self.clear_port, self.login_port, self.tiny_port = (
            world.free_port() for _ in range(5))
        self.access = self.folder / "access"
        for folder in (self.folder, self.mail, self.folder / "queue", self.folder / "data"):
            folder.mkdir(mode=0o755)
        nobody = pwd.getpwnam("nobody")
        os.chown(self.mail, nobody.pw_uid, nobody.pw_gid)
        os.chown(self.folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
        programs = subprocess.run([shutil.which("postconf", path=PATH), "-h", "daemon_directory"],
                                  capture_output=True, text=True, check=True).stdout.strip()
        (self.folder / "main.cf").write_text("\n".join([
            "compatibility_level = 3.6", "myhostname = mail.amt.example", "mydestination =", "mynetworks =",
            "inet_interfaces = loopback-only", "inet_protocols = ipv4", "alias_maps =", "alias_database =",
            f"queue_directory = {self.folder}/queue", f"data_directory = {self.folder}/data",
            f"maillog_file = {self.folder}/maillog", f"maillog_file_prefixes = {self.folder}",
            f"smtpd_tls_cert_file = {world.pki.folder}/remscheid-registry-tls.pem",
            f"smtpd_tls_key_file = {world.pki.folder}/remscheid-registry-tls.key", "smtpd_tls_security_level = may",
            "virtual_mailbox_domains = amt.example", f"virtual_mailbox_base = {self.mail}",
            f"virtual_mailbox_maps = inline:{{{{{OFFICE} = office/}}}}",
            f"virtual_uid_maps = static:{nobody.pw_uid}", f"virtual_gid_maps = static:{nobody.pw_gid}",
            f"smtpd_recipient_restrictions = check_recipient_access texthash:{self.access},"
            " reject_unauth_destination", f"cyrus_sasl_config_path = {self.folder}/sasl", ""]), encoding="ascii")
        services = ["cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
                    "tlsmgr unix - - n 1000? 1 tlsmgr", "rewrite unix - - n - - trivial-rewrite",
                    "virtual unix - n n - - virtual", "postlog unix-dgram n - n - 1 postlogd",
                    *(f"{name} unix - - n - 0 bounce" for name in ("bounce", "defer", "trace")),
                    *(f"{name} unix - - n - - error" for name in ("error", "retry")),
                    "proxymap unix - - n - - proxymap", "anvil unix - - n - 1 anvil"]
        (self.folder / "master.cf").write_text("\n".join([
            f"127.0.0.1:{self.port} inet n - n - - smtpd",
            f"127.0.0.1:{self.tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes",
            f"127.0.0.1:{self.clear_port} inet n - n - - smtpd -o smtpd_tls_security_level=none",
            f"127.0.0.1:{self.login_port} inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes"
            " -o smtpd_tls_auth_only=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
            f"127.0.0.1:{self.tiny_port} inet n - n - - smtpd -o message_size_limit=2000",
            *services, ""]), encoding="ascii")
        super().__init__("postfix", world.folder, [f"{programs}/master", "-c", self.folder, "-d"],
                         start_new_session=True)

    def know(self, user, password):
        """Lets a user log in."""
        database = self.folder / "sasldb"
        subprocess.run([shutil.which("saslpasswd2", path=PATH), "-p", "-c", "-f", database, "-u",
                        "mail.amt.example", user], input=password.encode(), check=True)
        shutil.chown(database, "postfix")
        (self.folder / "sasl").mkdir(exist_ok=True)
        (self.folder / "sasl" / "smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {database}\n",
            encoding="ascii")

    def start(self, access=""):
        """access: what is said to whom, such as "a@b.example 450 later"."""
        self.access.write_text(access + "\n", encoding="ascii")
        subprocess.run([shutil.which("postfix", path=PATH), "-c", self.folder, "check"], check=True,
                       capture_output=True)
        self.launch()

        def listening():
            if not self.running():
                raise AssertionError(f"postfix ended at once: {self.log()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                return probe.recv(3) == b"220"
            return False

        wait_for(listening, "postfix listens", 20)
        return self

    def kill(self):
        """Ends Postfix with all of its processes."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()

    def change(self, access=""):
        self.kill()
        return self.start(access)

    def log(self):
        file = self.folder / "maillog"
        return super().log() + (file.read_text(encoding="utf-8", errors="replace") if file.exists() else "")

    def mails(self, identifier):
        """The mails that have come about a message, as they are."""
        found = [path.read_bytes() for path in self.mail.glob("office/new/*")]
        return [mail for mail in found if f"Message-ID: <{identifier}@".encode() in mail]


class Offices(World):
    """Wuppertal has a portal; several offices have nothing but mail, each with another temper."""

    def __enter__(self):
        if os.geteuid() != 0:
            raise Skip("only root can start Postfix")
        if not shutil.which("postconf", path=PATH):
            raise Skip("Postfix is not installed (postfix)")
        if not (BUILD / "adapters" / ".libs" / "smtp.so").exists():
            raise Skip("muengsten was built without the adapter smtp")
        self.folder.chmod(0o711)
        self.sent = set()
        self.office = Pair(self.folder, "office", OFFICE)
        self.rsa_office = Pair(self.folder, "rsa-office", OFFICE, "rsa")
        self.mailer = Pair(self.folder, "mailer", GATEWAY)
        self.rsa_mailer = Pair(self.folder, "rsa-mailer", GATEWAY, "rsa")
        self.silent = socket.create_server(("127.0.0.1", 0))
        self.postfix = Postfix(self)
        self.processes.append(self.postfix)
        self.postfix.start()
        self.certificate = self.folder / "office-certificate.pem"
        self.password = self.folder / "password"
        self.main = self.gateway(self.text())
        return self

    def text(self):
        """A gateway with a destination of each temper."""
        self.certificate.write_bytes(self.office.certificate.read_bytes())
        self.password.write_text("wrong\n", encoding="ascii")
        self.password.chmod(0o600)
        postfix, rsa = self.postfix, self.rsa_mailer
        tempers = {
            "usual": {"certificate": self.certificate},
            "rsa": {"port": postfix.tls_port, "security": "tls", "certificate": self.rsa_office.certificate,
                    "signing-certificate": rsa.certificate, "signing-key": rsa.key},
            "gcm": {"cipher": "aes-256-gcm"},
            "clear": {"port": postfix.clear_port},
            "loopback": {"port": postfix.clear_port, "security": "none", "authorities": None},
            "stranger": {"authorities": self.office.certificate},
            "login": {"port": postfix.login_port, "user": "gateway", "password-file": self.password},
            "tiny": {"port": postfix.tiny_port},
            "silent": {"port": self.silent.getsockname()[1], "step-timeout": 2},
        }
        return configuration(
            self, partners=[partner(self.pki, "wuppertal-portal")],
            destinations=[self.mail_to(name, **values) for name, values in tempers.items()],
            routes=[route(f"test:{name}", name) for name in tempers])

    def mail_to(self, name, **more):
        values = {"host": "localhost", "port": self.postfix.port, "security": None, "authorities": self.pki / "authorities.pem",
                  "from": GATEWAY, "to": OFFICE, "certificate": self.office.certificate,
                  "signing-certificate": self.mailer.certificate, "signing-key": self.mailer.key,
                  "hello": "gateway.example", "step-timeout": 10, **more}
        return element("destination", element("retry", **RETRY), name=name, adapter="smtp", **values)

    def send(self, name="usual"):
        """Hands in a message for a destination: its id, and the message."""
        message, text = self.signed("wuppertal", f"test:{name}")
        identifier = self.client("wuppertal-portal").post(text).expect(201).id
        self.sent.add(identifier)
        return identifier, message

    def mail(self, identifier, seconds=20.0):
        return wait_for(lambda: self.postfix.mails(identifier), f"a mail about {identifier}", seconds)[0]

    def opened(self, mail, office=None, signer=None):
        """What the office reads: decrypted with its key, the signature verified: the files, and the text."""
        office, signer = office or self.office, signer or self.mailer
        signed = openssl("cms", "-decrypt", "-inkey", office.key, "-recip", office.certificate, input=mail)
        content = openssl("cms", "-verify", "-CAfile", signer.certificate, "-purpose", "any", input=signed)
        parts = email.message_from_bytes(content, policy=email.policy.default)
        files = {part.get_filename(): part.get_payload(decode=True) for part in parts.iter_attachments()}
        return files, parts.get_body().get_content()


@test("the office gets a mail that only its key opens, signed by the gateway, with document and seal")
def delivered(world):
    identifier, message = world.send()
    files, text = world.opened(world.mail(identifier))
    equal(sorted(files), [f"{identifier}.seal.xml", f"{identifier}.xml"], "files")
    equal(files[f"{identifier}.xml"].decode(), message.text)
    assert f"cid:{identifier}@muengsten".encode() in files[f"{identifier}.seal.xml"]
    assert message.uuid in text and identifier in text and "Guten Tag" in text, text


@test("from outside the mail says nothing but from where, to whom, when, and the gateway's id")
def outside(world):
    identifier, message = world.send()
    mail = email.message_from_bytes(world.mail(identifier), policy=email.policy.default)
    ours = {name: value for name, value in mail.items()
            if name not in ("Received", "Return-Path", "Delivered-To", "X-Original-To")}
    equal(ours["Subject"], f"Elektronische Nachricht {identifier}")
    equal((ours["From"], ours["To"]), (GATEWAY, OFFICE))
    equal(ours["Message-ID"], f"<{identifier}@muengsten.example>")
    equal(ours["Auto-Submitted"], "auto-generated")
    equal(sorted(ours), sorted(["From", "To", "Date", "Message-ID", "Subject", "Auto-Submitted", "MIME-Version",
                                "Content-Type", "Content-Disposition", "Content-Transfer-Encoding"]), "fields")
    body = mail.get_payload(decode=True)
    for secret in (message.uuid, "Nachricht", "<?xml", "signed"):
        assert secret.encode() not in body, secret


@test("somebody else's key opens nothing, and a mail that is changed or signed by another is noticed")
def closed(world):
    identifier, _ = world.send()
    mail = world.mail(identifier)
    other = Pair(world.folder, "other", OFFICE)
    head, body = mail.replace(b"\r\n", b"\n").split(b"\n\n", 1)
    changed = bytearray(base64.b64decode(body))
    changed[len(changed) // 2] ^= 1
    for wrong, choices in ((mail, {"office": other}), (mail, {"signer": other}),
                           (head + b"\n\n" + base64.encodebytes(changed), {})):
        try:
            world.opened(wrong, **choices)
        except AssertionError:
            continue
        raise AssertionError(f"opened all the same with {choices}")


@test("RSA keys and TLS from the first byte do too: signed with PSS, encrypted with OAEP")
def rsa(world):
    identifier, message = world.send("rsa")
    mail = world.mail(identifier)
    files, _ = world.opened(mail, world.rsa_office, world.rsa_mailer)
    equal(files[f"{identifier}.xml"].decode(), message.text)
    structure = openssl("cms", "-cmsout", "-print", "-noout", input=mail).decode()
    assert "rsaesOaep" in structure and "aes-256-cbc" in structure, structure[:2000]
    signed = openssl("cms", "-decrypt", "-inkey", world.rsa_office.key, "-recip", world.rsa_office.certificate,
                     input=mail)
    assert "rsassaPss" in openssl("cms", "-cmsout", "-print", "-noout", input=signed).decode()


@test("where it is asked for, AES-GCM is used")
def gcm(world):
    identifier, message = world.send("gcm")
    mail = world.mail(identifier)
    assert b"smime-type=authEnveloped-data" in mail
    equal(world.opened(mail)[0][f"{identifier}.xml"].decode(), message.text)


@test("on loopback a mail may go out without TLS; it is encrypted all the same")
def loopback(world):
    identifier, message = world.send("loopback")
    equal(world.opened(world.mail(identifier))[0][f"{identifier}.xml"].decode(), message.text)


@test("a server that says 450 is asked again until it takes the mail, which comes once")
def later(world):
    world.postfix.change(f"{OFFICE} 450 4.7.1 later")
    identifier, _ = world.send()
    world.main.wait_for("delivery.postponed", message=identifier, code="smtp.450")
    world.postfix.change()
    world.mail(identifier)
    world.main.wait_for("delivery.delivered", message=identifier)
    equal(len(world.postfix.mails(identifier)), 1, "mails")


@test("a server that says 550 makes a dead letter at once, which the sender's report tells")
def refused(world):
    world.postfix.change(f"{OFFICE} 550 5.7.1 never")
    identifier, _ = world.send()
    world.main.wait_for("delivery.dead", message=identifier, destination="usual")
    report = world.client("wuppertal-portal").report(identifier).expect(200).body.decode()
    assert "smtp.550" in report and OFFICE not in report, report
    equal(world.main.lines("delivery.postponed", message=identifier), [], "attempts before")
    world.postfix.change()


@test("a mail that is too large for the server makes a dead letter")
def too_large(world):
    identifier, _ = world.send("tiny")
    line = world.main.wait_for("delivery.dead", message=identifier)
    assert "smtp.552" in world.client("wuppertal-portal").report(identifier).expect(200).body.decode(), line


@test("a server without TLS gets nothing")
def no_tls(world):
    identifier, _ = world.send("clear")
    world.main.wait_for("delivery.postponed", message=identifier, code="smtp.no-tls")
    world.main.wait_for("smtp.no-tls", instance="clear", level="error")
    equal(world.postfix.mails(identifier), [])


@test("a server whose certificate comes from somebody else gets nothing")
def stranger(world):
    identifier, _ = world.send("stranger")
    world.main.wait_for("delivery.postponed", message=identifier, code="smtp.tls")
    equal(world.postfix.mails(identifier), [])


@test("a wrong password is told and loses nothing; the right one in the file sends the mail")
def login(world):
    if not shutil.which("saslpasswd2", path=PATH):
        raise Skip("no users can be made (sasl2-bin)")
    world.postfix.know("gateway", "right password")
    world.postfix.change()
    identifier, _ = world.send("login")
    world.main.wait_for("delivery.postponed", message=identifier, code="smtp.login")
    world.password.write_text("right password\n", encoding="ascii")
    world.mail(identifier)
    assert "password" not in "".join(world.main.lines("smtp.login")), "the password is in the log"


@test("an expired certificate of the office is told as an error; the message waits for the renewed one")
def expired(world):
    pki = world.private_pki()
    name = pki.issue("solingen", "late", "--use", "tls", "--san", f"email:{OFFICE}", "--not-before", "10 days ago",
                     "--not-after", "1 day ago")
    world.certificate.write_bytes((pki / f"{name}-tls.pem").read_bytes())
    identifier, message = world.send()
    world.main.wait_for("delivery.postponed", message=identifier, code="smtp.recipient-expired")
    world.main.wait_for("smtp.recipient-expired", instance="usual", level="error")
    world.certificate.write_bytes(world.office.certificate.read_bytes())
    equal(world.opened(world.mail(identifier))[0][f"{identifier}.xml"].decode(), message.text)
    world.main.wait_for("instance.ready", instance="usual")


@test("nothing is encrypted to somebody else's certificate, nor to one that is not for mail")
def wrong_certificate(world):
    other = Pair(world.folder, "somebody", "somebody@else.example")
    not_for_mail = world.pki / "gateway-tls.pem"
    pki = world.private_pki()
    name = pki.issue("solingen", "web", "--use", "tls", "--san", f"email:{OFFICE}")
    for file, code in ((other.certificate, "smtp.recipient-address"), (not_for_mail, "smtp.recipient-address"),
                       (pki / f"{name}-tls.pem", "smtp.recipient-usage"), (world.password,
                                                                         "smtp.recipient-certificate")):
        world.certificate.write_bytes(file.read_bytes())
        identifier, _ = world.send()
        world.main.wait_for("delivery.postponed", message=identifier, code=code)
        equal(world.postfix.mails(identifier), [])
        world.certificate.write_bytes(world.office.certificate.read_bytes())
        world.mail(identifier)


@test("a server that says nothing is left in time, and holds up nobody else")
def silent(world):
    stuck, _ = world.send("silent")
    identifier, _ = world.send()
    world.mail(identifier)
    world.main.wait_for("delivery.postponed", message=stuck, code="smtp.timeout", seconds=20)


@test("a server that is killed again and again loses nothing, and what comes twice is known by its Message-ID")
def killed(world):
    sent = []
    for turn in range(5):
        sent += [world.send() for _ in range(6)]
        time.sleep(0.05 * turn)
        world.postfix.kill()
        time.sleep(0.2)
        world.postfix.start()
    for identifier, message in sent:
        world.mail(identifier, 60)
        world.main.wait_for("delivery.delivered", message=identifier, seconds=60)
        contents = {world.opened(mail)[0][f"{identifier}.xml"].decode() for mail in world.postfix.mails(identifier)}
        equal(contents, {message.text}, "contents")
    for path in world.postfix.mail.glob("office/new/*"):
        found = re.search(rb"^Message-ID: <(.*)@muengsten.example>", path.read_bytes(), re.MULTILINE)
        assert found and found[1].decode() in world.sent, "a mail that is not known by its Message-ID"


@test("a gateway that is killed in the middle sends every message")
def gateway_killed(world):
    sent = []
    for turn in range(3):
        sent += [world.send() for _ in range(6)]
        time.sleep(0.03 * turn)
        world.main.kill()
        world.clients.clear()
        world.main.start()
    for identifier, message in sent:
        mail = world.mail(identifier, 60)
        equal(world.opened(mail)[0][f"{identifier}.xml"].decode(), message.text)


@test("what would go out in clear, an address that is more than one, and a file that is no certificate are refused")
def bad_configuration(world):
    text = world.text()
    for old, new, words in (('host="localhost" port="%d" security="none"' % world.postfix.clear_port,
                             'host="mail.example" port="25" security="none"', "loopback only"),
                            ('security="tls"', 'security="perhaps"', "starttls, tls or none"),
                            (f'to="{OFFICE}"', 'to="office@a.example&#10;Bcc: b@b.example"', "plain addresses"),
                            (f'certificate="{world.certificate}"', f'certificate="{world.password}"',
                             "cannot be read"),
                            ('cipher="aes-256-gcm"', 'cipher="des"', "aes-256-cbc")):
        assert old in text, old
        bad = text.replace(old, new).replace('adapter="smtp"', 'adapter="smtp" isolation="none"')
        file = world.folder / "bad.xml"
        file.write_text(bad, encoding="utf-8")
        done = subprocess.run([muengstend(), "-c", file], capture_output=True, text=True, check=False,
                              timeout=30 * PATIENCE, env=environment())
        assert done.returncode != 0 and words in done.stdout + done.stderr, (words, done.stderr)


@test("in a process of its own, an instance with a bad parameter is down for that reason, and the others work")
def down(world):
    text = world.text().replace('cipher="aes-256-gcm"', 'cipher="des"').replace(
        f":{world.port}", f":{world.free_port()}")
    gateway = world.gateway(text, name="gateway-down")
    gateway.wait_for("instance.down", instance="gcm", code="smtp.parameter")
    _, signed = world.signed("wuppertal", "test:usual")
    identifier = world.client("wuppertal-portal", gateway.port).post(signed).expect(201).id
    world.mail(identifier)
    equal(gateway.stop(), 0, "status")


@test("the conformance suite finds nothing wrong")
def conforms(world):
    values = re.findall(r'([a-z-]+)="([^"]*)"', world.mail_to("kit").split(">")[0])
    values = {name: value for name, value in values if name not in ("name", "adapter")}
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        conformance("smtp", "destination", values, "--dead-set", f"port={dead.getsockname()[1]}",
                    "--hang-set", f"port={world.silent.getsockname()[1]}", "--wrong-set", "security=perhaps",
                    "--reject-set", f"port={world.postfix.tiny_port}")


@test("the gateway stops in good time though a server says nothing")
def stops(world):
    world.send("silent")
    start = time.monotonic()
    equal(world.main.stop(30), 0, "status")
    assert time.monotonic() - start < 25 * PATIENCE


if __name__ == "__main__":
    run(lambda: Offices("smtp"), limit=600)
