"""Writes docs/benchmarks.md from the JSON files that `porelab bench NAME --json FILE` left in a folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from porelab_gui.core.generated import filled, table

HERE = Path(__file__).parent
HEAD = (
    "# Benchmarks\n\nWritten by `make bench` from the runs themselves; each figure is measured beside its peer in one "
    "run, on the machine named below it. Ratios are the peer's time over ours unless the key says otherwise.\n"
)


def section(content: dict[str, Any]) -> str:
    """One benchmark: its figures and what they were measured on."""
    rows = table(("figure", "value"), content["figures"].items())
    machine, versions = content["machine"], content["versions"]
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB"
    used = ", ".join(f"{k} {v}" for k, v in versions.items())
    return f"## {content['name']}\n\n{rows}\n\n{where}; {used}; seed {content['seed']}.\n"


def main() -> int:
    """Read every bench-*.json of the folder given (default: here); sections of other benchmarks stay as they are."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    runs = {content["name"]: content for content in map(_read, sorted(folder.glob("bench-*.json")))}
    page = HERE / "benchmarks.md"
    parts = page.read_text().split("\n## ")[1:] if page.exists() else []
    sections = {text.partition("\n")[0]: f"## {text.rstrip()}\n" for text in parts}
    sections |= {name: section(content) for name, content in runs.items()}
    page.write_text("\n".join([HEAD, *(sections[name] for name in sorted(sections))]))
    if "large" in runs:
        extraction = HERE / "extraction.md"
        extraction.write_text(filled(extraction.read_text(), "large", f"\n{large(runs['large'])}"))
    formats = HERE / "formats.md"
    if "scroll" in runs:
        formats.write_text(filled(formats.read_text(), "scroll", f"\n{scroll(runs['scroll'])}"))
    if "local_otsu" in runs:
        formats.write_text(filled(formats.read_text(), "local otsu", f"\n{local_otsu(runs['local_otsu'])}"))
    if (folder / "fuzz.jsonl").exists():
        lines = [json.loads(line) for line in (folder / "fuzz.jsonl").read_text().splitlines()]
        formats.write_text(filled(formats.read_text(), "fuzz", f"\n{fuzz(lines)}"))
    return 0


def scroll(content: dict[str, Any]) -> str:
    """A 4 GiB stack in the window: opening, memory, slices along each axis."""
    f = content["figures"]
    rows = [
        (f"{title} {axis}", *(f"{f[f'{kind}_{key}_{axis}_s']:.2f} s" for key in ("cold", "sharp", "next")))
        for kind, title in (("plain", "TIFF, across"), ("copy", "fast copy, across"))
        for axis in "zyx"
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        f"A TIFF of 4 GiB (1024 x 2048 x 2048, 8 bits, put out of the system's cache before each step) opens in "
        f"{f['open_s']:.2f} s until its first slice is sharp. The window's memory grew by at most "
        f"{f['plain_extra_bytes'] / 1e6:.0f} MB, with the fast copy by {f['copy_extra_bytes'] / 1e6:.0f} MB. "
        f"The fast copy took {f['copy_s']:.0f} s to make.\n\n"
        "| far jump | window held for | every voxel there after | window held by the next steps |\n"
        f"|---|---|---|---|\n{table}\n"
    )


def local_otsu(content: dict[str, Any]) -> str:
    """How long the live preview of local Otsu takes."""
    f = content["figures"]
    return (
        f"Local Otsu takes {f['slice_ms']:.0f} ms per slice of 1024 x 1024 voxels by one thread (window of 65; "
        f"{f['slice_ms_17']:.0f} ms for 17, {f['slice_ms_257']:.0f} ms for 257), {f['speedup_skimage']:.1f} times "
        f"faster than scikit-image's rank filter, whose thresholds are the same at {f['same_threshold_share']:.1%} of "
        f"the voxels; its preview of such a slice, all of it in view, takes {f['preview_ms']:.0f} ms.\n"
    )


def fuzz(lines: list[dict[str, Any]]) -> str:
    """What became of the damaged files."""
    rows = [(r["reader"], r["files"], r.get("read", 0), r.get("refused", 0)) for r in lines]
    wrong = sum(n - read - refused for _, n, read, refused in rows)
    table = "\n".join(
        f"| {name} | {n} | {read} | {refused} | {n - read - refused} |" for name, n, read, refused in rows
    )
    return (
        f"Of {sum(r[1] for r in rows):,} damaged files of {len(rows)} readers {wrong} crashed, hung, asked for more "
        "than 1 GiB or failed without the sentence.\n\n"
        f"| reader | files | read | refused | wrong |\n|---|---|---|---|---|\n{table}\n"
    )


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def large(content: dict[str, Any]) -> str:
    """What extraction past memory took, and what larger images will take."""
    f = content["figures"]
    private = [f"{f[f'private_gib_{n}']:.2f} GiB" for n in (600, 1000, 2000)]
    rows = [
        ("memory of the process, in blocks of 200", [private[0], *(f"at most {text}" for text in private[1:])]),
        ("the same, image taken whole", [f"{f[f'peak_gib_{n}_whole']:.1f} GiB" for n in (600, 1000, 2000)]),
        ("files in `scratch`", [f"{f[f'disk_gib_{n}']:.1f} GiB" for n in (600, 1000, 2000)]),
    ]
    return (
        "600^3 was run (an OME-Zarr, read lazily): "
        f"{f['bytes_per_voxel_600']:.2f} bytes of memory per voxel in blocks, "
        f"{f['bytes_per_voxel_600_whole']:.1f} as a whole; "
        f"the same network: {'yes' if f['same_network_600'] else 'NO'}. "
        "1000^3 and 2000^3 are extrapolated. In blocks memory is a constant and what grows with the number of pores; "
        "the figure lets all growth from 300^3 to 600^3 go on with the volume, though part of it is the block itself,"
        " which 300^3 does not fill: it is an upper bound. The whole image and the disk go by the volume. The forecast "
        f"before the start was {f['forecast_over_private_300']:.2f} and {f['forecast_over_private_600']:.2f} times the "
        f"memory in blocks at 300^3 and 600^3, {f['forecast_over_peak_600_whole']:.2f} times that as a whole. "
        "In blocks 600^3 took "
        f"{f['seconds_blocks_over_whole_600']:.1f} times as long as whole.\n\n"
        f"{table(('', '600^3', '1000^3', '2000^3'), ((name, *values) for name, values in rows))}\n\n"
        "Cancel, asked at eleven moments of the extraction of 300^3 voxels, was heard after "
        f"{f['cancel_max_s']:.2f} s at the longest; the worker listened by itself in "
        f"{f['cancel_heard_share']:.0%} of them.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
