#!/usr/bin/env python3
"""kit: muengsten-adapter-check finds good adapters good, and says of bad ones what is bad."""

import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from harness import BUILD, PATIENCE, SOURCE, environment, equal
from tap import Skip, run, say, test

CHECK = SOURCE / "tools" / "adapter-kit" / "muengsten-adapter-check"
sys.path.append(str(CHECK.parent))
from adapter_kit import disk  # the check's own way to fill a disk

# What the procedure does that the example in Python serves.
JOB = 'cp "$DOCUMENT" "$MUENGSTEN_FOLDER/$NAME.xml" && echo "TYPE=0101" >"$MUENGSTEN_FOLDER/$NAME.job"'


class Kit:
    """What a run of the check needs."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="muengsten-kit-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def check_logs(self):
        """Nothing runs longer than its test."""

    def show_logs(self):
        """What was printed stands in the failure."""

    def check(self, *words, status=0):
        """Runs the check; gives the sentences that failed, and those that were skipped."""
        done = subprocess.run([sys.executable, CHECK, "--tap", *map(str, words)], text=True,
                              env={**environment(), "builddir": str(BUILD)}, capture_output=True, check=False,
                              timeout=250 * PATIENCE)
        said = done.stdout + done.stderr
        if status is not None:
            equal(done.returncode, status, f"the exit status\n{said}")
        results = re.findall(r"^(not ok|ok) \d+ - (.*?)(?: # SKIP (.*))?$", done.stdout, re.MULTILINE)
        assert status == 2 or f"1..{len(results)}" in done.stdout, said
        return ({sentence for result, sentence, _ in results if result == "not ok"},
                {sentence for _, sentence, reason in results if reason}, said)


def passes(kit, *words):
    failed, skipped, said = kit.check(*words)
    equal(failed, set(), said)
    return skipped


@test("the example in Python passes")
def python_example(kit):
    if not shutil.which("python3"):
        raise Skip("there is no python3 for its first line")
    skipped = passes(kit, SOURCE / "examples" / "jobfile", "--bring", JOB, "--wrong-set", "folder=/nowhere/at/all")
    assert "survives a full disk" not in skipped, skipped
    passes(kit, SOURCE / "examples" / "jobfile", "--role", "destination", "--only", "never take",
           "--reject-set", "largest=1")


@test("the example in Java passes, and leaves out only what is not for it")
def java_example(kit):
    if not shutil.which("java"):
        raise Skip("there is no java")
    skipped = passes(kit, SOURCE / "examples" / "soapdesk", "--patience", 6 * PATIENCE)
    assert not [sentence for sentence in skipped if "status" in sentence or "dead" in sentence], skipped


@test("each example in a language that needs no compiler is shorter than 150 lines")
def short(_):
    for name in ("jobfile", "soapdesk"):
        lines = (SOURCE / "examples" / name).read_text(encoding="utf-8").count("\n")
        assert lines < 150, f"{name} has {lines} lines"


@test("the example in C passes, with programs that refuse, come back later and hang")
def c_example(kit):
    folder = pathlib.Path(kit.folder)
    done = subprocess.run([*shlex.split(os.environ.get("CC") or "cc"), "-std=gnu11", "-Wall", "-Wextra", "-Wpedantic",
                           "-Wshadow", "-Wconversion", "-Werror", "-fPIC", "-shared", f"-I{SOURCE}/include", "-o",
                           folder / "command.so", SOURCE / "examples" / "command.c"],
                          capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"what the compiler says\n{done.stderr}")
    # The last hangs for as long as there is somebody to wait for it: the suite kills its host, not it.
    programs = {"good": "cat >/dev/null", "no": "exit 1", "later": "exit 75",
                "hangs": "while kill -0 $PPID; do sleep 0.2; done"}
    for name, line in programs.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\n{line}\n", encoding="ascii")
        program.chmod(0o755)
    skipped = passes(kit, *shared("folder")[:2], folder / "command.so", "--set", f"program={folder}/good",
                     "--reject-set", f"program={folder}/no", "--dead-set", f"program={folder}/later",
                     "--hang-set", f"program={folder}/hangs", "--wrong-set", "program=/etc/passwd",
                     "--cycles", "300")
    assert not [sentence for sentence in skipped if "never take" in sentence or "dead" in sentence], skipped


def shared(name):
    """Options and path for an adapter of the gateway's own."""
    host, path = BUILD / "tools" / "muengsten-adapter-host", BUILD / "adapters" / ".libs" / f"{name}.so"
    if not host.exists() or not path.exists():
        raise Skip(f"{path.name} or the host of adapters was not built")
    if re.search(rb"__[at]san_init", host.read_bytes()):
        raise Skip("sanitizers keep memory that would count as a leak")
    return ["--host", host, path]


@test("the adapter folder passes through the host of adapters, on a full disk too")
def folder_adapter(kit):
    skipped = passes(kit, *shared("folder"), "--cycles", "300")
    assert "survives a full disk" not in skipped, skipped


@test("the adapter rest passes through the host of adapters, with every way in which a call can end")
def rest_adapter(kit):
    skipped = passes(kit, *shared("rest"), "--cycles", "300")
    assert not [sentence for sentence in skipped if "status" in sentence or "dead" in sentence], skipped


@test("the adapter mailbox passes through the host of adapters")
def mailbox_adapter(kit):
    passes(kit, *shared("mailbox"), "--cycles", "300")


@test("valgrind finds nothing in the adapters folder and rest")
def valgrind(kit):
    if not shutil.which("valgrind"):
        raise Skip("valgrind is not installed")
    for name in ("folder", "rest"):
        skipped = passes(kit, *shared(name), "--valgrind", "--only", "valgrind")
        equal(skipped, set(), "what is left out")


# What is said of an adapter with that fault: the very sentences that fail, and no other.
CLEAN = "writes nothing but frames to its stream"
FORM = "sends the frames that the protocol knows, in their form"
SECRET = "keeps the content of messages out of log and errors"
CANCEL = "completes a cancelled delivery soon"
KILLED = "hands in again what the gateway had not answered when it was killed"
FAULTS = {
    "talks-first": {CLEAN},
    "prints": {CLEAN},
    "dies-in-a-frame": {CLEAN},
    "lies-about-length": {FORM},
    "works-after-close": {FORM},
    "lets-fields-in": {FORM},
    "speaks-for-the-gateway": {FORM},
    "done-twice": {"completes each delivery once, and only once"},
    "dies-at-cancel": {"goes on running until it is told to end"},
    "quotes": {SECRET},
    "quotes-to-stderr": {SECRET},
    "slow": {"says hello within ten seconds"},
    "touches": {"says hello without any side effect"},
    "misnamed": {"describes itself in full"},
    "describes-nothing": {"describes its parameters so that the gateway can check them"},
    "stays": {"ends by itself when only hello was asked of it",
              "ends by itself when the stream ends while an instance is open",
              "ends when the stream breaks off in the middle of a frame",
              "ends when the stream ends in the middle of a delivery"},
    "any-protocol": {"exits when it is offered no protocol that it speaks"},
    "strict": {"ignores members that it does not know"},
    "opens-blindly": {"refuses to open without a parameter that it requires"},
    "leaks-descriptors": {"leaves no descriptor open when it closes"},
    "leaks-memory": {"leaves no memory behind when it closes"},
    "leaks-descriptors-of-deliveries": {"leaves no descriptor open after a delivery"},
    "leaks-memory-of-deliveries": {"leaves no memory behind after a delivery"},
    "one-at-a-time": {"takes sixteen deliveries at once"},
    "believes-in-names": {"takes what others have written for what it is: hostile"},
    "never-cancels": {CANCEL},
    "blocks": {CANCEL, "keeps to the deadline of a delivery"},
    "all-permanent": {CANCEL, "keeps to the deadline of a delivery", "tells a dead system as temporary",
                      "tells from the status of HTTP what is temporary",
                      "hands on how long its system asks to wait"},
    "all-temporary": {"tells from the status of HTTP what is permanent"},
    "forgets-to-wait": {"hands on how long its system asks to wait"},
    "believes-half-answers": {"tells a dead system as temporary"},
    "ignores-the-disk": {"survives a full disk"},
    "litters": {"survives a full disk"},
    "deaf": {"answers a ping"},
    "brings-again": {"does not hand in again what was accepted", "takes a repetition as accepted"},
    "gives-up": {"hands in again what was refused for now"},
    "insists": {"does not hand in again what was refused for good"},
    "forgets-early": {"hands in again what was refused for now", KILLED, "closes while the gateway has not answered"},
}
SOURCES = ("brings-again", "gives-up", "insists", "forgets-early")


def judged(kit, fault):
    """What fails of an adapter with that fault."""
    place = pathlib.Path(kit.folder) / fault
    if not place.exists():
        place.symlink_to(SOURCE / "tests" / "system" / "peers" / "faulty-adapter")
    role = "source" if fault in SOURCES else "destination"
    return kit.check(place, "--role", role, "--grace", 1.5 * PATIENCE, "--cycles", "200", status=None)


@test("an adapter without a fault passes in both roles, and little is left out")
def faultless(kit):
    place = pathlib.Path(kit.folder) / "faultless"
    place.symlink_to(SOURCE / "tests" / "system" / "peers" / "faulty-adapter")
    skipped = passes(kit, place, "--cycles", "200")
    equal(skipped, {"refuses to open with values that it cannot use", "makes no mistake that valgrind sees",
                    "tells what its system will never take as permanent"}, "what is left out")


@test("each of many faults makes exactly the sentences fail that are meant for it")
def faults(kit):
    wrong, judgeable = [], list(FAULTS)
    if disk.wrapping(kit.folder) is None:
        say("no disk can be filled here, so what litters on one is not seen")
        judgeable.remove("litters")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for fault, (failed, _, said) in zip(judgeable, pool.map(lambda fault: judged(kit, fault), judgeable)):
            if failed != FAULTS[fault]:
                wrong.append(f"{fault}: {sorted(failed)} instead of {sorted(FAULTS[fault])}\n{said}")
    assert not wrong, "\n".join(wrong)


def new(kit, *words, status=0):
    """Runs muengsten-adapter-new in the folder of the tests; what it said."""
    done = subprocess.run([sys.executable, CHECK.with_name("muengsten-adapter-new"), *words], cwd=kit.folder,
                          env=environment(), text=True, capture_output=True, check=False)
    equal(done.returncode, status, f"the exit status of {words}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def package(kit):
    """A folder with the package description that make install would write for this tree."""
    folder = pathlib.Path(kit.folder) / "pkgconfig"
    folder.mkdir(exist_ok=True)
    text = (SOURCE / "muengsten-adapter.pc.in").read_text(encoding="utf-8")
    text = re.sub("@includedir@", str(SOURCE / "include"), text)
    (folder / "muengsten-adapter.pc").write_text(re.sub("@[A-Za-z_]*@", "/nowhere", text), encoding="utf-8")
    return folder


def skeleton(kit, language, role, *needed):
    """Writes a skeleton, builds it and runs its own test, as its README says."""
    for program in needed:
        if not shutil.which(program):
            raise Skip(f"there is no {program}")
    name = f"{language}-{role}"
    new(kit, name, "--lang", language, f"--{role}")
    flags = f"--cycles 200 --patience {6 * PATIENCE:g}"
    done = subprocess.run(["make", "-C", f"{kit.folder}/{name}", "test", f"CHECK={sys.executable} {CHECK}",
                           f"CHECKFLAGS={flags}"],
                          env={**environment(), "PKG_CONFIG_PATH": str(package(kit)), "MAKEFLAGS": "",
                               "MUENGSTEN_ADAPTER_HOST": str(BUILD / "tools" / "muengsten-adapter-host")},
                          text=True, capture_output=True, check=False, timeout=250 * PATIENCE)
    assert done.returncode == 0 and " 0 fail" in done.stdout, done.stdout + done.stderr
    assert "warning" not in done.stderr, done.stderr


@test("the skeletons in Python work as they are, and pass their own tests")
def python_skeletons(kit):
    for role in ("source", "destination", "both"):
        skeleton(kit, "python", role, "make", "python3")


@test("the skeletons in C are built without a warning, and pass their own tests")
def c_skeletons(kit):
    shared("folder")
    for role in ("source", "destination", "both"):
        skeleton(kit, "c", role, "make", "cc", "pkg-config")


@test("the skeletons in Java are built without a warning, and pass their own tests")
def java_skeletons(kit):
    for role in ("source", "destination", "both"):
        skeleton(kit, "java", role, "make", "java", "javac", "jar")


@test("make install of a skeleton puts it where muengsten is, and nowhere where that is not known")
def skeleton_installed(kit):
    for program in ("make", "pkg-config"):
        if not shutil.which(program):
            raise Skip(f"there is no {program}")
    new(kit, "placed", "--lang", "python")
    empty, stage = pathlib.Path(kit.folder) / "empty", pathlib.Path(kit.folder) / "stage"
    empty.mkdir()
    for packages, status in ((empty, 2), (package(kit), 0)):
        done = subprocess.run(["make", "-C", f"{kit.folder}/placed", "install", f"DESTDIR={stage}"],
                              env={**environment(), "PKG_CONFIG_LIBDIR": str(packages), "PKG_CONFIG_PATH": "",
                                   "MAKEFLAGS": ""},
                              text=True, capture_output=True, check=False, timeout=60 * PATIENCE)
        equal(done.returncode, status, f"the exit status: {done.stdout}{done.stderr}")
        equal(stage.exists(), status == 0, f"whether something was installed: {done.stdout}")
        assert status == 0 or "install muengsten" in done.stderr, done.stderr


@test("muengsten-adapter-new overwrites nothing, and refuses names that no adapter may have")
def bad_names(kit):
    taken = pathlib.Path(kit.folder) / "taken"
    taken.mkdir()
    (taken / "notes").write_text("mine", encoding="ascii")
    assert "nothing is overwritten" in new(kit, "taken", "--lang", "c", status=2)
    equal([path.name for path in taken.iterdir()], ["notes"], "what is in the folder")
    for name in ("Town", "-x", "../x", "a b", "x" * 41, "", "rest", "ä", "x/y", "x.so", "x-"):
        before = sorted(os.listdir(kit.folder))
        new(kit, "--lang", "c", "--", name, status=2)
        equal(sorted(os.listdir(kit.folder)), before, f"what is there after {name!r}")


@test("a missing program and a missing parameter are no findings, but the caller's to mend")
def unusable(kit):
    said = kit.check(f"{kit.folder}/nothing", status=2)[2]
    assert "there is no" in said, said
    said = kit.check(SOURCE / "examples/jobfile", "--set", "foldre=/tmp", status=2)[2]
    assert "no parameter foldre; it has folder, largest, interval" in said, said
    said = kit.check(SOURCE / "examples/jobfile", "--only", "sings", status=2)[2]
    assert "no sentence contains 'sings'" in said, said


@test("an adapter that takes no large messages is asked for another limit, not blamed for the full disk")
def small_only(kit):
    words = (SOURCE / "examples/jobfile", "--role", "destination", "--only", "full disk")
    equal(passes(kit, *words), set(), "what is skipped with the usual limit")
    small = pathlib.Path(kit.folder) / "small" / "jobfile"
    small.parent.mkdir()
    text = (SOURCE / "examples/jobfile").read_text(encoding="utf-8")
    small.write_text(text.replace("* 1024 * 1024", "* 1024"), encoding="utf-8")
    small.chmod(0o755)
    equal(passes(kit, small, *words[1:]), {"survives a full disk"}, "what is skipped with a small one")


@test("the check stops quietly when nobody reads what it prints any more")
def unread(_):
    done = subprocess.run(["bash", "-c", '"$@" | head -n 1', "head", sys.executable, CHECK, SOURCE / "examples/jobfile",
                           "--role", "destination", "--cycles", "10"],
                          text=True, env=environment(), capture_output=True, check=False, timeout=250 * PATIENCE)
    assert "says hello" in done.stdout and not done.stderr, done.stdout + done.stderr


if __name__ == "__main__":
    run(Kit, limit=900)
