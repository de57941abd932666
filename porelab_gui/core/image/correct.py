"""The Method ``correct_labels``: voxels that a person has painted, kept as a file so that a recipe can replay them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.hashing import hash_arrays
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Progress
from porelab_gui.core.recipe import Recipe


@dataclass(frozen=True)
class Edits:
    """Voxels that were changed: flat C-order ``index`` into an image of ``shape``, and the new ``value`` of each."""

    shape: tuple[int, int, int]
    index: NDArray[np.int64]
    value: NDArray[np.int64]

    @property
    def content_hash(self) -> str:
        """Digest of the edits."""
        return hash_arrays(np.asarray(self.shape, np.int64), self.index, self.value)

    def __len__(self) -> int:
        return len(self.index)


class CorrectParams(Params):
    """Where the edits are."""

    path: str = param("", "File with the painted voxels (.npz).", widget="file")
    digest: str = param("", "Digest of the edits; a file that has changed since is refused.", advanced=True)
    phases: dict[int, str] = param({}, "Names of phases that were added by hand, by label.", advanced=True)


def edits_between(before: Any, after: Any, slabs: tuple[int, int] | None = None) -> Edits:
    """The voxels in which two images differ; ``slabs`` (first, last + 1) bounds the slices that were touched."""
    first, last = slabs or (0, before.shape[0])
    plane = int(np.prod(before.shape[1:]))
    indices, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for z in range(first, last):
        old, new = np.asarray(before[z]).ravel(), np.asarray(after[z]).ravel()
        changed = np.flatnonzero(old != new)
        indices.append(changed + z * plane)
        values.append(new[changed].astype(np.int64))
    shape = (int(before.shape[0]), int(before.shape[1]), int(before.shape[2]))
    return Edits(shape, np.concatenate(indices), np.concatenate(values))


def save_edits(edits: Edits, path: Path) -> None:
    """Write the edits, whole or not at all."""
    with writing(path, "wb") as handle:
        np.savez_compressed(handle, shape=np.asarray(edits.shape, np.int64), index=edits.index, value=edits.value)


def load_edits(path: Path) -> Edits:
    """Read edits; FormatError naming the file. Nothing in the file is executed."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            shape, index, value = (np.asarray(stored[k]).astype(np.int64) for k in ("shape", "index", "value"))
    except FileNotFoundError as error:
        raise FormatError(
            "the painted voxels are not there", where=path, remedy="Copy the file that was saved beside the recipe."
        ) from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        remedy = "Save the corrections again."
        raise FormatError("this is not a file of painted voxels", where=path, remedy=remedy) from error
    if shape.shape != (3,) or index.ndim != 1 or index.shape != value.shape:
        raise FormatError("the painted voxels are damaged", where=path, remedy="Save the corrections again.")
    return Edits((int(shape[0]), int(shape[1]), int(shape[2])), index, value)


def apply_edits(labels: Labels, edits: Edits, phases: Mapping[int, str] | None = None) -> Labels:
    """Labels with the edits in place; InputError when they belong to another image."""
    if edits.shape != labels.shape:
        raise InputError(
            f"the corrections were painted on an image of {edits.shape} voxels, this one has {labels.shape}",
            where=labels.name or None,
            remedy="Choose the image that was corrected.",
        )
    data = np.array(labels.array())
    if len(edits) and (edits.index.min() < 0 or edits.index.max() >= data.size):
        raise InputError("the corrections lie outside the image", where=labels.name or None)
    data = data.astype(np.promote_types(data.dtype, np.min_scalar_type(int(edits.value.max(initial=0)))), copy=False)
    data.reshape(-1)[edits.index] = edits.value
    named = {**labels.phases, **(phases or {})}
    for value in np.unique(edits.value):
        named.setdefault(int(value), f"phase {int(value)}")
    return replace(labels, data=data, phases=named)


def with_edits_beside(recipe: Recipe, path: Path) -> Recipe:
    """The recipe with its files of painted voxels copied beside ``path`` and named so, to travel together."""
    steps = []
    for step in recipe.steps:
        if step.method == CORRECT_LABELS.name and Path(str(step.params["path"])).exists():
            edits = load_edits(Path(str(step.params["path"])))
            target = path.resolve().with_name(f"{path.stem}.edits-{edits.content_hash[:12]}.npz")
            save_edits(edits, target)
            step = replace(step, params={**step.params, "path": str(target)})
        steps.append(step)
    return replace(recipe, steps=tuple(steps))


def run(inputs: Inputs, params: CorrectParams, progress: Progress) -> Outputs:
    """Apply painted voxels to labels."""
    labels: Labels = inputs["labels"]
    progress(0, 2, "reading the corrections")
    edits = load_edits(Path(params.path))
    if params.digest and edits.content_hash != params.digest:
        raise FormatError(
            "the corrections have changed since the step was recorded",
            where=params.path,
            remedy="Bring back the file that was saved with the recipe, or record the step anew.",
        )
    progress(1, 2, f"correcting {len(edits):,} voxels")
    return {"labels": apply_edits(labels, edits, params.phases)}


CORRECT_LABELS = Method(
    name="correct_labels",
    title="Apply corrections",
    summary="Puts voxels that were painted by hand into the labels; the file of painted voxels makes it replayable.",
    step="Segment",
    citation="",
    params=CorrectParams,
    inputs={"labels": Port(Labels, "Segment an image first.")},
    outputs={"labels": Labels},
    function=run,
)
