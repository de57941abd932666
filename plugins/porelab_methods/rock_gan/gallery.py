"""Many rocks as files in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from porelab_gui.core.export.methods import export
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import silent

GAP = 4  # solid voxels between rocks shown side by side
MOST_SHOWN = 8


def write_rock(rock: Labels, folder: Path, number: int, ending: str) -> Path:
    """One rock as ``rock_001.tif`` or the like."""
    folder.mkdir(parents=True, exist_ok=True)
    return export(rock, folder / f"rock_{number:03d}.{ending}", silent)[0]


def side_by_side(rocks: Sequence[Labels]) -> Labels:
    """The first rocks in one image along x, with solid between them."""
    shown = list(rocks[:MOST_SHOWN])
    gap = np.zeros((*shown[0].shape[:2], GAP), np.uint8)
    parts = [part for rock in shown for part in (rock.array(), gap)][:-1]
    return Labels(np.concatenate(parts, axis=2), shown[0].voxel_size, name="rocks")
