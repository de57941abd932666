"""Runs the suite on a display of its own, so that no window appears and none is needed."""

from __future__ import annotations

import os
import subprocess
import sys

from porelab_gui.cli.display import virtual_display


def main() -> int:
    """pytest's exit code, under a virtual display where there is one to start; the whole suite in two processes."""
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    chosen = sys.argv[1:] or ["-n", "2", "--dist", "loadfile"]
    with virtual_display(always=True):
        return subprocess.call([sys.executable, "-m", "pytest", "-p", "no:xvfb", *chosen])


if __name__ == "__main__":
    sys.exit(main())
