"""The table of a score as a page: ``python -m porelab_methods.conduit_cnn.report SCORE.json [PAGE.md]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from porelab_gui.core.atomic import writing

KEYS = ("group", "model", "images", "conduits", "r2", "r2_ln", "share_over_10pct", "median_error", "interval_cover")
NETWORK_KEYS = ("group", "model", "images", "r2", "ratio", "ratio_spread")


def table(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(keys) + " |", "|" + "---|" * len(keys)]
    for row in rows:
        cells = [f"{v:.4g}" if isinstance(v := row.get(k, ""), float) else str(v) for k in keys]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(content: dict[str, Any]) -> str:
    """Figures, conduits, networks."""
    figures = "\n".join(f"| {k} | {v:.4g} |" for k, v in content["figures"].items())
    conduits = [r for r in content["rows"] if "conduits" in r]
    networks = [r for r in content["rows"] if "ratio" in r]
    return (
        "# Scores of the conduit net\n\nWritten by `porelab score conduit_cnn --json FILE` and "
        "`python -m porelab_methods.conduit_cnn.report FILE`.\n\n"
        f"| figure | value |\n|---|---|\n{figures}\n\n"
        f"## Conduits against direct simulation\n\n{table(conduits, KEYS)}\n\n"
        "## Formation factors of networks against diffusion through all voxels\n\n"
        "`ratio` is the mean of F of the network over F of the voxels, `ratio_spread` its deviation.\n\n"
        f"{table(networks, NETWORK_KEYS)}\n"
    )


def main() -> None:
    """Read the score, write the page."""
    content = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with writing(Path(sys.argv[2] if len(sys.argv) > 2 else "docs/conduit_scores.md"), "w") as handle:
        handle.write(page(content))


if __name__ == "__main__":
    main()
