"""Weights on networks: columns, variants, refusals, the sentence about strange networks, the comparison."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from porelab_methods.gnn_pnm import data
from porelab_methods.gnn_pnm.apply import apply, load
from porelab_methods.gnn_pnm.features import best_variant, graph_of
from porelab_methods.gnn_pnm.learn import learn
from porelab_methods.gnn_pnm.methods import compare_gnn, conductance_gnn, sensitivity_gnn, train_gnn_pnm
from porelab_methods.gnn_pnm.train import Recipe

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.core.transport.pnm.solve import solve_flow


@pytest.fixture(scope="module")
def trained(networks, tmp_path_factory):
    """Weights of both variants in one folder, trained for two epochs on three networks."""
    folder = tmp_path_factory.mktemp("gnn")
    (folder / "data").mkdir()
    for n, network in enumerate(networks):
        role = "test" if n == 3 else "train"
        shares = np.full((3, network.n_throats), np.nan)
        void = np.ones((36,) * 3, bool)
        sample = data.Sample(network, np.full(3, 2e-13), np.full(3, 8.0), shares, "blobs", role, void)
        data.write(folder / "data" / f"{n}.npz", sample)
    small = {"members": 2, "width": 8, "rounds": 1, "hidden": 8, "epochs": 2, "batch": 2, "threads": 1}
    weights, table, _ = learn(folder / "data", Recipe(**small), folder / "w", "porelab ...", lambda *a, **k: None)
    learn(folder / "data", Recipe(variant="lean", **small), folder / "w" / "lean", "porelab ...", lambda *a, **k: None)
    return weights, table


def test_weights_folder_scores_and_card(trained):
    weights, table = trained
    assert list(table["part"]) == ["unseen media"] and table["targets_K"][0] == 3 and table["targets_F"][0] == 3
    card = (weights.folder / "card.md").read_text()
    assert "MIT" in card and "porelab ..." in card
    assert (weights.folder / "curves.csv").exists() and load(weights, "full").variant == "full"


def test_columns_of_both_processes_and_the_solve(network, trained):
    out = conductance_gnn({"network": network, "weights": trained[0]}, {"viscosity": 2e-3})
    made, table = out["network"], out["table"]
    assert made.throats["g_hydraulic.gnn"].meta["viscosity"] == 2e-3
    for key in ("g_hydraulic.gnn", "g_diffusive.gnn", "gnn_ratio.hydraulic", "gnn_spread.diffusive"):
        assert (made.throat(key) >= 0).all() and np.isfinite(made.throat(key)).all()
    assert table["variant"][0] == "full" and table["distance"][0] < table["familiar_within"][0]
    _, flow = solve_flow(made, "gnn")
    _, thick = solve_flow(apply(network, trained[0], 4e-3, 1e-9).network, "gnn")
    assert np.allclose(flow["K_m2"], thick["K_m2"], rtol=1e-9) and list(flow["law"]) == ["gnn"] * 3


def test_error_against_simulated_conduits(network, trained):
    plain = apply(network, trained[0], 1e-3, 1e-9).network
    dns = Column(plain.throat("g_hydraulic.gnn") / 1.25 * 0.5, "m3/(Pa s)", meta={"viscosity": 2e-3})
    made = apply(network.with_throats({"g_hydraulic.dns": dns}), trained[0], 1e-3, 1e-9).network
    assert made.throat("gnn_error.hydraulic") == pytest.approx(0.25, rel=1e-6)
    assert "gnn_error.diffusive" not in made.throats


def imported(network: Network, *drop: str) -> Network:
    """As a file of another program gives it: diameters and positions only."""
    keep_p = {"inscribed_diameter", "boundary"} | {k for k in network.pores if k.startswith("face_")}
    pores = {k: c for k, c in network.pores.items() if k in keep_p}
    throats = {k: c for k, c in network.throats.items() if k == "inscribed_diameter" and k not in drop}
    return replace(network, pores=pores, throats=throats, voxel_size=None)


def test_an_imported_network_takes_the_lean_variant_and_is_told(network, trained, tmp_path):
    done = apply(imported(network), trained[0], 1e-3, 1e-9)
    assert done.variant == "lean" and any("voxel size" in n and "perimeter" in n for n in done.notes)
    alone = shutil.copytree(trained[0].folder, tmp_path / "alone", ignore=shutil.ignore_patterns("lean"))
    with pytest.raises(FormatError, match="'full' only"):
        apply(imported(network), replace(trained[0], folder=alone), 1e-3, 1e-9)


def test_missing_diameters_and_networks_too_small_are_refused(network, trained):
    with pytest.raises(InputError, match="no throat inscribed_diameter"):
        best_variant(imported(network, "inscribed_diameter"))
    lonely = network.keep(np.arange(network.n_pores) == 0)
    with pytest.raises(InputError, match="no throat"):
        apply(lonely, trained[0], 1e-3, 1e-9)
    face = np.zeros(network.n_pores, bool)
    shut = network.with_pores(**{f"face_{a}{s}": Column(face) for a in "zyx" for s in "01"})
    with pytest.raises(InputError, match="spans along none"):
        sensitivity_gnn({"network": shut, "weights": trained[0]}, {})


def test_a_network_unlike_the_training_set_is_named(network, trained):
    longer = {k: replace(network.throats[k], values=network.throat(k) * 4) for k in ("total_length", "perimeter")}
    notes = apply(network.with_throats(longer), trained[0], 1e-3, 1e-9).notes
    assert any("unlike the training set" in n and "through the throat" in n for n in notes)
    model = load(trained[0], "full")
    assert model.familiar.sentence(graph_of(network, "full"), "full") == ""


def test_sensitivity_gives_columns_for_the_view(network, trained):
    out = sensitivity_gnn({"network": network, "weights": trained[0]}, {"axes": ("y",)})
    assert out["network"].throat("dissipation_share.y").sum() == pytest.approx(1, abs=1e-8)
    assert any("half of the dissipation" in n for n in out["table"].notes)


def test_every_law_beside_the_voxels(network, trained):
    made = conductance_gnn({"network": network, "weights": trained[0]}, {})["network"]
    stokes = Table({"axis": Column(np.array(["z", "y"])), "permeability": Column(np.array([1e-13, 2e-13]), "m2")})
    table = compare_gnn({"network": made, "permeability": stokes}, {"axes": ("z", "x")})["comparison"]
    assert list(table["law"]) == ["gnn", "gnn"] and list(table["axis"]) == ["z", "x"]
    assert table["K_m2.error"][0] == pytest.approx(table["K_m2.reservoirs"][0] / 1e-13 - 1)
    assert np.isnan(table["K_m2.error"][1]) and any("diffusion on the voxels" in n for n in table.notes)


def test_training_without_a_data_set_is_refused(tmp_path):
    with pytest.raises(InputError, match="Build the data set first"):
        train_gnn_pnm({}, {"data": str(tmp_path), "folder": str(tmp_path / "w")})


def test_the_shipped_weights_fit(network):
    made = conductance_gnn({"network": network}, {})["network"]
    ratio = made.throat("gnn_ratio.hydraulic")
    assert np.isfinite(ratio).all() and 0.3 < np.median(ratio) < 3
    k = solve_flow(made, "gnn")[1]["K_m2"]
    assert (k > 1e-15).all() and (k < 1e-11).all()
