"""Local Otsu on a slice of 1024 x 1024 voxels: ``porelab bench local_otsu``.

``slice_ms`` is one slice by the rule of ``segment_local_otsu`` with its default window, ``preview_ms`` the preview that
the window asks for while a parameter moves (of a stack of 64 such slices, all of the slice in view, by all processors),
``slice_ms_N`` other windows. The peer is scikit-image's rank filter with the same square window on the same 64 grey
levels, which gives the threshold alone. Median of the repeats, after one to warm up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

SEED = 0
EDGE, SLICES = 1024, 64
WINDOWS = (17, 65, 257)
LEVELS = 64


def _stack() -> Any:
    """Dark pores of about 12 voxels in bright matrix, with shading and noise, 8 bits."""
    from scipy.ndimage import gaussian_filter

    from porelab_gui.core.nouns import Stack

    rng = np.random.default_rng(SEED)
    field = gaussian_filter(rng.standard_normal((SLICES, EDGE // 2, EDGE // 2)).astype(np.float32), (3, 3, 3))
    field = field.repeat(2, axis=1).repeat(2, axis=2)
    shade = np.linspace(-30, 30, EDGE)
    grey = np.where(field < np.quantile(field, 0.25), 90.0, 150.0) + shade + rng.normal(0, 8, field.shape)
    return Stack(np.clip(grey, 0, 255).astype(np.uint8), 1e-6, name="bench")


def _ms(call: Callable[[], Any], repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


def _against_peer(page: Any, window: int) -> dict[str, float]:
    """Our loop and scikit-image's on the same grey levels: times, and the share of equal thresholds."""
    from skimage.filters.rank import otsu

    from porelab_gui.core.image.editing.local_otsu_kernel import local_threshold

    levels, square = page // (256 // LEVELS), np.ones((window, window), np.uint8)
    ours = _ms(lambda: local_threshold(levels, window // 2, LEVELS), 5)
    peer = _ms(lambda: otsu(levels, square), 3)
    same = local_threshold(levels, window // 2, LEVELS)[0] == otsu(levels, square)
    return {"ours_ms": ours, "peer_ms": peer, "speedup": peer / ours, "same": float(same.mean())}


def run() -> dict[str, Any]:
    """Milliseconds per slice, of the preview, and beside the peer."""
    from porelab_gui.core.image.editing.local_otsu import LocalOtsuParams, globals_of, preview, void_slice
    from porelab_gui.core.method import View
    from porelab_gui.core.progress import silent

    stack = _stack()
    page = stack.data[SLICES // 2]
    known = globals_of(stack, LocalOtsuParams())
    rows: list[dict[str, Any]] = []
    for window in WINDOWS:
        params = LocalOtsuParams(window=window)
        rows.append({"window": window, "slice_ms": _ms(lambda p=params: void_slice(page, p, known), 5)})  # type: ignore[misc]
        rows[-1] |= _against_peer(page, window)
    view = View(SLICES // 2, slice(0, EDGE), slice(0, EDGE))
    seen = _ms(lambda: preview({"image": stack}, LocalOtsuParams(), view, silent), 5)
    default = next(r for r in rows if r["window"] == LocalOtsuParams().window)
    figures = {
        "slice_ms": default["slice_ms"],
        "preview_ms": seen,
        **{f"slice_ms_{r['window']}": r["slice_ms"] for r in rows if r is not default},
        "speedup_skimage": default["speedup"],
        "same_threshold_share": min(r["same"] for r in rows),
    }
    return {"figures": figures, "rows": rows}
