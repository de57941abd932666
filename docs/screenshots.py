"""Makes the pictures of the README and the docs: the demo on the shipped sample, on a virtual display."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
WANTED = {"throats_by_conductance": "window.png", "pressure_and_flow": "flow.png", "segment_threshold": "segment.png"}


def main() -> int:
    """Run the demo in a temporary folder and keep the pictures that the docs show."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "porelab_gui", "demo", "--out", folder, "--close", *sys.argv[1:]]
        subprocess.run(command, check=True)
        (HERE / "images").mkdir(exist_ok=True)
        for part, name in WANTED.items():
            picture = next(Path(folder).glob(f"*_{part}.png"))
            shutil.copyfile(picture, HERE / "images" / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
