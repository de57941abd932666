"""Checkpoints that survive a kill at any moment: a pair of files per epoch, the second of which seals it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import FormatError

if TYPE_CHECKING:
    import torch

SEAL = re.compile(r"last-(\d{6})\.pt")


@dataclass
class TrainingState:
    """All that a run needs to go on as if it had not stopped."""

    epoch: int
    model: Mapping[str, torch.Tensor]
    optimizer: Mapping[str, Any]
    scheduler: Mapping[str, Any] | None
    rng: torch.Tensor
    batch_size: int
    best: float
    best_epoch: int
    curves: list[dict[str, float]] = field(default_factory=list)
    config: dict[str, float | str] = field(default_factory=dict)


def save_state(folder: Path, state: TrainingState) -> None:
    """Weights as safetensors, then the rest, which seals the pair; older pairs are removed after that."""
    import torch
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    stem = f"last-{state.epoch:06d}"
    with writing(folder / f"{stem}.safetensors") as handle:
        handle.write(save({k: v.detach().cpu().contiguous() for k, v in state.model.items()}))
    rest = {k: v for k, v in state.__dict__.items() if k != "model"}
    with writing(folder / f"{stem}.pt") as handle:
        torch.save(rest, handle)
    for path in folder.glob("last-*"):
        if not path.name.startswith(stem):
            path.unlink(missing_ok=True)


def load_state(folder: Path) -> TrainingState | None:
    """The newest sealed pair, or None; FormatError naming the file when it is damaged."""
    import torch
    from safetensors.torch import load_file

    sealed = sorted(int(m[1]) for p in folder.glob("last-*.pt") if (m := SEAL.fullmatch(p.name)))
    if not sealed:
        return None
    path = folder / f"last-{sealed[-1]:06d}.pt"
    try:
        rest = torch.load(path, map_location="cpu", weights_only=True)
        return TrainingState(model=load_file(path.with_suffix(".safetensors")), **rest)
    except Exception as error:
        remedy = "Remove the folder to train from the start."
        raise FormatError("the checkpoint is damaged", where=path, remedy=remedy) from error
