"""report: sentences about an adapter that hold, fail or could not be judged, for people or in the Test Anything
Protocol."""

import textwrap


class Report:
    def __init__(self, tap=False):
        self.tap = tap
        self.number = self.failed = self.skipped = 0

    def say(self, text):
        print(f"# {text}" if self.tap else text, flush=True)

    def holds(self, sentence):
        self._line("ok", "ok", sentence)

    def fails(self, sentence, what, change):
        self.failed += 1
        self._line("not ok", "FAILS", sentence)
        self._explain(what)
        self._explain(change)

    def skip(self, sentence, reason):
        self.skipped += 1
        self._line("ok", "skip", sentence, reason)

    def _line(self, tap, word, sentence, reason=""):
        self.number += 1
        if self.tap:
            print(f"{tap} {self.number} - {sentence}{' # SKIP ' + reason if reason else ''}", flush=True)
        else:
            print(f"  {word:5}  {sentence}{': ' + reason if reason else ''}", flush=True)

    def _explain(self, text):
        for line in textwrap.wrap(text, 100, break_long_words=False):
            print(f"# {line}" if self.tap else f"         {line}", flush=True)

    def end(self):
        if self.tap:
            print(f"1..{self.number}", flush=True)
        passed = self.number - self.failed - self.skipped
        self.say(f"{self.number} sentences: {passed} hold, {self.failed} fail, {self.skipped} skipped")
        return 1 if self.failed else 0
