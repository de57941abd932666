"""Pairs, nets, data set, the three trainings and the use of the super-resolver, with nets of a few hundred numbers."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import torch
from porelab_methods.superres.blocks import from_deepore, from_stack, medium, part_bounds, permeabilities
from porelab_methods.superres.dataset import entries, examples
from porelab_methods.superres.learn import Lowering, Pairs
from porelab_methods.superres.methods import COARSEN, COMPARE, DATA, JUDGE, RESOLVE, SUPERRES, SURROGATE
from porelab_methods.superres.nets import Ensemble, SuperResolver, Surrogate, shuffled
from porelab_methods.superres.pairs import downsampled, pooled, turned
from porelab_methods.superres.quality import artefacts, dice, interpolated
from porelab_methods.superres.tiles import resolved

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.nouns import Labels, Stack, Weights
from porelab_gui.core.progress import Cancelled, silent

VOXEL = (4e-6,) * 3
QUICK = {"epochs": 1, "batch_size": 2, "threads": 1, "precision": "float32"}


def test_the_mean_keeps_porosity_and_edges_that_do_not_fit_are_padded():
    void = medium(24, 1)
    assert downsampled(void, 4, "mean").mean() == pytest.approx(void.mean())
    assert downsampled(void[:22, :, :23], 4, "mean").shape == (6, 6, 6)
    assert np.array_equal(downsampled(void, 4, "nearest"), void[2::4, 2::4, 2::4])
    noisy = downsampled(np.ones((16,) * 3, bool), 2, "gaussian", 0.1, 3)
    assert noisy.std() == pytest.approx(0.1, rel=0.2) and noisy.mean() == pytest.approx(1.0, abs=0.02)


def test_a_turn_does_not_change_the_permeability_along_z():
    void = medium(12, 2)
    known = permeabilities(void, silent, (0,))[0]
    assert len({turned(void, t).tobytes() for t in range(16)}) == 16
    for turn in (1, 8, 15):
        again = permeabilities(np.ascontiguousarray(turned(void, turn)), silent, (0,))[0]
        assert again == pytest.approx(known, rel=0.02)


def test_k_is_in_squared_voxels():
    """A square duct of edge a carries 0.0351443 a^4 over the area of the image."""
    void = np.zeros((8, 20, 20), bool)
    void[:, 4:16, 4:16] = True
    assert permeabilities(void, silent, (0,))[0] == pytest.approx(0.0351443 * 12**4 / 400, rel=0.05)


def test_shuffling_puts_channels_where_they_belong():
    x = torch.arange(16.0).reshape(1, 16, 1, 1, 1)
    out = shuffled(x)
    assert out.shape == (1, 2, 2, 2, 2)
    assert out.flatten().tolist() == list(range(16))


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_the_super_resolver_begins_at_the_interpolation(factor):
    low = torch.rand(1, 1, 4, 5, 6) * 0.9 + 0.05
    made = SuperResolver(factor, 8, 1)(low)
    assert made.shape == (1, 1, 4 * factor, 5 * factor, 6 * factor)
    wanted = torch.nn.functional.interpolate(low, scale_factor=float(factor), mode="trilinear")
    assert torch.allclose(made, wanted, atol=1e-4)
    with pytest.raises(InputError, match="is not one of"):
        SuperResolver(3)


def test_each_view_of_the_surrogate_counts():
    net = Surrogate(slab=4, width=2)
    volume = torch.rand(1, 1, 16, 16, 16, requires_grad=True)
    net(volume).sum().backward()
    assert (volume.grad.abs() > 0).float().mean() > 0.9
    for branch in net.branches:
        assert next(branch.parameters()).grad.abs().sum() > 0
    with pytest.raises(InputError, match="no multiple"):
        net(torch.zeros(1, 1, 18, 18, 18))


def test_blocks_of_two_parts_share_no_plane(rock):
    assert part_bounds(100, (0.15, 0.15)) == {"train": (0, 70), "validation": (70, 85), "test": (85, 100)}
    planes = {}
    for block in from_stack(rock, 8, 8, (0.25, 0.25)):
        z = int(block.name.split("_")[0])
        planes.setdefault(block.part, set()).update(range(z, z + 8))
    assert len(planes) == 3 and not planes["train"] & planes["test"] and not planes["train"] & planes["validation"]
    with pytest.raises(InputError, match="holds no training block"):
        list(from_stack(rock, 40, 8, (0.2, 0.2)))


def test_a_stopped_build_goes_on_and_solves_nothing_twice(data, rock, tmp_path, monkeypatch):
    _, table, params = data
    assert len(table) == 3 and np.isnan(table["K_y"]).all() and np.isfinite(table["K_z"]).all()
    factor = VOXEL[0] ** 2 / 9.869233e-16
    assert table["permeability_z"] == pytest.approx(table["K_z"] * factor, rel=1e-3)
    from porelab_methods.superres import dataset

    def refuse(*args):
        raise AssertionError("solved again")

    calls = []

    def stop(done, total, message="", /, **metrics):
        calls.append(done)
        if done >= 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        DATA({"labels": rock}, {**params, "folder": str(tmp_path)}, stop)
    assert len(list(entries(tmp_path / "blocks"))) == 1
    monkeypatch.setattr(dataset, "permeabilities", refuse)
    again = DATA({"labels": rock}, params)["table"]
    assert again["K_z"].tolist() == table["K_z"].tolist()
    with pytest.raises(InputError, match="another source or setting"):
        DATA({"labels": rock}, {**params, "stride": 8})


def test_media_are_parents_of_their_own_and_axes_turn_the_block(tmp_path):
    params = {"source": "media", "count": 4, "edge": 12, "validation": 0.25, "test": 0.25, "folder": str(tmp_path)}
    table = DATA({}, params)["table"]
    assert sorted(table["part"].tolist()) == ["test", "train", "train", "validation"]
    found = examples(tmp_path, "train")
    first = next(e for e in found if e.axis == 2)
    assert np.array_equal(first.void, np.moveaxis(first.entry.void, 2, 0))
    assert first.log_k == pytest.approx(np.log10(first.entry.k[2]))


def test_the_layout_of_deepore_is_read(tmp_path):
    path, edge = tmp_path / "deepore.h5", 256
    with h5py.File(path, "w") as file:
        images = file.create_dataset("X", (3, edge, edge, edge, 1), np.uint8, chunks=(1, 64, 64, 64, 1))
        images[0, 1, 2, 3] = 1
        values = np.zeros((3, 1515, 1), np.float32)
        values[:, 0, 0] = (0.5, np.nan, 2.0)
        file["Y"] = values
    found = list(from_deepore(path, edge, (0.0, 1 / 3)))
    assert [b.known[0] for b in found] == [0.5, 2.0] and [b.part for b in found] == ["train", "test"]
    assert found[0].void.sum() == edge**3 - 1 and not found[0].void[1, 2, 3]
    with pytest.raises(FormatError, match="have"):
        list(from_deepore(path, 64, (0.0, 0.0)))
    with h5py.File(path, "a") as file:
        del file["Y"]
    with pytest.raises(FormatError, match="no file of DeePore"):
        list(from_deepore(path, edge, (0.0, 0.0)))


def test_pairs_differ_between_epochs_and_are_repeatable(data):
    found = examples(data[0], "train")
    one, two = (Pairs(found, Lowering(4, "gaussian", 0.1), True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one[0], two[0], strict=True))
    two.set_epoch(3)
    assert not torch.equal(one[0][0], two[0][0])
    low, high, log_k = one[0]
    assert low.shape == (1, 4, 4, 4) and high.shape == (1, 16, 16, 16) and float(log_k) == pytest.approx(found[0].log_k)


def test_the_correction_moves_the_image_and_not_the_surrogate(trained):
    from porelab_methods.superres.nets import opened

    curve = trained["curve"]["tradeoff"]
    assert curve["epoch"].tolist() == [-1, 0, 1]
    assert np.isfinite(curve["voxel_error"]).all() and (np.diff(curve["k_error"]) != 0).all()
    (before, config), (after, corrected) = (opened(trained[k], "superres") for k in ("before", "after"))
    assert corrected["corrected"] and not config["corrected"]
    assert any(not torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))
    assert "training blocks of 16^3 voxels" in (trained["after"].folder / "card.md").read_text()


def test_gradients_pass_through_frozen_surrogates_and_are_right(data):
    """The derivative of the error of K by one number of the super-resolver, against a finite difference."""
    torch.manual_seed(0)
    net, judge = SuperResolver(4, 8, 1).double(), Ensemble(2, 4, 2).double()
    judge.requires_grad_(False)
    low = torch.rand(1, 1, 4, 4, 4).double() * 0.8 + 0.1
    loss = ((judge(net(low)) + 1.0) ** 2).mean()
    loss.backward()
    weight = net.tail.bias
    found, h = float(weight.grad[0]), 1e-5
    with torch.no_grad():
        values = []
        for sign in (1, -1):
            weight += sign * h
            values.append(float(((judge(net(low)) + 1.0) ** 2).mean()))
            weight -= sign * h
    assert found == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-4)
    assert all(p.grad is None for p in judge.parameters())


def test_tiles_do_not_show(trained):
    from porelab_methods.superres.nets import opened

    net, _ = opened(trained["before"], "superres")
    low = np.random.default_rng(0).random((13, 9, 22)).astype(np.float32)
    whole, parts = (resolved(net, low, lambda x: x, (52, 36, 88), edge, None, silent) for edge in (64, 5))
    assert np.array_equal(whole, parts) and 0 < whole.mean() < 1


def test_a_stack_is_resolved_lazily_to_zarr_and_cropped_to_the_truth(trained, rock, tmp_path):
    import dask.array as da

    truth = Labels(rock.array()[:46, :23, :21], VOXEL)
    low = COARSEN({"labels": truth}, {"factor": 4})["low"]
    assert low.shape == (12, 6, 6) and low.voxel_size == pytest.approx((16e-6,) * 3)
    inputs = {"image": low, "weights": trained["before"], "truth": truth}
    plain = RESOLVE(inputs, {})["volume"]
    lazy = Stack(da.from_array(low.array(), chunks=(4, 6, 6)), low.voxel_size)
    stored = RESOLVE({**inputs, "image": lazy}, {"folder": str(tmp_path / "v.zarr"), "tile": 4})["volume"]
    assert plain.shape == (46, 23, 21) and plain.voxel_size == pytest.approx(VOXEL)
    assert hasattr(stored.data, "dask") and np.array_equal(stored.array(), plain.array())
    with pytest.raises(InputError, match="times finer"):
        RESOLVE({**inputs, "truth": Labels(rock.array()[:40], VOXEL)}, {})


def test_grey_needs_levels_and_follows_them(trained):
    shares = np.random.default_rng(1).random((4, 4, 4)).astype(np.float32)
    grey = Stack((200 - 150 * shares).astype(np.float32), (16e-6,) * 3, name="scan")
    with pytest.raises(InputError, match="which grey is void"):
        RESOLVE({"image": grey, "weights": trained["before"]}, {})
    made = RESOLVE({"image": grey, "weights": trained["before"]}, {"levels": (50, 200)})["volume"]
    same = RESOLVE({"image": Stack(shares, (16e-6,) * 3), "weights": trained["before"]}, {})["volume"]
    assert np.mean(made.array() == same.array()) > 0.999


def test_a_surrogate_of_another_voxel_size_is_refused(trained, data, tmp_path):
    low = Stack(np.full((4, 4, 4), 0.5, np.float32), (80e-6,) * 3)
    inputs = {"image": low, "before": trained["before"], "after": trained["after"], "surrogate": trained["surrogate"]}
    with pytest.raises(InputError, match="trained at 4 um voxels and this image has 20 um"):
        COMPARE(inputs, {"network": False})
    with pytest.raises(FormatError, match="no super-resolver"):
        RESOLVE({"image": low, "weights": trained["surrogate"]}, {})
    with pytest.raises(InputError, match="holds no blocks"):
        SURROGATE({}, {"data": str(tmp_path)})


def test_before_and_after_are_compared(trained, rock):
    truth = Labels(rock.array()[:16, :16, :16], VOXEL)
    low = COARSEN({"labels": truth}, {"factor": 4})["low"]
    inputs = {k: trained[k] for k in ("before", "after", "surrogate")} | {"image": low, "truth": truth}
    made = COMPARE(inputs, {"network": False})
    table = made["table"]
    fine = [n for n in ("super-resolved", "corrected", "true") for _ in range(2)]
    assert table["image"].tolist() == ["low (cut at one half)", *fine]
    assert sum("Stokes" in law for law in table["law"]) == 4
    assert table["voxel"] == pytest.approx([16e-6] + [4e-6] * 6)
    changed = made["super_resolved"].array() != made["corrected"].array()
    assert np.array_equal(made["difference"].array() > 1, changed)
    assert np.array_equal(np.isin(made["difference"].array(), (1, 2)), made["corrected"].void_mask())
    assert made["artefacts"].shape == (16, 16, 16) and (made["artefacts"].array() >= 0).all()


def test_artefacts_are_what_the_measurement_contradicts():
    void = medium(16, 4)
    low = pooled(void, 4)
    assert np.abs(artefacts(low, void, 4)).max() == 0
    wrong = void.copy()
    wrong[:4, :4, :4] = ~wrong[:4, :4, :4]
    off = artefacts(low, wrong, 4)
    assert np.count_nonzero(off) == 1 and off[0, 0, 0] == pytest.approx(1 - 2 * low[0, 0, 0])
    assert dice(void, void) == 1.0
    assert np.array_equal(interpolated(low, 4, 0, (16, 16, 16))[::4, ::4, ::4], low)


def test_the_judge_is_not_the_jury(trained, data):
    """The true image itself would get r2 = 1 by Stokes flow; the surrogate's word changes nothing in that column."""
    inputs = {k: trained[k] for k in ("before", "after", "surrogate", "direct")}
    made = JUDGE(inputs, {"data": str(data[0]), "network": False})
    short, blocks = made["summary"], made["blocks"]
    assert short["method"].tolist() == [
        "nearest",
        "cubic",
        "cubic, shares kept",
        "super-resolved",
        "corrected",
        "direct net",
        "true image",
    ]
    own = blocks["method"] == "cubic"
    logs = np.log10(np.maximum(blocks["k_stokes"][own], 1e-6)), np.log10(blocks["k"][own])
    wanted = 1 - ((logs[0] - logs[1]) ** 2).sum() / ((logs[1] - logs[1].mean()) ** 2).sum()
    assert short["r2_stokes"][1] == pytest.approx(wanted)
    assert np.isnan(short["r2_stokes"][5]) and short["r2_stokes"][6] == 1.0 and np.isfinite(short["r2_surrogate"]).all()
    with pytest.raises(FormatError, match="no direct net"):
        JUDGE({**inputs, "direct": trained["surrogate"]}, {"data": str(data[0])})


def test_columns_worse_than_cubic_are_counted_by_their_direction():
    from porelab_methods.superres.evaluate import COLUMNS, worse_columns

    names = (*COLUMNS, "r2_stokes", "r2_network")
    cubic, better = dict.fromkeys(names, 0.5), dict.fromkeys(names, 0.5) | {"dice": 0.9, "euler_error": 0.1}
    rows = [{"method": "cubic", **cubic}, {"method": "corrected", **better}]
    assert worse_columns(rows) == 0
    rows[1] |= {"dice": 0.4, "porosity_error": 0.6}
    assert worse_columns(rows) == 2


@pytest.mark.gpu
def test_it_trains_on_a_gpu(data, tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    made = SUPERRES({}, {**QUICK, "data": str(data[0]), "width": 4, "blocks": 1, "folder": str(tmp_path)})
    assert isinstance(made["super_resolver"], Weights) and np.isfinite(made["table"]["loss"]).all()
