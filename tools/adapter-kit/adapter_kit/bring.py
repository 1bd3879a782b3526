"""bring: the other side of a source: the system from which its messages come.

Four kinds are known: a command of the caller's (--bring); a folder, into which a file is moved; HTTP that the
adapter serves, which is asked; HTTP that the adapter asks, which is answered here: a GET with a message for as long
as one waits, until a request of another method says that it was taken.
"""

import os
import subprocess
import uuid

from . import message
from .suite import Failure

SOURCE = "source"


class Brought:
    """A message that was put where the source will find it."""

    def __init__(self, content, identifier):
        self.content, self.identifier = content, identifier

    def is_in(self, submission):
        return self.identifier.encode() in submission.body


class Bringer:
    def __init__(self, suite):
        self.suite = suite
        self.waiting = None  # for a source that makes calls

    def bring(self, gateway, size=2000):
        identifier = str(uuid.uuid4())
        brought = Brought(message.document(size, identifier), identifier)
        name = f"message-{identifier}"
        document = self.suite.place / "temporary" / f"{name}.xml"
        document.write_bytes(brought.content)
        folders = self.suite.of_kind(SOURCE, "folder")
        if self.suite.options.bring:
            self._command(document, name)
        elif self.suite.of_kind(SOURCE, "url"):
            self.waiting = brought
            gateway.answer_call = self.answer
        elif folders:
            document.rename(os.path.join(self.suite.parameters(SOURCE)[folders[0]], document.name))
        else:
            return None
        return brought

    def _command(self, document, name):
        values = {"MUENGSTEN_" + key.upper().replace("-", "_"): value
                  for key, value in self.suite.parameters(SOURCE).items()}
        done = subprocess.run(["sh", "-c", self.suite.options.bring], check=False, capture_output=True, text=True,
                              cwd=self.suite.place / "temporary",
                              env={**os.environ, **values, "DOCUMENT": str(document), "NAME": name})
        if done.returncode:
            raise Failure(f"The command of --bring ended with {done.returncode}: {done.stderr.strip()[-200:]}",
                          "Correct the command; DOCUMENT and NAME and the parameters are in its environment.")

    def answer(self, call):
        """What a system says that hands out one message after the other."""
        if call.method == "GET":
            if self.waiting:
                return 200, [("Content-Type", "application/xml")], self.waiting.content
            return 204, [], b""
        self.waiting = None
        return 200, [], b""
