"""conformance: holds an adapter of the build against muengsten-adapter-check, with its real server."""

import re
import subprocess

from harness import BUILD, PATIENCE, SOURCE, program
from tap import say


def conformance(name, role, values, *choices):
    """Fails unless the check finds nothing wrong with the adapter in this role, with these values and choices."""
    command = [SOURCE / "tools" / "adapter-kit" / "muengsten-adapter-check", "--cycles", "20", "--patience", PATIENCE,
               "--host", program("MUENGSTEN_ADAPTER_HOST", "tools/muengsten-adapter-host"), "--role", role, *choices]
    for key, value in values.items():
        command += ["--set", f"{key}={value}"]
    command.append(BUILD / "adapters" / ".libs" / f"{name}.so")
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          timeout=240 * PATIENCE)
    held = re.search(r"(\d+) hold, 0 fail", done.stdout)
    assert done.returncode == 0 and held, f"{role}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
    say(f"{role}: {held[1]} sentences hold")
