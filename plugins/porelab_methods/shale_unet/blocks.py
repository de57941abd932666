"""A whole stack through the net as a dask graph: blocks of slices, here in threads or on the workers of a scheduler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import Stack, Weights
from porelab_gui.core.progress import Progress
from porelab_methods.shale_unet.data import prepared
from porelab_methods.shale_unet.infer import MARGIN, TILE, as_bytes, entropy, predict_slice
from porelab_methods.shale_unet.model import UNet, build, folded

TARGET_BYTES = 256 << 20  # of a block with all that is made of it
WAIT_SECONDS = 20


@dataclass(frozen=True)
class NetFile:
    """A net that travels as bytes: its configuration and its safetensors; nothing of it is executed."""

    config: tuple[tuple[str, Any], ...]
    tensors: bytes

    @staticmethod
    def of(weights: Weights, config: Mapping[str, Any]) -> NetFile:
        """From a Weights folder."""
        sizes = tuple((k, config[k]) for k in ("classes", "context", "width", "depth"))
        pores = tuple(k for k, v in enumerate(config["values"]) if v in config["void"])
        return NetFile((*sizes, ("destripe", bool(config.get("destripe"))), ("pores", pores)), _model_bytes(weights))


def _model_bytes(weights: Weights) -> bytes:
    from porelab_gui.core.learning.weights import MODEL

    return (Path(weights.folder) / MODEL).read_bytes()


@lru_cache(maxsize=2)
def net_of(file: NetFile) -> UNet:
    """The net, made once per process, on its best device."""
    from safetensors.torch import load

    from porelab_gui.core.learning.device import best_device

    model = build(dict(file.config))
    reference = model.state_dict()
    model.load_state_dict({k: v.to(reference[k].dtype) for k, v in load(file.tensors).items()})
    return folded(model).to(best_device())


def segment_block(block: NDArray[Any], file: NetFile, mirrors: bool) -> NDArray[np.uint8]:
    """Slices (n + context - 1, H, W) to (n, H, W, 2 + classes): class, uncertainty, probabilities (0..255)."""
    config = dict(file.config)
    half = int(config["context"]) // 2
    count = block.shape[0] - 2 * half
    model = net_of(file)
    out = np.empty((count, *block.shape[1:], 2 + int(config["classes"])), np.uint8)
    pages = [prepared(page, config["destripe"]) for page in block]
    for k in range(count):
        shares = predict_slice(model, torch.from_numpy(np.stack(pages[k : k + 2 * half + 1])), mirrors)
        out[k, ..., 0] = shares.numpy().argmax(0)  # torch's argmax over the first axis takes seven times as long
        out[k, ..., 1] = as_bytes(entropy(shares))
        out[k, ..., 2:] = np.moveaxis(as_bytes(shares), 0, -1)
    return out


def slice_bytes(shape: tuple[int, ...], classes: int) -> int:
    """Bytes that one more slice in a block costs: grey as float32, class, uncertainty and probabilities."""
    return int(shape[1] * shape[2]) * (4 + 4 + 2 + classes)


def working_bytes(shape: tuple[int, ...], classes: int, width: int) -> int:
    """Bytes while one slice is in the net: activations of a tile, and probabilities of the slice as float32."""
    edge = TILE + 2 * MARGIN
    pixels = min(shape[1], edge) * min(shape[2], edge)
    return pixels * width * 4 * 8 + int(shape[1] * shape[2]) * 4 * 3 * classes


def slices_per_block(shape: tuple[int, ...], classes: int) -> int:
    """How many slices a block has, so that it stays near ``TARGET_BYTES``."""
    return max(1, min(shape[0], 32, TARGET_BYTES // slice_bytes(shape, classes)))


def block_bytes(shape: tuple[int, ...], classes: int, width: int, context: int) -> int:
    """Predicted peak bytes of one block at work."""
    count = slices_per_block(shape, classes) + context - 1
    return count * slice_bytes(shape, classes) + working_bytes(shape, classes, width)


def lazy_result(image: Stack, file: NetFile, mirrors: bool = False) -> Any:
    """Dask array (z, H, W, 2 + classes) of a stack; nothing is computed and nothing read yet."""
    import dask.array as da
    from dask.array.overlap import overlap

    config = dict(file.config)
    classes, half = int(config["classes"]), int(config["context"]) // 2
    count = slices_per_block(image.shape, classes)
    data = image.data if hasattr(image.data, "dask") else da.from_array(image.data, chunks=(count, -1, -1))
    data = data.rechunk((_chunks(image.shape[0], count, half), -1, -1))
    if half:
        data = overlap(data, depth={0: half, 1: 0, 2: 0}, boundary={0: "nearest", 1: "none", 2: "none"})
    return data.map_blocks(
        segment_block,
        file,
        mirrors,
        dtype=np.uint8,
        chunks=(tuple(c - 2 * half for c in data.chunks[0]), *data.chunks[1:], (2 + classes,)),
        new_axis=[3],
        meta=np.empty((0, 0, 0, 0), np.uint8),
    )


def _chunks(depth: int, count: int, half: int) -> tuple[int, ...]:
    """Block depths; none is thinner than the overlap that it lends to its neighbours."""
    whole = [count] * (depth // count)
    rest = depth - sum(whole)
    if rest and (rest >= max(half, 1) or not whole):
        whole.append(rest)
    elif rest:
        whole[-1] += rest
    return tuple(whole)


@contextmanager
def workers(scheduler: str) -> Iterator[Any]:
    """A client of the scheduler at that address; None for threads of this process."""
    if not scheduler:
        yield None
        return
    from distributed import Client

    try:
        client = Client(scheduler, timeout=WAIT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        remedy = "Check the address, for example tcp://host:8786, or leave it empty to work here."
        raise PorelabError("the Dask scheduler does not answer", where=scheduler, remedy=remedy) from error
    try:
        yield client
    finally:
        client.close()


def finished_blocks(result: Any, client: Any, progress: Progress) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """(slices, block) one by one in order; at most one waits here, or two per worker with a client.

    Here the net itself uses the processors, so blocks follow each other; the workers of a cluster take them side by
    side.
    """
    from itertools import accumulate, pairwise

    starts = [0, *accumulate(result.chunks[0])]
    spans = [slice(a, b) for a, b in pairwise(starts)]
    parts = [result[span] for span in spans]
    if client is None:
        for done, (span, part) in enumerate(zip(spans, parts, strict=True)):
            progress(done, len(spans), f"slices {span.start} to {span.stop - 1}")
            yield span, part.compute(scheduler="threads")
        return
    ahead = max(1, 2 * len(client.scheduler_info()["workers"]))
    waiting: list[Any] = []
    for done, span in enumerate(spans):
        while len(waiting) < ahead and done + len(waiting) < len(spans):
            waiting.append(client.compute(parts[done + len(waiting)]))
        progress(done, len(spans), f"slices {span.start} to {span.stop - 1}")
        yield span, _outcome(waiting.pop(0), progress, done, len(spans))


def _outcome(future: Any, progress: Progress, done: int, total: int) -> NDArray[np.uint8]:
    from distributed import TimeoutError as Slow

    while True:
        try:
            return future.result(timeout=1)
        except (Slow, TimeoutError):
            progress(done, total, "waiting for a worker")
