"""The command line: exit codes, one clear line, methods, one Method on files."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from porelab_gui.cli import main


def test_methods_as_json_has_the_schema_of_every_parameter(capsys):
    assert main(["methods", "--json"]) == 0
    listed = {m["name"]: m for m in json.loads(capsys.readouterr().out)}
    assert listed["extract_network"]["inputs"]["labels"]["noun"] == "Labels"
    sigma = listed["extract_network"]["params"]["properties"]["sigma"]
    assert sigma["unit"] == "voxel" and sigma["description"] and "maximum" in sigma


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["extract_netwrk"], 2, "extract_network"),
        (["extract_network", "--sigma", "99"], 2, "sigma"),
        (["extract_network", "--colour", "1"], 2, "--colour"),
        (["bench", "nothing"], 2, "nothing"),
        (["score", "nothing"], 2, "nothing"),
        (["run", "missing.yaml"], 1, "missing.yaml"),
        (["load", "--path", "missing.tif"], 1, "missing.tif"),
    ],
)
def test_wrong_usage_and_failure_are_one_line(capsys, words, code, text):
    assert main(words) == code
    error = capsys.readouterr().err.strip()
    assert text in error and "\n" not in error and "Traceback" not in error


def test_debug_adds_the_traceback(capsys):
    assert main(["run", "missing.yaml", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_help_lists_every_method(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "extract_network" in out and "porelab demo" in out


def test_python_minus_m_is_the_same_program():
    result = subprocess.run(
        [sys.executable, "-m", "porelab_gui", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("porelab ")


@pytest.fixture
def rock(tmp_path):
    rng = np.random.default_rng(0)
    from scipy.ndimage import gaussian_filter

    image = gaussian_filter(rng.random((40, 36, 32)), 2)
    np.save(tmp_path / "rock.npy", image > np.quantile(image, 0.6))
    return tmp_path / "rock.npy"


def test_a_chain_of_methods_on_files(rock, tmp_path, capsys):
    out = tmp_path / "network"
    assert main(["extract_network", "--in", f"labels={rock}", "--voxel-size", "2e-6", "--out", str(out)]) == 0
    assert (out / "network.vtp").exists() and (out / "regions.tif").exists()
    network = out / "network.npz"
    laws = tmp_path / "with_laws.npz"
    assert main(["conductance_analytic", "--in", str(network), "--out", str(laws)]) == 0
    capsys.readouterr()
    assert main(["solve_flow", "--in", f"network={laws}"]) == 0
    assert "K" in capsys.readouterr().out


def test_a_recipe_replays_and_can_be_changed(rock, tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"""porelab_recipe: 1
steps:
- {{method: load, params: {{path: "{rock}", voxel_size: [2.0e-6, 2.0e-6, 2.0e-6]}}, outputs: {{image: rock}}}}
- method: extract_network
  params: {{r_max: 4}}
  inputs: {{labels: rock}}
  outputs: {{network: net, regions: regions}}
"""
    )
    assert main(["run", str(recipe), "--out", str(tmp_path / "first")]) == 0
    assert main(["run", str(tmp_path / "first" / "recipe.yaml"), "--out", str(tmp_path / "again")]) == 0
    assert "differs" not in capsys.readouterr().err
    first = (tmp_path / "first" / "net_throats.csv").read_bytes()
    assert first == (tmp_path / "again" / "net_throats.csv").read_bytes()
    changed = ["run", str(tmp_path / "first" / "recipe.yaml"), "--set", "extract_network.r_max=9"]
    assert main(changed) == 0
    assert "net differs" in capsys.readouterr().err


@pytest.fixture
def recipe(rock, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"""porelab_recipe: 1
steps:
- {{method: load, params: {{path: "{rock}", voxel_size: [2.0e-6, 2.0e-6, 2.0e-6]}}, outputs: {{image: "my rock"}}}}
- {{method: extract_network, params: {{r_max: 4}}, inputs: {{labels: "my rock"}}, outputs: {{network: net}}}}
- {{method: conductance_analytic, inputs: {{network: net}}, outputs: {{network: net}}}}
- {{method: solve_flow, inputs: {{network: net}}, outputs: {{table: K}}}}
"""
    )
    return path


def test_a_sweep_gives_a_table_and_a_plot(recipe, tmp_path):
    out = tmp_path / "sweep"
    setting = "conductance_analytic.viscosity=0.001:0.002:0.0005"
    assert main(["run", str(recipe), "--set", setting, "--out", str(out)]) == 0
    head, *rows = (out / "runs.csv").read_text().splitlines()
    assert len(rows) == 3 and "conductance_analytic.viscosity" in head and "K.K" in head
    assert (out / "runs.png").stat().st_size > 10_000 and (out / "run0003" / "recipe.yaml").exists()


def test_a_folder_of_images_runs_and_a_bad_one_is_named(recipe, rock, tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    np.save(folder / "a.npy", np.load(rock)[:24])
    np.save(folder / "b.npy", np.zeros((24, 24, 24), bool))
    assert main(["run", str(recipe), "--batch", str(folder), "--out", str(tmp_path / "o")]) == 1
    rows = (tmp_path / "o" / "runs.csv").read_text().splitlines()
    assert len(rows) == 4 and rows[2].startswith("a.npy") and (tmp_path / "o" / "run0001-a" / "net.npz").exists()
    assert "b.npy" in capsys.readouterr().out


def test_the_script_of_a_session_runs_and_gives_identical_numbers(recipe, tmp_path):
    from porelab_gui.core.recipe import Recipe, replay

    recorded = replay(Recipe.load(recipe)).recipe
    script = tmp_path / "session.py"
    script.write_text(recorded.as_script())
    told = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout
    assert told.count("as recorded") == 4 and "differs" not in told


def test_a_changed_input_and_version_are_named(recipe, rock, tmp_path, capsys):
    assert main(["run", str(recipe), "--out", str(tmp_path / "first")]) == 0
    recorded = tmp_path / "first" / "recipe.yaml"
    recorded.write_text(recorded.read_text().replace(f"numpy: {np.__version__}", "numpy: 1.0.0"))
    np.save(tmp_path / "other.npy", np.load(rock)[::-1])
    assert main(["run", str(recorded), str(tmp_path / "other.npy")]) == 0
    told = capsys.readouterr().err
    assert f"numpy is {np.__version__}, recorded with 1.0.0" in told and "other.npy" in told
