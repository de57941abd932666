"""Weights folders of the three trainings: configuration, card, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from porelab_gui.assets import find
from porelab_gui.core.learning.fit import Fit
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Column, Table, Weights
from porelab_methods.superres.dataset import Example, groups, read_head
from porelab_methods.superres.nets import KINDS

CITATION = (
    "Fernandes et al., Sci. Rep. 14 (2024), doi 10.1038/s41598-024-67367-1; EDSR: Lim et al., CVPRW 2017; "
    "sub-voxel upsampling: Shi et al., CVPR 2016."
)
LIMITS = (
    "It knows the rocks, the voxel size and the down-sampling of its training. Details below the low-resolution voxel "
    "are likely ones, not measured ones. A surrogate that took part in the correction cannot judge it: compute K of "
    "the binarised image with a solver."
)


PARTS = {"corrected": "", "before": "before", "surrogate": "surrogate", "direct": "direct"}


def shipped(part: str) -> Weights:
    """The program's own weights of one of ``PARTS``; PorelabError when the installation lacks them."""
    return Weights(find("weights", "superres", *filter(None, [PARTS[part]])), name=f"shipped, {part}")


def facts(data: Path, train: Sequence[Example]) -> dict[str, Any]:
    """What a net must remember of its data."""
    sizes = [e.entry.voxel for e in train]
    return {
        "voxel_sizes": [min(sizes), max(sizes)],
        "edge": train[0].void.shape[0],
        "groups": [g.name for g in groups(data)],
        "blocks": len({(e.entry.group, e.entry.name) for e in train}),
    }


def keep(
    folder: Path, net: torch.nn.Module, config: Mapping[str, Any], result: Fit, data: Path, held: int, command: str
) -> Weights:
    """Write the weights in float16 with a card that tells how many blocks they saw."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = [read_head(g) for g in groups(data)]
    laws = sorted({str(h["law"]) for h in heads})
    sources = "; ".join(f"{h['source']} at {h['voxel'] * 1e6:.4g} um" for h in heads)
    best = next((r for r in result.curves if int(r["epoch"]) == result.best_epoch), result.curves[-1])
    scores = [
        {"figure (validation)": k, "value": float(v)} for k, v in best.items() if k not in ("epoch", "learning_rate")
    ]
    epochs = sum(int(r["epoch"]) >= 0 for r in result.curves)
    kind = KINDS[str(config["system"])] + (", corrected" if config.get("corrected") else "")
    seen = f" The correction saw {config['correction_blocks']} of them." if config.get("corrected") else ""
    card = Card(
        title=kind[0].upper() + kind[1:],
        summary=f"Epoch {result.best_epoch + 1} of {epochs}, the best on the validation blocks.",
        data=f"{config['blocks']} training blocks of {config['edge']}^3 voxels.{seen} Groups of blocks: {sources}. "
        f"K by {'; '.join(laws)}." + (f" Low resolution: {config['lowering']}." if config.get("lowering") else ""),
        splits=f"By parent image (slabs of planes of a stack, whole media of a family); {held} blocks chose the epoch. "
        "Test blocks are for `porelab evaluate_superres`.",
        scores=scores,
        limits=LIMITS,
        command=command,
        citation=CITATION,
        sources=[str(h["source"]) for h in heads],
    )
    return save_weights(folder, net, config, card, result.curves, half=True)


def curve_table(result: Fit, name: str) -> Table:
    """Curves, one row per epoch."""
    keys = list(dict.fromkeys(k for row in result.curves for k in row))
    columns = {k: Column(np.array([row.get(k, np.nan) for row in result.curves]), "1") for k in keys}
    return Table(columns, name=name)


def command_of(name: str, given: Mapping[str, Any]) -> str:
    """The command line with the parameters that were not the defaults."""
    words = [f"--{k} {','.join(map(str, v)) if isinstance(v, list | tuple) else v}" for k, v in given.items()]
    return " ".join(["porelab", name, *words])
