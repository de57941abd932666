"""The wheel: what is in it and what is not; installed in an empty folder it opens its window, with all it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = """
import json, os, sys, time
def main():
    from npe2 import PluginManifest
    from qtpy.QtWidgets import QApplication
    import napari_porelab, porelab_gui, porelab_methods
    from porelab_gui import assets
    from porelab_gui.core.registry import methods
    from porelab_gui.gui.app import open_window
    manifest = PluginManifest.from_distribution("porelab-gui")
    window = open_window(size=(1280, 720))
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        QApplication.processEvents()
    told = {
        "files": [porelab_gui.__file__, napari_porelab.__file__, porelab_methods.__file__],
        "resources": str(assets.resources()),
        "samples": [p.name for p in assets.samples()],
        "methods": sorted(methods()),
        "steps": list(window.stepper.buttons),
        "seen": window.welcome.isVisible(),
        "manifest": [manifest.name, manifest.display_name, len(manifest.contributions.widgets)],
        "categories": [str(getattr(c, "value", c)) for c in manifest.categories],
    }
    window.close()
    print("TOLD " + json.dumps(told))
if __name__ == "__main__":
    from porelab_gui.cli.display import virtual_display
    with virtual_display(last=True):
        main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree, built with what is installed."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(out.glob("*.whl"))


def test_it_holds_code_weights_samples_and_manifest_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    inside = "porelab_gui/_resources"
    for system in (ROOT / "resources" / "weights").iterdir():
        for file in ("model.safetensors", "card.md", "config.json"):
            assert f"{inside}/weights/{system.name}/{file}" in names
    samples = {p.name for p in (ROOT / "resources" / "samples").iterdir()}
    assert {Path(n).name for n in names if n.startswith(f"{inside}/samples/")} == samples
    assert f"{inside}/registry.toml" in names and "napari_porelab/napari.yaml" in names
    tops = {n.split("/")[0] for n in names if ".dist-info" not in n}
    assert tops == {"porelab_gui", "napari_porelab", "porelab_methods"}
    assert not [n for n in names if "test" in Path(n).name.lower() or n.endswith((".pyc", ".log"))]


def test_its_metadata_are_what_the_hub_reads(wheel):
    archive = zipfile.ZipFile(wheel)
    name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    told = Parser().parsestr(archive.read(name).decode("utf-8"))
    assert told["Name"] == "porelab-gui" and len(told["Summary"]) <= 160
    assert "Framework :: napari" in told.get_all("Classifier")
    assert any(c.startswith("License ::") for c in told.get_all("Classifier"))
    assert told["Requires-Python"] and told["Description-Content-Type"] == "text/markdown"
    assert "PoreLab" in told.get_payload() and told["Keywords"]
    points = archive.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert "[napari.manifest]\nporelab-gui = napari_porelab:napari.yaml" in points
    needed = [r for r in told.get_all("Requires-Dist") if "extra ==" not in r]
    assert not [r for r in needed if r.lower().startswith(("pyside", "pyqt"))], "a plugin chooses nobody's Qt"


@pytest.mark.gui
def test_installed_in_an_empty_folder_it_opens(wheel, tmp_path):
    place = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(place)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    (tmp_path / "open.py").write_text(PROGRAM)
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    env = {
        **clean,
        "PYTHONPATH": str(place),
        "PORELAB_CONFIG": str(tmp_path),
        "NAPARI_CONFIG": str(tmp_path / "n.yaml"),
    }
    command = [sys.executable, str(tmp_path / "open.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path)
    lines = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    assert done.returncode == 0 and lines, done.stdout[-2000:] + done.stderr[-3000:]
    told = json.loads(lines[0].removeprefix("TOLD "))
    assert all(Path(f).is_relative_to(place) for f in [*told["files"], told["resources"]])
    assert told["seen"] and {"Load", "Conductance", "Learn", "Ions"} <= set(told["steps"])
    assert {"extract_network", "conductance_cnn", "solve_dspm_de", "train_unet"} <= set(told["methods"])
    assert "sandstone.tif" in told["samples"] and told["manifest"] == ["porelab-gui", "PoreLab", 3]
    assert told["categories"] == ["Measurement", "Segmentation", "Simulation"]
    manifest = place / "napari_porelab" / "napari.yaml"
    checked = subprocess.run([sys.executable, "-m", "npe2", "validate", str(manifest)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
