"""Benchmarks in parts: each can be measured alone, and the whole takes from a folder what has been measured."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def measured(bench: str, part: str, measure: Callable[[], Any]) -> Any:
    """What a part gives, from the folder PORELAB_BENCH_PARTS when it is there, else measured and kept there if set."""
    folder = os.environ.get("PORELAB_BENCH_PARTS", "")
    path = Path(folder, f"{bench}_{part}.json")
    if folder and path.exists():
        return json.loads(path.read_text())
    found = measure()
    if folder:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, default=float))
    return found


def main(bench: str, parts: Mapping[str, Callable[[], Any]]) -> None:
    """``python benchmarks/BENCH.py PART FOLDER``: one part, kept in the folder."""
    part, folder = sys.argv[1:3]
    os.environ["PORELAB_BENCH_PARTS"] = folder
    print(json.dumps(measured(bench, part, parts[part]), indent=1, default=float))
