"""The main job, through the window, on the shipped sample: everything it promises lies in the folder and replays."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pytest

from porelab_gui.cli import main

pytestmark = pytest.mark.gui


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "demo-out"
    command = [sys.executable, "-m", "porelab_gui", "demo", "--sample", "sandstone", "--out", str(folder), "--close"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    return folder


@pytest.fixture(scope="module")
def summary(out):
    return json.loads((out / "summary.json").read_text())


def test_the_summary_has_every_figure(summary):
    assert {"porosity", "pores", "throats", "K_m2", "K_mD", "F", "law", "seconds", "peak_rss_bytes"} <= summary.keys()
    for key in ("K_m2", "K_mD", "F"):
        assert set(summary[key]) == {"z", "y", "x"} and all(v > 0 for v in summary[key].values())
    assert summary["K_mD"]["z"] == pytest.approx(summary["K_m2"]["z"] / 9.869233e-16)
    assert summary["peak_rss_bytes"] > 1e8 and summary["law"]["hydraulic"]


def test_porosity_is_that_of_the_image(summary):
    from porelab_gui.assets import sample

    assert summary["porosity"] == pytest.approx(porosity_of(sample("sandstone_truth")), abs=0.02)


def porosity_of(path):
    import porelab_gui

    return porelab_gui.read(path).porosity()


def test_pictures_of_each_step_are_not_empty(out):
    from imageio.v3 import imread

    pictures = sorted(out.glob("*.png"))
    assert len(pictures) >= 9
    for picture in pictures:
        assert imread(picture).std() > 10, picture.name


def test_the_network_and_the_table_are_there(out, summary):
    assert {"network.vtp", "network_pores.csv", "network_throats.csv", "network.npz"} <= {p.name for p in out.iterdir()}
    with (out / "throat_table.csv").open() as handle:
        rows = list(csv.reader(handle))
    assert len(rows) == summary["throats"] + 1
    assert sum("g_hydraulic." in head for head in rows[0]) >= 4
    assert sum("g_diffusive." in head for head in rows[0]) >= 5


def test_the_recipe_gives_the_same_numbers(out, tmp_path, capsys):
    assert main(["run", str(out / "recipe.yaml"), "--out", str(tmp_path / "again")]) == 0
    assert "differs" not in capsys.readouterr().err
    for name in ("network_throats.csv", "network_pores.csv"):
        assert (out / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
