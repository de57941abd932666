"""The sizes of a training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Sizes and settings of a training; the defaults are those of the stated scores (`NetParams` explains each)."""

    context: int = 5
    width: int = 16
    depth: int = 3
    patch: int = 96
    patches: int = 160
    epochs: int = 48
    batch_size: int = 4
    learning_rate: float = 3e-3
    balance: float = 0.0
    destripe: bool = False
    seed: int = 0
    threads: int = 0
