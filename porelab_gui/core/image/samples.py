"""Makes the samples that PoreLab ships: ``python -m porelab_gui.core.image.samples [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from porelab_gui.core.image.phantoms.method import MAKE_PHANTOM
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import silent

SAMPLES: dict[str, dict[str, Any]] = {
    "sandstone": {"kind": "sandstone", "depth": 100, "height": 110, "width": 120, "seed": 7, "voxel": 5e-6},
    "shale": {
        "kind": "shale", "depth": 60, "height": 128, "width": 144, "seed": 3, "voxel": 10e-9, "noise": 8.0,
    },
}  # fmt: skip


def make_samples(folder: Path) -> list[Path]:
    """Write grey image and truth of every sample; returns the files."""
    made = []
    for name, params in SAMPLES.items():
        outputs = MAKE_PHANTOM({}, params)
        for key, ending in (("image", ""), ("truth", "_truth")):
            noun = outputs[key]
            assert isinstance(noun, Stack)
            made.append(_write(noun, folder / f"{name}{ending}"))
    return made


def _write(noun: Stack, path: Path) -> Path:
    """Labels as .npz (which packs them well), grey levels as a packed ImageJ TIFF."""
    import tifffile

    from porelab_gui.core.export.images import write_npz
    from porelab_gui.core.export.whole import whole_file

    ending = ".npz" if isinstance(noun, Labels) else ".tif"
    target = path.with_name(path.name + ending)
    with whole_file(target) as temporary:
        if isinstance(noun, Labels):
            write_npz(noun, temporary, silent)
        else:
            z, y, x = (v * 1e6 for v in noun.voxel_size)
            meta = {"axes": "ZYX", "unit": "um", "spacing": z}
            tifffile.imwrite(
                temporary, noun.array(), imagej=True, resolution=(1 / x, 1 / y), metadata=meta, compression="zlib"
            )
    return target


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[3] / "resources" / "samples"
    for file in make_samples(chosen):
        sys.stdout.write(f"{file} {file.stat().st_size:,} bytes\n")
