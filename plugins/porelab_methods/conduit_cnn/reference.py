"""The reference: 64^3 label images and the 3D ResNet-50 of Misaghian et al. (2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.learning.fit import Fit, FitConfig, fit
from porelab_gui.core.learning.metrics import r2
from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.transport.conduit.dns import Conduits
from porelab_gui.core.transport.conduit.lattice import Compiled
from porelab_methods.conduit_cnn import store
from porelab_methods.conduit_cnn.dataset import Sample
from porelab_methods.conduit_cnn.model import ResNet50
from porelab_methods.conduit_cnn.predict import Predicted, empty

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
EDGE = 64


@njit(**Compiled)
def label_cube(image: NDArray[np.int32], low: I64, high: I64, one: int, two: int, edge: int) -> NDArray[np.uint8]:
    """Labels 1 and 2 in the box, put in the middle of a cube and zoomed to ``edge`` voxels (order 0)."""
    out = np.zeros((edge, edge, edge), np.uint8)
    size = high - low
    longest = size.max()
    at = np.empty((3, edge), np.int64)
    for k in range(3):
        shift = (longest - size[k]) // 2
        for i in range(edge):
            # as scipy.ndimage.zoom: the corners of both grids coincide
            at[k, i] = int(np.floor(i * (longest - 1) / (edge - 1) + 0.5)) - shift
    for z in range(edge):
        for y in range(edge):
            for x in range(edge):
                a, b, c = at[0, z], at[1, y], at[2, x]
                if 0 <= a < size[0] and 0 <= b < size[1] and 0 <= c < size[2]:
                    k = image[low[0] + a, low[1] + b, low[2] + c]
                    out[z, y, x] = 1 if k == one else (2 if k == two else 0)
    return out


@dataclass(frozen=True)
class Cubes:
    """Label cubes of pairs, made when asked for; ``zoom`` = 64 / longest edge of the padded box."""

    conduits: Conduits
    pairs: I64

    def zoom(self) -> F64:
        """Zoom of every pair."""
        low, high = self.conduits.geometry.pair_boxes(self.pairs)
        return EDGE / (high - low).max(axis=1).astype(np.float64)

    def batch(self, rows: Sequence[int]) -> torch.Tensor:
        """(B, 1, 64, 64, 64)."""
        low, high = self.conduits.geometry.pair_boxes(self.pairs)
        made = [
            label_cube(self.conduits.image, low[r], high[r], self.pairs[r, 0], self.pairs[r, 1], EDGE) for r in rows
        ]
        return torch.from_numpy(np.stack(made)).float()[:, None]


@torch.no_grad()
def predict_reference(
    conduits: Conduits, pairs: I64, model: store.Model, device: torch.device, progress: Progress, size: int = 16
) -> Predicted:
    """Diffusive conductances [voxel] by the ResNet-50: g of the zoomed image over the zoom. It knows no interval."""
    found = empty(len(pairs))
    cubes = Cubes(conduits, pairs)
    zoom = cubes.zoom()
    low, high = (float(v) for v in model.config["g_range"])
    net = model.nets["diffusive"].eval()
    for start in range(0, len(pairs), size):
        progress(start, len(pairs), f"{len(pairs)} conduits, ResNet-50")
        rows = range(start, min(start + size, len(pairs)))
        out = net(cubes.batch(rows).to(device))[:, 0].double().cpu().numpy()
        found.value[rows.start : rows.stop] = (low + out * (high - low)) / zoom[rows.start : rows.stop]
    # it may give a negative number, which no conductance is
    found.value[:] = np.maximum(found.value, 1e-6)
    low_, high_ = conduits.geometry.pair_boxes(pairs)
    found.large[:] = (high_ - low_).max(axis=1) > float(model.config["longest"])
    return found


@dataclass
class ReferenceExamples:
    """Conduits of several images for the ResNet-50: label cubes made batch by batch, targets scaled to 0 .. 1."""

    parts: list[Cubes]
    target: F64
    owner: I64
    row: I64

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, index: int) -> int:
        return index

    def batch(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and targets of some rows."""
        images = [self.parts[self.owner[r]].batch([int(self.row[r])]) for r in rows]
        return torch.cat(images), torch.from_numpy(self.target[list(rows)]).float()


def reference_examples(
    samples: Sequence[Sample], g_range: tuple[float, float] | None = None
) -> tuple[ReferenceExamples, tuple[float, float]]:
    """Examples, and the range of g of the zoomed images by which targets are scaled (the training's own if None)."""
    parts, target, owner, row = [], [], [], []
    for k, one in enumerate(samples):
        cubes = Cubes(one.conduits, one.pairs)
        rows = np.flatnonzero(np.isfinite(one.diffusive))
        parts.append(cubes)
        target.append(one.diffusive[rows] * cubes.zoom()[rows])
        owner.append(np.full(len(rows), k))
        row.append(rows)
    scaled = np.concatenate(target)
    low, high = g_range or (float(scaled.min()), float(scaled.max()))
    made = ReferenceExamples(parts, (scaled - low) / (high - low), np.concatenate(owner), np.concatenate(row))
    return made, (low, high)


def train_reference(
    seen: ReferenceExamples, held: ReferenceExamples, epochs: int, seed: int, threads: int, folder: Path,
    progress: Progress = silent,
) -> tuple[ResNet50, Fit]:  # fmt: skip
    """The paper's training: mean squared error, step 1e-4, batches of 16."""
    torch.manual_seed(seed)
    net = ResNet50()
    config = FitConfig(
        epochs=epochs, batch_size=16, learning_rate=1e-4, final_learning_rate=1e-6, weight_decay=0.0, seed=seed,
        threads=threads, monitor="mse",
    )  # fmt: skip

    def loss(model: torch.nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return torch.nn.functional.mse_loss(model(batch[0])[:, 0], batch[1])

    @torch.no_grad()
    def validate(model: torch.nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        found = []
        for start in range(0, len(held), 16):
            images, _ = held.batch(range(start, min(start + 16, len(held))))
            found.append(model(images.to(device))[:, 0].double().cpu().numpy())
        out = np.concatenate(found)
        return {"mse": float(np.mean((out - held.target) ** 2)), "r2": r2(held.target, out)}

    return net, fit(net, loss, seen, validate, config, folder, progress, collate=seen.batch)
