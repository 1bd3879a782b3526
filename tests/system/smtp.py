#!/usr/bin/env python3
"""smtp: messages as signed and encrypted mails through Postfix. Only the office reads them, and none is lost."""

import contextlib
import email
import email.policy
import os
import pwd
import shutil
import signal
import socket
import subprocess

from harness import BUILD, Process, World, configuration, element, equal, partner, wait_for
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
        self.port, self.tls_port = world.free_port(), world.free_port()
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
            " reject_unauth_destination", "message_size_limit = 2000000", ""]), encoding="ascii")
        services = ["cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
                    "tlsmgr unix - - n 1000? 1 tlsmgr", "rewrite unix - - n - - trivial-rewrite",
                    "virtual unix - n n - - virtual", "postlog unix-dgram n - n - 1 postlogd",
                    *(f"{name} unix - - n - 0 bounce" for name in ("bounce", "defer", "trace")),
                    *(f"{name} unix - - n - - error" for name in ("error", "retry")),
                    "proxymap unix - - n - - proxymap", "anvil unix - - n - 1 anvil"]
        (self.folder / "master.cf").write_text("\n".join([
            f"127.0.0.1:{self.port} inet n - n - - smtpd",
            f"127.0.0.1:{self.tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes",
            *services, ""]), encoding="ascii")
        super().__init__("postfix", world.folder, [f"{programs}/master", "-c", self.folder, "-d"],
                         start_new_session=True)

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
        self.office = Pair(self.folder, "office", OFFICE)
        self.rsa_office = Pair(self.folder, "rsa-office", OFFICE, "rsa")
        self.mailer = Pair(self.folder, "mailer", GATEWAY)
        self.rsa_mailer = Pair(self.folder, "rsa-mailer", GATEWAY, "rsa")
        self.postfix = Postfix(self)
        self.processes.append(self.postfix)
        self.postfix.start()
        self.main = self.gateway(configuration(
            self, partners=[partner(self.pki, "wuppertal-portal")], destinations=[self.mail_to("solingen")]))
        return self

    def mail_to(self, name, **more):
        values = {"host": "localhost", "port": self.postfix.port, "authorities": self.pki / "authorities.pem",
                  "from": GATEWAY, "to": OFFICE, "certificate": self.office.certificate,
                  "signing-certificate": self.mailer.certificate, "signing-key": self.mailer.key,
                  "hello": "gateway.example", "step-timeout": 10, **more}
        return element("destination", element("retry", **RETRY), name=name, adapter="smtp", **values)

    def send(self, reader="solingen"):
        message, text = self.signed("wuppertal", reader)
        return self.client("wuppertal-portal").post(text).expect(201).id, message

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
    mail = world.mail(identifier)
    files, text = world.opened(mail)
    equal(sorted(files), [f"{identifier}.seal.xml", f"{identifier}.xml"], "files")
    equal(files[f"{identifier}.xml"].decode(), message.text)
    assert f"cid:{identifier}@muengsten".encode() in files[f"{identifier}.seal.xml"]
    assert message.uuid in text and identifier in text, text


if __name__ == "__main__":
    run(lambda: Offices("smtp"))
