"""What the model is measured against: Kozeny-Carman, a net on the graph without a solver, a small 3D CNN."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from porelab_gui.core.learning.fit import Examples, FitConfig, fit
from porelab_gui.core.progress import Progress, silent
from porelab_methods.gnn_pnm.features import Graph, graph_of
from porelab_methods.gnn_pnm.labels import Sample
from porelab_methods.gnn_pnm.model import Tensors, ThroatNet, mlp
from porelab_methods.gnn_pnm.train import device_of

Floats = NDArray[np.float64]
Net = TypeVar("Net", bound=nn.Module)
CNN_EDGE = 64  # voxels that a medium is brought to for the CNN; larger ones are cut in cubes whose ln K is averaged


def kozeny_carman(void: NDArray[np.bool_], edge: float) -> float:
    """phi^3 / S^2 [m2] with S the wall per volume by counting voxel faces; K is this over a constant (5 for granular
    media). Source: Carman, Trans. Inst. Chem. Eng. 15 (1937) 150."""
    walls = sum(int(np.count_nonzero(np.diff(void.astype(np.int8), axis=a))) for a in range(3))
    surface = walls / void.size / edge
    return float(void.mean()) ** 3 / surface**2


class GraphNet(nn.Module):
    """ln K [unit^2] of a whole network: messages as in ThroatNet, then means over throats; no solver.

    Throats enter with their widths and with how far along the axis of flow they point.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.net = ThroatNet("full", width, 2, 8)
        self.weigh = mlp(width + 2 + 2 + 1, width, width)
        self.last = mlp(width + 1, width, 1)

    def forward(self, tensors: Tensors, along: torch.Tensor, porosity: torch.Tensor) -> torch.Tensor:
        """(networks,) ln K for ``along`` (Nt,) the squared cosine to the axis and ``porosity`` (networks,)."""
        net = self.net
        t = torch.cat([net._scaled(tensors, "width"), net._scaled(tensors, "base")], dim=1)
        each = self.weigh(torch.cat([net.free(tensors), t, along[:, None]], dim=1))
        owner = tensors.owner[tensors.conns[:, 0]]
        n = len(porosity)
        count = torch.zeros(n, device=each.device).index_add_(0, owner, torch.ones_like(along)).clamp_min(1)
        mean = torch.zeros(n, each.shape[1], device=each.device).index_add_(0, owner, each) / count[:, None]
        return self.last(torch.cat([mean, porosity[:, None].log()], dim=1))[:, 0]


class VoxelNet(nn.Module):
    """ln K [voxel^2] from the image: strided 3D convolutions, mean over what is left, two layers."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        sizes = (1, width, 2 * width, 4 * width, 4 * width)
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(sizes):
            layers += [nn.Conv3d(a, b, 3, stride=2, padding=1), nn.GroupNorm(4, b), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = mlp(4 * width + 1, 32, 1)

    def forward(self, void: torch.Tensor) -> torch.Tensor:
        """(B,) from (B, 1, n, n, n), the axis of flow first."""
        seen = self.body(void).mean((2, 3, 4))
        return self.head(torch.cat([seen, void.mean((1, 2, 3, 4))[:, None].log()], dim=1))[:, 0]


def axes_of(samples: Sequence[Sample]) -> list[tuple[int, int, float]]:
    """(sample, axis, ln K) of every label."""
    return [(n, a, float(np.log(s.k[a]))) for n, s in enumerate(samples) for a in range(3) if s.k[a] > 0]


class GraphItems:
    """Examples for GraphNet: features once per network."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples, self.items = samples, axes_of(samples)
        self.graphs: list[Graph] = [graph_of(s.network, "full") for s in samples]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Graph, Floats, float, float]:
        n, axis, goal = self.items[index]
        network, graph = self.samples[n].network, self.graphs[n]
        ends = network.coords[network.conns]
        step = ends[:, 1] - ends[:, 0]
        along = step[:, axis] ** 2 / np.maximum((step**2).sum(axis=1), 1e-30)
        return graph, along, float(network.porosity or np.nan), goal - 2 * np.log(graph.unit)


GraphBatch = tuple[Tensors, torch.Tensor, torch.Tensor, torch.Tensor]


def graph_batch(items: list[tuple[Graph, Floats, float, float]]) -> GraphBatch:
    """Examples side by side."""
    along = torch.as_tensor(np.concatenate([i[1] for i in items]), dtype=torch.float32)
    porosity, goal = (torch.tensor([i[k] for i in items], dtype=torch.float32) for k in (2, 3))
    return Tensors.of([i[0] for i in items]), along, porosity, goal


class VoxelItems:
    """Examples for VoxelNet: cubes of 64 voxels, the axis of flow first, mirrored at random while training."""

    def __init__(self, samples: Sequence[Sample], augment: bool = False) -> None:
        self.samples, self.items, self.augment, self.epoch = samples, axes_of(samples), augment, 0

    def set_epoch(self, epoch: int) -> None:
        """Mirror otherwise."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        n, axis, goal = self.items[index]
        void = np.moveaxis(self.cubes(n)[0], axis, 0)
        if self.augment:
            rng = np.random.default_rng((self.epoch, index))
            void = void[tuple(slice(None, None, int(s)) for s in rng.choice([-1, 1], 3))]
            void = void.swapaxes(1, 2) if rng.random() < 0.5 else void
        edge = self.samples[n].network.voxel_size or 1.0
        image = torch.as_tensor(np.ascontiguousarray(void), dtype=torch.float32)[None]
        return image, torch.tensor(goal - 2 * np.log(edge), dtype=torch.float32)

    def cubes(self, n: int) -> list[NDArray[np.bool_]]:
        """The medium in cubes of one size; a smaller one is mirrored outwards to it."""
        void = self.samples[n].void
        assert void is not None
        short = max(0, CNN_EDGE - void.shape[0])
        void = np.pad(void, (0, short), mode="symmetric") if short else void
        steps = range(0, void.shape[0] - CNN_EDGE + 1, CNN_EDGE)
        e = CNN_EDGE
        return [void[z : z + e, y : y + e, x : x + e] for z in steps for y in steps for x in steps]


def train_graph(
    samples: Sequence[Sample], held: Sequence[Sample], folder: Path, epochs: int, progress: Progress = silent
) -> GraphNet:
    """The graph-level net, the best epoch by the held ones."""
    torch.manual_seed(0)
    model, items = GraphNet(), GraphItems(samples)
    model.net.learn_scales(Tensors.of(items.graphs))

    def loss(net: nn.Module, batch: GraphBatch) -> torch.Tensor:
        device = next(net.parameters()).device
        tensors, along, porosity, goal = batch
        found = net(tensors.to(device), along.to(device), porosity.to(device))
        return nn.functional.huber_loss(found, goal.to(device))

    _start_at_mean(model.last, [items[i][3] for i in range(len(items))])
    guess = partial(predict_graph, samples=held)
    return _fitted(model, loss, items, guess, held, folder, epochs, graph_batch, progress)


def train_voxels(
    samples: Sequence[Sample], held: Sequence[Sample], folder: Path, epochs: int, progress: Progress = silent
) -> VoxelNet:
    """The 3D CNN, the best epoch by the held ones."""
    torch.manual_seed(0)
    model, items = VoxelNet(), VoxelItems(samples, augment=True)

    def loss(net: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return nn.functional.huber_loss(net(batch[0]), batch[1])

    _start_at_mean(model.head, [g - 2 * np.log(samples[n].network.voxel_size or 1.0) for n, _, g in items.items])
    guess = partial(predict_voxels, samples=held)
    return _fitted(model, loss, items, guess, held, folder, epochs, None, progress)


def _start_at_mean(head: nn.Sequential, goals: Sequence[float]) -> None:
    """The first guess of a regression is the mean of its targets."""
    last = head[-1]
    assert isinstance(last, nn.Linear)
    nn.init.constant_(last.bias, float(np.mean(goals)))


def _fitted(
    model: Net, loss: Any, items: Examples, guess: Callable[[Any], Floats], held: Sequence[Sample], folder: Path,
    epochs: int, collate: Any, progress: Progress,
) -> Net:  # fmt: skip
    truth = np.array([g for *_, g in axes_of(held)])

    def validate(net: nn.Module) -> dict[str, float]:
        return {"loss": float(np.mean((guess(net) - truth) ** 2))}

    config = FitConfig(
        epochs=epochs, batch_size=8, learning_rate=3e-3, final_learning_rate=5e-5, weight_decay=1e-3, patience=epochs,
        precision="float32", threads=torch.get_num_threads(),
    )  # fmt: skip
    fit(model, loss, items, validate, config, folder, progress, collate=collate)
    return model.eval()


def predict_graph(net: nn.Module, samples: Sequence[Sample]) -> Floats:
    """ln K [m2] of every label."""
    items = GraphItems(samples)
    found = []
    with torch.no_grad():
        for i in range(len(items)):
            one = items[i]
            given = [part.to(device_of(net)) for part in graph_batch([one])[:3]]
            found.append(float(net(*given)[0]) + 2 * np.log(one[0].unit))
    return np.array(found)


def predict_voxels(net: Callable[..., torch.Tensor], samples: Sequence[Sample]) -> Floats:
    """ln K [m2] of every label; a large medium is the mean of its cubes."""
    items = VoxelItems(samples)
    found = []
    with torch.no_grad():
        for n, axis, _ in items.items:
            images = [np.ascontiguousarray(np.moveaxis(c, axis, 0)) for c in items.cubes(n)]
            stacks = [torch.as_tensor(i, dtype=torch.float32, device=device_of(net))[None, None] for i in images]
            logs = [float(net(stack)[0]) for stack in stacks]
            found.append(float(np.mean(logs)) + 2 * np.log(samples[n].network.voxel_size or 1.0))
    return np.array(found)


def train_all(data: Path, folder: Path, epochs: int, progress: Progress = silent) -> None:
    """Fit every baseline on the training part of a data set and write ``folder``: two nets in half precision and the
    constant of Kozeny-Carman."""
    import json
    import tempfile

    from safetensors.torch import save_file

    from porelab_methods.gnn_pnm.learn import collect

    samples, _ = collect(data)
    seen, held = ([s for s in samples if s.role == role] for role in ("train", "validation"))
    folder.mkdir(parents=True, exist_ok=True)
    gaps = [np.log(kozeny_carman(seen[n].void, seen[n].network.voxel_size)) - g for n, _, g in axes_of(seen)]  # type: ignore[arg-type]
    (folder / "kozeny_carman.json").write_text(json.dumps({"ln_constant": float(np.median(gaps))}))
    with tempfile.TemporaryDirectory() as runs:
        for name, learn in (("graph", train_graph), ("voxels", train_voxels)):
            net = learn(seen, held, Path(runs) / name, epochs, progress)
            tensors = {k: v.half() if v.is_floating_point() else v for k, v in net.state_dict().items()}
            save_file({k: v.contiguous() for k, v in tensors.items()}, folder / f"{name}.safetensors")


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Train the baselines that porelab score gnn_pnm compares with.")
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=25)
    given = parser.parse_args()
    train_all(given.data, given.folder, given.epochs)
