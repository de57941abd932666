"""The JSON file that bench, validate and score write: figures, rows, versions, machine, seed."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.atomic import writing
from porelab_gui.core.recipe import versions


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    import psutil

    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
    }


def envelope(name: str, body: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
    """Figures and rows with everything needed to judge them."""
    known = {"figures": body.get("figures", {}), "rows": body.get("rows", [])}
    more = {k: v for k, v in body.items() if k not in known}
    return {"name": name, **known, "versions": versions(), "machine": machine(), "seed": more.pop("seed", seed), **more}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all."""
    with writing(path, "w") as handle:
        json.dump(content, handle, indent=2, default=plain)
        handle.write("\n")


def plain(value: Any) -> Any:
    """Numpy numbers and arrays as Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)


def show_figures(content: Mapping[str, Any]) -> None:
    """The figures as lines."""
    width = max((len(k) for k in content["figures"]), default=0)
    for key, number in content["figures"].items():
        text = f"{number:.6g}" if isinstance(number, float) else str(number)
        print(f"{key:<{width}}  {text}")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
