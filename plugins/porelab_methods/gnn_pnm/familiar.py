"""How unlike the training set a network is: Mahalanobis distance of the means and spreads of its features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_methods.gnn_pnm.features import EDGE, HALF, PORE, WIDTH, Graph, Variant

Floats = NDArray[np.float64]
RIDGE = 0.05  # of the variance of each descriptor: two hundred networks do not pin down every correlation


@dataclass(frozen=True)
class Familiar:
    """Mean, scale and inverse covariance of the descriptors of the training networks; ``limit`` is the distance
    within which 99 % of them lie."""

    mean: Floats
    scale: Floats
    inverse: Floats
    limit: float

    @classmethod
    def of(cls, graphs: Sequence[Graph]) -> Familiar:
        """From the training networks."""
        rows = np.stack([descriptors(g) for g in graphs])
        mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 0.02)
        z = (rows - mean) / scale
        inverse = np.linalg.inv(z.T @ z / len(z) + RIDGE * np.eye(z.shape[1]))
        found = cls(mean, scale, inverse, 0.0)
        return cls(mean, scale, inverse, float(np.quantile([found.distance(g) for g in graphs], 0.99)))

    def distance(self, graph: Graph) -> float:
        """Distance of one network, 1 per standard deviation and direction on average."""
        z = (descriptors(graph) - self.mean) / self.scale
        return float(np.sqrt(z @ self.inverse @ z / len(z)))

    def sentence(self, graph: Graph, variant: Variant) -> str:
        """What the user should know; "" when the network is like those of the training set."""
        away = self.distance(graph)
        if away <= self.limit:
            return ""
        z = (descriptors(graph) - self.mean) / self.scale
        names = descriptor_names(variant)
        far = [names[i] for i in np.argsort(-np.abs(z))[:2]]
        return (
            f"This network is unlike the training set: its features lie {away:.1f} from its middle, and 99 % of the "
            f"training networks lie within {self.limit:.1f}; furthest off are the {far[0]} and the {far[1]}. "
            "Check K against a direct simulation of a part of the image."
        )

    def plain(self) -> dict[str, Any]:
        """As plain data for the configuration."""
        return {
            "mean": self.mean.tolist(), "scale": self.scale.tolist(),
            "inverse": np.round(self.inverse, 6).tolist(), "limit": self.limit,
        }  # fmt: skip

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Familiar:
        """From plain data."""
        mean, scale, inverse = (np.asarray(data[k], float) for k in ("mean", "scale", "inverse"))
        return cls(mean, scale, inverse, limit=float(data["limit"]))


def descriptors(graph: Graph) -> Floats:
    """Mean and standard deviation of every feature; faces are left out."""
    inner = graph.face == 0
    inner = inner if inner.any() else np.ones(len(inner), bool)
    pores = np.unique(graph.conns[inner])
    blocks = [
        graph.pore[pores],
        graph.half[inner].reshape(2 * int(inner.sum()), graph.half.shape[2]),
        graph.edge[inner],
        graph.width[inner],
    ]
    return np.concatenate([part for b in blocks for part in (b.mean(axis=0), b.std(axis=0))])


def descriptor_names(variant: Variant) -> list[str]:
    """What the descriptors are, in words."""
    blocks = (PORE[variant], HALF[variant], EDGE[variant], WIDTH[variant])
    return [f"{how} of {name}" for block in blocks for how in ("mean", "spread") for name in block]
