"""Which search, and what it needs beforehand."""

from __future__ import annotations

from collections.abc import Sequence

from porelab_gui.core.cache import Cache
from porelab_gui.core.progress import Progress, silent, within
from porelab_methods.rock_gan.deformation import algorithm_1, line_search
from porelab_methods.rock_gan.fast import Fast
from porelab_methods.rock_gan.maker import Maker
from porelab_methods.rock_gan.order import Search
from porelab_methods.rock_gan.survey import refuse_out_of_reach, survey
from porelab_methods.rock_gan.targets import Wish

SHARE = 0.2  # of the bar for the survey


def chosen_search(
    kind: str,
    maker: Maker,
    wishes: Sequence[Wish],
    count: int,
    seed: int = 0,
    progress: Progress = silent,
    cache: Cache | None = None,
) -> tuple[Search, float]:
    """The search called ``kind``, and the share of the work that is done; InputError for a target out of reach.

    Every search is preceded by the survey (of ``count`` rocks for each property; for the fast search as many times
    again as there are properties, since it starts from its rocks), so that an impossible target is
    refused before anything is searched.
    """
    names = [w.property.name for w in wishes]
    rocks = count * len(names) ** (2 if kind == "fast" else 1)
    found = survey(maker, names, rocks, 0, within(progress, 0.0, SHARE), cache)
    refuse_out_of_reach(found, wishes)
    if kind == "fast":
        return Fast(found, names), SHARE
    return (line_search if kind == "line_search" else algorithm_1), SHARE
