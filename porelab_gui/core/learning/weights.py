"""Weights folders: card.md, config.json, model.safetensors, curves.csv. Reading one executes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import FormatError, PorelabError
from porelab_gui.core.generated import table
from porelab_gui.core.nouns import Weights

if TYPE_CHECKING:
    import torch

MODEL = "model.safetensors"
MAX_CONFIG_BYTES = 1 << 20
MAX_MODEL_BYTES = 1 << 31
UNSAVED = 1 << 22  # numbers that a model may hold beside those in its file


@dataclass(frozen=True)
class Card:
    """What a user must know of a trained model. ``scores`` are rows with equal keys; the first row is the header's."""

    title: str
    summary: str
    data: str
    splits: str
    scores: Sequence[Mapping[str, Any]]
    limits: str
    command: str
    citation: str
    sources: Sequence[str] = field(default_factory=tuple)

    def markdown(self) -> str:
        """The card as Markdown."""
        parts = [f"# {self.title}", self.summary, "## Data", self.data, "## Splits", self.splits, "## Hold-out scores"]
        parts += [
            _markdown_table(self.scores),
            "## Limits",
            self.limits,
            "## How to repeat it",
            f"```\n{self.command}\n```",
        ]
        parts += ["## Citation", self.citation]
        if self.sources:
            parts += ["## Sources of the data", "\n".join(f"- {s}" for s in self.sources)]
        return "\n\n".join(parts) + "\n"


class Markdown(Protocol):
    """What a card is written from."""

    def markdown(self) -> str:
        """The card as Markdown."""
        ...


def save_weights(
    folder: Path,
    model: torch.nn.Module,
    config: Mapping[str, Any],
    card: Markdown,
    curves: Sequence[Mapping[str, float]] = (),
    half: bool = False,
) -> Weights:
    """Write a Weights folder; with ``half`` the floating-point tensors are stored as float16."""
    import torch
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for key, value in model.state_dict().items():
        value = value.detach().cpu().contiguous()
        tensors[key] = value.to(torch.float16) if half and value.is_floating_point() else value
    with writing(folder / MODEL) as handle:
        handle.write(save(tensors))
    with writing(folder / "config.json", "w") as handle:
        json.dump(dict(config), handle, indent=2)
    with writing(folder / "card.md", "w") as handle:
        handle.write(card.markdown())
    if curves:
        _write_curves(folder / "curves.csv", curves)
    return Weights(folder, name=folder.name, source=str(folder))


def read_config(weights: Weights) -> dict[str, Any]:
    """The configuration of a model; FormatError when it is missing, too large or not JSON."""
    path = weights.folder / "config.json"
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise FormatError("the configuration is larger than a megabyte", where=path)
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError("this is not a folder of weights", where=path, remedy="Choose another folder.") from error
    if not isinstance(body, dict):
        raise FormatError("the configuration is not a JSON object", where=path)
    return body


def load_weights(weights: Weights, build: Callable[[dict[str, Any]], torch.nn.Module]) -> torch.nn.Module:
    """The model of a Weights folder in float32, in evaluation mode; every tensor must have its name and shape."""
    from safetensors.torch import load_file

    path = weights.folder / MODEL
    config = read_config(weights)
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise FormatError("the weights are larger than two gigabytes", where=path)
        tensors = load_file(path)
        with at_most(sum(t.numel() for t in tensors.values()) + UNSAVED):
            model = build(config)
        reference = model.state_dict()
        model.load_state_dict({k: v.to(reference[k].dtype) if k in reference else v for k, v in tensors.items()})
    except PorelabError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise FormatError(f"the weights do not fit this model ({reason})", where=path) from error
    return model.eval()


@contextmanager
def at_most(count: int) -> Iterator[None]:
    """Within it this thread cannot build a model of more than ``count`` numbers: ValueError before they are filled."""
    from torch.nn.modules import module

    thread, seen = threading.get_ident(), 0

    def look(owner: Any, name: str, value: Any) -> None:
        nonlocal seen
        if value is not None and threading.get_ident() == thread:
            seen += value.numel()
            if seen > count:
                raise ValueError(f"its configuration asks for more than the {count:,} numbers that the file holds")

    hooks = (
        module.register_module_parameter_registration_hook(look),
        module.register_module_buffer_registration_hook(look),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "None."
    keys = list(rows[0])
    return table(keys, ([row.get(k, "") for k in keys] for row in rows))


def _write_curves(path: Path, curves: Sequence[Mapping[str, float]]) -> None:
    keys = list(dict.fromkeys(k for row in curves for k in row))
    with writing(path, "w") as handle:
        handle.write(",".join(keys) + "\n")
        for row in curves:
            handle.write(",".join(repr(float(row[k])) if k in row else "" for k in keys) + "\n")
