"""How far conductances are from a reference, throat by throat, and what the error goes with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.learning.metrics import bootstrap, r2, share_beyond
from porelab_gui.core.nouns import Column, Network, Regions, Table
from porelab_gui.core.transport.conduit.dns import Conduits

F64 = NDArray[np.float64]
LIMIT = 0.1  # the line of Misaghian et al. (2022): errors beyond ten per cent
PREFIXES = ("g_diffusive.", "g_hydraulic.")


@dataclass(frozen=True)
class Agreement:
    """R2 of a model with its 95 % interval by the bootstrap, share beyond 10 %, median |error|, throats compared."""

    r2: float
    low: float
    high: float
    beyond: float
    median: float
    count: int

    def sentence(self, total: int) -> str:
        """What the user reads."""
        if not self.count:
            return "no throat has both conductances"
        return (
            f"R² = {self.r2:.4f} (95 %: {self.low:.4f} to {self.high:.4f}) on {self.count:,} of {total:,} throats; "
            f"{self.beyond:.1%} beyond 10 %, median error {self.median:.1%}"
        )


def reference_of(model: str, reference: str = "dns") -> str:
    """The column that a conductance is compared with: the same physics under the law ``reference``."""
    prefix = next((p for p in PREFIXES if model.startswith(p)), None)
    if prefix is None:
        raise InputError(
            f"{model!r} is no conductance",
            where="conductance_errors",
            remedy="Choose a column g_diffusive or g_hydraulic.",
        )
    return prefix + reference


def paired(network: Network, model: str, reference: str) -> tuple[F64, F64, NDArray[np.bool_]]:
    """(reference, model, where both are known and positive)."""
    truth = np.asarray(network.throat(reference), float)
    found = np.asarray(network.throat(model), float)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(truth) & np.isfinite(found) & (truth > 0)
    return truth, found, known


def agreement(network: Network, model: str, reference: str, seed: int = 0) -> Agreement:
    """Scores over the throats that have both; NaN where fewer than two have."""
    truth, found, known = paired(network, model, reference)
    count = int(known.sum())
    if count < 2:
        return Agreement(np.nan, np.nan, np.nan, np.nan, np.nan, count)
    a, b = truth[known], found[known]
    low, high = bootstrap(r2, a, b, draws=500, seed=seed)
    return Agreement(r2(a, b), low, high, share_beyond(a, b, LIMIT), float(np.median(np.abs(b / a - 1))), count)


def error_key(model: str) -> str:
    """The column with the signed error of a conductance."""
    return model.replace("g_", "error_", 1)


def beyond_key(model: str) -> str:
    """The column that tells errors beyond 10 %."""
    return model.replace("g_", "beyond_10pct_", 1)


def error_columns(network: Network, models: Sequence[str], reference: str) -> dict[str, Column]:
    """Signed relative errors [%] and flags, NaN (and 0) where the reference is not known."""
    columns = {}
    for model in models:
        against = reference_of(model, reference)
        truth, found, known = paired(network, model, against)
        percent = np.full(network.n_throats, np.nan)
        percent[known] = 100 * (found[known] / truth[known] - 1)
        beyond = np.where(known, (np.abs(percent) > 100 * LIMIT).astype(float), np.nan)
        law = model.partition(".")[2]
        meta = {"model": model, "reference": against}
        columns[error_key(model)] = Column(percent, "%", f"error of {law} against {reference}", meta)
        columns[beyond_key(model)] = Column(beyond, "1", f"{law}: 1 where beyond 10 % of {reference}", meta)
    return columns


def shape_columns(network: Network, regions: Regions | None) -> dict[str, Column]:
    """Size, shape and surroundings of every conduit: what errors may go with."""
    columns = {}
    if "cross_sectional_area" in network.throats and "perimeter" in network.throats:
        area, around = network.throat("cross_sectional_area"), network.throat("perimeter")
        with np.errstate(divide="ignore", invalid="ignore"):
            shape = np.where(around > 0, 4 * np.pi * area / around**2, np.nan)
        columns["roundness"] = Column(shape, "1", "4 pi area / perimeter^2 of the throat")
    if regions is None:
        return columns
    conduits = Conduits.of(regions, network)
    pairs = conduits.labels[network.conns]
    columns["conduit_voxels"] = Column(conduits.geometry.count[pairs].sum(axis=1), "1", "voxels of both regions")
    columns["box_porosity"] = Column(_box_porosity(conduits, pairs), "1", "void share of the box around the conduit")
    return columns


def _box_porosity(conduits: Conduits, pairs: NDArray[np.int64]) -> F64:
    """From a summed volume of the void."""
    total = np.zeros(tuple(n + 1 for n in conduits.image.shape), np.int64)
    total[1:, 1:, 1:] = (conduits.image > 0).cumsum(0).cumsum(1).cumsum(2)
    (z0, y0, x0), (z1, y1, x1) = (b.T for b in conduits.geometry.pair_boxes(pairs))
    void = total[z1, y1, x1] - total[z0, y1, x1] - total[z1, y0, x1] - total[z1, y1, x0]
    void += total[z0, y0, x1] + total[z0, y1, x0] + total[z1, y0, x0] - total[z0, y0, x0]
    volume = (z1 - z0) * (y1 - y0) * (x1 - x0)
    return np.asarray(void / np.maximum(volume, 1), np.float64)


def compare(network: Network, regions: Regions | None, reference: str) -> tuple[Network, Table]:
    """Every conductance of a network against its reference: error columns, and a table with a row per model."""
    models = [k for k in network.throats if k.startswith(PREFIXES) and k != reference_of(k, reference)]
    models = [m for m in models if reference_of(m, reference) in network.throats]
    if not models:
        raise InputError(
            f"no conductance of this network has a reference {reference!r} of the same kind",
            where=network.name or None,
            remedy="Simulate some throats directly first (conductance_dns), and compute a conductance to compare.",
        )
    found = [agreement(network, m, reference_of(m, reference)) for m in models]
    columns = {
        "model": Column(np.array(models)),
        "r2": Column(np.array([f.r2 for f in found]), "1", "R2 of g"),
        "r2_low": Column(np.array([f.low for f in found]), "1", "lower end of the 95 % interval"),
        "r2_high": Column(np.array([f.high for f in found]), "1", "upper end of the 95 % interval"),
        "share_beyond_10pct": Column(np.array([f.beyond for f in found]), "1", "share of errors beyond 10 %"),
        "median_error": Column(np.array([f.median for f in found]), "1", "median |error|"),
        "throats": Column(np.array([f.count for f in found]), "1", "throats compared"),
    }
    made = network.with_throats({**error_columns(network, models, reference), **shape_columns(network, regions)})
    return made, Table(columns, name="conductance errors")


def worst(network: Network, model: str, most: int = 20) -> NDArray[np.int64]:
    """Throats with the largest |error| of a model, worst first."""
    key = error_key(model)
    if key not in network.throats:
        return np.zeros(0, np.int64)
    size = np.nan_to_num(np.abs(network.throat(key)), nan=-1.0)
    order = np.argsort(-size, kind="stable")[:most]
    return np.asarray(order[size[order] >= 0], np.int64)
