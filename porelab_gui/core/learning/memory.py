"""How much memory a training will take, measured on one example before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from porelab_gui.core.method import Estimate

if TYPE_CHECKING:
    import torch

ADAM_COPIES = 4  # weights, gradients, two moments


def predict_memory(model: torch.nn.Module, example: torch.Tensor, batch_size: int, gpu: bool) -> Estimate:
    """Peak bytes of one training step: four copies of the parameters, and the outputs of all layers twice.

    ``example`` is one input with a leading batch axis of 1.
    """
    import torch

    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    seen = 0

    def count(_module: Any, _inputs: Any, output: Any) -> None:
        nonlocal seen
        if isinstance(output, torch.Tensor):
            seen += output.numel() * output.element_size()

    leaves = [m for m in model.modules() if not list(m.children())]
    hooks = [m.register_forward_hook(count) for m in leaves]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(example)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    total = ADAM_COPIES * weights + 2 * seen * batch_size
    return Estimate(ram=0 if gpu else total, gpu=total if gpu else 0)
