"""Which device learns, and in which precision."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "float32", "bfloat16"]


def best_device() -> torch.device:
    """CUDA, then MPS, then the processor."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def fast_bfloat16() -> bool:
    """Whether this device multiplies bfloat16 in hardware (CUDA from Ampere on; processors with AVX512_BF16 or AMX)."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    capability = torch.backends.cpu.get_cpu_capability()
    return capability.startswith("AVX512") and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def fabric_precision(precision: Precision) -> str:
    """The name that Lightning Fabric uses; auto takes bfloat16 where the hardware has it."""
    wanted = precision if precision != "auto" else ("bfloat16" if fast_bfloat16() else "float32")
    return "bf16-mixed" if wanted == "bfloat16" else "32-true"


def make_fabric(precision: Precision) -> Any:
    """Lightning Fabric on the best device; as many devices as processes when ``torchrun`` started us.

    ``torchrun --nproc-per-node 4 -m porelab_gui train_unet ...`` trains on four GPUs of one machine.
    """
    from lightning_fabric import Fabric

    world = int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1
    kind: Any = fabric_precision(precision)
    if world == 1:
        return Fabric(accelerator="auto", devices=1, precision=kind)
    here = int(os.environ.get("LOCAL_WORLD_SIZE", str(world)))
    fabric = Fabric(accelerator="auto", devices=here, num_nodes=world // here, strategy="ddp", precision=kind)
    fabric.launch()
    return fabric


def is_device_full(error: BaseException) -> bool:
    """Whether an error says that the device, not the computer, ran out of memory; torch is not imported for it."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(error, RuntimeError):
        return False
    text = str(error).lower()
    return isinstance(error, torch.cuda.OutOfMemoryError) or (
        "out of memory" in text and any(word in text for word in ("cuda", "mps", "hip"))
    )


def give_back_memory() -> None:
    """Hand what a failed job left in the device's cache back to the system."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
