"""disk: a disk that is full, for one process only.

Where it is allowed, the process runs in a mount namespace of its own, in which a tiny file system in memory lies over
the folder; nobody else sees it, and it is gone with the process. Elsewhere the process may write no larger files.
"""

import os
import subprocess

SIZE = 256 * 1024
# Runs in the namespace: $1 is the folder.
SCRIPT = f'mount -t tmpfs -o size={SIZE},mode=0777 none "$1" && shift && exec "$@"'


def wrapping(folder):
    """Words in front of a command that let it find a tiny disk in the folder; None if that is not allowed here."""
    unshare = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    words = [*unshare, "sh", "-c", SCRIPT, "sh", str(folder)]
    try:
        tried = subprocess.run([*words, "true"], capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return words if tried.returncode == 0 else None
