"""The Method ``correct_labels``: voxels that a person has painted, kept as a file so that a recipe can replay them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.hashing import hash_arrays
from porelab_gui.core.image.formats.numpy_files import read_member
from porelab_gui.core.image.review import recorded, review_of, with_states
from porelab_gui.core.image.sources import NAPARI
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Labels, Pyramid
from porelab_gui.core.progress import Progress
from porelab_gui.core.recipe import Recipe
from porelab_gui.core.review import SliceState


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

    @property
    def slices(self) -> list[int]:
        """The z slices that hold changed voxels."""
        return [int(z) for z in np.unique(self.index // (self.shape[1] * self.shape[2]))]


class CorrectParams(Params):
    """Where the edits are."""

    path: str = param("", "File with the painted voxels (.npz).", widget="file")
    digest: str = param("", "Digest of the edits; a file that has changed since is refused.", advanced=True)
    phases: dict[int, str] = param({}, "Names of phases that were added or renamed by hand, by label.", advanced=True)
    colours: dict[int, str] = param({}, "Colours of phases (#rrggbb), by label.", advanced=True)
    void: tuple[int, ...] | None = param(
        None, "Labels that are pore space; empty leaves them as they are.", advanced=True
    )
    states: dict[int, Literal["untouched", "automatic", "corrected", "done"]] = param(
        {}, "Slices that a person gave another state, by number.", advanced=True
    )
    in_place: bool = param(
        False, "Also write the voxels into the OME-Zarr that the labels were opened from; undo does not take it back."
    )


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
        with zipfile.ZipFile(path) as archive:
            parts = (read_member(path, archive, k) for k in ("shape", "index", "value"))
            shape, index, value = (np.asarray(part).astype(np.int64) for part in parts)
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


def apply_edits(labels: Labels, edits: Edits) -> Labels:
    """Labels with the edits in place, reviewed; lazy labels stay lazy. InputError when they belong to another image."""
    if edits.shape != labels.shape:
        raise InputError(
            f"the corrections were painted on an image of {edits.shape} voxels, this one has {labels.shape}",
            where=labels.name or None,
            remedy="Choose the image that was corrected.",
        )
    if len(edits) and (edits.index.min() < 0 or edits.index.max() >= np.prod(labels.shape)):
        raise InputError("the corrections lie outside the image", where=labels.name or None)
    named = dict(labels.phases)
    for value in np.unique(edits.value):
        named.setdefault(int(value), f"phase {int(value)}")
    made = recorded(replace(labels, phases=named), _painted(labels, edits), edits.slices)
    if len(labels.levels) == 1 or not len(edits):
        return made
    from porelab_gui.core.image.formats.edited import edited_levels

    levels = edited_levels(labels.levels, edits.index, edits.value.astype(made.data.dtype))
    return replace(made, pyramid=Pyramid(made.data, levels))


def _painted(labels: Labels, edits: Edits) -> Any:
    dtype = np.promote_types(labels.data.dtype, np.min_scalar_type(int(edits.value.max(initial=0))))
    if hasattr(labels.data, "dask"):
        from porelab_gui.core.image.formats.edited import edited

        wide = labels.data if labels.data.dtype == dtype else labels.data.astype(dtype)
        return edited(wide, edits.index, edits.value) if len(edits) else wide
    data = np.array(labels.array()).astype(dtype, copy=False)
    data.reshape(-1)[edits.index] = edits.value
    return data


def dressed(labels: Labels, params: CorrectParams) -> Labels:
    """Labels with the names, colours, void phases and slice states that a person gave."""
    named = {**labels.phases, **params.phases}
    void = labels.void if params.void is None else params.void
    made = replace(labels, phases=named, colours={**labels.colours, **params.colours}, void=void)
    states = {z: SliceState[word.upper()] for z, word in params.states.items()}
    return with_states(made, states) if states else made


def write_in_place(labels: Labels, edits: Edits) -> None:
    """Put the edits into the OME-Zarr that the labels came from, with the review; InputError when there is none."""
    from porelab_gui.core.image.formats.zarr_edits import store_edits

    path = Path(labels.source)
    if not labels.source or not path.is_dir():
        raise InputError(
            "these labels were not opened from an OME-Zarr folder",
            where=labels.name or None,
            remedy="Export them as OME-Zarr and open that, or keep the corrections as a step only.",
        )
    assert labels.review is not None
    store_edits(path, edits.index, edits.value, labels.review)


def with_edits_beside(recipe: Recipe, path: Path) -> Recipe:
    """The recipe with its files of painted voxels copied beside ``path`` and named so, to travel together."""

    def copied(edits: Edits) -> Path:
        target = path.resolve().with_name(f"{path.stem}.edits-{edits.content_hash[:12]}.npz")
        save_edits(edits, target)
        return target

    return with_edits(recipe, copied)


def with_edits(recipe: Recipe, copied: Callable[[Edits], Path]) -> Recipe:
    """The recipe with each of its files of painted voxels, where it is there, replaced by what ``copied`` makes."""
    steps = []
    for step in recipe.steps:
        file = Path(str(step.params.get("path", "")))
        if step.method == CORRECT_LABELS.name and file.exists():
            step = replace(step, params={**step.params, "path": str(copied(load_edits(file)))})
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
    made = dressed(apply_edits(labels, edits), params)
    if params.in_place:
        write_in_place(replace(made, review=review_of(made)), edits)
    return {"labels": made}


CORRECT_LABELS = Method(
    name="correct_labels",
    title="Apply corrections",
    summary="Puts voxels that were painted by hand into the labels; the file of painted voxels makes it replayable.",
    step="Segment",
    citation=NAPARI,
    params=CorrectParams,
    inputs={"labels": Port(Labels, "Segment an image first.")},
    outputs={"labels": Labels},
    function=run,
)
