"""The learning bench: whole-slice inference beside the bare network, and one training of the score, timed.

Figures: ``inference_over_forward`` (reading, normalising, the net and its softmax, class, kind of pore and
uncertainty of slices of 1024 x 1024, over the net's forward alone; target 1.3), ``forward_s``, ``inference_s``,
``training_s`` (six slices of the phantom with the recipe of the score), ``score_trainings_s`` (that times the
trainings of the score; target 1200), ``block_bytes_2048`` (predicted memory of a block of a 2048^3 stack),
``block_bytes_measured`` (of the cut-down one).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from porelab_methods.shale_unet import blocks
from porelab_methods.shale_unet.apply import apply
from porelab_methods.shale_unet.blocks import NetFile, net_of, segment_block
from porelab_methods.shale_unet.kinds import PoreKinds
from porelab_methods.shale_unet.model import UNet
from porelab_methods.shale_unet.score import NOISE, PHANTOM, phantom
from porelab_methods.shale_unet.slices import choose
from porelab_methods.shale_unet.train import PhaseNumbers, train

from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Stack, Weights
from porelab_gui.core.progress import silent

CLASSES, EDGE, REPEATS = 5, 1024, 5
TRAININGS = 12  # three seeds of six slices, three slices, the nano-tomogram and the tiles
LAZY_SHAPE = (16, 2048, 2048)


def run() -> dict[str, Any]:
    """Measure on this machine, on its best device."""
    with TemporaryDirectory(prefix="porelab-bench-") as place:
        weights = some_weights(Path(place) / "net")
        figures, rows = inference(weights)
        more, lazy_row = lazy(weights, Path(place) / "out")
    seconds = training()
    figures |= {**more, "training_s": seconds, "score_trainings_s": TRAININGS * seconds}
    return {"figures": figures, "rows": [*rows, lazy_row], "seed": 0}


def some_weights(folder: Path) -> Weights:
    """A net of the default sizes, not trained: its speed is the same."""
    torch.manual_seed(0)
    model = UNet(CLASSES, PHANTOM.context, PHANTOM.width, PHANTOM.depth)
    sizes = {"classes": CLASSES, "context": PHANTOM.context, "width": PHANTOM.width, "depth": PHANTOM.depth}
    phases = {str(k): f"phase {k}" for k in range(CLASSES)}
    config = {"system": "shale_unet", **sizes, "values": list(range(CLASSES)), "phases": phases, "void": [1, 2]}
    return save_weights(folder, model, config, Card("Untrained", "", "", "", [], "", "", ""))


def best_of(work: Callable[[], Any]) -> float:
    """Shortest of some runs after one that warms up, in seconds."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def inference(weights: Weights) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Slices of 1024 x 1024 in a block of eight, against the same net's bare forward."""
    from porelab_gui.core.learning.weights import read_config

    count, context = 8, PHANTOM.context
    file = NetFile.of(weights, read_config(weights))
    model = net_of(file)
    device = next(model.parameters()).device
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, (count + context - 1, EDGE, EDGE), dtype=np.uint8)
    ready = torch.randn(1, context, EDGE, EDGE, device=device).contiguous(memory_format=torch.channels_last)

    def forward() -> Any:
        with torch.inference_mode():
            return model(ready)

    bare = best_of(forward)

    def everything() -> None:
        kinds = PoreKinds(dict(file.config)["pores"], model.hosts.cpu().numpy())
        for page in segment_block(grey, file, False):
            list(kinds.push(np.moveaxis(page[..., 2:], -1, 0), page[..., 0]))
        list(kinds.rest())

    whole = best_of(everything) / count
    figures = {"inference_over_forward": whole / bare, "forward_s": bare, "inference_s": whole}
    return figures, [{"what": "slice of 1024 x 1024", "device": str(device), **figures}]


def lazy(weights: Weights, out: Path) -> tuple[dict[str, float], dict[str, Any]]:
    """A cut-down 2048^3 stack: 2048 x 2048 slices, a few of them, block by block to disk."""
    import dask.array as da
    import psutil

    def slab(block_info: Any = None) -> Any:
        span = block_info[None]["array-location"][0]
        rng = np.random.default_rng(span[0])
        return rng.integers(0, 255, (span[1] - span[0], *LAZY_SHAPE[1:]), dtype=np.uint8)

    data = da.map_blocks(slab, chunks=((4,) * (LAZY_SHAPE[0] // 4), *LAZY_SHAPE[1:]), dtype=np.uint8)
    process, peak, done = psutil.Process(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss)

    before = process.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    apply(Stack(data, (1e-8,) * 3, name="large"), weights, silent, folder=str(out))
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    predicted = float(blocks.block_bytes((2048,) * 3, CLASSES, PHANTOM.width, PHANTOM.context))
    measured = float(peak[0] - before)
    figures = {"block_bytes_2048": predicted, "block_bytes_measured": measured}
    row = {"what": f"lazy {' x '.join(map(str, LAZY_SHAPE))}", "seconds": seconds, **figures}
    return figures, row


def training() -> float:
    """Wall time of one training of the score, six slices of the phantom."""
    image, truth = phantom(0, NOISE, 64)
    split = choose(64, 6, 8, gap=2)
    start = time.perf_counter()
    with TemporaryDirectory(prefix="porelab-bench-") as folder:
        train(image, PhaseNumbers(truth), split, PHANTOM, Path(folder), silent)
    return time.perf_counter() - start
