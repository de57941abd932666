"""The network: message passing over pores, and a read-out per throat that never falls when the throat widens.

ln g = ln g_analytic + (read-out), the read-out zero at the start. Two streams: what does not depend on the width of
throats (pores, lengths, shapes) goes through free layers and messages; widths of a throat and its analytic conductance
go through layers whose weights are kept non-negative and whose activations rise. So d ln g_e / d ln width_e >= 0 for
any weights, and with it dK/d width_e = dK/dg_e dg_e/d width_e >= 0 (dK/dg is a square, see core/transport/pnm).
Both ends of a throat enter by a sum, so that the read-out does not know which is first.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

from porelab_methods.gnn_pnm.features import EDGE, HALF, PORE, WIDTH, Graph, Variant

PROCESSES = ("hydraulic", "diffusive")


@dataclass(frozen=True)
class Tensors:
    """Graphs side by side as float32 tensors; fields as in ``Graph``."""

    conns: torch.Tensor
    face: torch.Tensor
    pore: torch.Tensor
    half: torch.Tensor
    edge: torch.Tensor
    width: torch.Tensor
    base: torch.Tensor
    owner: torch.Tensor

    @classmethod
    def of(cls, graphs: list[Graph]) -> Tensors:
        """From graphs; ``owner`` (sum of Np,) tells which graph a pore belongs to."""
        shift = torch.tensor([0, *(len(g.pore) for g in graphs)]).cumsum(0)
        conns = torch.cat([torch.tensor(g.conns) + s for g, s in zip(graphs, shift, strict=False)])
        owner = torch.repeat_interleave(torch.arange(len(graphs)), torch.tensor([len(g.pore) for g in graphs]))
        names = ("face", "pore", "half", "edge", "width", "base")
        made = {n: torch.cat([torch.as_tensor(getattr(g, n), dtype=torch.float32) for g in graphs]) for n in names}
        return cls(conns=conns, owner=owner, **made)

    def to(self, device: torch.device) -> Tensors:
        """The same on a device."""
        return Tensors(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def mlp(*sizes: int) -> nn.Sequential:
    """Linear layers with smooth activations between them."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class Rising(nn.Module):
    """A layer that rises with ``t`` whatever its weights: those of t are kept non-negative, those of u are free."""

    def __init__(self, widths: int, free: int, out: int, zero: bool = False) -> None:
        super().__init__()
        self.rise = nn.Parameter(torch.zeros(out, widths) if zero else torch.rand(out, widths) / widths)
        self.free = nn.Linear(free, out)
        if zero:
            nn.init.zeros_(self.free.weight)
            nn.init.zeros_(self.free.bias)

    def forward(self, t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """(n, out) from the rising (n, widths) and the free (n, free)."""
        return t @ self.rise.clamp_min(0).T + self.free(u)

    def project(self) -> None:
        """Bring the weights back to where they are allowed."""
        with torch.no_grad():
            self.rise.clamp_(min=0)


def bent(x: torch.Tensor) -> torch.Tensor:
    """A rising activation: the first half of the channels bends up, the second down."""
    up, down = x.chunk(2, dim=1)
    return torch.cat([nn.functional.softplus(up), -nn.functional.softplus(-down)], dim=1)


class ReadOut(nn.Module):
    """ln(g / g_analytic) of one process from rising and free features; zero at the start."""

    def __init__(self, widths: int, free: int, hidden: int) -> None:
        super().__init__()
        self.first, self.second = Rising(widths, free, hidden), Rising(hidden, free, hidden)
        self.last = Rising(hidden + widths, free, 1, zero=True)
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, base: torch.Tensor, t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """(n,) with ``base`` (n,) the ln of the analytic law."""
        z = bent(self.second(bent(self.first(t, u)), u))
        total = self.last(torch.cat([z, t], dim=1), u)[:, 0]
        return (self.weight.clamp_min(0) - 1) * base + total

    def project(self) -> None:
        """Keep what must not be negative so."""
        for layer in (self.first, self.second, self.last):
            layer.project()
        with torch.no_grad():
            self.weight.clamp_(min=0)


class ThroatNet(nn.Module):
    """ln(g / g_analytic), hydraulic and diffusive, of every throat."""

    def __init__(self, variant: Variant, width: int = 32, rounds: int = 2, hidden: int = 32) -> None:
        super().__init__()
        self.variant: Variant = variant
        pore, half, edge, widths = (len(d[variant]) for d in (PORE, HALF, EDGE, WIDTH))
        sizes = {"pore": pore, "half": half, "edge": edge, "width": widths, "base": 2}
        for name, n in sizes.items():
            self.register_buffer(f"{name}_mean", torch.zeros(n))
            self.register_buffer(f"{name}_scale", torch.ones(n))
        self.embed = mlp(pore + 1, width, width)
        self.message = nn.ModuleList(mlp(2 * width + half + edge + 1, width, width) for _ in range(rounds))
        self.update = nn.ModuleList(mlp(2 * width, width, width) for _ in range(rounds))
        self.side = mlp(width + half, width, width)
        self.middle = mlp(edge + 1, width, width)
        self.join = mlp(2 * width, width, width)
        self.read = nn.ModuleList(ReadOut(widths + 2, width, hidden) for _ in PROCESSES)

    def learn_scales(self, tensors: Tensors) -> None:
        """Mean and spread of every feature of the training set."""
        for name in ("pore", "half", "edge", "width", "base"):
            values = getattr(tensors, name).flatten(0, -2)
            getattr(self, f"{name}_mean").copy_(values.mean(0))
            getattr(self, f"{name}_scale").copy_(values.std(0).clamp_min(0.05))

    def _scaled(self, tensors: Tensors, name: str) -> torch.Tensor:
        made: torch.Tensor = (getattr(tensors, name) - getattr(self, f"{name}_mean")) / getattr(self, f"{name}_scale")
        return made

    def free(self, tensors: Tensors) -> torch.Tensor:
        """(Nt, width) what the read-out knows of a throat and its surroundings besides widths."""
        a, b = tensors.conns.T
        half, edge = self._scaled(tensors, "half"), self._scaled(tensors, "edge")
        face = tensors.face[:, None]
        flag = torch.zeros_like(tensors.pore[:, :1])
        h = self.embed(torch.cat([self._scaled(tensors, "pore"), flag], dim=1))
        count = torch.zeros(len(h), 1, device=h.device).index_add_(
            0, tensors.conns.reshape(-1), torch.ones(2 * len(a), 1, device=h.device)
        )
        for message, update in zip(self.message, self.update, strict=True):
            shared = torch.cat([edge, face], dim=1)
            to_a = message(torch.cat([h[a], h[b], half[:, 1], shared], dim=1))
            to_b = message(torch.cat([h[b], h[a], half[:, 0], shared], dim=1))
            gathered = torch.zeros_like(h).index_add_(0, a, to_a).index_add_(0, b, to_b) / count.clamp_min(1)
            h = h + update(torch.cat([h, gathered], dim=1))
        both = self.side(torch.cat([h[a], half[:, 0]], dim=1)) + self.side(torch.cat([h[b], half[:, 1]], dim=1))
        return self.join(torch.cat([both, self.middle(torch.cat([edge, face], dim=1))], dim=1))

    def forward(self, tensors: Tensors) -> torch.Tensor:
        """(Nt, 2) ln of the ratio to the analytic law, hydraulic and diffusive."""
        if self.training:
            for read in self.read:
                read.project()  # type: ignore[operator]
        u = self.free(tensors)
        t = torch.cat([self._scaled(tensors, "width"), self._scaled(tensors, "base")], dim=1)
        return torch.stack([r(tensors.base[:, k], t, u) for k, r in enumerate(self.read)], dim=1)


class Ensemble(nn.Module):
    """Several nets of one variant; their ln g are averaged, their spread is the uncertainty."""

    def __init__(self, nets: list[ThroatNet]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)

    @property
    def variant(self) -> Variant:
        """Which features the nets take."""
        return self.nets[0].variant  # type: ignore[return-value]

    def forward(self, tensors: Tensors) -> torch.Tensor:
        """(Nt, 2) mean of the nets."""
        return torch.stack([net(tensors) for net in self.nets]).mean(0)

    def spread(self, tensors: Tensors) -> torch.Tensor:
        """(Nt, 2) standard deviation between the nets, zero for one net."""
        return torch.stack([net(tensors) for net in self.nets]).std(0, unbiased=False)


def build(config: dict[str, Any]) -> Ensemble:
    """The nets of a configuration; sizes are bounded before anything is allocated."""
    limits = {"members": 16, "width": 256, "rounds": 8, "hidden": 256}
    sizes = {k: int(config[k]) for k in limits}
    for key, value in sizes.items():
        if not 1 <= value <= limits[key]:
            raise ValueError(f"{key} {value} is outside 1..{limits[key]}")
    variant = config["variant"]
    if variant not in PORE:
        raise ValueError(f"there is no variant {variant!r}")
    made = [ThroatNet(variant, sizes["width"], sizes["rounds"], sizes["hidden"]) for _ in range(sizes["members"])]
    return Ensemble(made)
