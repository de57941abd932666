"""The push towards the descriptors of real crops: exact gains, the shortest way between distributions, a training."""

from __future__ import annotations

import numpy as np
import torch
from porelab_methods.rock_gan.methods import TRAIN
from porelab_methods.rock_gan.moments import DESCRIPTORS, MomentPush, descriptors, transport
from scipy.ndimage import gaussian_filter
from skimage.measure import euler_number

from porelab_gui.core.nouns import Labels


def blobs(count, porosity, width, seed=0, edge=16):
    rng = np.random.default_rng(seed)
    fields = [gaussian_filter(rng.standard_normal((edge,) * 3), width) for _ in range(count)]
    shares = rng.normal(porosity, 0.03, count)
    grey = [(f - np.quantile(f, 1 - s)) / f.std() for f, s in zip(fields, shares, strict=True)]
    return torch.tensor(np.array(grey), dtype=torch.float32)[:, None]


def test_gains_are_what_turning_a_voxel_changes():
    rng = np.random.default_rng(0)
    void = torch.from_numpy(rng.random((2, 1, 11, 10, 12)) > 0.5)
    _, gains = descriptors(void)
    for _ in range(40):
        place = tuple(rng.integers(n) for n in void.shape)
        one, zero = void.clone(), void.clone()
        one[place], zero[place] = True, False
        change = (descriptors(one)[0] - descriptors(zero)[0])[place[0]] * void[0].numel()
        assert np.allclose(change, [int(g[place]) for g in gains])


def test_descriptors_are_porosity_pairs_and_euler_number():
    void = blobs(3, 0.3, 1.5) > 0
    found = descriptors(void)[0].numpy()
    masks = void[:, 0].numpy()
    assert np.allclose(found[:, 0], masks.mean((1, 2, 3)))
    pairs = [(m[:-4] & m[4:]).sum() + (m[:, :-4] & m[:, 4:]).sum() + (m[..., :-4] & m[..., 4:]).sum() for m in masks]
    assert np.allclose(found[:, 3] * 16**3, pairs)
    assert np.allclose(found[:, -1] * 16**3, [euler_number(m, connectivity=1) for m in masks])


def test_the_way_between_two_normal_distributions_ends_at_the_other():
    rng = np.random.default_rng(1)
    own, other = (torch.from_numpy(x @ x.T + 0.1 * np.eye(4)) for x in rng.standard_normal((2, 4, 4)))
    way = transport(own, other)
    assert torch.allclose(way, way.T) and torch.allclose(way @ own @ way.T, other)
    assert torch.allclose(transport(own, own), torch.eye(4, dtype=own.dtype), atol=1e-9)


def test_pushed_rocks_take_means_and_spread_of_the_real_ones():
    real = descriptors(blobs(200, 0.3, 1.5, seed=2) > 0)[0]
    push = MomentPush()
    push.aim(real)
    grey = (0.3 * blobs(64, 0.15, 2.0, seed=3)).requires_grad_(True)
    first = descriptors(grey > 0)[0]
    mover = torch.optim.Adam([grey], lr=0.002)
    for _ in range(300):
        mover.zero_grad()
        push(grey).backward()
        mover.step()
    last = descriptors(grey > 0)[0]
    start, end = (((x - real.mean(0)) / real.std(0)).mean(0).abs() for x in (first, last))
    assert start[0] > 2 and (end < 0.3).all(), (start, end)
    assert torch.allclose(last.std(0), real.std(0), rtol=0.3)


def test_nothing_is_pushed_where_the_distributions_agree():
    push = MomentPush()
    found = torch.randn((4000, DESCRIPTORS), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    push.aim(found)
    assert push.lack(found).abs().max() < 1e-3 and push.distance() < 1e-6


def test_a_training_may_begin_to_push_and_its_curves_say_from_when(tmp_path):
    rock = Labels((blobs(1, 0.25, 3, edge=64)[0, 0] > 0).numpy().astype(np.uint8), (2e-6,) * 3, name="blobs")
    params = {
        "crop": 32, "stride": 8, "steps": 2, "batch_size": 2, "noise": 2, "style": 2, "widths": (4, 4, 4, 4),
        "critic_widths": (4, 6, 8), "samples": 2, "hold_out": 0, "threads": 1, "folder": str(tmp_path),
    }  # fmt: skip
    TRAIN({"labels": rock}, {**params, "epochs": 1, "moments": 0.0})
    made = TRAIN({"labels": rock}, {**params, "epochs": 2, "moments": 2.0, "average": 0.9})
    again = TRAIN({"labels": rock}, {**params, "epochs": 3, "moments": 2.0, "average": 0.9})["table"]
    assert made["table"]["moments"].tolist() == [0.0, 2.0] and made["table"]["average"].tolist() == [0.995, 0.9]
    assert np.isfinite(again["moment_distance"][1:]).all() and len(again["moments"]) == 3
    straight = {**params, "moments": 2.0, "average": 0.9, "folder": str(tmp_path / "b")}
    TRAIN({"labels": rock}, {**straight, "epochs": 1})
    parts = TRAIN({"labels": rock}, {**straight, "epochs": 2})["weights"].content_hash
    whole = TRAIN({"labels": rock}, {**straight, "epochs": 2, "folder": str(tmp_path / "c")})["weights"].content_hash
    assert parts == whole
