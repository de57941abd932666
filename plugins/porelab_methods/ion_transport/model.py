"""The correction of the transport law: a small transformer over the ions of a mixture, any number of them, masked."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from porelab_gui.core.learning.fit import threads
from porelab_methods.ion_transport.neural import TOKEN, WORLD

LIMIT = 2.0  # of an excess potential over RT: e^2 in the partition between feed and pore


class Attention(nn.Module):
    """Multi-head attention over ions with the charges in view; keeps the last weights where asked."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.weights: torch.Tensor | None = None
        self.keep = False

    def forward(self, x: torch.Tensor, absent: torch.Tensor) -> torch.Tensor:
        """``x`` (B, n, d), ``absent`` (B, n) True where there is no ion."""
        b, n, d = x.shape
        q, k, v = (t.reshape(b, n, self.heads, -1).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        score = q @ k.transpose(-1, -2) / (d / self.heads) ** 0.5
        weights = torch.softmax(score.masked_fill(absent[:, None, None, :], -1e9), -1)
        if self.keep:
            self.weights = weights.detach()
        return self.out((weights @ v).transpose(1, 2).reshape(b, n, d))


class Block(nn.Module):
    """Attention (left out for the control) and a perceptron per ion, with pre-norm and residuals."""

    def __init__(self, width: int, heads: int, attend: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads) if attend else None
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: torch.Tensor, absent: torch.Tensor) -> torch.Tensor:
        """(B, n, d) to the same."""
        if self.attention is not None:
            x = x + self.attention(self.norm1(x), absent)
        return x + self.mlp(self.norm2(x))


class IonNet(nn.Module):
    """Features (B, K, n, TOKEN + WORLD) to the correction h (B, K, n); zero at first, so that it starts as DSPM-DE.

    The last layer gives -g, g being the excess chemical potential of each ion in each segment over RT; h = -dg/dx,
    with g = 0 at the feed face. A misjudged partition is then one number for the whole pore. With ``effects`` the last
    features are the strengths of that many effects beyond DSPM-DE, and g is linear in them but for what the blocks see.
    """

    def __init__(self, width: int = 32, heads: int = 4, depth: int = 2, attend: bool = True, effects: int = 0) -> None:
        super().__init__()
        self.effects = effects
        self.register_buffer("strengths", torch.ones(effects), persistent=effects > 0)  # where none are given
        self.embed = nn.Linear(TOKEN + WORLD + effects, width)
        self.blocks = nn.ModuleList(Block(width, heads, attend) for _ in range(depth))
        self.head = nn.Linear(width, max(effects, 1))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, features: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """``present`` (B, n) marks the ions that are there."""
        features = self._with_strengths(features)
        b, k, n, f = features.shape
        absent = (~present)[:, None].expand(b, k, n).reshape(b * k, n)
        x = self.embed(features.reshape(b * k, n, f))
        for block in self.blocks:
            x = block(x, absent)
        g = LIMIT * torch.tanh(self._excess(x, features.reshape(b * k, n, f)) / LIMIT)
        g = g.masked_fill(absent, 0.0).reshape(b, k, n)
        return k * torch.diff(g, dim=1, prepend=torch.zeros_like(g[:, :1]))

    def _with_strengths(self, features: torch.Tensor) -> torch.Tensor:
        """Features that lack the strengths of the effects get those the network keeps, others lose what it lacks."""
        missing = self.embed.in_features - features.shape[-1]
        if missing <= 0:
            return features[..., : self.embed.in_features]
        assert isinstance(self.strengths, torch.Tensor)
        return torch.cat([features, self.strengths.expand(*features.shape[:-1], missing)], -1)

    def _excess(self, x: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Sum over the effects of strength times what the network gives for it: none, no correction."""
        made = self.head(x)
        return (made * features[..., -self.effects :]).sum(-1) if self.effects else made[..., 0]

    def correction(self, features: NDArray[np.float32], present: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The same on numpy, without gradients. One thread: a second costs more than so small a network."""
        with torch.no_grad(), threads(1):
            return self(torch.as_tensor(features), torch.as_tensor(present)).double().numpy()

    def attention_maps(self, features: NDArray[np.float32], present: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Attention (B, n, n) averaged over depth, heads and the segments of the pore; rows sum to one."""
        layers = [b.attention for b in self.blocks if isinstance(b, Block) and b.attention is not None]
        for layer in layers:
            layer.keep = True
        self.correction(features, present)
        b, k, n, _ = features.shape
        maps = [layer.weights.mean(1).reshape(b, k, n, n).mean(1) for layer in layers if layer.weights is not None]
        for layer in layers:
            layer.keep, layer.weights = False, None
        return torch.stack(maps).mean(0).double().numpy()
