"""Whole stacks: blocks give what slices give, on disk in bounded memory, and on the workers of a real cluster."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from porelab_methods.shale_unet import blocks
from porelab_methods.shale_unet.apply import apply, needed_bytes
from porelab_methods.shale_unet.data import with_context
from porelab_methods.shale_unet.held_out import segmented
from porelab_methods.shale_unet.infer import entropy, predict_slice
from porelab_methods.shale_unet.methods import NEXT, SEGMENT
from porelab_methods.shale_unet.model import build, folded

from porelab_gui.core.errors import InputError, PorelabError
from porelab_gui.core.image.review import with_states
from porelab_gui.core.learning.weights import Card, load_weights, save_weights
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import Cancelled, silent
from porelab_gui.core.review import SliceState


@pytest.fixture
def thin(monkeypatch):
    """Blocks of three slices."""
    monkeypatch.setattr(blocks, "slices_per_block", lambda shape, classes: 3)


def slice_by_slice(rock, trained):
    model = folded(load_weights(trained["weights"], build))
    for z in range(rock[0].shape[0]):
        yield z, predict_slice(model, torch.from_numpy(with_context(rock[0], z, 3)))


def test_blocks_give_what_single_slices_give(rock, trained, thin):
    found = apply(rock[0], trained["weights"], silent, phase="pore")
    for z, shares in slice_by_slice(rock, trained):
        assert np.array_equal(found["labels"].data[z], shares.argmax(0).numpy())
        assert np.abs(found["uncertainty"].data[z] - 255 * entropy(shares).numpy()).max() < 0.6
        assert np.abs(found["probability"].data[z] - 255 * shares[0].numpy()).max() < 0.6


def test_kinds_of_pores_do_not_end_at_blocks(rock, thin, tmp_path):
    """Blocks of three slices give the kinds that all slices in one go give, but for what bytes round."""
    torch.manual_seed(2)
    sizes = {"classes": 4, "context": 3, "width": 4, "depth": 2}
    net = build(sizes)
    net.head.weight.data *= 20.0  # of an opinion, though not trained
    net.hosts[1, 3], net.hosts[2, 0] = 1.0, 1.0
    named = {"values": [0, 1, 2, 3], "phases": {str(k): f"phase {k}" for k in range(4)}, "void": [1, 2]}
    card = Card("Untrained", "", "", "", [], "", "", "")
    weights = save_weights(tmp_path, net, {"system": "shale_unet", **sizes, **named}, card)
    found = apply(rock[0], weights, silent)["labels"].data
    depth = rock[0].shape[0]
    backwards = range(depth - 1, -1, -1)
    by_slice = dict(segmented(load_weights(weights, build), rock[0], backwards, (1, 2), False))
    whole = np.stack([by_slice[z] for z in range(depth)])
    assert len(np.unique(whole)) >= 3 and np.isin(whole, (1, 2)).any()
    assert (found == whole).mean() > 0.995


class Counting:
    """A stack that is read slab by slab and knows how much was asked for at once."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.ndim = data, data.shape, data.dtype, 3
        self.most = 0

    def __getitem__(self, key):
        made = self.data[key]
        self.most = max(self.most, made.shape[0])
        return made


def test_a_lazy_stack_goes_to_disk_block_by_block(rock, trained, thin, tmp_path):
    import dask.array as da

    source = Counting(np.tile(rock[0].data, (4, 1, 1)))
    lazy = Stack(da.from_array(source, chunks=(3, 64, 64)), rock[0].voxel_size, name="large")
    apply(lazy, trained["weights"], silent, folder=str(tmp_path / "warm"))
    tracemalloc.start()
    found = apply(lazy, trained["weights"], silent, folder=str(tmp_path / "out"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert hasattr(found["labels"].data, "dask") and source.most <= 5
    assert peak < needed_bytes(lazy, trained["weights"])
    small = apply(rock[0], trained["weights"], silent)
    assert np.array_equal(np.asarray(found["labels"].data[1:19]), small["labels"].data[1:19])
    names = sorted(p.name for p in (tmp_path / "out").iterdir() if p.is_dir())
    assert names == ["labels", "probability matrix", "probability organic matter", "probability pore", "uncertainty"]


def test_memory_of_a_block_is_bounded_for_a_large_stack():
    assert blocks.block_bytes((2048, 2048, 2048), 5, 16, 5) < 2.5e9
    assert blocks.slices_per_block((2048, 2048, 2048), 5) * blocks.slice_bytes((2048, 2048, 2048), 5) <= 256 << 20


def test_two_worker_processes_give_the_same(rock, trained, thin):
    from distributed import LocalCluster

    here = apply(rock[0], trained["weights"], silent)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        there = apply(rock[0], trained["weights"], silent, scheduler=cluster.scheduler_address)
    assert np.array_equal(here["labels"].data, there["labels"].data)
    assert np.array_equal(here["uncertainty"].data, there["uncertainty"].data)


def test_a_scheduler_that_is_not_there_is_refused(rock, trained, monkeypatch):
    monkeypatch.setattr(blocks, "WAIT_SECONDS", 0.5)
    with pytest.raises(PorelabError, match="does not answer"):
        apply(rock[0], trained["weights"], silent, scheduler="tcp://127.0.0.1:9")


def test_cancel_is_heard_between_blocks(rock, trained, thin):
    calls = []

    def stop(done, total, message="", /, **metrics):
        calls.append(done)
        if done >= 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        apply(rock[0], trained["weights"], stop)
    assert calls == [0, 1]


def test_corrected_slices_are_kept_and_phases_are_checked(rock, trained):
    image, truth = rock
    wrong = Labels(np.zeros_like(truth.data), truth.voxel_size, phases=truth.phases, void=(0,))
    labels = with_states(wrong, {4: SliceState.DONE})
    found = SEGMENT({"image": image, "weights": trained["weights"], "labels": labels}, {})["labels"]
    assert not np.any(found.data[4]) and np.any(found.data[5])
    assert found.review.states[4] == SliceState.DONE and found.review.states[5] == SliceState.AUTOMATIC
    with pytest.raises(InputError, match="knows no phase"):
        SEGMENT({"image": image, "weights": trained["weights"]}, {"phase": "gold"})


def test_the_next_slice_is_the_least_sure_one_away_from_what_is_corrected():
    unsure = np.full((30, 4, 4), 20, np.uint8)
    unsure[11], unsure[12], unsure[25] = 90, 100, 80
    stack = Stack(unsure, (1e-8,) * 3, name="uncertainty")
    assert NEXT({"uncertainty": stack}, {})["next_slices"]["slice"][:2].tolist() == [12, 11]
    labels = Labels(np.zeros((30, 4, 4), np.uint8), (1e-8,) * 3, phases={0: "a", 1: "b"}, void=())
    labels = with_states(labels, {11: SliceState.CORRECTED})
    ranked = NEXT({"uncertainty": stack, "labels": labels}, {"gap": 2})["next_slices"]
    assert ranked["slice"][0] == 25 and 12 not in ranked["slice"]
