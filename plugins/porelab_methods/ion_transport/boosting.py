"""Gradient boosting of small regression trees, as a baseline: squares, shrinkage, exact splits on quantiles."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class _Node:
    value: float
    feature: int = -1
    cut: float = 0.0
    low: _Node | None = None
    high: _Node | None = None


@dataclass
class Boosting:
    """``trees`` of ``depth`` with learning rate ``rate``; leaves of at least ``leaf`` rows."""

    trees: int = 300
    depth: int = 3
    rate: float = 0.08
    leaf: int = 4
    base: float = 0.0
    nodes: list[_Node] = field(default_factory=list)

    def fit(self, x: Array, y: Array) -> Boosting:
        """Fit ``y`` (N,) on ``x`` (N, F)."""
        self.base, self.nodes = float(y.mean()), []
        residual = y - self.base
        for _ in range(self.trees):
            node = self._grow(x, residual, self.depth)
            self.nodes.append(node)
            residual = residual - self.rate * _predict(node, x)
        return self

    def predict(self, x: Array) -> Array:
        """(N,) of (N, F)."""
        made = np.full(len(x), self.base)
        for node in self.nodes:
            made += self.rate * _predict(node, x)
        return made

    def _grow(self, x: Array, y: Array, depth: int) -> _Node:
        node = _Node(float(y.mean()))
        if depth == 0 or len(y) < 2 * self.leaf:
            return node
        best = 1e-12
        for f in range(x.shape[1]):
            gain, cut = self._split(x[:, f], y)
            if gain > best:
                best, node.feature, node.cut = gain, f, cut
        if node.feature >= 0:
            low = x[:, node.feature] <= node.cut
            node.low, node.high = self._grow(x[low], y[low], depth - 1), self._grow(x[~low], y[~low], depth - 1)
        return node

    def _split(self, x: Array, y: Array) -> tuple[float, float]:
        """Largest gain in squared error over the cuts of one feature."""
        order = np.argsort(x, kind="stable")
        xs, ys = x[order], y[order] - y.mean()
        sums, count = np.cumsum(ys)[:-1], np.arange(1, len(y))
        gain = sums**2 * (1.0 / count + 1.0 / (len(y) - count))
        allowed = (xs[1:] > xs[:-1]) & (count >= self.leaf) & (len(y) - count >= self.leaf)
        if not allowed.any():
            return 0.0, 0.0
        at = int(np.argmax(np.where(allowed, gain, -1.0)))
        middle = float(0.5 * (xs[at] + xs[at + 1]))
        return float(gain[at]), middle if middle < xs[at + 1] else float(xs[at])  # neighbours in floating point


def _predict(node: _Node, x: Array) -> Array:
    if node.low is None or node.high is None:
        return np.full(len(x), node.value)
    low = x[:, node.feature] <= node.cut
    made = np.empty(len(x))
    made[low], made[~low] = _predict(node.low, x[low]), _predict(node.high, x[~low])
    return made
