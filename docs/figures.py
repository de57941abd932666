"""Writes docs/benchmarks.md from the JSON files that `porelab bench NAME --json FILE` left in a folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HEAD = (
    "# Benchmarks\n\nWritten by `make bench` from the runs themselves; each figure is measured beside its peer in one "
    "run, on the machine named below it. Ratios are the peer's time over ours unless the key says otherwise.\n"
)


def section(content: dict[str, Any]) -> str:
    """One benchmark: its figures and what they were measured on."""
    rows = "\n".join(f"| {key} | {_number(value)} |" for key, value in content["figures"].items())
    machine, versions = content["machine"], content["versions"]
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB"
    used = ", ".join(f"{k} {v}" for k, v in versions.items())
    table = f"| figure | value |\n|---|---|\n{rows}"
    return f"## {content['name']}\n\n{table}\n\n{where}; {used}; seed {content['seed']}.\n"


def main() -> int:
    """Read every bench-*.json of the folder given (default: here)."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    runs = [json.loads(path.read_text()) for path in sorted(folder.glob("bench-*.json"))]
    (HERE / "benchmarks.md").write_text("\n".join([HEAD, *map(section, runs)]))
    return 0


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
