"""measure: what the programs of the bench have in common: where things lie, and what processes cost."""

import os
import pathlib
import socket
import time

SOURCE = pathlib.Path(os.environ.get("srcdir", pathlib.Path(__file__).resolve().parents[2])).resolve()
BUILD = pathlib.Path(os.environ.get("builddir", os.getcwd())).resolve()
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processor_seconds(pid):
    """What a process has used, its ended threads included, to the nanosecond; 0 once it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3) of another process
    except OSError:
        return 0.0


def processes():
    """Of every process: {pid: (parent, command, seconds of its ended children)}."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        fields = rest.split()
        found[int(folder.name)] = (int(fields[1]), name, (int(fields[13]) + int(fields[14])) / TICKS)
    return found


def below(pid, known=None):
    """A process with all of its descendants."""
    known = known or processes()
    family, fresh = [pid], [pid]
    while fresh:
        fresh = [child for child, (parent, _, _) in known.items() if parent in fresh]
        family += fresh
    return family


def family_seconds(pid):
    """What a process, its descendants and those of them that have ended have used."""
    known = processes()
    return sum(processor_seconds(one) + known[one][2] for one in below(pid, known) if one in known)


def machine_seconds():
    """Seconds of all processors: altogether, and idle."""
    fields = [int(f) for f in pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]]
    return sum(fields) / TICKS, (fields[3] + fields[4]) / TICKS


def memory(pid):
    """Resident MiB of a process, now and at most."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return {name: int(values[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}
