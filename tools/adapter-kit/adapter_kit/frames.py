"""frames: the frames of docs/adapter-protocol.md, and a process that speaks them.

One thread does it all: a Process is pumped until a condition holds or the time is up, and writes and reads
meanwhile, so that neither end can wait for the other for ever. Everything that the process does against the
rules is raised as a Fault, which says which of the standing sentences does not hold.
"""

import json
import os
import select
import signal
import struct
import subprocess
import tempfile
import time

LARGEST_HEADER = 65536
# What a gateway with the usual limits offers: messages of 16 MiB, and what goes round them.
LARGEST_CONTENT = 17825792

# The standing sentences: what has to hold at all times, whatever is being tried.
CLEAN = "writes nothing but frames to its stream"
FORM = "sends the frames that the protocol knows, in their form"
ONCE = "completes each delivery once, and only once"
ALIVE = "goes on running until it is told to end"
SECRET = "keeps the content of messages out of log and errors"
STANDING = (CLEAN, FORM, ONCE, ALIVE, SECRET)


class Fault(Exception):
    """A standing sentence does not hold: which, what happened, and what to change."""

    def __init__(self, sentence, what, change):
        super().__init__(what)
        self.sentence, self.what, self.change = sentence, what, change


def encode(header, content=b""):
    text = json.dumps(header, ensure_ascii=False).encode("utf-8")
    return struct.pack(">II", len(text), len(content)) + text + content


def decode(data):
    """The first frame in the data: (header, content, bytes used), or None if it is not all there yet."""
    if data and data[0] != 0:
        # A length below 65,536 begins with a zero byte; printed text never does.
        raise Fault(CLEAN, f"It wrote {bytes(data[:60])!r}, which is no frame.",
                    "Write what is meant for people to standard error; standard output carries frames only.")
    if len(data) < 8:
        return None
    header_length, content_length = struct.unpack_from(">II", data)
    if not 2 <= header_length <= LARGEST_HEADER:
        raise Fault(CLEAN, f"It wrote {bytes(data[:60])!r}; as a frame, its header would have "
                    f"{header_length} bytes.", "A header has 2 to 65,536 bytes, its length stands first.")
    if content_length > LARGEST_CONTENT:
        raise Fault(FORM, f"A frame announces {content_length} bytes of content, more than hello allows.",
                    "Hand in what is larger with several append frames.")
    end = 8 + header_length + content_length
    if len(data) < end:
        return None
    try:
        header = json.loads(bytes(data[8:8 + header_length]).decode("utf-8"))
    except ValueError as error:
        raise Fault(FORM, f"The header of a frame is no JSON: {error}.",
                    "The header is one JSON object in UTF-8.") from error
    if not isinstance(header, dict) or not isinstance(header.get("type"), str):
        raise Fault(FORM, "The header of a frame is no JSON object with a member type.",
                    "Give each header the member type, a text.")
    return header, bytes(data[8 + header_length:end]), end


class Process:
    """An adapter that runs. handle is called with each frame that it sends."""

    def __init__(self, command, environment, folder, handle, prepare=None, tick=None):
        self.errors = tempfile.TemporaryFile()
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=self.errors, env=environment, cwd=folder,
                                      start_new_session=True, preexec_fn=prepare)
        self.handle = handle
        self.tick = tick  # called now and then while the process is pumped
        self.outgoing = bytearray()
        self.incoming = bytearray()
        self.wanted = 0  # bytes of incoming below which no frame can be complete
        self.ended = False  # its end of the stream
        self.expected_to_end = False
        for pipe in (self.child.stdin, self.child.stdout):
            os.set_blocking(pipe.fileno(), False)

    @property
    def pid(self):
        return self.child.pid

    def send(self, header, content=b""):
        self.outgoing += encode(header, content)

    def send_bytes(self, data):
        self.outgoing += data

    def end_stream(self):
        """Ends our side of the stream; what it then has to do is to exit."""
        self.expected_to_end = True
        if not self.child.stdin.closed:
            self.child.stdin.close()

    def pump(self, condition, seconds):
        """Reads and writes until the condition holds (true) or the time is up (false)."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._step(min(left, 0.1))
            if self.tick:
                self.tick()
        return True

    def _step(self, seconds):
        poll = select.poll()
        if not self.ended:
            poll.register(self.child.stdout, select.POLLIN)
        if self.outgoing and not self.child.stdin.closed:
            poll.register(self.child.stdin, select.POLLOUT)
        events = dict(poll.poll(seconds * 1000))
        if self.child.stdout.fileno() in events and not self.ended:
            self._read()
        if self.outgoing and not self.child.stdin.closed and self.child.stdin.fileno() in events:
            self._write()
        if self.ended and self.child.poll() is not None and not self.expected_to_end:
            raise Fault(ALIVE, f"It {self.how_it_ended()}.{self.last_words()}",
                        "Let no error end the program: answer with failed or with an outcome instead.")

    def _read(self):
        try:
            data = os.read(self.child.stdout.fileno(), 1 << 18)
        except BlockingIOError:
            return
        if not data:
            self.ended = True
            if self.incoming and not self.expected_to_end:
                raise Fault(CLEAN, "It ended in the middle of a frame.", "Write each frame completely.")
            return
        self.incoming += data
        while len(self.incoming) >= self.wanted:
            found = decode(self.incoming)
            if not found:
                if len(self.incoming) >= 8:
                    self.wanted = 8 + sum(struct.unpack_from(">II", self.incoming))
                return
            self.wanted = 0
            header, content, used = found
            del self.incoming[:used]
            self.handle(header, content)

    def _write(self):
        try:
            written = os.write(self.child.stdin.fileno(), self.outgoing[:1 << 18])
            del self.outgoing[:written]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            # That it has ended is said when its own end of the stream says so.
            self.outgoing.clear()

    def how_it_ended(self):
        status = self.child.poll()
        if status is None:
            return "closed its stream without ending"
        if status < 0:
            return f"was ended by signal {signal.Signals(-status).name}"
        return f"ended with status {status}"

    def last_words(self, lines=4):
        """The end of what it wrote to standard error, for people."""
        self.errors.seek(0)
        words = self.errors.read().decode("utf-8", "replace").splitlines()[-lines:]
        return " It wrote: " + " | ".join(words) if words else ""

    def wrote(self, marker):
        self.errors.seek(0)
        return marker in self.errors.read()

    def wait(self, seconds):
        """Waits until it has exited; what it still writes is read and forgotten."""
        try:
            return self.pump(lambda: self.child.poll() is not None, seconds)
        except Fault:
            return self.child.poll() is not None

    def kill(self):
        """Ends the process and whatever it has started."""
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()
        for file in (self.child.stdin, self.child.stdout, self.errors):
            try:
                file.close()
            except OSError:
                pass

    # ---- what it holds ----

    def descriptors(self):
        """What its descriptors stand for, by number."""
        folder, found = f"/proc/{self.pid}/fd", {}
        for name in os.listdir(folder):
            try:
                found[int(name)] = os.readlink(f"{folder}/{name}")
            except FileNotFoundError:
                pass  # it was closed meanwhile
        return found

    def sockets(self):
        """Its sockets that are bound or connected, but for the stream: lines of the kernel's tables."""
        own = {what[len("socket:["):-1] for what in self.descriptors().values() if what.startswith("socket:[")}
        found = []
        for table, column, lasting in (("tcp", 9, 2), ("tcp6", 9, 2), ("udp", 9, 2), ("udp6", 9, 2), ("unix", 6, 8)):
            with open(f"/proc/{self.pid}/net/{table}", encoding="ascii", errors="replace") as file:
                for line in file:
                    words = line.split()
                    if len(words) >= max(column + 1, lasting) and words[column] in own:
                        found.append(f"{table} {' '.join(words[1:3])}")
        return found

    def memory(self):
        """Bytes of resident memory that are its own."""
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        return 0
