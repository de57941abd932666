"""Where the time goes: the main job, training of each system, the window. Writes docs/profile.md.

``python benchmarks/profiles.py PART FILE.json`` measures one part (main, window, or a system) into a file that
may hold others; ``python benchmarks/profiles.py page FILE.json`` writes the page from it. cProfile counts processor
seconds of all threads of the process, so that what else runs on the machine does not matter; own time of a function is
what it spent outside other Python functions, so that compiled kernels count for their caller.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from porelab_gui.core.generated import filled, table

PAGE = Path(__file__).parents[1] / "docs" / "profile.md"
TOP = 8
PACKAGES = ("porelab_gui", "porelab_methods", "benchmarks", "site-packages", "lib/python3")
WINDOW = """
import cProfile, json, pstats, sys, time
profiles, seconds = {}, {}
def measured(name, work):
    profile = profiles[name] = cProfile.Profile(time.process_time)
    start = time.process_time()
    made = profile.runcall(work)
    seconds[name] = time.process_time() - start
    return made
def start():
    import napari
    from qtpy.QtWidgets import QApplication
    from porelab_gui.gui.app import open_window
    made = open_window(size=(1280, 800))
    QApplication.processEvents()
    return made
window = measured("start until the window is up", start)
from qtpy.QtWidgets import QApplication
def load():
    window.context.session.run("load", {"path": sys.argv[1]})
    window.wait(120)
    QApplication.processEvents()
measured("open a stack", load)
def scroll():
    for k in range(20, 70):
        window.viewer.dims.set_point(0, k * 5.0)
        QApplication.processEvents()
measured("scroll 50 slices", scroll)
def steps():
    for step in window.stepper.buttons:
        window.stepper.show_step(step)
        QApplication.processEvents()
measured("open every step's page", steps)
sys.path.insert(0, sys.argv[2])
import profiles as tool
rows = [{"step": k, "seconds": seconds[k], "top": tool.top(profiles[k])} for k in profiles]
print("PART " + json.dumps(rows), flush=True)
window.close()
"""


ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of no use to a reader


def top(profile: cProfile.Profile) -> list[dict[str, Any]]:
    """The functions with the largest own time, as shares of all; imports are one row."""
    stats: Any = pstats.Stats(profile)
    found: dict[str, float] = {}
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():
        key = "imports of modules" if _imports(file, name) else f"{_short(file)}{ADDRESS.sub('', name)}"
        found[key] = found.get(key, 0.0) + own
    total = sum(found.values()) or 1.0
    best = sorted(found.items(), key=lambda item: -item[1])[:TOP]
    return [{"function": name, "seconds": own, "share": own / total} for name, own in best]


def _imports(file: str, name: str) -> bool:
    words = ("importlib", "create_dynamic", "marshal.loads", "posix.stat", "io.open_code")
    return any(w in file or w in name for w in words) or name == "<module>"


def _short(file: str) -> str:
    """A path from the package on, for the reader."""
    for package in PACKAGES:
        if package in file:
            tail = file[file.index(package) :].removeprefix("site-packages/")
            return f"{tail}: "
    return "" if file == "~" else f"{Path(file).name}: "


def measured(name: str, work: Callable[[], Any]) -> tuple[dict[str, Any], Any]:
    """Run under the profiler; a row and what the work gave."""
    profile = cProfile.Profile(time.process_time)
    start = time.process_time()
    made = profile.runcall(work)
    return {"step": name, "seconds": time.process_time() - start, "top": top(profile)}, made


def main_job() -> list[dict[str, Any]]:
    """From a grey image of a sandstone to permeability and formation factor; one thread, kernels warm."""
    from porelab_gui.assets import sample
    from porelab_gui.core.registry import get

    rows: list[dict[str, Any]] = []
    for _ in range(2):  # the first time the kernels are loaded
        rows, items = [], {}
        for method, params, ports in (
            ("load", {"path": str(sample("sandstone.tif"))}, {}),
            ("segment_threshold", {}, {"image": "image"}),
            ("extract_network", {"threads": 1}, {"labels": "labels"}),
            ("conductance_analytic", {}, {"network": "network"}),
            ("solve_flow", {}, {"network": "network"}),
            ("solve_diffusion", {}, {"network": "network"}),
            ("conductance_dns", {"cache": False, "threads": 1}, {"regions": "regions", "network": "network"}),
        ):
            inputs = {port: items[name] for port, name in ports.items()}
            row, made = measured(get(method).title, lambda m=method, i=inputs, p=params: get(m)(i, p))
            items |= made
            rows.append(row)
    return rows


def _train(name: str, inputs: dict[str, Any], params: dict[str, Any]) -> list[dict[str, Any]]:
    from porelab_gui.core.registry import get

    return [measured(get(name).title, lambda: get(name)(inputs, params))[0]]


def shale_unet() -> list[dict[str, Any]]:
    """One epoch on six slices of the shale sample."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = {"image": read("shale.tif"), "labels": read("shale_truth.npz")}
        return _train("train_unet", inputs, {"epochs": 1, "tests": 2, "folder": folder})


def conduit_cnn() -> list[dict[str, Any]]:
    """One epoch on the conduits of the sandstone sample."""
    from porelab_gui.core.registry import get

    made = get("extract_network")({"labels": read("sandstone_truth.npz")}, {})
    made |= get("conductance_dns")({"regions": made["regions"], "network": made["network"]}, {"physics": "both"})
    made = {"regions": made["regions"], "network": made["network"]}
    with tempfile.TemporaryDirectory() as folder:
        return _train("train_conduit_cnn", made, {"epochs": 1, "folder": folder})


def rock_gan() -> list[dict[str, Any]]:
    """One epoch of ten steps on the sandstone sample."""
    with tempfile.TemporaryDirectory() as folder:
        params = {
            "epochs": 1,
            "small_epochs": 1,
            "steps": 10,
            "samples": 2,
            "crop": 32,
            "small_edge": 16,
            "hold_out": 0.35,
        }
        return _train("train_rock_gan", {"labels": read("sandstone_truth.npz")}, {**params, "folder": folder})


def superres() -> list[dict[str, Any]]:
    """One epoch of each of the two nets on blocks of the sandstone sample."""
    from porelab_gui.core.registry import get

    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder, "data"))
        build = {"folder": data, "edge": 32, "stride": 16, "validation": 0.35, "test": 0.0, "voxel": 5e-6}
        get("build_superres_data")({"labels": read("sandstone_truth.npz")}, build)
        rows = []
        for name, more in (("train_superres", {}), ("train_surrogate", {"members": 1})):
            rows += _train(name, {}, {"data": data, "epochs": 1, "folder": str(Path(folder, name)), **more})
        return rows


def gnn_pnm() -> list[dict[str, Any]]:
    """One epoch on eight small networks."""
    from porelab_gui.core.registry import get

    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder, "data"))
        get("build_gnn_data")({}, {"networks": 8, "unseen": 0, "rocks": False, "folder": data})
        return _train("train_gnn_pnm", {}, {"data": data, "epochs": 1, "folder": str(Path(folder, "net"))})


def ion_transport() -> list[dict[str, Any]]:
    """A training on simulated membranes, with few rounds."""
    with tempfile.TemporaryDirectory() as folder:
        params = {"simulations": 100, "rounds": 1, "steps": 20, "starts": 1, "folder": folder}
        return _train("train_ion_transport", {}, params)


def window() -> list[dict[str, Any]]:
    """A fresh process that opens the window, a stack, scrolls and opens every page."""
    from porelab_gui.assets import sample
    from porelab_gui.cli.display import virtual_display

    here = str(Path(__file__).parent)
    with virtual_display():
        command = [sys.executable, "-W", "ignore", "-c", WINDOW, str(sample("sandstone.tif")), here]
        done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    line = next((x for x in done.stdout.splitlines() if x.startswith("PART ")), None)
    if line is None:
        raise RuntimeError(done.stderr[-3000:])
    rows: list[dict[str, Any]] = json.loads(line.removeprefix("PART "))
    return rows


def read(name: str) -> Any:
    """A shipped sample."""
    from porelab_gui.assets import sample
    from porelab_gui.core.image.formats.dispatch import read_any

    return read_any(sample(name))


SYSTEMS = (shale_unet, conduit_cnn, gnn_pnm, rock_gan, superres, ion_transport)
PARTS = {"main": main_job, "window": window, **{f.__name__: f for f in SYSTEMS}}


def run() -> dict[str, Any]:
    """Every part; ``rows`` are steps, ``figures`` their seconds."""
    parts = {name: work() for name, work in PARTS.items()}
    figures = {f"{name}_s": sum(row["seconds"] for row in rows) for name, rows in parts.items()}
    return {"figures": figures, "rows": [{"part": n, **row} for n, rows in parts.items() for row in rows]}


def section(rows: list[dict[str, Any]]) -> str:
    """A table per step: the functions with the largest share of its time."""
    total = sum(row["seconds"] for row in rows)
    heads = [(row["step"], f"{row['seconds']:.2f} s", f"{row['seconds'] / total:.0%}") for row in rows]
    parts = [table(("step", "time", "share"), heads)] if len(rows) > 1 else []
    for row in rows:
        lines = [(f"`{t['function']}`", f"{t['seconds']:.2f} s", f"{t['share']:.0%}") for t in row["top"]]
        name = f"{row['step']}, {row['seconds']:.2f} s: own time of"
        parts.append(table((name, "time", "share"), lines))
    return "\n\n" + "\n\n".join(parts) + "\n\n"


def write_page(store: Path) -> None:
    """docs/profile.md with the parts that the store holds; the others stay as they were."""
    parts = json.loads(store.read_text())
    page = PAGE.read_text(encoding="utf-8")
    for name, rows in parts.items():
        page = filled(page, name, section(rows))
    PAGE.write_text(page, encoding="utf-8")


def main() -> None:
    """Measure a part, or write the page."""
    part, store = sys.argv[1], Path(sys.argv[2])
    if part == "page":
        write_page(store)
        return
    kept = json.loads(store.read_text()) if store.exists() else {}
    kept[part] = PARTS[part]()
    store.write_text(json.dumps(kept, indent=1))
    print(section(kept[part]))


if __name__ == "__main__":
    main()
