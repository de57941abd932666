"""The score: rows from samples whose truth is known, ranks, the constant of Kozeny-Carman, baselines that learn."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from porelab_methods.gnn_pnm import score
from porelab_methods.gnn_pnm.baselines import (
    GraphItems,
    VoxelItems,
    VoxelNet,
    axes_of,
    graph_batch,
    kozeny_carman,
    predict_voxels,
    train_graph,
)
from porelab_methods.gnn_pnm.report import write

from porelab_gui.core.transport.laws.assign import assign
from porelab_gui.core.transport.pnm.kinds import DIFFUSION, FLOW


@pytest.fixture
def known(samples):
    """Samples whose truth is the cone law itself, flows included."""
    made = []
    for s in samples[:2]:
        network = assign(
            s.network, ["cones_and_cylinders"], viscosity=1.0, diffusivity=1.0, pore_diameter="equivalent",
            throat_diameter="inscribed", length="direct",
        )  # fmt: skip
        one = replace(s, network=network)
        results = [score.solved(network, "cones_and_cylinders", a, FLOW, one) for a in "zyx"]
        diffusion = [score.solved(network, "cones_and_cylinders", a, DIFFUSION, one) for a in "zyx"]
        shares = np.stack([r.flow / r.flow_in for r in results])
        k, f = np.array([r.value for r in results]), np.array([1 / r.value for r in diffusion])
        made.append(
            (replace(one, k=k, f=f, shares=shares), {"law": {FLOW.prefix: results, DIFFUSION.prefix: diffusion}})
        )
    return made


def test_a_model_that_is_the_truth_has_no_error_and_rank_one(known):
    samples, found = zip(*known, strict=True)
    rows = score.network_rows("part", "law", samples, found)
    assert [r["family"] for r in rows] == ["all", "blobs", "spheres"]
    assert rows[0]["median_err_K"] < 1e-9 and rows[0]["r2_lnF"] == pytest.approx(1)
    assert rows[0]["rank_flow"] == pytest.approx(1) and 0 < rows[0]["rank_g"] < 1
    assert rows[0]["targets_K"] == 6 and rows[0]["media"] == 2


def test_figures_take_growth_from_both_parts_and_the_best_baseline():
    def row(part, model, error):
        return {"part": part, "model": model, "family": "all", "median_err_K": error, "r2_lnK": 0.9, "media": 3}

    rows = [row("unseen media", score.OURS, 0.05), row("unseen media, 200^3", score.OURS, 0.07)]
    rows += [row("unseen media", "a", 0.3), row("unseen media", "b", 0.2)]
    found = score.figures(rows)
    assert found["median_err_growth"] == pytest.approx(0.02) and found["median_err_best_baseline"] == 0.2
    assert found["r2_lnK_unseen"] == 0.9 and np.isnan(found["median_err_unseen_rock"])


def test_kozeny_carman_of_a_slit():
    void = np.zeros((30, 30, 30), bool)
    void[:, 10:20] = True
    assert kozeny_carman(void, 2e-6) == pytest.approx((1 / 3) ** 3 / (2 / 30 / 2e-6) ** 2)


def test_the_graph_level_net_learns_and_knows_the_axis(samples, tmp_path):
    items = GraphItems(samples)
    assert len(items) == len(axes_of(samples)) == 12
    _, along, _, _ = graph_batch([items[0], items[1], items[2]])
    third = len(along) // 3
    assert (along[:third] + along[third : 2 * third] + along[2 * third :]).numpy() == pytest.approx(1, abs=1e-5)
    net = train_graph(samples[:3], samples[3:], tmp_path, 2)
    assert sum(p.numel() for p in net.parameters()) > 1000


def test_the_voxel_net_turns_the_axis_of_flow_to_the_front(samples):
    void = np.zeros((36, 36, 36), bool)
    void[10:20] = True
    one = replace(samples[0], void=void, k=np.array([1e-13, np.nan, 1e-13]))
    items = VoxelItems([one])
    assert len(items) == 2
    front, side = items[0][0][0], items[1][0][0]
    assert front.shape == (64, 64, 64)
    assert front[15].all() and not front[0].any() and side[:, 15].all() and not side[:, 0].any()
    assert predict_voxels(VoxelNet().eval(), [one]).shape == (2,)


def test_scores_are_written_between_the_marks(tmp_path):
    page, scores = tmp_path / "page.md", tmp_path / "s.json"
    begin, end = "<!-- scores: written by porelab_methods.gnn_pnm.report -->", "<!-- end of scores -->"
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    row = {"part": "unseen media", "model": "m", "family": "all", "media": 3, "median_err_K": 0.0512, "r2_lnK": 0.98}
    scores.write_text(json.dumps({"figures": {"r2_lnK_unseen": 0.98}, "rows": [row, {**row, "family": "blobs"}]}))
    write(scores, page)
    text = page.read_text()
    assert "old" not in text and "5.1 %" in text and "unseen media: blobs" in text
    assert text.startswith("before") and text.endswith("after\n")
