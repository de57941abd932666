"""Sources that several Methods of this room name."""

from __future__ import annotations

NAPARI = "napari contributors (2019), doi 10.5281/zenodo.3555620"
NGFF = "Moore et al. (2021) Nature Methods 18, 1496, doi 10.1038/s41592-021-01326-w"
