#!/usr/bin/env python3
"""verify: muengstenctl judges offline what a real gateway has sealed and signed, and says what does not match."""

import datetime
import hashlib
import json
import re
import shutil
import subprocess
import time

from harness import World, configuration, destination, environment, equal, folder_destination, muengstenctl, wait_for
from tap import Skip, run, test

SEALS = {"apart": "detached", "inside": "enveloped"}


class Sealed(World):
    """A gateway with messages in every form that it gives them, and what was refused by a city."""

    def __enter__(self):
        self.pki = self.private_pki()
        self.city_system = self.city("city", certificate="remscheid-registry")
        self.refusing = self.city("refusing", "--refuse", "422", certificate="solingen-registry")
        folders = {name: self.folder / name for name in SEALS}
        self.main = self.gateway(configuration(
            self,
            destinations=[*(folder_destination(name, folder, seal=SEALS[name]) for name, folder in folders.items()),
                          destination("body", self.city_system), destination("refusing", self.refusing)],
            routes=[f'<route reader="test:{name}" to="{name}"/>' for name in (*SEALS, "body", "refusing")]))
        self.ids = {name: self.send(name) for name in (*SEALS, "body", "refusing")}
        for name in SEALS:
            wait_for((folders[name] / f"{self.ids[name]}.xml").exists, f"{name} is there")
        self.city_system.wait_for(id=self.ids["body"])
        return self

    def send(self, name):
        answer = self.client().post(self.signed("wuppertal", f"test:{name}")[1]).expect(201)
        (self.folder / f"{name}.receipt.xml").write_bytes(answer.body)
        return answer.id

    def file(self, name, ending=".xml"):
        return self.folder / name / f"{self.ids[name]}{ending}"

    def verify(self, file, *options, status=0, language="C", authorities=True):
        """The verdict as JSON, or in sentences if a language is named."""
        command = [muengstenctl(), "verify", str(file), *map(str, options)]
        if authorities:
            command += ["--authorities", str(self.pki / "authorities.pem")]
        if language == "C":
            command.append("--json")
        done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8",
                              env=dict(environment(), LC_ALL=language))
        if done.returncode != status:
            raise AssertionError(f"status {done.returncode} instead of {status}: {done.stdout}{done.stderr}")
        if language != "C" or status == 2 and not done.stdout:
            return done.stdout + done.stderr
        return json.loads(done.stdout)

    def altered(self, name, old, new, ending=".xml"):
        """A copy of the message's files with something changed in one of them."""
        folder = self.folder / "altered"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in self.file(name).parent.glob(f"{self.ids[name]}*"):
            shutil.copy(file, folder)
        file = folder / f"{self.ids[name]}{ending}"
        text = file.read_text(encoding="utf-8")
        assert old in text, f"no {old} in {file}"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder / f"{self.ids[name]}.xml"


def failed(verdict):
    return [(check["check"], check["code"]) for check in verdict["checks"] if check["result"] == "failed"]


@test("a seal inside and a seal beside its document are valid, and say who, when and what")
def both_forms(world):
    for name, form in SEALS.items():
        verdict = world.verify(world.file(name), "--certificate", world.pki / "gateway-seal.pem",
                               "--revocation", world.pki / "revocation.pem")
        equal((verdict["result"], verdict["kind"], verdict["form"]), ("valid", "seal", form))
        equal(verdict["message"], world.ids[name])
        equal(verdict["gateway"], "gateway.muengsten.example")
        equal((verdict["partner"], verdict["way"], verdict["profile"]), ("wuppertal-portal", "submission", "service"))
        equal(verdict["sender_signature"], "valid")
        assert "CN=portal.wuppertal.example signing" in verdict["sender"], verdict["sender"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", verdict["time"]), verdict["time"]
        equal({check["check"]: check["result"] for check in verdict["checks"]},
              dict.fromkeys(("signature", "certificate", "revocation", "signer"), "passed"))
    content = world.file("apart").read_bytes()
    equal(world.verify(world.file("apart"))["digest"], hashlib.sha256(content).hexdigest())


@test("a seal is verified from either of the two files, and with the document named")
def either_file(world):
    equal(world.verify(world.file("apart", ".seal.xml"))["result"], "valid")
    apart = world.folder / "elsewhere.xml"
    shutil.copy(world.file("apart", ".seal.xml"), apart)
    assert "--content" in world.verify(apart, status=2), "it says what is missing"
    equal(world.verify(apart, "--content", world.file("apart"))["result"], "valid")


@test("a body of several parts is verified as it was sent, with its header lines or without")
def body(world):
    identifier = world.ids["body"]
    files = sorted(world.city_system.folder.rglob(f"*{identifier}*"))
    content = [file for file in files if file.name == f"{identifier}.xml"][0].read_bytes()
    seal = [file for file in files if "seal" in file.name][0].read_bytes()
    between = f"muengsten-{identifier}".encode()
    parts = b"".join(b"--%s\r\nContent-Type: application/xml\r\nContent-ID: <%s>\r\n\r\n%s\r\n"
                     % (between, name, text) for name, text in ((b"document", content), (b"seal", seal)))
    whole = parts + b"--%s--\r\n" % between
    file = world.folder / "body"
    head = (b'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="%s"; start="<document>"\r\n\r\n'
            % between)
    for bytes_ in (whole, head + whole):
        file.write_bytes(bytes_)
        verdict = world.verify(file)
        equal((verdict["result"], verdict["form"], verdict["message"]), ("valid", "multipart", identifier))
    file.write_bytes(whole.replace(b"test:body", b"test:bodi", 1))
    equal(failed(world.verify(file, status=1)), [("signature", "signature.content-changed")])


@test("whatever is changed in a document, a seal or a receipt is found")
def changed(world):
    for name in SEALS:
        file = world.altered(name, f"test:{name}", "test:other")
        equal(failed(world.verify(file, status=1)), [("signature", "signature.content-changed")])
    for old, new in (("<ms:Partner>wuppertal-portal<", "<ms:Partner>somebody-else<"),
                     ("Z</ms:Received>", "1Z</ms:Received>")):
        file = world.altered("apart", old, new, ".seal.xml")
        equal(failed(world.verify(file, status=1)), [("signature", "signature.content-changed")])
    value = re.search(r"<ds:SignatureValue>(.)", world.file("apart", ".seal.xml").read_text(encoding="utf-8"))[1]
    file = world.altered("apart", f"<ds:SignatureValue>{value}",
                         "<ds:SignatureValue>" + ("A" if value != "A" else "B"), ".seal.xml")
    equal(failed(world.verify(file, status=1)), [("signature", "signature.value")])
    other = world.altered("inside", "urn:uuid:", "urn:uuid:")
    shutil.copy(world.file("apart", ".seal.xml"), other.parent / "mixed.seal.xml")
    text = other.read_text(encoding="utf-8")
    (other.parent / "mixed.xml").write_text(re.sub("<ds:Signature .*</ds:Signature>", "", text, flags=re.DOTALL),
                                            encoding="utf-8")
    equal(failed(world.verify(other.parent / "mixed.xml", status=1)), [("signature", "signature.content-changed")])
    receipt = world.folder / "inside.receipt.xml"
    (world.folder / "changed.xml").write_text(
        receipt.read_text(encoding="utf-8").replace("<xta:Status>0<", "<xta:Status>1<"), encoding="utf-8")
    equal(failed(world.verify(world.folder / "changed.xml", status=1)), [("signature", "signature.content-changed")])


@test("a receipt is valid, and belongs to its document and to no other")
def receipts(world):
    verdict = world.verify(world.folder / "apart.receipt.xml", "--content", world.file("apart"))
    equal((verdict["result"], verdict["kind"], verdict["message"]), ("valid", "receipt", world.ids["apart"]))
    equal(verdict["state"], "underway")
    equal([record["code"] for record in verdict["records"]], ["accepted"])
    verdict = world.verify(world.folder / "apart.receipt.xml", "--content", world.file("inside"), status=1)
    equal(failed(verdict), [("content", "verify.other-content")])


@test("the report on a dead letter is valid, and says where the message has not arrived and why")
def dead_letter(world):
    def report():
        answer = world.client().report(world.ids["refusing"]).expect(200)
        return answer.body if b">dead<" in answer.body else None

    file = world.folder / "report.xml"
    file.write_bytes(wait_for(report, "the report on the dead letter"))
    verdict = world.verify(file)
    equal((verdict["result"], verdict["state"]), ("valid", "failed"))
    errors = [record for record in verdict["records"] if record["level"] == "error"]
    assert errors and "refusing" in errors[-1]["reason"], verdict["records"]
    text = world.verify(file, language="en_GB.UTF-8")
    assert "has not arrived everywhere" in text and "refusing" in text, text


@test("whose certificate nobody vouches for is unclear; another one, or another authority's, is not valid")
def whose(world):
    verdict = world.verify(world.file("inside"), authorities=False, status=2)
    equal((verdict["result"], [check["result"] for check in verdict["checks"]]), ("unclear", ["passed", "unclear"]))
    equal(world.verify(world.file("inside"), "--certificate", world.pki / "gateway-seal.pem",
                       authorities=False)["result"], "valid")
    verdict = world.verify(world.file("inside"), "--certificate", world.pki / "wuppertal-portal-signing.pem", status=1)
    equal(failed(verdict), [("signer", "verify.other-certificate")])
    foreign = world.folder / "foreign.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", "/dev/null", "-subj", "/CN=foreign", "-out", str(foreign)],
                   check=True, capture_output=True)
    verdict = world.verify(world.file("inside"), "--authorities", foreign, authorities=False, status=1)
    equal(failed(verdict), [("certificate", "certificate.untrusted")])


@test("a certificate counts as of the moment of the seal: that it has expired since does no harm")
def moments(world):
    if not shutil.which("faketime"):
        raise Skip("faketime is not installed")
    later = (datetime.date.today() + datetime.timedelta(days=20 * 365)).isoformat()
    command = ["faketime", later, muengstenctl(), "verify", str(world.file("inside")), "--json", "--authorities",
               str(world.pki / "authorities.pem")]
    # AddressSanitizer wants to be the first library, and need not be for this one.
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=dict(environment(), ASAN_OPTIONS="verify_asan_link_order=0"))
    equal((done.returncode, json.loads(done.stdout)["result"]), (0, "valid"))


@test("a certificate that was revoked after the seal is told, and left to people to judge")
def revoked(world):
    sealed = datetime.datetime.fromisoformat(world.verify(world.file("inside"))["time"].replace("Z", "+00:00"))
    # Revocation lists count in whole seconds.
    wait_for(lambda: time.time() > sealed.timestamp() + 1, "the second of the seal is over")
    world.pki.revoke("gateway-seal")
    verdict = world.verify(world.file("inside"), "--revocation", world.pki / "revocation.pem", status=2)
    equal([check["code"] for check in verdict["checks"] if check["result"] == "unclear"], ["revoked-later"])


@test("documents that only their sender has signed are verified too, unsigned ones are unclear")
def others(world):
    file = world.folder / "signed.xml"
    file.write_text(world.signed("wuppertal", "remscheid")[1], encoding="utf-8")
    verdict = world.verify(file, "--certificate", world.pki / "wuppertal-portal-signing.pem")
    equal((verdict["result"], verdict["kind"]), ("valid", "signature"))
    file.write_text("<nothing/>", encoding="utf-8")
    equal(world.verify(file, status=2)["kind"], "nothing")
    for content in (b"", b"\x00\xff", b"--", b"--x\r\n", b"Content-Type: multipart/related\r\n\r\n", b"<a>" * 1000):
        file.write_bytes(content)
        assert "muengstenctl: " in world.verify(file, status=2), content
    assert "absent.xml" in world.verify(world.folder / "absent.xml", status=2)


@test("people read sentences in their language, and nothing that plays tricks on their terminal")
def sentences(world):
    english = world.verify(world.file("inside"), language="en_GB.UTF-8")
    assert english.startswith("VALID: ") and "What was signed is unchanged" in english, english
    german = world.verify(world.file("inside"), language="de_DE.UTF-8")
    assert german.startswith("GÜLTIG: ") and "eingereicht von" in german, german
    hostile = world.altered("apart", "<ms:Way>submission<", "<ms:Way>\u202e\u009b31m&#x9;<", ".seal.xml")
    text = world.verify(hostile, status=1, language="en_GB.UTF-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), ascii(text)


if __name__ == "__main__":
    run(lambda: Sealed("verify"))
