#!/usr/bin/env python3
"""handbook: docs/operations.md says what is so: its commands exist, its examples are valid, no alarm is missing."""

import json
import os
import re
import shlex
import shutil
import subprocess

from harness import BUILD, SOURCE, World, element, environment, equal, muengstend, muengstenctl, pki_command
from tap import Skip, run, test

# Programs that are there once the packages are, and what is said of systemd and Debian.
SEND = BUILD / "tools" / "muengsten-send"
OURS = {"muengstend", "muengstenctl", "muengsten-send"}
OTHERS = {"adduser", "apt-get", "cd", "chown", "cp", "install", "journalctl", "openssl", "runuser", "ssh", "systemctl",
          "systemd-sysusers", "systemd-tmpfiles"}


class Handbook(World):
    """The text, and what is in it."""

    def __enter__(self):
        self.text = (SOURCE / "docs" / "operations.md").read_text(encoding="utf-8")
        return self

    def blocks(self, language=""):
        """The texts of the blocks in that language, without their indent."""
        found, block = [], None
        for line in self.text.splitlines():
            fence = re.fullmatch(r" *```(\w*)", line)
            if fence and block is None:
                block = (fence[1], [])
            elif fence:
                found.append(block)
                block = None
            elif block:
                block[1].append(line.strip())
        return ["\n".join(lines) for name, lines in found if name == language]

    def commands(self):
        """What is to be typed: lines of blocks, and what stands in backquotes and begins with a program of ours."""
        blocks = [block.replace("\\\n", " ") for block in self.blocks()]
        lines = [line for block in blocks for line in block.splitlines() if line.strip()]
        prose = re.sub(r"^ *```.*?^ *```$", "", self.text, flags=re.MULTILINE | re.DOTALL).replace("\n", " ")
        inside = [words for words in re.findall(r"`([^`]+)`", prose) if " " in words]
        return lines + [words for words in inside if words.split()[0] in {*OURS, *OTHERS}]

    def section(self, title):
        return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", self.text, re.MULTILINE | re.DOTALL)[1]

    def alarms(self):
        return re.findall(r"^\| `([a-z.-]+)` \|", self.section("Alarms"), re.MULTILINE)


@test("every command of the handbook begins with a program that there is")
def programs(handbook):
    known = {line.split()[0] for line in handbook.commands()}
    assert {"muengstenctl", "systemctl", "journalctl"} <= known, known
    equal(sorted(known - OURS - OTHERS - {"/usr/share/muengsten/pki", "./configure"}), [], "unknown programs")


@test("every command of muengstenctl that the handbook names is one, with these options")
def control(handbook):
    said = subprocess.run([muengstenctl(), "--help"], capture_output=True, text=True, check=True,
                          env={**environment(), "LC_ALL": "C.UTF-8"}).stdout
    manual = (SOURCE / "docs" / "muengstenctl.1").read_text(encoding="utf-8").replace("\\-", "-")
    words = [shlex.split(line)[1:] for line in handbook.commands() if line.startswith("muengstenctl ")]
    assert len(words) > 10, words
    for line in words:
        assert re.search(rf"^\s*{line[0]}\b", said, re.MULTILINE), f"muengstenctl has no command {line[0]}"
        for option in (word for word in line if word.startswith("--")):
            assert option in manual, f"the manual of muengstenctl does not know {option}"


def enumerations(schema):
    """Every list of words in a JSON schema."""
    if isinstance(schema, dict):
        yield from [schema["enum"]] if isinstance(schema.get("enum"), list) else []
        schema = list(schema.values())
    if isinstance(schema, list):
        for inside in schema:
            yield from enumerations(inside)


@test("every health code of the gateway, and every one of the alert rules, has a row among the alarms; each row is one")
def alarms(handbook):
    schema = json.loads((SOURCE / "schemas" / "status.schema.json").read_text(encoding="utf-8"))
    codes = next(found for found in enumerations(schema) if "reload.refused" in found)
    source = "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "gateway" / "operate").glob("*.c"))
    equal([code for code in codes if f'"{code}"' not in source], [], "codes that the gateway never says")
    rules = (SOURCE / "etc" / "prometheus" / "muengsten.rules.yml").read_text(encoding="utf-8")
    labels = re.findall(r"\bcode: ([a-z.-]+)", rules)
    equal(len(labels), rules.count("- alert:"), "rules that have a code")
    equal(sorted(handbook.alarms()), sorted({*codes, *labels}), "the alarms")


# What fills an error or answers with one, up to its code.
FAILURE = re.compile(r'(?:mg_fail\(\s*[^,"]+,|mg_ask_problem(?:_with)?\([^;"]*?,\s*\d+,|answer_problem\([^;"]*?,\s*\d+,)'
                     r'\s*"([a-z0-9-]+(?:\.[a-z0-9-]+)+)"')


@test("every code with which gateway and adapters fail is explained in errors.md")
def explained(_):
    named = set(re.findall(r"`([a-z0-9.-]+)`", (SOURCE / "docs" / "errors.md").read_text(encoding="utf-8")))
    codes = {code for folder in ("gateway", "adapters") for path in (SOURCE / folder).rglob("*.c")
             for code in FAILURE.findall(path.read_text(encoding="utf-8"))}
    assert len(codes) > 100, codes
    equal(sorted(codes - named), [], "codes that are not explained")


@test("each table of errors.md has its codes in order")
def in_order(_):
    text = (SOURCE / "docs" / "errors.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\| `.*\n)+", text, re.MULTILINE)
    assert len(tables) > 10, len(tables)
    for table in tables:
        codes = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
        equal(codes, sorted(codes), "codes")


@test("every link into the handbook's own sections leads to one")
def links(handbook):
    titles = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
              for title in re.findall(r"^#+ (.*)$", handbook.text, re.MULTILINE)}
    for target in re.findall(r"\]\(#([^)]+)\)", handbook.text):
        assert target in titles, f"no section #{target}"


@test("every event and code that the handbook names is one of the gateway's")
def events(handbook):
    sources = [path for folder in ("gateway", "adapters") for path in (SOURCE / folder).rglob("*.c")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(re.findall(r"`(?:event=)?([a-z]+(?:\.[a-z-]+)+)`", handbook.text))
    named -= {"muengstend.socket", *handbook.alarms()}
    assert {"gateway.not-started", "identity.not-announced", "seal.changed"} <= named, named
    equal(sorted(name for name in named if f'"{name}"' not in text), [], "what nobody says")


def make_sample(handbook):
    """What the handbook makes of the sample, with keys and folders here."""
    if (handbook.folder / "pki").exists():
        return handbook.folder / "muengsten.xml"
    pki_command("init", handbook.folder / "pki")
    text = (SOURCE / "etc" / "muengsten.xml").read_text(encoding="utf-8")
    block = next(block for block in handbook.blocks("xml") if "<store " in block)
    for written in block.splitlines():
        # Groups and folders of the house are not here.
        written = re.sub(r' (operators|viewers)="[^"]*"', "", written)
        written = written.replace("/var/lib/muengsten", str(handbook.folder))
        name = re.match(r"<(\w+) ", written)[1]
        text, count = re.subn(rf"<{name} [^>]*/>", written, text)
        equal(count, 1, f"how often the sample says <{name}>")
    for name in ("inbox", "outbox"):
        (handbook.folder / name / "solingen").mkdir(parents=True)
    file = handbook.folder / "muengsten.xml"
    file.write_text(text.replace("</gateway>", element("adapters", folder=BUILD / "adapters" / ".libs") + "</gateway>"),
                    encoding="utf-8")
    return file


@test("the configuration that the handbook makes of the sample is in order")
def sample(handbook):
    done = subprocess.run([muengstend(), "-t", "-c", make_sample(handbook)], capture_output=True, text=True, check=False,
                          env=environment())
    equal(done.returncode, 0, done.stderr)


@test("the message that the handbook lets send is accepted")
def sent(handbook):
    port, text = handbook.free_port(), make_sample(handbook).read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:9980", f"127.0.0.1:{handbook.free_port()}")
    text = text.replace("127.0.0.1:8443", f"127.0.0.1:{port}").replace("/run/muengsten", str(handbook.folder))
    text = text.replace('"pki/', f'"{handbook.folder}/pki/').replace('"schemas/', f'"{SOURCE}/schemas/')
    gateway = handbook.gateway(re.sub(r'"((in|out)box/)', rf'"{handbook.folder}/\1', text))
    line, = (line for line in handbook.commands() if line.startswith("muengsten-send "))
    words = [word.replace("localhost:8443", f"localhost:{port}").replace("/usr/share/muengsten", str(SOURCE))
             for word in shlex.split(line)]
    done = subprocess.run([SEND, *words[1:]], cwd=handbook.folder / "pki", capture_output=True, text=True, check=False,
                          env=environment())
    gateway.stop()
    assert "accepted" in done.stdout and "receipt verified" in done.stdout, done.stdout + done.stderr


@test("the seal announcement of the handbook is one that the configuration's schema takes")
def announcement(handbook):
    if not shutil.which("xmllint"):
        raise Skip("xmllint is not installed")
    block = next(block for block in handbook.blocks("xml") if "<next-seal" in block)
    identity = block.replace("<identity …", '<identity tls-certificate="a" tls-key="b"')
    text = re.sub(r"<identity .*?/>", identity.strip(), (SOURCE / "etc" / "muengsten.xml").read_text(encoding="utf-8"),
                  flags=re.DOTALL)
    assert "<next-seal" in text
    schema = SOURCE / "schemas" / "muengsten-config.xsd"
    done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", schema, "-"], input=text,
                          capture_output=True, text=True, check=False, cwd=os.sep)
    equal(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    run(lambda: Handbook("handbook"))
