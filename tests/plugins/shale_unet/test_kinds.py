"""Pores of one kind: by themselves, by what lies around them, and by what the slices near them show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.shale_unet.held_out import runs
from porelab_methods.shale_unet.kinds import PoreKinds, decided, overlaps, surroundings

MATRIX, ORGANIC, INORGANIC, MATTER = range(4)
PORES = (ORGANIC, INORGANIC)
BLIND = torch.zeros(4, 4)


def shares_of(classes, sure=0.9):
    """Shares (4, H, W) of a net that is rather sure of these classes."""
    return np.moveaxis(np.eye(4)[classes] * (sure - (1 - sure) / 3) + (1 - sure) / 3, -1, 0)


def through(pages, reach=2):
    kinds = PoreKinds(PORES, BLIND.numpy(), reach)
    return [*(page for shares in pages for page in kinds.push(shares)), *kinds.rest()]


def test_a_pore_is_of_one_kind():
    shares = torch.zeros(4, 12, 12)
    shares[0] = 0.5
    shares[1:, 2:10, 2:10] = torch.tensor([0.6, 0.3, 0.1])[:, None, None]
    shares[1:, 5:7, 5:7] = torch.tensor([0.3, 0.6, 0.1])[:, None, None]  # the middle looks like another kind
    assert (decided(shares, PORES, BLIND)[2:10, 2:10] == ORGANIC).all()
    assert (decided(shares, (1,), BLIND)[5:7, 5:7] == INORGANIC).all(), "with one kind of pore nothing is voted on"


def test_what_lies_around_a_pore_says_which_kind_it_is():
    """A wide pore that looks organic inside."""
    truth = np.zeros((1, 24, 24), np.uint8)
    truth[0, :, 12:] = MATTER
    truth[0, 4:8, 16:20], truth[0, 4:8, 4:8] = ORGANIC, INORGANIC
    hosts = torch.from_numpy(surroundings(truth, PORES, 4))
    assert hosts[ORGANIC, MATTER] == 1.0 and hosts[INORGANIC, MATRIX] == 1.0 and not hosts[MATRIX].any()
    shares = torch.zeros(4, 24, 24)
    shares[0] = 0.9
    shares[:, 14:20, 2:9] = torch.tensor([0.0, 0.6, 0.4, 0.0])[:, None, None]
    assert (decided(shares, PORES, BLIND)[14:20, 2:9] == ORGANIC).all()
    assert (decided(shares, PORES, hosts)[14:20, 2:9] == INORGANIC).all()
    shares[3], shares[0] = shares[0].clone(), 0.0
    assert (decided(shares, PORES, hosts)[14:20, 2:9] == ORGANIC).all()


@pytest.fixture
def leaning():
    """Five slices of one pore that shifts sideways; in the middle one a net takes it for the other kind."""
    pages = np.zeros((5, 16, 24), np.intp)
    for z in range(5):
        pages[z, 4:9, 3 * z : 3 * z + 6] = ORGANIC if z == 2 else INORGANIC
        pages[z, 12:14, 2:5] = ORGANIC  # another pore, which hangs together with nothing
    return pages


def test_the_same_pore_in_the_slices_near_it_has_a_say(leaning):
    found = through([shares_of(page, 0.6 if z == 2 else 0.9) for z, page in enumerate(leaning)])
    assert len(found) == 5
    for page, classes in zip(leaning, found, strict=True):
        assert (classes[:10][page[:10] > 0] == INORGANIC).all()
        assert (classes[12:14, 2:5] == ORGANIC).all() and (classes[page == 0] == MATRIX).all()
    alone = through([shares_of(page) for page in leaning], reach=0)
    assert (alone[2][:10][leaning[2, :10] > 0] == ORGANIC).all()


def test_a_pore_is_followed_no_further_than_the_reach():
    """A channel that is organic above and inorganic below keeps both kinds away from where they meet."""
    pages = [shares_of(np.full((6, 6), ORGANIC if z < 10 else INORGANIC)) for z in range(20)]
    found = through(pages, reach=2)
    assert all((page == ORGANIC).all() for page in found[:9]) and all((page == INORGANIC).all() for page in found[11:])


@pytest.mark.parametrize("depth", [1, 2, 3, 7])
def test_every_slice_comes_out_once_and_in_order(depth):
    marks = [shares_of(np.where(np.arange(8) == z, MATTER, MATRIX)[None].repeat(8, 0)) for z in range(depth)]
    found = through(marks, reach=3)
    assert [int((page == MATTER).any(0).argmax()) for page in found] == list(range(depth))


def test_bodies_that_share_a_pixel_are_linked():
    before, after = np.zeros((4, 9), np.int32), np.zeros((4, 9), np.int32)
    before[0, :3], before[2, 4:6] = 1, 2
    after[0, 2:5], after[3, 4:6] = 2, 1
    assert overlaps(before, after).tolist() == [[0, 1]]


def test_runs_hold_what_has_a_say_and_do_not_overlap():
    assert runs((4, 6, 20), 24, 2) == [range(2, 9), range(18, 23)]
    assert runs((0, 23), 24, 6) == [range(7), range(17, 24)]
    assert runs((3, 9), 24, 0) == [range(3, 4), range(9, 10)]
