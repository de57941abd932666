"""The loop of correction: which slice to correct next, what has been reached, and whether another slice pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Stack, Table

PAYS = 0.005  # gain in mean IoU per slice below which another slice no longer pays


def unsure_per_slice(uncertainty: Stack) -> NDArray[np.float64]:
    """Mean uncertainty of each slice, 0 to 1; a lazy layer is read slice by slice."""
    return np.array([float(np.mean(np.asarray(uncertainty.data[z]))) for z in range(uncertainty.shape[0])]) / 255.0


def gain_per_slice(unsure: NDArray[np.float64], used: Sequence[int]) -> NDArray[np.float64]:
    """What a slice has to give: its uncertainty, less where a corrected slice lies near.

    Neighbouring slices look alike, so the weight grows with the distance d to the nearest corrected slice as
    1 - exp(-d / l), with l a tenth of the stack.
    """
    if not len(used):
        return unsure
    away = np.abs(np.arange(len(unsure))[:, None] - np.array(used)[None, :]).min(axis=1)
    return unsure * (1.0 - np.exp(-away / max(1.0, 0.1 * len(unsure))))


def ranking(uncertainty: Stack, used: Sequence[int], gap: int = 1) -> Table:
    """Slices by what they have to give, the best first; those nearer than ``gap`` to a corrected slice are left out."""
    unsure = unsure_per_slice(uncertainty)
    gain = gain_per_slice(unsure, used)
    free = np.ones(len(gain), bool)
    for z in used:
        free[max(0, z - gap + 1) : z + gap] = False
    if not free.any():
        raise InputError("every slice has been corrected or lies beside one", remedy="Lower the gap.")
    order = np.flatnonzero(free)
    order = order[np.argsort(-gain[order], kind="stable")]
    columns = {
        "slice": Column(order, "", "slice"),
        "uncertainty": Column(unsure[order], "1", "mean uncertainty"),
        "gain": Column(gain[order], "1", "uncertainty weighted by the distance to corrected slices"),
    }
    note = f"Slice {int(order[0])} has the most to gain; its mean uncertainty is {unsure[order[0]]:.3f}."
    return Table(columns, (note,), name="next slice")


def sound(history: Any) -> list[dict[str, Any]]:
    """The entries of a history that hold numbers; weights come from strangers too."""
    entries = history if isinstance(history, list) else []
    kept = [e for e in entries if isinstance(e, dict) and {"slices", "mean_iou"} <= e.keys()]
    return [e for e in kept if all(isinstance(v, int | float) for v in e.values())]


def grown(history: Any, train: Sequence[int], mean: float, per_class: Mapping[str, float]) -> list[dict[str, Any]]:
    """A history with one more training; entries of a damaged history are left out."""
    entry = {"slices": len(train), "mean_iou": mean, **{f"iou {k}": v for k, v in per_class.items()}}
    return [*sound(history), entry]


def verdict(slices: Sequence[float], iou: Sequence[float]) -> str:
    """Whether another slice pays, from IoU against the number of slices."""
    if len(slices) < 2:
        return "Correct another slice to see what it brings."
    more = slices[-1] - slices[-2]
    gain = (iou[-1] - iou[-2]) / max(1.0, float(more))
    if gain < PAYS:
        return f"The last slice brought {gain:+.3f} in mean IoU: another one no longer pays."
    return f"The last slice brought {gain:+.3f} in mean IoU: another one still pays."


def study_table(rows: Sequence[tuple[int, float, float]]) -> Table:
    """Slices, interval and mean IoU; a note names the first number after which another slice no longer pays."""
    n, interval, score = (np.array(c) for c in zip(*rows, strict=True))
    gains = np.diff(score, append=score[-1])
    enough = next((int(a) for a, g in zip(n[:-1], gains, strict=False) if g < PAYS), None)
    columns = {
        "slices": Column(n, "1", "training slices"),
        "interval": Column(interval, "m", "distance between training slices"),
        "iou": Column(score, "1", "mean IoU on held-out slices"),
        "gain": Column(gains, "1", "gain of one more slice"),
    }
    note = (
        f"After {enough} slices another one gains less than {PAYS} in IoU."
        if enough is not None
        else f"Up to {int(n[-1])} slices every one gains at least {PAYS} in IoU."
    )
    return Table(columns, (note,), name="interval study")
