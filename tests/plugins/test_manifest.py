"""The manifest is what npe2 accepts, everything it names is there, and the front stays light."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import napari_porelab
import numpy as np
import pytest
from npe2 import PluginManifest

MANIFEST = Path(napari_porelab.__file__).with_name("napari.yaml")


@pytest.fixture(scope="module")
def manifest():
    return PluginManifest.from_file(MANIFEST)


def test_npe2_validates_it(manifest):
    done = subprocess.run([sys.executable, "-m", "npe2", "validate", str(MANIFEST)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert manifest.name == "porelab-gui"
    assert manifest.display_name == "PoreLab"


def test_every_command_names_something_that_can_be_called(manifest):
    for command in manifest.contributions.commands:
        module, _, name = command.python_name.partition(":")
        assert callable(getattr(import_module(module), name)), command.id


def test_the_docks_are_under_plugins(manifest):
    assert [w.display_name for w in manifest.contributions.widgets] == ["Workflow", "Jobs", "Plots"]


def test_the_front_is_light():
    code = "import sys, napari_porelab; print([m for m in ('qtpy', 'napari', 'torch', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_metaimage_is_read_with_its_scale(tmp_path):
    from napari_porelab.readers import get_reader

    image = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    image.tofile(tmp_path / "rock.raw")
    header = (
        "ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nElementSpacing = 0.001 0.002 0.004\nElementType = MET_UCHAR\n"
    )
    (tmp_path / "rock.mhd").write_text(header + "ElementDataFile = rock.raw\n")
    reader = get_reader(str(tmp_path / "rock.mhd"))
    (data, how, kind), *rest = reader(str(tmp_path / "rock.mhd"))
    assert not rest and kind == "image"
    assert np.array_equal(data, image)
    assert how["scale"] == pytest.approx((4.0, 2.0, 1.0))
    assert how["units"] == ("um", "um", "um")


def test_a_network_becomes_pores_and_throats(tmp_path):
    from napari_porelab.readers import layers_of

    from porelab_gui.core.nouns import Column, Network

    coords = np.array([[0, 0, 0], [0, 0, 1e-5]])
    network = Network(coords, np.array([[0, 1]]), pores={"inscribed_diameter": Column(np.array([1e-6, 2e-6]), "m")})
    throats, pores = layers_of(network)
    assert throats[2] == "vectors" and np.allclose(throats[0][0, 1], (0, 0, 10))
    assert pores[2] == "points" and np.allclose(pores[1]["size"], (1, 2))


def test_what_porelab_does_not_know_is_left_to_others(tmp_path):
    from napari_porelab.readers import get_reader

    assert get_reader(str(tmp_path / "notes.txt")) is None
    assert get_reader([str(tmp_path / "a.mhd"), str(tmp_path / "b.mhd")]) is None


def test_samples_open(manifest):
    from napari_porelab import samples

    for sample in manifest.contributions.sample_data:
        ((data, how, kind),) = getattr(samples, sample.key)()
        assert kind == "image" and data.ndim == 3 and min(how["scale"]) > 0


@pytest.mark.gui
def test_a_stock_napari_gets_the_same_docks(qapp, tmp_path, monkeypatch):
    import napari
    from qtpy.QtWidgets import QApplication

    from porelab_gui.gui.app import attach

    monkeypatch.setenv("PORELAB_CONFIG", str(tmp_path))
    viewer = napari.Viewer(show=True)
    try:
        viewer.window.add_plugin_dock_widget("porelab-gui", "Workflow")
        for _ in range(20):
            QApplication.processEvents()
        docked = set(viewer.window.dock_widgets)
        assert any("Workflow" in name for name in docked)
        assert {"Jobs", "Plots"} & docked
        window = attach(viewer, docks=False)
        assert window.stepper.isVisible() and window.welcome is None
        assert window.show_step("Segment") is not None
    finally:
        viewer.close()
