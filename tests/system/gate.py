"""gate: the world of the tests of refusals: one gateway with the standard limits, and a PKI with every kind of
bad certificate."""

import subprocess

import messages
from harness import World, configuration, destination, element, equal, partner
from signing import envelop

PORTAL = "wuppertal-portal"
BAD_SIGNERS = ("wuppertal-late", "wuppertal-former", "wuppertal-weak")


class Gate(World):
    """Wuppertal's portal sends to Remscheid; whatever else is tried must not get in."""

    def __init__(self, name):
        super().__init__(name)
        self.pki = self.private_pki()
        issue = self.pki.issue
        self.stranger = issue("wuppertal", "stranger")
        self.expired = issue("wuppertal", "expired", "--not-before", "2024-01-01",
                             "--not-after", "2024-02-01")
        self.revoked = "wuppertal-revoked"
        self.badly_signing()
        self.unknown = self.self_signed()

    def badly_signing(self):
        """Systems whose connection is good, so that only their way to sign is what is refused."""
        past = ("--not-before", "2024-01-01", "--not-after", "2024-02-01")
        for system, options in (("late", past), ("former", ()), ("weak", ("--algorithm", "rsa1024"))):
            self.pki.issue("wuppertal", system, "--use", "tls")
            self.pki.issue("wuppertal", system, "--use", "signing", *options)
        self.pki.revoke("wuppertal-former-signing")

    def self_signed(self):
        """Certificates with the names of the portal's, made by nobody we know."""
        for use in ("tls", "signing"):
            base = self.folder / f"unknown-{use}"
            name = "/" + subject(self.pki / f"{PORTAL}-{use}.pem").replace(",", "/")
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", name, "-days", "2", "-keyout", f"{base}.key", "-out", f"{base}.pem",
                 "-addext", "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=clientAuth"],
                check=True, capture_output=True)
        return self.folder / "unknown"

    def __enter__(self):
        self.remscheid = self.city("remscheid")
        limited = element("permission", author="ags:05120000", type="service:0101", reader="ags:*")
        bad = [partner(self.pki, name, **{"signing-certificate": None, "signing-subject": subject(
            self.pki / f"{name}-signing.pem"), "issuer": self.pki / "authority" / "wuppertal" / "ca.pem"})
            for name in BAD_SIGNERS]
        self.main = self.gateway(configuration(
            self, destinations=[destination("remscheid", self.remscheid)],
            partners=[partner(self.pki, PORTAL),
                      partner(self.pki, "remscheid-planning", permission=limited), *bad]))
        _, text = self.signed("wuppertal", "remscheid")
        self.good = self.client().post(text).expect(201)
        self.remember()
        return self

    def remember(self):
        """What the store holds now is what it must hold after every refusal."""
        self.before = self.main.settled()

    def unharmed(self):
        """The gateway runs, serves, and has stored nothing."""
        self.main.check_running()
        self.client().report(self.good.id).expect(200)
        equal(self.main.holdings(), self.before, "what the store holds")

    def refuse(self, body, status, code, *more, system=PORTAL, **fields):
        """A system hands in a body and is refused; returns the problem that it is told."""
        answer = self.client(system).post(body, *more, **fields).expect(status, code)
        equal(answer.problem["status"], status, "status in the body")
        assert answer.problem["detail"] and answer.problem["title"]
        self.unharmed()
        return answer.problem


def subject(path):
    """The subject of a certificate as RFC 2253 writes it."""
    text = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253"],
                          check=True, capture_output=True, text=True).stdout
    return text.partition("=")[2].strip()


def fresh(reader="remscheid", **choices):
    """A new message of the portal's, without signature."""
    return messages.message("wuppertal", reader, **choices)


def honest(world, message=None):
    """A message as the portal signs it."""
    return envelop((message or fresh()).text, world.signer(PORTAL))
