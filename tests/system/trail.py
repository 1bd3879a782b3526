"""trail: the audit trail of a gateway as others read and judge it, by what the documents promise and nothing else."""

import base64
import contextlib
import hashlib
import json
import re
import sqlite3
import subprocess

from harness import environment, equal, muengstenctl

DAY = 86400000
ZERO = bytes(32)


def digest(before, number, written, subject, text):
    """The hash of an entry."""
    subject, text = (subject or "").encode(), text.encode()
    return hashlib.sha256(before + number.to_bytes(8, "big") + written.to_bytes(8, "big") +
                          len(subject).to_bytes(4, "big") + subject + len(text).to_bytes(4, "big") + text).digest()


def readable(subject):
    """A subject as text: UUIDs are stored as their 16 bytes."""
    if isinstance(subject, bytes):
        return re.sub("^(.{8})(.{4})(.{4})(.{4})", r"\1-\2-\3-\4-", subject.hex())
    return subject


def entries_of(gateway):
    """All entries in their order, each with its line read."""
    with gateway.database() as connection:
        rows = connection.execute("SELECT number, time, subject, line, hash FROM journal ORDER BY number")
        return [dict(number=number, time=when, subject=readable(subject), text=text, hash=value,
                     **{"line": json.loads(text)}) for number, when, subject, text, value in rows]


def backdate(gateway, days):
    """Gives all entries of a gateway that does not run an earlier time, as if it had last run that many days ago."""
    path = next(path for path in gateway.store_files() if path.name == "store.db")
    before = ZERO
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for number, written, subject, text in connection.execute(
                "SELECT number, time, subject, line FROM journal ORDER BY number").fetchall():
            before = digest(before, number, written - days * DAY, readable(subject), text)
            connection.execute("UPDATE journal SET time = ?, hash = ? WHERE number = ?",
                               (written - days * DAY, before, number))
        connection.commit()


def last_closed(socket):
    """The last day that is signed, as the status says on the control socket, well or not."""
    done = subprocess.run([muengstenctl(), "--json", "status"], capture_output=True, text=True, check=False,
                          env=dict(environment(), MUENGSTEN_CONTROL=str(socket)))
    return json.loads(done.stdout)["audit"]["closed"]


def check_chain(entries):
    before = ZERO
    for place, entry in enumerate(entries, 1):
        equal(entry["number"], place, "the number of an entry")
        wanted = digest(before, entry["number"], entry["time"], entry["subject"], entry["text"])
        equal(entry["hash"].hex(), wanted.hex(), f"the hash of entry {place}")
        before = wanted


def openssl_verifies(folder, line):
    """Whether the openssl command verifies the signature of a line that closes a day."""
    (folder / "closing.der").write_bytes(base64.b64decode(line["certificate"]))
    (folder / "closing.sig").write_bytes(base64.b64decode(line["signature"]))
    (folder / "closing.txt").write_text(
        f"muengsten audit 1\n{line['day']}\n{line['first']}\n{line['last']}\n{line['hash']}\n", encoding="ascii")
    subprocess.run(["openssl", "x509", "-inform", "DER", "-in", folder / "closing.der", "-pubkey", "-noout",
                    "-out", folder / "closing.key"], check=True, capture_output=True)
    return subprocess.run(["openssl", "dgst", "-sha256", "-verify", folder / "closing.key", "-signature",
                           folder / "closing.sig", folder / "closing.txt"],
                          check=False, capture_output=True).returncode == 0
