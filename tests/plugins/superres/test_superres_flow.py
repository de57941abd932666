"""The surrogate that solves: Darcy's law on coarse cells in closed form, its gradient, and what a net on it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.superres.darcy import effective, pressure
from porelab_methods.superres.flow_net import FlowSurrogate
from porelab_methods.superres.methods import SURROGATE
from porelab_methods.superres.nets import Surrogate, build, opened, predicted_k

from porelab_gui.core.errors import InputError


@pytest.fixture(autouse=True)
def one_thread():
    """Grids as small as these are slower on two threads, by much when another process has the second core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def grid(seed: int, spread: float = 1.0, shape: tuple[int, ...] = (2, 3, 6, 5, 4)) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.exp(spread * torch.randn(shape, generator=source, dtype=torch.float64))


def test_layers_across_the_flow_give_the_harmonic_mean():
    k = torch.rand(7, dtype=torch.float64) + 0.1
    cells = k[None, None, :, None, None].expand(1, 3, 7, 4, 5)
    assert float(effective(cells)) == pytest.approx(float(1.0 / (1.0 / k).mean()), rel=1e-9)


def test_layers_along_the_flow_give_the_arithmetic_mean():
    k = torch.rand(5, dtype=torch.float64) + 0.1
    cells = k[None, None, None, None, :].expand(1, 3, 6, 4, 5)
    assert float(effective(cells)) == pytest.approx(float(k.mean()), rel=1e-9)


def test_each_grid_of_a_batch_lies_between_its_bounds_and_is_solved_for_itself():
    k = grid(0, 2.0)
    both = effective(k)
    apart = torch.cat([effective(one[None]) for one in k])
    torch.testing.assert_close(both, apart, rtol=1e-7, atol=0.0)
    along = k[:, 0]
    assert bool((both < along.mean((1, 2, 3))).all()) and bool((both > 1.0 / (1.0 / along).mean((1, 2, 3))).all())


def test_flow_is_conserved():
    k = grid(1, 2.0)
    p = pressure(k)
    z = k[:, 0]
    crossing = -(2 * z[:, :-1] * z[:, 1:] / (z[:, :-1] + z[:, 1:]) * p.diff(dim=1)).sum((2, 3))
    torch.testing.assert_close(crossing, effective(k)[:, None].expand_as(crossing) * 20 / 6, rtol=1e-4, atol=0.0)


def test_the_gradient_is_that_of_finite_differences():
    k = grid(2, 1.0).requires_grad_(True)
    effective(k).sum().backward()
    rng = np.random.default_rng(0)
    for place in zip(*(rng.integers(0, n, 6) for n in k.shape), strict=True):
        step = 1e-4 * float(k[place].detach())
        ends = []
        for sign in (1, -1):
            moved = k.detach().clone()
            moved[place] += sign * step
            ends.append(float(effective(moved).sum()))
        assert float(k.grad[place]) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=2e-3, abs=1e-7)


@pytest.mark.parametrize("cell", [1, 2, 4, 8])
def test_turning_the_volume_over_keeps_k_of_the_first_guess(cell):
    torch.manual_seed(0)
    net = FlowSurrogate(cell, 8, 1)
    void = (torch.rand(2, 1, 32, 32, 32) > 0.6).float()
    torch.testing.assert_close(net(void), net(void.flip(2)), rtol=1e-4, atol=1e-5)


def test_a_closed_wall_lowers_k_and_a_rest_beyond_the_cells_is_left_out():
    torch.manual_seed(0)
    net = FlowSurrogate(4, 8, 1)
    void = torch.ones(1, 1, 18, 16, 17)
    walled = void.clone()
    walled[:, :, 4:8] = 0.0
    torch.testing.assert_close(net(void), net(void[..., :16, :16, :16]), rtol=0.0, atol=1e-5)
    assert bool((net(walled) < net(void) - 2.0).all())
    with pytest.raises(InputError, match="too few"):
        net(torch.ones(1, 1, 6, 16, 16))


def test_a_few_blocks_teach_what_a_slit_conducts():
    """K of slits is w^3 / (12 L): learned from some widths, right for one that was not shown, and with a gradient."""

    def slit(width: int, start: int) -> torch.Tensor:
        void = torch.zeros(1, 1, 16, 32, 32)
        void[..., start : start + width, :] = 1.0
        return void

    torch.manual_seed(0)
    net = FlowSurrogate(4, 8, 1)
    shown = [(w, s) for w in (4, 6, 7, 9, 10, 12, 14) for s in (4, 7, 10)]
    known = torch.log10(torch.tensor([w**3 / (12.0 * 32.0) for w, _ in shown]))
    images = torch.cat([slit(*s) for s in shown])
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(80):
        loss = (net(images) - known).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    asked = slit(8, 8).requires_grad_(True)
    found = net(asked)
    assert float(found.detach()) == pytest.approx(np.log10(8**3 / (12 * 32)), abs=0.1)
    found.sum().backward()
    assert bool(torch.isfinite(asked.grad).all()) and float(asked.grad.abs().max()) > 0


@pytest.mark.parametrize("sees", ["high", "low"])
def test_the_views_of_the_paper_are_trained_too_and_their_weights_open_as_such(data, tmp_path, sees):
    wanted = {"form": "views", "sees": sees, "members": 2, "slab": 4, "width": 2, "data": str(data[0])}
    quick = {"epochs": 1, "batch_size": 2, "threads": 1, "precision": "float32", "folder": str(tmp_path)}
    weights = SURROGATE({}, {**wanted, **quick})["surrogate"]
    net, config = opened(weights, "surrogate" if sees == "high" else "direct")
    assert config["form"] == "views" and isinstance(net.members[0], Surrogate)
    assert np.isfinite(predicted_k(net, np.ones((16, 16, 16) if sees == "high" else (4, 4, 4), np.float32)))


def test_weights_from_before_the_flow_open_as_views():
    config = {"system": "surrogate", "members": 1, "slab": 4, "width": 2}
    assert isinstance(build(config).members[0], Surrogate)
    assert isinstance(build({**config, "form": "flow", "cell": 2}).members[0], FlowSurrogate)
