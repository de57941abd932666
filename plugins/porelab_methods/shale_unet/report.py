"""The scores of the U-Net as a page: ``python -m porelab_methods.shale_unet.report docs/shale.md SCORE.json ...``.

Takes the JSON of ``porelab score shale_unet``, or those of its parts; the figures are computed from the rows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from porelab_gui.core.generated import filled, table
from porelab_methods.shale_unet.score import figures


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Figures, then one table per kind of row."""
    parts = [table(("figure", "value"), figures(list(rows)).items())]
    kinds = dict.fromkeys(tuple(k for k in row if k != "paper") for row in rows)
    for keys in kinds:
        parts.append(table(keys, ([r[k] for k in keys] for r in rows if tuple(k for k in r if k != "paper") == keys)))
    return "\n\n".join(parts)


def main(words: Sequence[str]) -> None:
    """Read the scores, fill the page."""
    page, *scores = map(Path, words)
    rows = [row for path in scores for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    text = filled(page.read_text(encoding="utf-8"), "scores", f"\n\n{markdown(rows)}\n\n")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
