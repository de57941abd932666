"""A critic that learns to tell made images from true ones while the correction runs, so that textures stay a rock's."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from porelab_gui.core.learning.checkpoint import TrainingState, load_state, save_state

WIDTHS = (8, 16, 32)


class Critic(nn.Module):
    """How true each neighbourhood of an image (B, 1, D, H, W) looks, as (B, ...): spectrally normalised 3D patches."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for after in widths:
            layers += [spectral_norm(nn.Conv3d(before, after, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
            before = after
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv3d(before, 1, 3, padding=1)))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Positive where an image looks true."""
        out: torch.Tensor = self.layers(2.0 * image - 1.0)
        return out


class Adversary:
    """A critic with its own optimiser; hinge loss (Lim and Ye 2017), one step per batch.

    Show it cut images: softness alone would betray made ones.
    """

    def __init__(self, seed: int, rate: float = 2e-4) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.critic = Critic()
        self.optimizer = torch.optim.Adam(self.critic.parameters(), lr=rate, betas=(0.0, 0.9))

    def loss_of(self, made: torch.Tensor) -> torch.Tensor:
        """What the image's maker should lower."""
        self.critic.to(made.device).requires_grad_(False)
        return -self.critic(made).mean()

    def learn(self, made: torch.Tensor, true: torch.Tensor) -> float:
        """One step of the critic on a batch; its hinge loss."""
        self.critic.to(made.device).requires_grad_(True).train()
        with torch.enable_grad():
            loss = functional.relu(1.0 - self.critic(true)).mean()
            loss = loss + functional.relu(1.0 + self.critic(made.detach())).mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        return float(loss.detach())

    def keep(self, folder: Path, epoch: int) -> None:
        """Beside the checkpoint of the correction, so that a stopped run goes on with the same critic."""
        save_state(folder, TrainingState(epoch, self.critic.state_dict(), self.optimizer.state_dict(), None,
                                         torch.get_rng_state(), 0, 0.0, 0))  # fmt: skip

    def resume(self, folder: Path) -> int:
        """Take up a kept critic; the epochs it has seen."""
        state = load_state(folder)
        if state is None:
            return 0
        self.critic.load_state_dict(dict(state.model))
        self.optimizer.load_state_dict(dict(state.optimizer))
        return state.epoch
