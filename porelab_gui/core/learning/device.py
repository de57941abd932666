"""Which device learns, and in which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

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
