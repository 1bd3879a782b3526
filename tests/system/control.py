#!/usr/bin/env python3
"""control: muengstenctl shows what is true, does what it is told, and ends with a status that scripts can use."""

import grp
import json
import os
import pwd
import re
import shutil
import sqlite3
import subprocess

import messages
import signing
from harness import (PATIENCE, World, configuration, destination, element, environment, equal, folder_destination,
                     muengstenctl, partner, wait_for)
from tap import Skip, run, test

PORTAL = "wuppertal-portal"
# Groups that every Debian has and nobody is in.
OPERATORS, VIEWERS = "adm", "games"
UNKNOWN = "018f3b1c-9d2a-7c44-8f00-0123456789ab"
ESCAPES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What turns a terminal's colours, cursor or direction of writing, or has no shape.
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")


class Controlled(World):
    """A gateway with a control socket, a city system that takes, one that refuses, and a folder."""

    def __enter__(self):
        os.chmod(self.folder, 0o711)
        # Other users may not be able to reach the build tree.
        self.program = self.folder / "muengstenctl"
        shutil.copy(muengstenctl(), self.program)
        os.chmod(self.program, 0o755)
        self.city_system = self.city("city", certificate="remscheid-registry")
        self.refusing = self.city("refusing", "--refuse", "422", certificate="solingen-registry")
        self.socket = self.folder / "control"
        self.main = self.gateway(self.text())
        return self

    def text(self, *extra, **attributes):
        return configuration(
            self, partners=[partner(self.pki, PORTAL)],
            destinations=[destination("main", self.city_system, **attributes), destination("refusing", self.refusing),
                          folder_destination("shelf", self.folder / "shelf")],
            routes=[f'<route reader="test:{name}" to="{name}"/>' for name in ("main", "refusing", "shelf")]
            + ['<route reader="test:both" to="main shelf"/>'],
            extra=element("control", socket=self.socket, operators=OPERATORS, viewers=VIEWERS) + "".join(extra))

    def send(self, name="main"):
        message, text = self.signed("wuppertal", f"test:{name}")
        identifier = self.client().post(text).expect(201).id
        return identifier, message.uuid

    def control(self, *words, status=0, language="C.UTF-8", socket=None, apart=False, **options):
        """What the command says, on both streams, with the expected status."""
        values = dict(environment(), LC_ALL=language, MUENGSTEN_CONTROL=str(socket or self.socket), TERM="xterm")
        values.pop("NO_COLOR", None)
        done = subprocess.run([str(self.program), *map(str, words)], capture_output=True, check=False, env=values,
                              timeout=60 * PATIENCE, **options)
        text = done.stdout.decode() + done.stderr.decode()
        if done.returncode != status:
            raise AssertionError(f"{words}: status {done.returncode} instead of {status}: {text}")
        assert not ESCAPES.search(text) or "--colour" in words, ascii(text)
        return done.stdout.decode() if apart else text

    def json(self, *words, **options):
        return json.loads(self.control(*words, "--json", apart=True, **options))

    def as_user(self, group, *words, status=0):
        if os.geteuid() != 0:
            raise Skip("only root can be other users")
        return self.control(*words, status=status, user=pwd.getpwnam("nobody").pw_uid,
                            group=grp.getgrnam(group).gr_gid, extra_groups=[], cwd="/")

    def state(self, identifier, name=None):
        deliveries = self.json("trace", identifier)["deliveries"]
        return [one["state"] for one in deliveries if name in (None, one["destination"])][0]

    def wait_for_state(self, identifier, state, name=None):
        wait_for(lambda: self.state(identifier, name) == state, f"{identifier} is {state}")

    def journal(self, **wanted):
        """The lines of the audit trail that have these members, once there is one."""
        def look():
            lines = [entry["line"] for entry in self.json("audit", "show", "--limit", "1000")["entries"]]
            return [line for line in lines if all(line.get(name) == value for name, value in wanted.items())]

        return wait_for(look, f"an entry with {wanted}")


@test("status, destinations, routes, certs and whoami show what the gateway says, in columns and as JSON")
def looks(world):
    identifier, _ = world.send()
    world.wait_for_state(identifier, "delivered")
    status = world.json("status")
    equal([one["name"] for one in world.json("destinations")], [one["name"] for one in status["destinations"]])
    equal(len(world.json("routes")), 4)
    equal(world.json("whoami")["role"], "operator")
    text = world.control("status")
    assert text.startswith("gateway.muengsten.example: ") and "main" in text and "DESTINATION" in text, text
    lines = world.control("destinations").splitlines()
    column = lines[0].index("STATE")
    equal({line[column:].split()[0] for line in lines[1:]}, {"ready"})
    assert "test:both" in world.control("routes")
    certificates = world.json("certs")
    lines = world.control("certs").splitlines()
    days = [int(line.split()[0]) for line in lines[1:len(certificates) + 1]]
    equal(days, sorted(days), "certificates by days left")
    assert any("tls" in line for line in lines) and "operator" in world.control("whoami")


@test("messages are found by every fact, page by page, and traced from beginning to end")
def finding(world):
    identifier, uuid = world.send("both")
    world.wait_for_state(identifier, "delivered", "main")
    world.wait_for_state(identifier, "delivered", "shelf")
    for option, value in (("--uuid", uuid), ("--id", identifier), ("--reader", "test:both"),
                          ("--destination", "shelf")):
        found = world.json("messages", option, value)["messages"]
        equal([one["id"] for one in found], [identifier], option)
        assert identifier in world.control("messages", option, value)
    for _ in range(5):
        world.send()
    page = world.json("messages", "--limit", "2")
    equal(len(page["messages"]), 2)
    assert page["cursor"] and page["cursor"] in world.control("messages", "--limit", "2")
    more = world.json("messages", "--limit", "2", "--cursor", page["cursor"])
    assert not {one["id"] for one in more["messages"]} & {one["id"] for one in page["messages"]}
    everything = world.json("messages", "--limit", "2", "--all")
    equal((len(everything["messages"]) >= 7, everything["cursor"]), (True, None))
    text = world.control("trace", identifier)
    for word in (uuid, "wuppertal-portal", "submission", "signature", "delivered", "shelf", "accepted"):
        assert word in text, f"no {word} in {text}"
    world.control("trace", UNKNOWN, status=1)
    world.control("trace", "nonsense", status=2)
    assert "state" in world.control("messages", "--state", "nonsense", status=2)


@test("dead letters are listed with their reason, moved, retried and cancelled; the audit trail says who and why")
def mending(world):
    first, second, third = (world.send("refusing")[0] for _ in range(3))
    for identifier in (first, second, third):
        world.wait_for_state(identifier, "dead")
    text = world.control("dead", "refusing")
    assert all(one in text for one in (first, second, third)) and "422" in text, text
    equal(world.control("dead", "main").count("\n"), 1, "lines, the heading alone")
    assert "--why" in world.control("retry", first, status=2)
    world.control("move", first, "shelf", "--why", "another way")
    world.wait_for_state(first, "delivered", "shelf")
    equal(world.state(first, "refusing"), "cancelled")
    world.refusing.change()
    world.control("retry", second, "--why", "they mended it")
    world.wait_for_state(second, "delivered")
    world.control("retry", "--all", "--destination", "refusing", "--why", "the others too")
    world.wait_for_state(third, "delivered")
    equal(world.journal(act="retry", message=second)[-1]["why"], "they mended it")
    world.control("retry", second, "--why", "once more", status=1)
    world.control("retry", UNKNOWN, "--why", "nothing", status=1)
    assert "--destination" in world.control("cancel", world.send("both")[0], "--why", "unclear", status=2)


@test("a destination is paused and goes on; what waits meanwhile can be cancelled")
def pausing(world):
    world.control("pause", "main", "--why", "works on the line")
    assert "works on the line" in world.control("destinations")
    first, _ = world.send()
    second, _ = world.send()
    world.wait_for_state(first, "waiting")
    world.control("cancel", first, "--why", "sent by mistake")
    equal(world.state(first), "cancelled")
    world.control("resume", "main", "--why", "works again")
    world.wait_for_state(second, "delivered")
    equal(world.state(first), "cancelled")
    world.control("pause", "absent", "--why", "typo", status=1)


@test("reload waits for its end, and tells every mistake with file and line")
def reloading(world):
    assert "In force" in world.control("reload", "--why", "nothing new")
    good = world.main.config_file.read_text(encoding="utf-8")
    world.main.config_file.write_text(good.replace('to="main"', 'to="absent"'), encoding="utf-8")
    text = world.control("reload", "--why", "a mistake", status=1)
    assert re.search(r"muengsten\.xml:\d+: ", text) and "absent" in text, text
    assert world.json("reload", "--why", "a mistake", status=1)["problems"]
    world.main.config_file.write_text(good, encoding="utf-8")
    world.control("reload", "--why", "mended")


@test("without a control socket, reload asks by a signal if it is told whom")
def signalled(world):
    before = len(world.main.lines("gateway.reloaded"))
    nowhere = world.folder / "nowhere"
    world.control("reload", "--why", "no socket", socket=nowhere, status=3)
    text = world.control("reload", "--why", "no socket", "--signal", world.main.pid, socket=nowhere)
    assert "SIGHUP" in text, text
    wait_for(lambda: len(world.main.lines("gateway.reloaded")) > before, "the reload")


@test("what is stored of a message is told, and erased with a reason")
def erasing(world):
    identifier, _ = world.send()
    world.wait_for_state(identifier, "delivered")
    kinds = {part["kind"] for part in world.json("stored", identifier)["parts"]}
    assert {"content", "original", "receipt"} <= kinds, kinds
    assert "content" in world.control("stored", identifier)
    world.control("erase", identifier, status=2)
    world.control("erase", identifier, "--why", "asked for by the person")
    remains = world.json("stored", identifier)
    equal((remains["message"], remains["parts"]), (False, []))
    equal(world.journal(act="erase", message=identifier)[-1]["why"], "asked for by the person")
    text = world.control("trace", identifier, status=1)
    assert "asked for by the person" in text and "accepted" in text, "what the audit trail knows"


@test("the audit trail is shown and proven whole; one changed letter is found")
def auditing(world):
    world.control("audit", "show", "--limit", "5")
    equal(len(world.json("audit", "show", "--limit", "5")["entries"]), 5)
    store = world.main.folder / "store"
    report = world.json("audit", "verify", "--config", world.main.config_file)
    equal((report["whole"], report["wrong"]), (True, None))
    assert report["entries"] > 10
    assert "WHOLE" in world.control("audit", "verify", "--store", store)
    copy = world.folder / "copy"
    copy.mkdir()
    for file in store.glob("store.db*"):
        shutil.copy(file, copy)
    with sqlite3.connect(copy / "store.db") as connection:
        connection.execute("UPDATE journal SET line = replace(line, 'by the person', 'by a person')")
    assert "NOT WHOLE" in world.control("audit", "verify", "--store", copy, status=1)
    equal(world.json("audit", "verify", "--store", copy, status=1)["wrong"]["code"], "audit.changed")
    equal(len(world.json("audit", "show", "--store", copy, "--limit", "3")["entries"]), 3)
    world.control("audit", "verify", "--store", world.folder / "absent", status=2)
    world.control("audit", "nonsense", status=2)


@test("a viewer looks and may not act; a stranger may nothing; the statuses say so")
def rights(world):
    identifier, _ = world.send()
    assert '"viewer"' in world.as_user(VIEWERS, "whoami", "--json")
    world.as_user(VIEWERS, "status")
    world.as_user(VIEWERS, "messages")
    for words in (("retry", identifier), ("pause", "main"), ("reload",), ("erase", identifier)):
        text = world.as_user(VIEWERS, *words, "--why", "to try", status=4)
        assert "access.role" in text, text
    world.as_user(VIEWERS, "audit", "show", status=4)
    world.as_user(VIEWERS, "backup", "/dev/shm/muengsten-not-written", "--why", "to try", status=4)
    assert not os.path.exists("/dev/shm/muengsten-not-written")
    assert world.journal(act="denied", by="nobody")
    world.as_user("nogroup", "status", status=4)
    equal(json.loads(world.as_user(OPERATORS, "whoami", "--json"))["role"], "operator")
    text = world.as_user(OPERATORS, "backup", "/dev/shm/muengsten-not-written", "--why", "contents", status=4)
    assert "access.contents" in text, text
    equal(world.journal(act="denied", by="nobody", code="access.contents")[-1]["what"], "POST /backup")
    world.as_user(OPERATORS, "reload", "--why", "to try")
    equal(world.journal(act="reload", by="nobody")[-1]["why"], "to try")


@test("mistakes in the command line are told with status 2, help and version with 0")
def mistakes(world):
    for words in ((), ("nonsense",), ("status", "more"), ("trace",), ("status", "--why", "x"), ("status", "--nonsense"),
                  ("messages", "--limit"), ("--colour", "pink", "status"), ("top", "--interval", "0"), ("restore", "x"),
                  ("verify",), ("retry", "--why", "x")):
        assert "muengstenctl: " in world.control(*words, status=2), words
    for words in (("--help",), ("status", "--help"), ("--version",)):
        assert "muengstenctl" in world.control(*words)


@test("German is spoken where the locale is German, and programs read the same in both")
def german(world):
    assert "ZIEL" in world.control("status", language="de_DE.UTF-8")
    assert "Aufruf" in world.control("--help", language="de_AT.UTF-8")
    assert "Befehl" in world.control("nonsense", language="de_DE.UTF-8", status=2)
    for words in (("routes",), ("whoami",), ("messages", "--limit", "1")):
        equal(world.json(*words, language="de_DE.UTF-8"), world.json(*words))


@test("on a German screen, states, problems, checks, events and certificates have the page's words")
def german_words(world):
    def speak(*words, **options):
        return world.control(*words, language="de_DE.UTF-8", **options)

    world.refusing.change("--refuse", "422")
    dead, _ = world.send("refusing")
    world.wait_for_state(dead, "dead")
    world.control("pause", "shelf", "--why", "to be seen")
    try:
        text = speak("status")
        for sentence in ("Das Ziel shelf ist angehalten.", "Am Ziel refusing sind Nachrichten gescheitert."):
            assert re.search(rf"^Hinweis .*{re.escape(sentence)} ", text, re.M), text
        assert ": Hinweise, Laufzeit " in text, text
        assert re.search("^shelf +angehalten ", text, re.M) and re.search("^main +bereit ", text, re.M), text
        states = dict(re.findall(r"^test:(\w+) +\* +(\S+)", speak("routes"), re.M))
        equal((states["main"], states["both"]), ("läuft", "eingeschränkt"))
    finally:
        world.control("resume", "shelf", "--why", "seen")
    assert re.search(f"{dead} +gescheitert ", speak("messages", "--id", dead))
    assert "Die Zustellung wurde aufgegeben. dead: " in speak("dead", "refusing")
    world.city_system.change("--fail", "503:1")
    late, _ = world.send()
    world.wait_for_state(late, "delivered")
    world.city_system.change()
    text = speak("trace", dead) + speak("trace", late)
    for word in ("Signatur +bestanden", "Leitweg +bestanden", "Angenommen ", "Zustellversuch +main .* http.503: ",
                 "Das Ziel antwortete mit 503", "Zugestellt +main", "Aufgegeben +refusing"):
        assert re.search(word, text), f"no {word} in {text}"
    assert re.search("Siegel des Gateways", speak("certs")) and "Betrieb" in speak("whoami")
    assert "Eine Nachricht mit dieser Kennung ist nicht gespeichert." in speak("trace", UNKNOWN, status=1)
    for words in (("trace", dead), ("dead",), ("certs",), ("destinations",)):
        german, english = (world.json(*words, language=language) for language in ("de_DE.UTF-8", "C.UTF-8"))
        if words != ("destinations",):
            equal(german, english, words)
        equal({str(key) for one in german for key in one}, {str(key) for one in english for key in one})
    equal({one["state"] for one in world.json("destinations", language="de_DE.UTF-8")}, {"ready"})


@test("JSON holds what a hostile message says, and none of the characters that could steer the terminal it is read on")
def escaped(world):
    hostile = "Amt\x7f\x85\x9b31m\u202e\u2066\u2069\u200e\u200f\u061c\U000e0041 Köln 😀"
    plain = messages.message("wuppertal", "test:main")
    text, count = re.subn("(<g2g:autor>.*?<behoerde:name>)[^<]*", lambda found: found[1] + hostile, plain.text,
                          count=1, flags=re.DOTALL)
    equal(count, 1)
    identifier = world.client().post(signing.envelop(text, world.signer(PORTAL))).expect(201).id
    said = world.control("trace", identifier, "--json", apart=True)
    equal(json.loads(said)["author_name"], hostile)
    assert "\\u009b31m\\u202e\\u2066" in said and "Köln 😀" in said, said
    equal([one for one in said if STEERING.match(one)], [])
    # As one object a line, too.
    world.control("pause", "shelf", "--why", "Amt \x9b31m\u202e")
    try:
        process = subprocess.Popen([str(world.program), "top", "--json"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                   env=dict(environment(), MUENGSTEN_CONTROL=str(world.socket)))
        line = process.stdout.readline().decode()
        process.terminate()
        equal(process.wait(20 * PATIENCE), 0)
        process.stdout.close()
        paused = next(one for one in json.loads(line)["destinations"] if one["name"] == "shelf")
        equal(paused["paused_by"]["why"], "Amt \x9b31m\u202e")
        equal([one for one in line if STEERING.match(one)], [])
    finally:
        world.control("resume", "shelf", "--why", "seen")


@test("colours come where they are wanted, and no control character out of a message")
def colours(world):
    assert "\x1b[" in world.control("status", "--colour", "always")
    assert "\x1b[" not in world.control("status")
    # A search for hostile text is refused by the gateway, and shown as text.
    text = world.control("messages", "--state", "\x1b[31m\u202ex", status=2)
    assert "\u202e" not in text


def tmux(world, *words):
    return subprocess.run(["tmux", "-S", str(world.folder / "tmux"), *map(str, words)], capture_output=True, text=True,
                          check=False, env=dict(environment(), LC_ALL="C.UTF-8", TERM="xterm-256color")).stdout


@test("top is live in a terminal, fits into it, and q gives the terminal back as it was")
def top(world):
    if not shutil.which("tmux"):
        raise Skip("tmux is not installed")
    tmux(world, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "20", "sh")
    try:
        tmux(world, "send-keys", f"MUENGSTEN_CONTROL={world.socket} {world.program} top --interval 1; echo ended $?",
             "Enter")
        screen = wait_for(lambda: [text for text in [tmux(world, "capture-pane", "-p")] if "DESTINATION" in text],
                          "a picture", 20)[0]
        assert "gateway.muengsten.example: " in screen and "refusing" in screen, screen
        equal(max(map(len, screen.splitlines())) <= 100, True)
        world.control("pause", "shelf", "--why", "to be seen")
        wait_for(lambda: "to be seen" in tmux(world, "capture-pane", "-p"), "the next picture shows it", 20)
        tmux(world, "resize-window", "-x", "60", "-y", "12")
        wait_for(lambda: "every 1 s" in tmux(world, "capture-pane", "-p"), "it fits into a smaller terminal", 20)
        world.control("resume", "shelf", "--why", "seen")
        tmux(world, "send-keys", "q")
        wait_for(lambda: "ended 0" in tmux(world, "capture-pane", "-p"), "the end", 20)
        assert "DESTINATION" not in tmux(world, "capture-pane", "-p")
    finally:
        tmux(world, "kill-server")
    world.control("top", status=2)


@test("top as JSON is one object a line until it is stopped")
def top_json(world):
    process = subprocess.Popen([str(world.program), "top", "--json", "--interval", "1"], stdout=subprocess.PIPE,
                               env=dict(environment(), MUENGSTEN_CONTROL=str(world.socket)), stdin=subprocess.DEVNULL)
    try:
        for _ in range(2):
            equal(json.loads(process.stdout.readline())["name"], "gateway.muengsten.example")
        process.terminate()
        equal(process.wait(20 * PATIENCE), 0)
    finally:
        process.kill()


@test("bash completes commands, options, destinations and ids of messages")
def completion(world):
    if not shutil.which("bash"):
        raise Skip("bash is not installed")
    identifier, _ = world.send("shelf")
    script = os.path.join(os.environ.get("srcdir", os.path.join(os.path.dirname(__file__), "..", "..")),
                          "completions", "muengstenctl")

    def complete(*words):
        line = " ".join(words)
        text = f"""source {script}
            PATH={world.folder}:$PATH
            COMP_WORDS=({' '.join(f"'{word}'" for word in words)}); COMP_CWORD={len(words) - 1}
            COMP_LINE='{line}'; COMP_POINT={len(line)}
            _muengstenctl; printf '%s\\n' "${{COMPREPLY[@]}}" """
        done = subprocess.run(["bash", "--norc", "-c", text], capture_output=True, text=True, check=True,
                              env=dict(environment(), MUENGSTEN_CONTROL=str(world.socket)))
        equal(done.stderr, "")
        return done.stdout.split()

    equal(complete("muengstenctl", "des"), ["destinations"])
    equal(complete("muengstenctl", "pause", "ma"), ["main"])
    equal(complete("muengstenctl", "trace", identifier[:30]), [identifier])
    assert "--why" in complete("muengstenctl", "retry", "--")
    assert "--why" not in complete("muengstenctl", "status", "--")
    equal(complete("muengstenctl", "audit", "ver"), ["verify"])
    equal(complete("muengstenctl", "messages", "--state", "de"), ["delivered", "dead"])


@test("no gateway: status 3, also if it ends in the middle of an answer")
def unreachable(world):
    world.control("status", socket=world.folder / "nowhere", status=3)
    world.main.stop()
    for words in (("status",), ("messages",), ("retry", UNKNOWN, "--why", "x"), ("reload", "--why", "x")):
        assert "control.unreachable" in world.control(*words, status=3), words
    assert "Kein Gateway" in world.control("status", language="de_DE.UTF-8", status=3)


if __name__ == "__main__":
    run(lambda: Controlled("control"))
