"""Measures of shale: closed forms of composition and shapes, agreement with a truth, the verdict of the loop."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.shale_unet.loop import grown, study_table, verdict
from porelab_methods.shale_unet.measures import Kinds, small_body_recall
from porelab_methods.shale_unet.methods import STATISTICS

from porelab_gui.core.nouns import Labels

PHASES = {0: "matrix", 1: "organic pore", 2: "inorganic pore", 3: "organic matter"}


@pytest.fixture
def shale():
    """Organic matter in half of the image with one ball of pore, a flat inorganic slit in the other half."""
    z, y, x = np.mgrid[:24, :32, :64]
    data = np.zeros(z.shape, np.uint8)
    data[..., :32] = 3
    data[(z - 12) ** 2 + (y - 16) ** 2 + (x - 16) ** 2 <= 36] = 1
    data[10:12, 8:24, 40:56] = 2
    return Labels(data, (1e-8,) * 3, phases=PHASES, void=(1, 2))


def test_kinds_are_read_from_the_names(shale):
    assert Kinds.of(shale) == Kinds((1,), (2,), (), (3,))


def test_composition_and_shapes_have_their_closed_forms(shale):
    found = STATISTICS({"labels": shale}, {"slices": (11,)})
    rows = dict(zip(found["summary"]["measure"], found["summary"]["value"], strict=True))
    ball, slit, size = int((shale.data == 1).sum()), 2 * 16 * 16, shale.data.size
    matter = size // 2 - ball
    assert rows["porosity"] == pytest.approx((ball + slit) / size)
    assert rows["OP = V_op / (V_om + V_op)"] == pytest.approx(ball / (matter + ball))
    assert rows["OP' = V_op / (V_om + V_ip)"] == pytest.approx(ball / (matter + slit))
    pores = found["pores"]
    ratio = dict(zip(pores["pores"], pores["aspect_ratio"], strict=True))
    assert ratio["organic"] == pytest.approx(1.0, abs=0.03)
    assert ratio["inorganic"] == pytest.approx(2 / 16, rel=0.02)
    assert "maturity" in found["summary"].notes[0]


def test_a_filled_slice_has_dimension_two_and_a_dot_zero(shale):
    data = np.zeros((2, 64, 64), np.uint8)
    data[0] = 1
    data[1, 5, 5] = 1
    labels = Labels(data, (1e-8,) * 3, phases={0: "matrix", 1: "pore"}, void=(1,))
    table = STATISTICS({"labels": labels}, {"slices": (0, 1)})["slices"]
    assert table["fractal_dimension"].tolist() == pytest.approx([2.0, 0.0])
    assert table["lacunarity"][0] == pytest.approx(1.0)


def test_agreement_counts_confusion_and_small_pores(shale):
    data = shale.data.copy()
    data[11, 8:24, 40:48] = 0  # half of the slit is missed in one slice
    found = STATISTICS({"labels": Labels(data, shale.voxel_size, PHASES, (1, 2)), "truth": shale}, {"slices": (11,)})
    table = found["agreement"]
    row = dict(zip(table["phase"], table["iou"], strict=True))
    assert row["inorganic pore"] == pytest.approx(0.5)
    assert table["called matrix"][list(table["phase"]).index("inorganic pore")] == 128


def test_small_bodies_count_when_half_of_them_is_found():
    truth, found = np.zeros((20, 20), int), np.zeros((20, 20), int)
    truth[1:3, 1:3] = truth[10:12, 10:12] = 1
    truth[14:19, 1:9] = 1  # forty pixels: not small
    found[1, 1:3] = 1
    found[10, 10] = 1
    assert small_body_recall(truth, found, 1) == (1, 2)


def test_the_loop_says_when_another_slice_no_longer_pays():
    assert "still pays" in verdict([2, 3], [0.80, 0.83])
    assert "no longer pays" in verdict([2, 3, 4], [0.80, 0.83, 0.832])
    history = grown([{"slices": 2, "mean_iou": 0.8}, "nonsense"], (1, 2, 3), 0.83, {"pore": 0.7})
    assert [e["slices"] for e in history] == [2, 3] and history[-1]["iou pore"] == 0.7
    note = study_table([(2, 1e-6, 0.80), (3, 8e-7, 0.86), (4, 6e-7, 0.862)]).notes[0]
    assert note.startswith("After 3 slices")


def test_figures_are_means_over_seeds_and_cases():
    from porelab_methods.shale_unet.report import markdown
    from porelab_methods.shale_unet.score import figures

    def row(case, slices, seed, iou):
        return {"case": case, "slices": slices, "seed": seed, "iou organic pore": iou, "iou inorganic pore": 0.5,
                "miou": iou - 0.1, "paper": "x"}  # fmt: skip

    rows = [row("phantom, held-out slices", 6, 0, 0.9), row("phantom, held-out stack", 6, 1, 0.8)]
    rows += [row("phantom, held-out slices", 3, 0, 0.7), {"case": "Ni-YSZ nano-tomogram", "slices": 6, "miou": 0.95}]
    found = figures(rows)
    assert found["iou_organic_6"] == pytest.approx(0.85) and found["miou_phantom_6"] == pytest.approx(0.75)
    assert found["miou_phantom_3"] == pytest.approx(0.6) and found["miou_soc_6"] == 0.95
    assert np.isnan(figures([])["miou_soc_6"])
    assert "| miou_phantom_6 | 0.75 |" in markdown(rows) and "paper" not in markdown(rows)
