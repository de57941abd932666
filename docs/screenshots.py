"""Makes the pictures of the README and of the tutorials on a virtual display, with real clicks in the real window.

``python docs/screenshots.py`` makes them all, ``python docs/screenshots.py readme shale ...`` some of them; each in a
process and with settings of its own, so that no picture shows what its maker has opened before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
IMAGES = HERE / "images"
README, SAMPLE = "readme", "sandstone"
WANTED = {"throats_by_conductance": "window.png", "pressure_and_flow": "flow.png", "segment_threshold": "segment.png"}
SIZE = (1280, 800)


def readme() -> None:
    """Run the demo in a temporary folder and keep the pictures that the README shows."""
    from pictures.small import shrink

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "porelab_gui", "demo", "--out", folder, "--close", "--sample", SAMPLE]
        subprocess.run(command, check=True)
        for part, name in WANTED.items():
            shutil.copyfile(next(Path(folder).glob(f"*_{part}.png")), IMAGES / name)
            shrink(IMAGES / name, 2 * 150_000)


def walk(name: str, scratch: Path) -> None:
    """One tutorial in a window of its own."""
    from pictures.hand import Hand
    from pictures.walks import WALKS

    from porelab_gui.gui.app import open_window

    window = open_window(size=SIZE)
    hand = Hand(window, IMAGES)
    hand.settle()
    WALKS[name](hand, scratch)
    window.close()


def main() -> int:
    """All pictures, or those that are named; the number of parts that failed."""
    IMAGES.mkdir(exist_ok=True)
    from pictures.walks import WALKS

    if len(sys.argv) == 3 and sys.argv[1] == "--walk":
        return _alone(sys.argv[2])
    failed = 0
    for name in sys.argv[1:] or (README, *WALKS):
        done = subprocess.run([sys.executable, str(Path(__file__)), "--walk", name])
        failed += done.returncode != 0
    return failed


def _alone(name: str) -> int:
    from porelab_gui.cli.display import virtual_display

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        os.environ.update(NAPARI_CONFIG=str(scratch / "napari.yaml"), PORELAB_CONFIG=folder, PORELAB_CACHE=folder)
        with virtual_display(always=True, last=True):
            readme() if name == README else walk(name, scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
