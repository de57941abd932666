"""The nets: the paper's layer by layer; ours of any size, without walls, tile by tile the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.rock_gan import maker as maker_module
from porelab_methods.rock_gan.adversarial import gradient_penalty
from porelab_methods.rock_gan.maker import Finish, NetMaker, drifting
from porelab_methods.rock_gan.model import Critic, Generator, Sizes, build, cells_for, config_of, draw_latents, rocks_of
from porelab_methods.rock_gan.paper import PaperCritic, PaperGenerator

from porelab_gui.core.errors import InputError

TINY = Sizes(noise=3, style=2, widths=(6, 6, 4, 4), critic=(4, 6, 8))
TABLE_1 = {
    "linear": 2_752_512, "norm": 262_144, "up.0.0": 2_097_280, "up.0.1": 256, "up.1.0": 524_352, "up.1.1": 128,
    "up.2.0": 131_104, "up.2.1": 64, "last": 2_049,
}  # fmt: skip
TABLE_2 = {
    "first.0.0": 112, "first.0.1": 8, "first.1.0": 1_744, "first.1.1": 32, "first.2.0": 27_712, "first.2.1": 128,
    "then.0.0": 262_208, "then.0.1": 128, "then.1.0": 262_208, "then.1.1": 128, "then.2.0": 262_208,
    "then.2.1": 128, "last": 4_097,
}  # fmt: skip


def counts(net):
    own = {name: sum(p.numel() for p in module.parameters(recurse=False)) for name, module in net.named_modules()}
    return {name: n for name, n in own.items() if n}


@pytest.mark.parametrize(
    ("make", "table", "total"), [(PaperGenerator, TABLE_1, 5_769_889), (PaperCritic, TABLE_2, 820_841)]
)
def test_the_nets_of_the_paper_have_its_parameters_layer_by_layer(make, table, total):
    assert counts(make()) == table
    assert sum(table.values()) == total


def test_the_shapes_of_the_paper():
    with torch.device("meta"):
        generator, critic = PaperGenerator(), PaperCritic()
        shapes = []
        for part in generator.up:
            part.register_forward_hook(lambda m, i, o: shapes.append(tuple(o.shape[1:])))
        rock = generator(torch.empty(5, 20))
        assert shapes == [(128, 16, 16, 16), (64, 32, 32, 32), (32, 64, 64, 64)]
        assert rock.shape == (5, 1, 128, 128, 128)
        assert critic(rock).shape == (5,)


@pytest.mark.parametrize("edge", [32, 33, 64, 100])
def test_one_generator_makes_rocks_of_any_size(edge):
    net = Generator(TINY).eval()
    latents = draw_latents(net, 1, edge, torch.Generator().manual_seed(0))
    assert latents.shape[2] == cells_for(edge)
    assert rocks_of(net, latents, edge).shape == (1, 1, edge, edge, edge)
    assert (latents[:, :2] == latents[:, :2, :1, :1, :1]).all()  # one style per rock


def test_a_part_of_a_rock_comes_from_its_own_latents_alone():
    net = Generator(TINY).eval()
    latent = torch.randn(1, 5, 14, 12, 12)
    with torch.no_grad():
        whole, part = net(latent), net(latent[:, :, 3:])
    assert torch.allclose(whole[:, :, 24:], part, atol=1e-5)


def test_a_large_rock_in_tiles_is_the_rock_at_once(monkeypatch):
    net = NetMaker(Generator(TINY), (70, 41, 36), 1e-6, drift=True)
    monkeypatch.setattr(maker_module, "fast_bfloat16", lambda: False)
    latent = net.draw(np.random.default_rng(0))
    whole = net.grey(latent)
    monkeypatch.setattr(maker_module, "TILE", 2)
    sizes = []
    net.net.register_forward_hook(lambda m, i, o: sizes.append(o.shape))
    assert np.allclose(net.grey(latent), whole, atol=1e-5) and whole.shape == (70, 41, 36)
    assert len(sizes) == 5 * 3 * 2 and max(s[2] for s in sizes) == 20


def test_a_drifting_style_is_standard_normal_everywhere():
    fields = np.stack([drifting(np.random.default_rng(k), 4, (24, 24, 16)) for k in range(60)])
    assert abs(fields.mean()) < 0.05
    assert np.abs(fields.var(axis=(0, 1)).mean((1, 2)) - 1).max() < 0.15
    step = np.abs(np.diff(fields, axis=2)).mean()
    assert step < 0.35 * np.abs(fields).mean()


class Summed(torch.nn.Module):
    """The pooled part of the paper's critic, which takes rocks of any size."""

    def __init__(self):
        super().__init__()
        self.part = PaperCritic().first

    def forward(self, x):
        return self.part(x).square().sum((1, 2, 3, 4))


@pytest.mark.parametrize("make", [lambda: Critic(TINY.critic), Summed])
def test_the_critic_and_its_penalty_can_be_differentiated_twice(make):
    torch.manual_seed(0)
    critic = make()
    real, fake = torch.ones(1, 1, 32, 32, 32), -torch.ones(1, 1, 32, 32, 32)
    penalty = gradient_penalty(critic, real + 0.1 * torch.randn_like(real), fake)
    penalty.backward()
    told = [p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in critic.parameters() if p.dim() > 1]
    assert all(told) and float(penalty.detach()) > 0


def test_the_penalty_of_a_linear_critic_is_known():
    class Linear(torch.nn.Module):
        def forward(self, x):
            return 3.0 * x.flatten(1)[:, 0] + 4.0 * x.flatten(1)[:, 1]

    rocks = torch.randn(4, 1, 2, 2, 2)
    assert float(gradient_penalty(Linear(), rocks, -rocks)) == pytest.approx((5.0 - 1.0) ** 2, rel=1e-5)


def test_finish_is_what_it_says():
    grey = np.full((8, 8, 8), -0.9, np.float32)
    grey[:4] = 0.1
    grey[4:6] = 0.8
    grey += 0.03 * np.random.default_rng(0).standard_normal(grey.shape).astype(np.float32)
    assert Finish().pores(grey).mean() == pytest.approx(6 / 8)
    assert Finish(threshold="multi_otsu").pores(grey).mean() == pytest.approx(2 / 8, abs=0.02)
    spot = np.full((9, 9, 9), -1.0, np.float32)
    spot[4, 4, 4] = 1
    assert Finish().pores(spot).sum() == 1 and Finish(median=3).pores(spot).sum() == 0


def test_the_paper_makes_one_size_and_says_so():
    with torch.device("meta"):
        net = PaperGenerator()
    with pytest.raises(InputError, match="128\\^3 voxels only"):
        NetMaker(net.to_empty(device="cpu"), (64, 64, 64), 1e-6)


def test_strange_configurations_are_refused():
    assert isinstance(build(config_of("convolutional", TINY)), Generator)
    for bad in ({"system": "other"}, config_of("convolutional", Sizes(widths=(9999, 8, 8, 8)))):
        with pytest.raises(ValueError):
            build(bad)
