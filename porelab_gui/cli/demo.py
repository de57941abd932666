"""``porelab demo``: the main job on a real rock, start to finish, through the window."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import porelab_gui
from porelab_gui.cli.display import has_display, virtual_display
from porelab_gui.cli.envelope import machine, show_figures, write_json
from porelab_gui.cli.parse import Parser
from porelab_gui.core.recipe import versions

BEREA = "berea/berea_z000-256_pore.npz"
BEREA_VOXEL = 5.345e-6  # metres; Imperial College Berea, figshare 1153794
SAMPLE = "sandstone"


def main(words: list[str]) -> int:
    """Run it, leave everything in the output folder, and the window open where somebody can see it."""
    parser = Parser(prog="porelab demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo-out"), metavar="DIR")
    parser.add_argument("--sample", metavar="NAME", help="a shipped sample instead of the real Berea image")
    parser.add_argument("--close", action="store_true", help="close the window at the end")
    given = parser.parse_args(words)
    path, load, segment = choose_image(given.sample)
    visible = has_display()
    given.out.mkdir(parents=True, exist_ok=True)
    with virtual_display(last=True):
        from porelab_gui.gui.demo import Demo

        demo = Demo(path, load, segment, given.out)
        summary = demo.run()
        write_json(given.out / "summary.json", {**summary, "versions": versions(), "machine": machine()})
        show_figures({"figures": _flat(summary)})
        if visible and not given.close:
            demo.stay_open()
        else:
            demo.close()
    return 0


def choose_image(sample: str | None) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """The Berea image where it is at hand, else the shipped sample; with parameters for loading and segmentation."""
    from porelab_gui.assets import sample as shipped

    if sample is None:
        for folder in data_folders():
            if (folder / BEREA).is_file():
                # it comes segmented, True = void: the threshold splits it at its two values
                return folder / BEREA, {"voxel_size": (BEREA_VOXEL,) * 3}, {"void": "bright"}
    return shipped(sample or SAMPLE), {}, {}


def data_folders() -> list[Path]:
    """Where real images may lie: PORELAB_DATA, beside the checkout, the user's own data folder."""
    from platformdirs import user_data_path

    named = [Path(os.environ["PORELAB_DATA"])] if os.environ.get("PORELAB_DATA") else []
    checkout = Path(porelab_gui.__file__).resolve().parents[1]
    return [*named, checkout.parent / "shared" / "data", user_data_path("porelab")]


def _flat(summary: dict[str, object]) -> dict[str, object]:
    """Nested figures under dotted names."""
    flat: dict[str, object] = {}
    for key, value in summary.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{k}": v for k, v in value.items()})
        else:
            flat[key] = value
    return flat
