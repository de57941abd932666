"""Conductances of conduits by a trained net, with how far they may be off and whether the net knows their kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.learning.device import best_device
from porelab_gui.core.nouns import Weights
from porelab_gui.core.progress import Progress, silent, within
from porelab_gui.core.transport.conduit.dns import Conduits, Solver, solve_diffusive, solve_hydraulic
from porelab_methods.conduit_cnn import store
from porelab_methods.conduit_cnn.features import Geometry
from porelab_methods.conduit_cnn.model import DIFFUSIVE, HYDRAULIC, SPAN, ConduitNet

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]
BATCH = 256


@dataclass
class Predicted:
    """Per pair: conductance [voxel], its interval of 90 %, the coarse value; flags.

    ``simulated``: solved directly, since the coarse grid does not join the two centres; ``large``: longer than any
    conduit of the training; ``unlike``: unlike them in its numbers.
    """

    value: F64
    low: F64
    high: F64
    coarse: F64
    simulated: Bools
    large: Bools
    unlike: Bools


def empty(n: int) -> Predicted:
    """Nothing known yet."""
    nothing = [np.full(n, np.nan) for _ in range(4)]
    return Predicted(*nothing, *(np.zeros(n, bool) for _ in range(3)))


def check(conduits: Conduits, pairs: I64, physics: tuple[str, ...], model: store.Model) -> None:
    """Refusals before anything is computed."""
    missing = [p for p in physics if p not in model.nets]
    if missing:
        raise InputError(
            f"these weights have no net for the {missing[0]} conductance (they have {', '.join(model.nets)})",
            where="conductance_cnn.weights",
            remedy="Choose the other physics, or other weights.",
        )
    if HYDRAULIC in physics and (conduits.edges != 1).any():
        raise InputError(
            "the voxels are not cubes, which the hydraulic net needs",
            where="regions",
            remedy="Resample the image to cubes, or predict the diffusive conductance alone.",
        )
    if not len(pairs):
        raise InputError(
            "no throat is selected, so there is nothing to predict",
            where="conductance_cnn.throats",
            remedy="Leave the field empty to take all throats.",
        )


def predict(
    conduits: Conduits, pairs: I64, physics: tuple[str, ...], weights: Weights, threads: int = 0,
    progress: Progress = silent,
) -> dict[str, Predicted]:  # fmt: skip
    """Conductances of label pairs (n, 2) [voxel] for every physics asked for."""
    device = best_device()
    model = store.load(weights, device)
    check(conduits, pairs, physics, model)
    if model.kind == store.RESNET:
        from porelab_methods.conduit_cnn.reference import predict_reference

        return {DIFFUSIVE: predict_reference(conduits, pairs, model, device, progress)}
    found = {p: empty(len(pairs)) for p in physics}
    geometry = Geometry.of(conduits, pairs, HYDRAULIC in physics, model.cells, threads)
    bad = np.zeros(len(pairs), bool)
    step = within(progress, 0.0, 0.98)
    for rows in geometry.batches(BATCH):
        step(rows[0], len(pairs), f"{len(pairs)} conduits")
        made = geometry.represent(rows)
        bad[rows] = ~made.good
        good = rows[made.good]
        for p in physics:
            image, numbers, prior = made.of(p)
            put(found[p], good, model, p, image[made.good], numbers[made.good], prior[made.good], device)
    for p in physics:
        found[p].large[:] = geometry.edge() > model.range_of(p)["longest"]
        simulate(found[p], np.flatnonzero(bad), conduits, pairs, p, threads)
    progress(1, 1, "done")
    return found


@torch.no_grad()
def put(
    found: Predicted, rows: I64, model: store.Model, physics: str, image: NDArray[np.float32],
    numbers: NDArray[np.float32], prior: F64, device: torch.device,
) -> None:  # fmt: skip
    """One batch through the net."""
    if not len(rows):
        return
    net, limits = model.nets[physics], model.range_of(physics)
    assert isinstance(net, ConduitNet)
    batch = torch.from_numpy(image).to(device).contiguous(memory_format=torch.channels_last_3d)
    plain = torch.from_numpy(numbers).to(device)
    out = net(batch, plain).double().cpu().numpy() * SPAN
    strange = net.strangeness(plain).cpu().numpy()
    centre = prior + out[:, 0]
    found.value[rows], found.coarse[rows] = np.exp(centre), np.exp(prior)
    found.low[rows] = np.exp(centre - limits["stretch"] * out[:, 1])
    found.high[rows] = np.exp(centre + limits["stretch"] * out[:, 2])
    found.unlike[rows] = strange > limits["strange"]


def simulate(found: Predicted, rows: I64, conduits: Conduits, pairs: I64, physics: str, threads: int) -> None:
    """Direct simulation of the few conduits whose centres the coarse grid does not join."""
    if not len(rows):
        return
    solve = solve_diffusive if physics == DIFFUSIVE else solve_hydraulic
    exact = solve(conduits, pairs[rows], Solver(threads=threads), silent)[:, 0]
    for field in (found.value, found.low, found.high):
        field[rows] = exact
    found.simulated[rows] = True
