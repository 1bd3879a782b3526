"""check: the command muengsten-adapter-check."""

import argparse
import os
import sys

from . import checks_start, checks_out, checks_long, checks_in
from .report import Report
from .suite import Suite, Unusable

# Judged in the order in which they were imported.
CHAPTERS = (checks_start, checks_out, checks_long, checks_in)


def pair(text):
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def options(words):
    parser = argparse.ArgumentParser(
        prog="muengsten-adapter-check", allow_abbrev=False,
        description="Plays the gateway's part with an adapter, and says in plain words what it does wrong.",
        epilog="The exit status is 0 if every sentence holds, 1 if one fails, 2 if nothing could be tried.")
    parser.add_argument("path", metavar="PATH", help="the adapter: an executable file, or a shared object")
    parser.add_argument("--set", metavar="NAME=VALUE", type=pair, action="append", default=[],
                        help="a parameter to open it with")
    parser.add_argument("--role", choices=("source", "destination"), help="check this role only")
    parser.add_argument("--wrong-set", dest="wrong", metavar="NAME=VALUE", type=pair, action="append", default=[],
                        help="a value that it has to refuse to open with")
    parser.add_argument("--bring", metavar="COMMAND",
                        help="a command of the shell that lets a message come to a source")
    parser.add_argument("--dead-set", dest="dead", metavar="NAME=VALUE", type=pair, action="append", default=[],
                        help="a value with which its system cannot be reached")
    parser.add_argument("--hang-set", dest="hang", metavar="NAME=VALUE", type=pair, action="append", default=[],
                        help="a value with which its system never answers")
    parser.add_argument("--reject-set", dest="reject", metavar="NAME=VALUE", type=pair, action="append", default=[],
                        help="a value with which its system will never take a message")
    parser.add_argument("--cycles", metavar="NUMBER", type=int, default=1000,
                        help="how often to open, close and deliver (1000)")
    parser.add_argument("--grace", metavar="SECONDS", type=float, default=10,
                        help="how long a cancel, a ping and the end of the stream may take (10)")
    parser.add_argument("--patience", metavar="FACTOR", type=float,
                        default=float(os.environ.get("MUENGSTEN_PATIENCE", "1")),
                        help="stretches every other time, for slow machines (1)")
    parser.add_argument("--only", metavar="WORDS", help="judge only sentences with these words")
    parser.add_argument("--host", metavar="PROGRAM", help="the muengsten-adapter-host that loads shared objects")
    parser.add_argument("--valgrind", action="store_true", help="run a shared object under valgrind")
    parser.add_argument("--tap", action="store_true", help="print the Test Anything Protocol")
    return parser.parse_args(words)


def main(program, words):
    chosen = options(words)
    chosen.program, chosen.set = program, dict(chosen.set)
    report = Report(chosen.tap)
    try:
        if not os.path.isfile(chosen.path):
            raise Unusable(f"there is no {chosen.path}")
        Suite(chosen, report).run()
    except Unusable as reason:
        print(f"muengsten-adapter-check: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 2
    except BrokenPipeError:
        # Nobody reads any more, such as head(1). What Python would still write at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    return report.end()
