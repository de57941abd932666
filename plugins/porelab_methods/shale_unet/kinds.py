"""A pore is of one kind: what lies in and around it, in its slice and in those near it, says which.

A slice shows a wide pore together with the wall that shines through it, and a net may take one or the other for
organic matter; a few slices further on the same pore is plain. Bodies of neighbouring slices that overlap are one pore.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

RIM = 3.0  # pixels around a pore that tell what it lies in
REACH = 6  # slices above and below that have a say: a pore is followed no further, lest a whole network be of one kind
UNSEEN = 0.01  # share of a class around a kind of pore that has not been seen there
Floats = NDArray[np.floating]
Classes = NDArray[np.uint8]


@dataclass(frozen=True)
class Page:
    """One slice: likeliest classes (H, W), bodies of pores numbered from 1 (H, W), and what was seen per body.

    ``inside`` (kinds, n) and ``around`` (other classes, n) are summed shares; ``links`` (m, 2) are bodies, numbered
    from 0, of the slice before and of this one that overlap.
    """

    found: Classes
    bodies: NDArray[np.int32]
    inside: Floats
    around: Floats
    links: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Number of bodies."""
        return self.inside.shape[1]


class PoreKinds:
    """Slices go in by order, and come out ``reach`` slices later with every pore of one kind.

    ``pores`` are the class numbers of the kinds, ``hosts`` what surrounds each kind in the training slices
    (`surroundings`). A pore takes its kind by the shares of its own pixels and, as strongly, by the classes around it.
    """

    def __init__(self, pores: tuple[int, ...], hosts: NDArray[Any], reach: int = REACH) -> None:
        self.pores, self.hosts = pores, hosts
        self.others = [k for k in range(len(hosts)) if k not in pores]
        self.reach = reach if len(pores) > 1 else 0
        self._pages: list[Page] = []
        self._next = 0  # place in the list of the slice that is due

    def push(self, shares: NDArray[Any], found: Classes | None = None) -> Iterator[Classes]:
        """Take the shares (classes, H, W) of the next slice, and its likeliest classes where they are known."""
        likeliest = shares.argmax(0).astype(np.uint8) if found is None else found.copy()
        if len(self.pores) < 2:
            yield likeliest
            return
        self._pages.append(self._page(shares, likeliest))
        if len(self._pages) - self._next > self.reach:
            yield self._due()

    def rest(self) -> Iterator[Classes]:
        """What still waits for slices that will not come."""
        while self._next < len(self._pages):
            yield self._due()

    def _page(self, shares: NDArray[Any], found: Classes) -> Page:
        mask = np.isin(found, self.pores)
        bodies, count = ndimage.label(mask, np.ones((3, 3)), output=np.int32)
        rim, nearest = rims(mask)
        owner = bodies[nearest][rim]

        def sums(numbers: Any, where: NDArray[Any], chosen: Any) -> Floats:
            return np.stack([np.bincount(where, shares[k][chosen].ravel(), count + 1)[1:] for k in numbers])

        links = overlaps(self._pages[-1].bodies, bodies) if self._pages else np.zeros((0, 2), np.int64)
        inside, around = sums(self.pores, bodies.ravel(), ...), sums(self.others, owner, rim)
        return Page(found, bodies, inside, around, links)

    def _due(self) -> Classes:
        pages, at = self._pages, self._next
        page, kinds = pages[at], self._kinds(pages, at)
        mask = page.bodies > 0
        page.found[mask] = kinds[page.bodies[mask] - 1]
        if at == self.reach:
            pages.pop(0)
        else:
            self._next += 1
        return page.found

    def _kinds(self, pages: list[Page], at: int) -> Classes:
        """The kind of every body of one page, by all bodies that hang together with it in these pages."""
        starts = np.cumsum([0, *(p.count for p in pages)])
        links = [p.links + starts[i - 1 : i + 1] for i, p in enumerate(pages) if i]
        pairs = np.concatenate(links) if links else np.zeros((0, 2), np.int64)
        graph = coo_matrix((np.ones(len(pairs)), tuple(pairs.T)), (starts[-1], starts[-1]))
        count, pore = connected_components(graph, directed=False)
        inside, around = (
            _of_one(np.stack([np.bincount(pore, row, count) for row in np.concatenate(seen, 1)]))
            for seen in ([p.inside for p in pages], [p.around for p in pages])
        )
        fit = np.log(self.hosts[np.ix_(self.pores, self.others)] + UNSEEN) @ around
        likely = _of_one(np.exp(fit - fit.max(0))) if count else around
        chosen = (inside + likely).argmax(0) if count else np.zeros(0, np.int64)
        return np.array(self.pores, np.uint8)[chosen[pore[starts[at] : starts[at + 1]]]]


def decided(shares: torch.Tensor, pores: tuple[int, ...], hosts: torch.Tensor) -> Classes:
    """The likeliest class of each pixel (H, W) of shares (classes, H, W), pores of one kind by this slice alone."""
    return next(PoreKinds(pores, hosts.numpy(), 0).push(shares.numpy()))


def _of_one(sums: Floats) -> Floats:
    return sums / np.maximum(sums.sum(0), 1e-9)


def overlaps(before: NDArray[np.int32], after: NDArray[np.int32]) -> NDArray[np.int64]:
    """Pairs (m, 2) of bodies, numbered from 0, of two slices (H, W) that share a pixel."""
    both = (before > 0) & (after > 0)
    width = int(after.max(initial=0)) + 1
    met = np.unique(before[both].astype(np.int64) * width + after[both])
    return np.stack([met // width - 1, met % width - 1], axis=1)


def rims(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], tuple[NDArray[np.integer], ...]]:
    """The pixels at most ``RIM`` from a mask (H, W), outside it, and for every pixel the nearest one of the mask."""
    if not mask.any():
        return mask, tuple(np.indices(mask.shape))
    away, nearest = ndimage.distance_transform_edt(~mask, return_indices=True)
    return (away > 0) & (away <= RIM), tuple(nearest)


def surroundings(classes: NDArray[np.integer], pores: tuple[int, ...], count: int) -> NDArray[np.float32]:
    """Shares of the classes around the pores of each kind (count, count) in slices (n, H, W); zero for other rows."""
    seen = np.zeros((count, count))
    for page in classes:
        rim, nearest = rims(np.isin(page, pores))
        np.add.at(seen, (page[nearest][rim], page[rim]), 1)
    return np.asarray((seen / np.maximum(seen.sum(1, keepdims=True), 1)), np.float32)
