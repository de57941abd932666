"""``python -m porelab_gui`` is ``porelab``."""

from __future__ import annotations

import sys

from porelab_gui.cli import main

if __name__ == "__main__":
    sys.exit(main())
