#!/usr/bin/env python3
"""kit: muengsten-adapter-check finds good adapters good, and says of bad ones what is bad."""

import re
import shutil
import subprocess
import sys
import tempfile

from harness import BUILD, PATIENCE, SOURCE, environment, equal
from tap import Skip, run, test

CHECK = SOURCE / "tools" / "adapter-kit" / "muengsten-adapter-check"


class Kit:
    """What a run of the check needs."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="muengsten-kit-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def check_logs(self):
        """Nothing runs longer than its test."""

    def show_logs(self):
        """What was printed stands in the failure."""

    def check(self, path, *options, status=0):
        """Runs the check; gives the sentences that failed, and those that were skipped."""
        done = subprocess.run([sys.executable, CHECK, "--tap", *map(str, options), path], text=True,
                              env={**environment(), "builddir": str(BUILD)}, capture_output=True, check=False,
                              timeout=250 * PATIENCE)
        said = done.stdout + done.stderr
        equal(done.returncode, status, f"the exit status\n{said}")
        results = re.findall(r"^(not ok|ok) \d+ - (.*?)(?: # SKIP (.*))?$", done.stdout, re.MULTILINE)
        assert status == 2 or f"1..{len(results)}" in done.stdout, said
        return ({sentence for result, sentence, _ in results if result == "not ok"},
                {sentence for _, sentence, reason in results if reason}, said)


def passes(kit, path, *options):
    failed, skipped, said = kit.check(path, *options)
    equal(failed, set(), said)
    return skipped


@test("the example in Python passes")
def python_example(kit):
    if not shutil.which("python3"):
        raise Skip("there is no python3 for its first line")
    passes(kit, SOURCE / "examples" / "jobfile")


@test("a missing program and a missing parameter are no findings, but the caller's to mend")
def unusable(kit):
    said = kit.check(f"{kit.folder}/nothing", status=2)[2]
    assert "there is no" in said, said


if __name__ == "__main__":
    run(Kit)
