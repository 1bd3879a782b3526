"""tap: runs functions as tests and reports each as a line of the Test Anything Protocol.

A test is a function under @test("the sentence that it proves"). It gets the world that the program was
set up with, fails by any exception, and is skipped by raising Skip("reason").
"""

import signal
import sys
import time
import traceback

_tests = []


class Skip(Exception):
    """What a test needs is not there; the reason is shown."""


def test(sentence):
    """Marks a function as a test. The order in the file is the order in which tests run."""

    def register(function):
        _tests.append((sentence, function))
        return function

    return register


def say(text):
    """Prints a diagnostic, which is no result."""
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def run(setup, limit=300):
    """Runs every test with the context that setup() gives; ends the program. limit: seconds for all."""

    def too_long(*_):
        raise TimeoutError(f"the tests took longer than {limit} seconds")

    def stop(*_):
        sys.exit(1)

    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGTERM, stop)
    signal.alarm(limit)
    failed = 0
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    tests = [(sentence, function) for sentence, function in _tests if wanted in sentence]
    tests.append(("no program has crashed, and no sanitizer has found anything", lambda w: w.check_logs()))
    print(f"1..{len(tests)}", flush=True)
    world = None
    try:
        world = setup()
        with world:
            for number, (sentence, function) in enumerate(tests, 1):
                if not _run_one(number, sentence, function, world):
                    failed += 1
                    world.show_logs()
    except Skip as reason:
        for number, (sentence, _) in enumerate(tests, 1):
            print(f"ok {number} - {sentence} # SKIP {reason}", flush=True)
    except Exception:  # the world itself broke: nothing was proven
        say(traceback.format_exc())
        if world:
            world.show_logs()
        print("Bail out! the tests could not be set up, or took too long", flush=True)
        failed += 1
    sys.exit(1 if failed else 0)


def _run_one(number, sentence, function, world):
    start = time.monotonic()
    try:
        function(world)
    except Skip as reason:
        print(f"ok {number} - {sentence} # SKIP {reason}", flush=True)
        return True
    except TimeoutError:
        print(f"not ok {number} - {sentence}", flush=True)
        raise
    except Exception:
        print(f"not ok {number} - {sentence}", flush=True)
        say(traceback.format_exc())
        return False
    print(f"ok {number} - {sentence}", flush=True)
    seconds = time.monotonic() - start
    if seconds > 5:
        say(f"took {seconds:.1f} s")
    return True
