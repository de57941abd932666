"""The package of docs/plugin_guide.md, built out of the page, installed by pip, and found where the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "plugin_guide.md"
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
LOOK = """
import json, sys
import numpy as np
from porelab_gui.core.nouns import Column, Network
from porelab_gui.core.registry import get, methods
from porelab_gui.gui.app import open_window

window = open_window(size=(1280, 720))
panel = window.stepper.show_step("Conductance")
network = Network(np.array([[0, 0, 0], [0, 0, 4e-5]]), np.array([[0, 1]]),
                  throats={"inscribed_diameter": Column(np.array([1e-5]), "m")}, size=(1e-4,) * 3, voxel_size=1e-6)
session = window.context.session
session.put(get("load"), {}, {}, {"image": network}, {"image": "network"})
job = session.run("conductance_square", {"viscosity": 2e-3})
window.wait(60)
made = session.items["network"].throats
form = panel.show_method("conductance_square")
print("FOUND " + json.dumps({
    "registered": "conductance_square" in methods(),
    "choices": [panel.combo.itemText(k) for k in range(panel.combo.count())],
    "fields": sorted(form.fields),
    "g": float(made["g_hydraulic.square"].values[0]) if "g_hydraulic.square" in made else str(job.error),
    "unit": made["g_hydraulic.square"].unit if "g_hydraulic.square" in made else "",
    "step": session.recipe.steps[-1].method,
}), flush=True)
window.close()
"""


@pytest.fixture(scope="module")
def blocks():
    return dict(BLOCK.findall(GUIDE.read_text(encoding="utf-8")))


def test_it_is_a_thirty_line_package(blocks):
    assert set(blocks) == {"pyproject.toml", "porelab_square_law/__init__.py"}
    law = [line for line in blocks["porelab_square_law/__init__.py"].splitlines() if line.strip()]
    assert len(law) <= 34


@pytest.mark.gui
def test_installed_it_appears_in_registry_recipe_and_dock(blocks, tmp_path):
    source, target = tmp_path / "my-law", tmp_path / "site"
    for name, text in blocks.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True)
    paths = os.pathsep.join([str(target), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run([sys.executable, "-c", LOOK], env={**os.environ, "PYTHONPATH": paths},
                          capture_output=True, text=True, timeout=200)  # fmt: skip
    line = next((x for x in done.stdout.splitlines() if x.startswith("FOUND ")), None)
    assert line is not None, done.stderr[-2000:]
    found = json.loads(line.removeprefix("FOUND "))
    assert found["registered"] and found["step"] == "conductance_square" and "Square ducts" in found["choices"]
    assert found["fields"] == ["diffusivity", "side", "viscosity"]
    assert found["g"] == pytest.approx(1e-20 / (28.454 * 2e-3 * 4e-5), rel=1e-9) and found["unit"] == "m3/(Pa s)"
