"""browsing: a real browser for tests, led by page/browser.mjs with Playwright."""

import fcntl
import json
import os
import shutil
import subprocess

from harness import BUILD, PATIENCE, SOURCE
from tap import Skip

FOLDER = SOURCE / "tests" / "system" / "page"


def program(*names):
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise Skip(f"there is no {names[0]}")


def modules():
    """The folder with what page/package.json names, fetched once for a build tree."""
    folder = BUILD / "tests" / "system" / "page-modules"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (FOLDER / "package-lock.json").read_bytes()
        stamp = folder / "complete"
        if not stamp.exists() or stamp.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(FOLDER / name, folder / name)
            fetch(folder)
            stamp.write_bytes(wanted)
    return folder


def fetch(folder):
    """npm ci: exactly what the lock says, and no program of a package is run."""
    command = [program("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--cache", folder / "cache"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=180)
    except subprocess.TimeoutExpired:
        raise Skip("npm cannot fetch playwright-core and axe-core in time") from None
    if done.returncode:
        raise Skip(f"npm cannot fetch playwright-core and axe-core: {(done.stderr.strip().splitlines() or ['?'])[0]}")


class Browser:
    """One page of a headless Chromium."""

    def __init__(self):
        node, chromium = program("node", "nodejs"), program("chromium", "chromium-browser", "google-chrome")
        self.process = subprocess.Popen([node, FOLDER / "browser.mjs", modules(), chromium], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=dict(os.environ, LC_ALL="C.UTF-8"))

    def ask(self, command, **values):
        self.process.stdin.write(json.dumps(dict(values, command=command)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the browser has ended: {self.process.stderr.read()[-2000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["result"]

    def evaluate(self, script):
        return self.ask("evaluate", script=script)

    def wait(self, script, seconds=15):
        """Waits until the expression is true in the page."""
        return self.ask("wait", script=script, seconds=seconds * PATIENCE)

    def see(self, text, selector="main", seconds=15):
        """Waits until an element shows this text."""
        return self.wait(f"[...document.querySelectorAll({json.dumps(selector)})].some(one => "
                         f"one.innerText.includes({json.dumps(text)}))", seconds)

    def text(self, selector="main"):
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def go(self, way):
        """Another view, by its address."""
        self.evaluate(f"location.hash = {json.dumps('#/' + way)}")
        self.wait("document.getElementById('title')")

    def click(self, name, role="button"):
        self.ask("click", role=role, name=name)

    def press(self, *keys):
        for key in keys:
            self.ask("press", key=key)

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
