"""Crops of a segmented stack: with a stride, from a slab of their own, turned and mirrored at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.morphology.phases import box_sums, summed
from porelab_gui.core.nouns import Labels

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Slabs:
    """The stack along z in two: ``train`` planes first, then what no training sees (may be empty)."""

    train: Mask
    held: Mask


def split(labels: Labels, edge: int, hold_out: float, held_edge: int = 0) -> Slabs:
    """Void of the two slabs; InputError when a slab cannot hold a crop or the stack has one phase only.

    ``held_edge``: edge of the crops of the held-out slab, where it is another one.
    """
    mask = labels.void_mask()
    check_phases(mask, labels)
    planes = round(mask.shape[0] * (1.0 - hold_out))
    slabs = Slabs(mask[:planes], mask[planes:])
    for name, slab, needed in (("training", slabs.train, edge), ("held-out", slabs.held, held_edge or edge)):
        if name == "held-out" and hold_out == 0:
            continue
        if min(slab.shape) < needed:
            size = " x ".join(map(str, slab.shape))
            raise InputError(
                f"the {name} slab of {size} voxels is smaller than a crop of {needed}",
                where=labels.name or labels.source or None,
                remedy="Take smaller crops, another share to hold out, or a larger stack.",
            )
    check_phases(slabs.train, labels)
    return slabs


def check_phases(mask: Mask, labels: Labels) -> None:
    """InputError when there is nothing but void, or no void."""
    if mask.all() or not mask.any():
        word = "void" if mask.all() else "solid"
        raise InputError(
            f"the stack is all {word}: there is no texture to learn",
            where=labels.name or labels.source or None,
            remedy="Check the segmentation, and which labels are marked as void.",
        )


def corners(shape: tuple[int, ...], edge: int | Sequence[int], stride: int | Sequence[int]) -> NDArray[np.int64]:
    """First voxels (n, 3) of all crops that lie ``stride`` apart; the last along each axis ends at the border."""
    edges, strides = (np.broadcast_to(x, len(shape)).tolist() for x in (edge, stride))
    lines = [sorted({*range(0, n - e + 1, s), n - e}) for n, e, s in zip(shape, edges, strides, strict=True)]
    return np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int64)


def crop_porosities(mask: Mask, places: NDArray[np.int64], edge: int) -> NDArray[np.float64]:
    """Porosity of every crop."""
    return np.asarray(box_sums(summed(mask), places, (edge, edge, edge)) / float(edge**3))


def cut(mask: Mask, place: NDArray[np.int64], edge: int) -> Mask:
    """One crop."""
    z, y, x = (int(p) for p in place)
    return mask[z : z + edge, y : y + edge, x : x + edge]


class Crops:
    """Batches of crops (B, 1, edge, edge, edge), void +1 and solid -1, that depend on seed, epoch and step alone."""

    def __init__(self, mask: Mask, edge: int, stride: int, seed: int, turn: bool = True) -> None:
        self.mask, self.edge, self.seed, self.turn = mask, edge, seed, turn
        self.places = corners(mask.shape, edge, stride)

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, epoch: int, step: int, count: int, edge: int = 0) -> torch.Tensor:
        """``count`` crops at random, or cubes of ``edge`` voxels anywhere in such crops."""
        rng = np.random.default_rng((self.seed, epoch, step))
        picks = self.places[rng.integers(len(self.places), size=count)]
        edge = edge or self.edge
        picks = picks + rng.integers(self.edge - edge + 1, size=picks.shape)
        crops = [cut(self.mask, place, edge) for place in picks]
        made = np.stack([turned(c, rng) if self.turn else c for c in crops])
        return torch.from_numpy(made.astype(np.float32) * 2.0 - 1.0)[:, None]

    def porosities(self) -> NDArray[np.float64]:
        """Porosity of every crop there is."""
        return crop_porosities(self.mask, self.places, self.edge)


def turned(crop: Mask, rng: np.random.Generator) -> Mask:
    """One of the 48 ways to turn and mirror a cube."""
    order = rng.permutation(3)
    flips = tuple(slice(None, None, -1 if rng.random() < 0.5 else 1) for _ in range(3))
    return np.ascontiguousarray(crop.transpose(order)[flips])


def sample_crops(mask: Mask, edge: int, count: int, stride: int, seed: int = 0) -> tuple[list[Mask], NDArray[np.int64]]:
    """``count`` different crops (all when there are fewer) and their places, spread over the slab."""
    places = corners(mask.shape, edge, stride)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(places))[:count])
    return [cut(mask, places[i], edge) for i in chosen], places[chosen]
