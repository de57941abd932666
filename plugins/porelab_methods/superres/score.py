"""``porelab score superres``: shipped weights on blocks that no training saw, judged by solvers that took no part.

Hold-outs: the last slab of Berea, random media of both families, and a sandstone that is in no training at all.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.assets import find
from porelab_gui.core.atomic import writing
from porelab_gui.core.cache import default_cache
from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Labels, Weights
from porelab_gui.core.progress import silent
from porelab_gui.core.validation.case import reference_rock
from porelab_methods.superres.blocks import LAW, Block, Family, from_media, from_stack
from porelab_methods.superres.dataset import Example, write_group
from porelab_methods.superres.evaluate import DIRECT, Judged, judged_block, summary, worse_columns
from porelab_methods.superres.keep import PARTS
from porelab_methods.superres.learn import Lowering
from porelab_methods.superres.nets import opened

EDGE = 64
ROCKS = {  # file, voxel [m], shares of planes that are validation and test
    "berea": ("berea/berea_z000-256_pore.npz", 5.345e-6, (0.25, 0.25)),
    "sandstone300": ("sandstone300/sandstone_300_pore.npz", 4.8e-6, (0.0, 1.0)),
}
UNSEEN = "sandstone300"
MEDIA: dict[str, Family] = {"fields": "fields", "grains": "grains"}
MEDIA_VOXEL, MEDIA_FIRST, MEDIA_COUNT = 5.345e-6, 450, 50  # the last tenth of 500, which the trainings leave out
MOST = 36  # blocks of a group
PAPER = 0.972  # r2 by the surrogate, Fernandes et al. 2024
Rows = list[dict[str, Any]]


def score() -> dict[str, Any]:
    """Figures and rows; solved and judged blocks stay in the cache, so that a stopped score goes on."""
    return scored(find("weights", "superres"), default_cache().folder / "score-superres", MOST)


def scored(weights: Path, folder: Path, most: int) -> dict[str, Any]:
    """The score of a folder of weights (the corrected net, and below it before, surrogate and direct)."""
    parts = {name: Weights(weights / below) for name, below in PARTS.items()}
    config = opened(parts["corrected"], "superres")[1]
    held = hold_outs(folder / f"blocks-{config['edge']}", most, int(config["edge"]))
    rows = judged(parts, held, folder / ("judged-cut-" + "-".join(w.content_hash[:8] for w in parts.values())))
    return {"figures": figures(rows), "rows": rows, "seed": 0}


def hold_outs(folder: Path, most: int, edge: int = EDGE) -> list[Example]:
    """Held-out blocks with flow, K along z; ``most`` of each group. InputError when no rock is at hand."""
    found: list[Example] = []
    for name in ROCKS:
        labels = rock(name)
        if labels is not None:
            found += _solved(folder, name, from_stack(labels, edge, edge, ROCKS[name][2]), labels.voxel_size[0], most)
    if not found:
        raise InputError("the rocks of the hold-out are not at hand", where="PORELAB_DATA", remedy="Set PORELAB_DATA.")
    for name, family in MEDIA.items():
        media = from_media(MEDIA_COUNT, edge, MEDIA_FIRST, (0.0, 1.0), family)
        found += _solved(folder, name, media, MEDIA_VOXEL, most)
    return found


def rock(name: str) -> Labels | None:
    """A segmented rock of the reference data; None where it is not at hand."""
    file, voxel, _ = ROCKS[name]
    void = reference_rock(file)
    return None if void is None else Labels(void.astype(np.uint8), (voxel,) * 3, name=name)


def _solved(folder: Path, name: str, blocks: Iterable[Block], voxel: float, most: int) -> list[Example]:
    head = {"source": name, "voxel": voxel, "law": LAW, "hold-out": True}
    held = [b for b in blocks if b.part == "test"]
    entries = write_group(folder / name, head, held, {"test": most}, (0,), silent)
    return [Example(e, 0) for e in entries if e.k[0] > 0]


def judged(parts: Mapping[str, Weights], held: Sequence[Example], folder: Path) -> Rows:
    """Rows of all blocks; each block's are written when they are there, and read the next time."""
    after, config = opened(parts["corrected"], "superres")
    nets = Judged(opened(parts["before"], "superres")[0], after, opened(parts["surrogate"], "surrogate")[0],
                  opened(parts["direct"], "direct")[0])  # fmt: skip
    lowering = Lowering(config["factor"], config["how"], config["noise"])
    folder.mkdir(parents=True, exist_ok=True)
    rows: Rows = []
    for example in held:
        path = folder / f"{example.entry.group}-{example.entry.name}.json"
        if not path.exists():
            made = judged_block(nets, example, lowering, True, silent)
            with writing(path, "w") as handle:
                json.dump(made, handle)
        rows += json.loads(path.read_text(encoding="utf-8"))
    return rows


def figures(rows: Rows) -> dict[str, float]:
    """The agreed keys over all held-out blocks, and the chief ones of each group."""
    of = {r["method"]: r for r in summary(rows)}
    made = {
        "r2_surrogate": of["corrected"]["r2_surrogate"],
        "r2_surrogate_before": of["super-resolved"]["r2_surrogate"],
        "r2_surrogate_cut": of["corrected"]["r2_surrogate_cut"],
        "r2_surrogate_cut_before": of["super-resolved"]["r2_surrogate_cut"],
        "r2_surrogate_paper": PAPER,
        "r2_independent_before": of["super-resolved"]["r2_stokes"],
        "r2_independent": of["corrected"]["r2_stokes"],
        "r2_network_before": of["super-resolved"]["r2_network"],
        "r2_network": of["corrected"]["r2_network"],
        "r2_direct": of[DIRECT]["r2_surrogate"],
        "porosity_error": of["corrected"]["porosity_error"],
        "columns_worse_than_cubic": worse_columns(list(of.values())),
        "blocks": len({r["block"] for r in rows}),
    }
    for group, own in by_group(rows).items():
        short = {r["method"]: r for r in summary(own)}
        made[f"r2_independent_before_{group}"] = short["super-resolved"]["r2_stokes"]
        made[f"r2_independent_{group}"] = short["corrected"]["r2_stokes"]
    return made


def by_group(rows: Rows) -> dict[str, Rows]:
    """Rows of each group of blocks."""
    return {g: [r for r in rows if r["group"] == g] for g in dict.fromkeys(r["group"] for r in rows)}


def main(words: Sequence[str]) -> None:
    """The score of other weights or of fewer blocks: ``python -m porelab_methods.superres.score WEIGHTS KEEP MOST``."""
    weights, keep, most = words
    sys.stdout.write(json.dumps(scored(Path(weights), Path(keep), int(most)), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
