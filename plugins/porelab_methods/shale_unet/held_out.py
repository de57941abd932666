"""Chosen slices of a stack as the whole stack would give them: with the slices near them that have a say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from porelab_gui.core.nouns import Stack
from porelab_methods.shale_unet.data import with_context
from porelab_methods.shale_unet.infer import predict_slice
from porelab_methods.shale_unet.kinds import REACH, Classes, PoreKinds
from porelab_methods.shale_unet.model import UNet, folded


def segmented(
    model: UNet, image: Stack, chosen: Sequence[int], pores: tuple[int, ...], destripe: bool, mirrors: bool = False
) -> Iterator[tuple[int, Classes]]:
    """Number and classes (H, W) of each of the slices ``chosen``, in rising order."""
    net, hosts, reach = folded(model), model.hosts.cpu().numpy(), REACH if len(pores) > 1 else 0
    for run in runs(chosen, image.shape[0], reach):
        kinds = PoreKinds(pores, hosts, reach)
        wanted = set(chosen)

        def pages(run: range = run, kinds: PoreKinds = kinds) -> Iterator[Classes]:
            for z in run:
                grey = torch.from_numpy(with_context(image, z, model.context, destripe))
                yield from kinds.push(predict_slice(net, grey, mirrors).numpy())
            yield from kinds.rest()

        yield from ((z, page) for z, page in zip(run, pages(), strict=True) if z in wanted)


def runs(chosen: Sequence[int], depth: int, reach: int) -> list[range]:
    """Spans of slices that hold the chosen ones and ``reach`` more on either side; none overlaps another."""
    made: list[range] = []
    for z in sorted(chosen):
        low, high = max(0, z - reach), min(depth, z + reach + 1)
        if made and low <= made[-1].stop:
            made[-1] = range(made[-1].start, high)
        else:
            made.append(range(low, high))
    return made
