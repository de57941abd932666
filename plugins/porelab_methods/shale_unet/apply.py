"""From weights to a segmented stack: phases, uncertainty, probabilities; in memory or on disk, block by block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError, InputError, PorelabError
from porelab_gui.core.image.review import carried_over
from porelab_gui.core.learning.weights import read_config
from porelab_gui.core.nouns import Labels, Stack, Weights
from porelab_gui.core.progress import Progress
from porelab_methods.shale_unet.blocks import NetFile, block_bytes, finished_blocks, lazy_result, net_of, workers
from porelab_methods.shale_unet.kinds import REACH, PoreKinds

STORED = ("labels", "uncertainty")


def checked_config(weights: Weights) -> dict[str, Any]:
    """The configuration of a segmentation U-Net; FormatError when the weights are something else."""
    config = read_config(weights)
    if config.get("system") != "shale_unet":
        raise FormatError("these weights are not a segmentation U-Net", where=weights.folder)
    try:
        values, phases = [int(v) for v in config["values"]], {int(k): str(v) for k, v in config["phases"].items()}
        if (
            len(values) != int(config["classes"])
            or set(values) != set(phases)
            or not 0 <= min(values) <= max(values) < 256
        ):
            raise ValueError("its phases and classes differ")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"the configuration is damaged ({error})", where=weights.folder) from error
    return {**config, "values": values, "phases": phases}


class Sink:
    """Where results go: arrays in memory, or Zarr arrays in a folder that are read back lazily."""

    def __init__(self, shape: tuple[int, int, int], names: tuple[str, ...], folder: Path | None, depth: int) -> None:
        self.folder = folder
        if folder is None:
            self.arrays: dict[str, Any] = {name: np.empty(shape, np.uint8) for name in names}
            return
        import zarr

        try:
            group = zarr.open_group(str(folder), mode="a")
            chunks = (min(depth, shape[0]), min(256, shape[1]), min(256, shape[2]))
            self.arrays = {
                name: group.create_array(name, shape=shape, dtype=np.uint8, chunks=chunks, overwrite=True)
                for name in names
            }
        except (OSError, ValueError) as error:
            raise PorelabError(
                "the results cannot be written", where=folder, remedy="Choose another folder."
            ) from error

    def put(self, name: str, span: slice, values: NDArray[np.uint8]) -> None:
        """Store some slices."""
        self.arrays[name][span] = values

    def data(self, name: str) -> Any:
        """What was stored, as numpy or lazy."""
        if self.folder is None:
            return self.arrays[name]
        import dask.array as da

        return da.from_zarr(str(self.folder), component=name)


class LabelWriter:
    """Labels on their way to the sink: a pore waits for the slices near it, and slices are written block by block."""

    def __init__(self, sink: Sink, file: NetFile, values: NDArray[np.uint8], depths: tuple[int, ...]) -> None:
        self.sink, self.values = sink, values
        self.kinds = PoreKinds(dict(file.config)["pores"], net_of(file).hosts.cpu().numpy())
        self._depths, self._start = list(depths), 0
        self._pages: list[NDArray[np.uint8]] = []

    def take(self, block: NDArray[np.uint8]) -> None:
        """A block of results (n, H, W, 2 + classes), in order."""
        for page in block:
            self._put(self.kinds.push(np.moveaxis(page[..., 2:], -1, 0), page[..., 0]))

    def finish(self) -> None:
        """The last slices."""
        self._put(self.kinds.rest())

    def _put(self, pages: Iterable[NDArray[np.uint8]]) -> None:
        for page in pages:
            self._pages.append(self.values[page])
            if len(self._pages) == self._depths[0]:
                span = slice(self._start, self._start + self._depths.pop(0))
                self.sink.put("labels", span, np.stack(self._pages))
                self._start, self._pages = span.stop, []


def apply(
    image: Stack,
    weights: Weights,
    progress: Progress,
    *,
    phase: str = "",
    mirrors: bool = False,
    scheduler: str = "",
    folder: str = "",
    earlier: Labels | None = None,
) -> dict[str, Stack]:
    """Phases, uncertainty (0 sure, 255 undecided) and the probability of one phase (0..255) of a whole stack.

    A lazy stack, or a ``folder``, sends the results to disk with the probabilities of all phases; blocks are held one
    at a time. Slices of ``earlier`` that a person corrected or finished are kept.
    """
    config = checked_config(weights)
    file = NetFile.of(weights, config)
    place = _place(image, weights, folder)
    names = [config["phases"][v] for v in config["values"]]
    wanted = _wanted(names, phase, everything=place is not None)
    result = lazy_result(image, file, mirrors)
    sink = Sink(image.shape, (*STORED, *(f"probability {n}" for n in wanted)), place, result.chunks[0][0])
    labels = LabelWriter(sink, file, np.array(config["values"], dtype=np.uint8), result.chunks[0])
    with workers(scheduler) as client:
        for span, block in finished_blocks(result, client, progress):
            labels.take(block)
            sink.put("uncertainty", span, block[..., 1])
            for name, number in wanted.items():
                sink.put(f"probability {name}", span, block[..., 2 + number])
    labels.finish()
    return _outputs(image, config, sink, phase, earlier)


def _place(image: Stack, weights: Weights, folder: str) -> Path | None:
    if folder:
        return Path(folder)
    if not hasattr(image.data, "dask"):
        return None
    from platformdirs import user_data_path

    digest = hashlib.blake2b(f"{image.source}{image.shape}{weights.content_hash}".encode(), digest_size=6).hexdigest()
    return Path(user_data_path("porelab", appauthor=False)) / "segmented" / digest


def _wanted(names: list[str], phase: str, everything: bool) -> dict[str, int]:
    if phase and phase not in names:
        raise InputError(f"the net knows no phase {phase!r}", remedy=f"Choose one of {', '.join(names)}.")
    return {n: k for k, n in enumerate(names) if everything or n == phase}


def _outputs(
    image: Stack, config: Mapping[str, Any], sink: Sink, phase: str, earlier: Labels | None
) -> dict[str, Stack]:
    place = "" if sink.folder is None else str(sink.folder)
    labels = Labels(
        sink.data("labels"), image.voxel_size, phases=config["phases"], void=tuple(config["void"]), name="labels",
        source=place or image.source,
    )  # fmt: skip
    if earlier is not None and earlier.review is not None and earlier.shape == labels.shape:
        labels = carried_over(labels, earlier)
    found: dict[str, Stack] = {"labels": labels}
    found["uncertainty"] = Stack(sink.data("uncertainty"), image.voxel_size, name="uncertainty", source=place)
    if phase:
        data = sink.data(f"probability {phase}")
        found["probability"] = Stack(data, image.voxel_size, name=f"probability {phase}", source=place)
    return found


def needed_bytes(image: Stack, weights: Weights) -> int:
    """Predicted peak memory: one block at work, slices that wait, and the results where they stay in memory."""
    config = checked_config(weights)
    waiting = 6 * (REACH + 1) * int(np.prod(image.shape[1:]))  # classes and numbers of bodies
    block = block_bytes(image.shape, config["classes"], int(config["width"]), int(config["context"]))
    kept = 0 if hasattr(image.data, "dask") else 2 * int(np.prod(image.shape))
    return block + waiting + kept
