"""What the neural equation is compared with besides DSPM-DE: a perceptron and boosted trees, one row per ion.

Both see what the neural equation sees at the feed (the ion, its features, the mixture, the membrane as fitted, the
flux and the DSPM-DE rejection itself), and give ln(c_p/c_feed) directly: no transport law, no charge balance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.learning.fit import threads
from porelab_methods.ion_transport.boosting import Boosting
from porelab_methods.ion_transport.data import Experiments
from porelab_methods.ion_transport.neural import SEGMENTS, Case, solve_with
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.train import case_of
from porelab_methods.ion_transport.tuning import many

Array = NDArray[np.float64]


def inputs(case: Case) -> Array:
    """Features (B, n, F) of every ion of a case."""
    state = solve_with(case, np.zeros((len(case.feed), SEGMENTS, len(case.ions))))
    shares = np.abs(state.solution.problem.w) * case.feed
    shares = shares / shares.sum(1, keepdims=True)
    mixture = np.repeat(shares[:, None], len(case.ions), axis=1)
    return np.concatenate([state.features[:, 0].astype(float), mixture], -1)


Rows = tuple[Array, Array, NDArray[np.bool_]]


def rows(data: Experiments, membranes: Sequence[Membrane], effects: Array | None = None) -> Rows:
    """Features (B, n, F), targets ln(c_p/c_feed) (B, n) and which are known."""
    y = np.log(np.clip(1.0 - data.rejection, 1e-3, 10.0))
    return inputs(case_of(data, membranes, effects)), y, np.isfinite(data.rejection) & (data.feed > 0)


def perceptron(x: Array, y: Array, *, seed: int = 0, steps: int = 1500) -> torch.nn.Module:
    """Two hidden layers of 64, trained on all rows."""
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], 64),
        torch.nn.GELU(),
        torch.nn.Linear(64, 64),
        torch.nn.GELU(),
        torch.nn.Linear(64, 1),
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    inputs, target = torch.as_tensor(x.astype(np.float32)), torch.as_tensor(y.astype(np.float32))
    with threads(1):
        _descend(net, inputs, target, optimiser, schedule, steps)
    return net


def _descend(
    net: torch.nn.Module,
    inputs: torch.Tensor,
    target: torch.Tensor,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    steps: int,
) -> None:
    for _ in range(steps):
        loss = torch.nn.functional.mse_loss(torch.exp(net(inputs)[:, 0]), torch.exp(target))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()


def through(net: torch.nn.Module, x: Array) -> Array:
    """ln(c_p/c_feed) (N,) by a perceptron for features (N, F)."""
    with torch.no_grad(), threads(1):
        return np.asarray(net(torch.as_tensor(x.astype(np.float32)))[:, 0].double().numpy(), float)


@dataclass(frozen=True)
class Direct:
    """Perceptrons in place of the equation, as a forward model through which a membrane can be fitted."""

    data: Experiments
    nets: Sequence[torch.nn.Module]

    def __call__(self, membrane: Membrane, effects: Array) -> Array:
        x = inputs(many(self.data, membrane, effects))
        return self.of(x).reshape(len(effects), *self.data.feed.shape)

    def of(self, x: Array) -> Array:
        """Rejections (B, n) for features (B, n, F)."""
        flat = x.reshape(-1, x.shape[-1])
        return 1.0 - np.exp(np.mean([through(net, flat) for net in self.nets], axis=0)).reshape(x.shape[:-1])


def compare(
    train: Experiments,
    test: Experiments,
    membranes: list[Membrane],
    others: list[Membrane] | None = None,
    *,
    seed: int = 0,
    steps: int = 1500,
    trees: int = 300,
) -> dict[str, Array]:
    """Rejections (B, n) of the test rows by "mlp" and "boosting", NaN where unknown.

    ``others`` are the membranes of the test rows, where they are not those of the training rows.
    """
    x, y, known = rows(train, membranes)
    xt, _, wanted = rows(test, others or membranes)
    net = perceptron(x[known], y[known], seed=seed, steps=steps)
    mlp = through(net, xt[wanted])
    boosted = Boosting(trees).fit(x[known], y[known]).predict(xt[wanted])
    made = {}
    for name, value in (("mlp", mlp), ("boosting", boosted)):
        made[name] = np.full(test.feed.shape, np.nan)
        made[name][wanted] = 1.0 - np.exp(value)
    return made
