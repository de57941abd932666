"""Many runs of one recipe as a single job: the child process works, the table so far comes back after every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from porelab_gui.core.cases import Case, run_cases
from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Noun, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.recipe import Recipe
from porelab_gui.session.jobs import Job, JobQueue

SHOWN = "runs"


class _Nothing(Params):
    """The recipe and its cases travel with the function."""


def many_runs(
    queue: JobQueue,
    recipe: Recipe,
    cases: Sequence[Case],
    voxel_size: float | None = None,
    done: Callable[[Job], None] | None = None,
) -> Job:
    """Queue every case of a recipe as one job; ParameterError, before anything runs, when a setting is none of it."""
    for case in cases[:1]:
        recipe.changed(case.settings)
    function = partial(_run, recipe, tuple(cases), voxel_size)
    count = f"{len(cases)} run{'s' if len(cases) != 1 else ''}"
    outputs: dict[str, type[Noun]] = {SHOWN: Table}
    method = Method("many_runs", "Many runs", "A recipe, many times.", "Export", "", _Nothing, {}, outputs, function)
    return queue.submit(method, {}, _Nothing(), done, f"Many runs ({count})")


def table_of(job: Job) -> Table | None:
    """The table so far, or of the whole job."""
    found = (job.outputs or {}).get(SHOWN) or job.pictures.get(SHOWN)
    return found if isinstance(found, Table) else None


def _run(
    recipe: Recipe, cases: tuple[Case, ...], voxel_size: float | None, _inputs: Any, _params: Any, progress: Progress
) -> Mapping[str, Noun]:
    return {SHOWN: run_cases(recipe, cases, progress, voxel_size)}
