"""``python -m porelab_gui.core.validation FOLDER``: run every case and write validation.md and validation.png there."""

from __future__ import annotations

import sys
from pathlib import Path

from porelab_gui.core.validation.report import write
from porelab_gui.core.validation.run import run_cases


def main(folder: Path) -> int:
    """The number of failed cases."""
    report = run_cases()
    write(report, folder)
    return int(report["figures"]["failed"])


if __name__ == "__main__":
    sys.exit(min(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")), 1))
