"""The table of a score as a page: ``python -m porelab_methods.conduit_cnn.report SCORE.json [PAGE.md]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from porelab_gui.core.atomic import writing
from porelab_gui.core.generated import table

KEYS = ("group", "model", "images", "conduits", "r2", "r2_ln", "share_over_10pct", "median_error", "interval_cover")
NETWORK_KEYS = ("group", "model", "images", "r2", "ratio", "ratio_spread")


def of_keys(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> str:
    """A Markdown table with a column per key."""
    return table(keys, ([row.get(k, "") for k in keys] for row in rows))


def page(content: dict[str, Any]) -> str:
    """Figures, conduits, networks."""
    figures = table(("figure", "value"), content["figures"].items())
    conduits = [r for r in content["rows"] if "conduits" in r]
    networks = [r for r in content["rows"] if "ratio" in r]
    return (
        "# Scores of the conduit net\n\nWritten by `porelab score conduit_cnn --json FILE` and "
        "`python -m porelab_methods.conduit_cnn.report FILE`.\n\n"
        f"{figures}\n\n"
        f"## Conduits against direct simulation\n\n{of_keys(conduits, KEYS)}\n\n"
        "## Formation factors of networks against diffusion through all voxels\n\n"
        "`ratio` is the mean of F of the network over F of the voxels, `ratio_spread` its deviation.\n\n"
        f"{of_keys(networks, NETWORK_KEYS)}\n"
    )


def main() -> None:
    """Read the score, write the page."""
    content = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with writing(Path(sys.argv[2] if len(sys.argv) > 2 else "docs/conduit_scores.md"), "w") as handle:
        handle.write(page(content))


if __name__ == "__main__":
    main()
