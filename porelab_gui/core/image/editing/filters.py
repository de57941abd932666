"""Filters of grey stacks: median, non-local means, bilateral, slice standardisation, destripe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.editing.preview import by_slice_alone, shown, thinned, window
from porelab_gui.core.image.editing.slicewise import as_type, by_slice
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, Preview, View, param
from porelab_gui.core.nouns import Stack
from porelab_gui.core.progress import Progress

GREY = {"image": Port(Stack, "A grey stack: load one first.")}


def _estimate(inputs: Inputs, params: Any) -> Estimate:
    return Estimate(ram=6 * int(np.prod(inputs["image"].shape)) * np.dtype(inputs["image"].data.dtype).itemsize)


def filter_method(
    name: str, title: str, summary: str, params: type[Params], function: Any, preview: Any, citation: str = ""
) -> Method:
    """A Method of this family: grey stack in, grey stack out."""
    more: dict[str, Any] = {"estimate": _estimate, "preview": preview}
    return Method(name, title, summary, "Segment", citation, params, GREY, {"image": Stack}, function, **more)


class MedianParams(Params):
    """Size of the window."""

    size: int = param(3, "Edge of the window (odd keeps it centred).", unit="voxel", ge=2, le=15)
    space: Literal["3D", "slices"] = param("3D", "A cube, or a square in each slice.")


def median(inputs: Inputs, params: MedianParams, progress: Progress) -> Outputs:
    """Median of the window about each voxel; slab by slab with the overlap that makes slabs seamless."""
    from scipy.ndimage import median_filter

    stack: Stack = inputs["image"]
    size = (params.size,) * 3 if params.space == "3D" else (1, params.size, params.size)
    half = params.size if params.space == "3D" else 0
    out = np.empty(stack.shape, stack.data.dtype)
    step = 8
    for start in range(0, stack.shape[0], step):
        progress(start, stack.shape[0], "median")
        low, high = max(0, start - half), min(stack.shape[0], start + step + half)
        done = median_filter(np.asarray(stack.data[low:high]), size)
        stop = min(start + step, stack.shape[0])
        out[start:stop] = done[start - low : stop - low]
    return {"image": replace(stack, data=out, name=f"{stack.name} median")}


def median_preview(inputs: Inputs, params: MedianParams, view: View, progress: Progress) -> Preview:
    """The median of what is in view."""
    half = params.size // 2
    around, inner = window(inputs["image"], view, half, half if params.space == "3D" else 0)
    done: Any = median({"image": around}, params, progress)["image"]
    return shown(replace(done, data=done.data[inner]), view)


class NlmParams(Params):
    """Patches and strength."""

    strength: float = param(0.8, "Filter strength in multiples of the noise.", unit="1", ge=0.05, le=5)
    patch: int = param(5, "Edge of the patches that are compared.", unit="voxel", ge=3, le=11)
    search: int = param(6, "How far patches are looked for.", unit="voxel", ge=2, le=21)


def noise_of(page: NDArray[np.float32]) -> float:
    """Standard deviation of the noise: the median of the diagonal Haar details over 0.6745.

    Donoho and Johnstone (1994), Biometrika 81, 425.
    """
    rows, cols = (n // 2 * 2 for n in page.shape)
    a, b = page[:rows:2, :cols:2], page[1:rows:2, :cols:2]
    c, d = page[:rows:2, 1:cols:2], page[1:rows:2, 1:cols:2]
    return float(np.median(np.abs(a - b - c + d))) / (2 * 0.6744897)


def nlm_slice(page: NDArray[np.float32], params: NlmParams, sigma: float) -> NDArray[np.float32]:
    """Non-local means of a slice whose noise has the standard deviation ``sigma``."""
    from skimage.restoration import denoise_nl_means

    smooth = denoise_nl_means(
        page, params.patch, params.search, h=params.strength * sigma, sigma=sigma, fast_mode=True, preserve_range=True
    )
    return np.asarray(smooth, np.float32)


def nlm(inputs: Inputs, params: NlmParams, progress: Progress) -> Outputs:
    """Non-local means of each slice; the noise is estimated from the slice itself."""
    stack: Stack = inputs["image"]
    dtype = stack.data.dtype

    def work(page: NDArray[Any]) -> NDArray[Any]:
        grey = page.astype(np.float32)
        return as_type(nlm_slice(grey, params, noise_of(grey)), dtype)

    out = by_slice(stack, work, dtype, "non-local means", progress)
    return {"image": replace(stack, data=out, name=f"{stack.name} denoised")}


def nlm_preview(inputs: Inputs, params: NlmParams, view: View, progress: Progress) -> Preview:
    """Non-local means of what is in view, with the noise of the whole slice."""
    stack: Stack = inputs["image"]
    progress(0, 1, "noise")
    sigma = noise_of(np.asarray(stack.data[view.z]).astype(np.float32))
    around, (_, rows, cols) = window(stack, view, params.search + params.patch)
    smooth = nlm_slice(around.array()[0].astype(np.float32), params, sigma)
    return shown(replace(stack, data=as_type(smooth[rows, cols], stack.data.dtype)[None]), view)


class BilateralParams(Params):
    """Reach in space and in grey level."""

    reach: float = param(1.5, "Reach in space (standard deviation).", unit="voxel", ge=0.3, le=10)
    contrast: float = param(
        0.1, "Reach in grey level, as a part of the range from darkest to brightest.", unit="1", ge=0.005, le=1
    )


def bilateral_slice(page: NDArray[np.float32], reach: float, contrast: float) -> NDArray[np.float32]:
    """Mean of the neighbours weighted by closeness and by likeness; ``contrast`` in grey levels."""
    radius = int(np.ceil(2 * reach))
    padded = np.pad(page, radius, mode="reflect") if min(page.shape) > radius else np.pad(page, radius, mode="edge")
    rows, cols = page.shape
    total, weights = np.zeros_like(page), np.zeros_like(page)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            near = padded[radius + dy : radius + dy + rows, radius + dx : radius + dx + cols]
            space = np.float32((dy * dy + dx * dx) / (2 * reach * reach))
            weight = np.exp(-space - (near - page) ** 2 / np.float32(2 * contrast * contrast))
            total += weight * near
            weights += weight
    return np.asarray(total / weights, np.float32)


def bilateral(inputs: Inputs, params: BilateralParams, progress: Progress) -> Outputs:
    """Bilateral filter of each slice."""
    from porelab_gui.core.image.histogram import grey_range

    stack: Stack = inputs["image"]
    low, high = grey_range(stack)
    contrast = params.contrast * (high - low)

    def work(page: NDArray[Any]) -> NDArray[Any]:
        return as_type(bilateral_slice(page.astype(np.float32), params.reach, contrast), stack.data.dtype)

    out = by_slice(stack, work, stack.data.dtype, "bilateral", progress)
    return {"image": replace(stack, data=out, name=f"{stack.name} bilateral")}


def bilateral_preview(inputs: Inputs, params: BilateralParams, view: View, progress: Progress) -> Preview:
    """The bilateral filter of what is in view; the range of grey levels comes from a sample."""
    from porelab_gui.core.image.histogram import grey_range

    stack: Stack = inputs["image"]
    progress(0, 1, "grey range")
    low, high = grey_range(thinned(stack))
    around, (_, rows, cols) = window(stack, view, int(np.ceil(2 * params.reach)))
    smooth = bilateral_slice(around.array()[0].astype(np.float32), params.reach, params.contrast * (high - low))
    return shown(replace(stack, data=as_type(smooth[rows, cols], stack.data.dtype)[None]), view)


class StandardiseParams(Params):
    """What counts as the slice."""

    robust: bool = param(False, "Use median and interquartile range, which pyrite and cracks move less.")


def standardise(inputs: Inputs, params: StandardiseParams, progress: Progress) -> Outputs:
    """Every slice to mean 0 and standard deviation 1 (a constant slice becomes 0)."""
    stack: Stack = inputs["image"]

    def work(page: NDArray[Any]) -> NDArray[Any]:
        grey = page.astype(np.float64)
        if params.robust:
            low, centre, high = np.percentile(grey, (25, 50, 75))
            spread = (high - low) / 1.3489795
        else:
            centre, spread = grey.mean(), grey.std()
        return ((grey - centre) / (spread if spread > 0 else 1.0)).astype(np.float32)

    out = by_slice(stack, work, np.float32, "standardise slices", progress)
    return {"image": replace(stack, data=out, name=f"{stack.name} standardised")}


class DestripeParams(Params):
    """Which stripes, and how much of them."""

    along: Literal["y", "x"] = param("y", "Direction of the stripes; curtains run along y.")
    width: float = param(
        1.0,
        "How far from exactly straight stripes may be: width of the notch in the spectrum.",
        unit="1/image",
        ge=0.5,
        le=30,
    )
    longest: float = param(
        20.0, "Grey-level changes wider than this across the stripes are kept.", unit="voxel", ge=4, le=5000
    )


def destripe_slice(page: NDArray[np.float64], width: float, longest: float) -> NDArray[np.float64]:
    """Damp what hardly changes along y but changes across x faster than over ``longest`` voxels.

    A Gaussian notch about k_y = 0 of the Fourier transform of the slice mirrored along y (so that its ends meet),
    after Munch, Trtik, Marone and Stampanoni (2009), Optics Express 17, 8567, who apply it to wavelet bands.
    """
    rows, cols = page.shape
    spectrum = np.fft.rfft2(np.concatenate([page, page[::-1]], axis=0))
    ky = np.fft.fftfreq(2 * rows) * 2 * rows
    kx = np.fft.rfftfreq(cols)
    notch = np.exp(-(ky[:, None] ** 2) / (2 * width**2)) * (1.0 - np.exp(-((kx[None, :] * longest) ** 2) / 2))
    return np.asarray(np.fft.irfft2(spectrum * (1.0 - notch), s=(2 * rows, cols))[:rows])


def destripe(inputs: Inputs, params: DestripeParams, progress: Progress) -> Outputs:
    """Take curtains out of every slice."""
    stack: Stack = inputs["image"]

    def work(page: NDArray[Any]) -> NDArray[Any]:
        grey = page.astype(np.float64)
        if params.along == "x":
            return as_type(destripe_slice(grey.T, params.width, params.longest).T, stack.data.dtype)
        return as_type(destripe_slice(grey, params.width, params.longest), stack.data.dtype)

    out = by_slice(stack, work, stack.data.dtype, "destripe", progress)
    return {"image": replace(stack, data=out, name=f"{stack.name} destriped")}


FILTERS = (
    filter_method(
        "filter_median",
        "Median filter",
        "Removes speckle and keeps edges.",
        MedianParams,
        median,
        median_preview,
        "Huang, Yang and Tang (1979) IEEE Trans. Acoust. Speech Signal Process. 27, 13",
    ),
    filter_method(
        "filter_nlm",
        "Non-local means",
        "Averages patches that look alike: strong denoising that keeps texture.",
        NlmParams,
        nlm,
        nlm_preview,
        "Buades, Coll and Morel (2005) CVPR 2, 60; Darbon et al. (2008) ISBI, 1331",
    ),
    filter_method(
        "filter_bilateral",
        "Bilateral filter",
        "Averages neighbours that are near in space and in grey level.",
        BilateralParams,
        bilateral,
        bilateral_preview,
        "Tomasi and Manduchi (1998) ICCV, 839",
    ),
    filter_method(
        "standardise_slices",
        "Standardise slices",
        "Gives every slice mean 0 and standard deviation 1, against brightness that changes from slice to slice.",
        StandardiseParams,
        standardise,
        by_slice_alone(standardise),
        "Robust: Rousseeuw and Croux (1993) J. Am. Stat. Assoc. 88, 1273",
    ),
    filter_method(
        "destripe",
        "Destripe",
        "Removes curtaining: stripes that run along one axis of the slices.",
        DestripeParams,
        destripe,
        by_slice_alone(destripe),
        "after Munch, Trtik, Marone and Stampanoni (2009) Optics Express 17, 8567",
    ),
)
