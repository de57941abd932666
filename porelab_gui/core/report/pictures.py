"""Pictures of a report, drawn without a screen: slices, phases, networks, distributions, curves."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from porelab_gui.core.export.volumes import COLOURS
from porelab_gui.core.nouns import Column, Field, Labels, Network, Regions, Stack, Table

DPI = 130
MOST_THROATS = 60_000
LONG = 12  # rows from which a table is a curve


def png(figure: Figure) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def slice_picture(stack: Stack) -> bytes:
    """The middle z slice in micrometres: grey, a field with its unit, or phases with their names."""
    depth = stack.shape[0]
    page = np.asarray(stack.data[depth // 2])
    _, dy, dx = (v * 1e6 for v in stack.voxel_size)
    extent = (0.0, page.shape[1] * dx, page.shape[0] * dy, 0.0)
    figure = Figure(figsize=(5.0, 4.2), layout="constrained")
    axes = figure.subplots()
    if isinstance(stack, Labels):
        _draw_phases(axes, stack, page, extent)
    elif isinstance(stack, Regions):
        shades = np.random.default_rng(0).permutation(int(page.max()) + 1)[page] + 1
        axes.imshow(np.where(page > 0, shades, 0), cmap="nipy_spectral", extent=extent, interpolation="nearest")
    else:
        drawn = axes.imshow(page, cmap="viridis" if isinstance(stack, Field) else "gray", extent=extent)
        bar = figure.colorbar(drawn, ax=axes, shrink=0.8)
        bar.set_label(f"{stack.quantity} [{stack.unit}]" if isinstance(stack, Field) else "grey level")
    axes.set(xlabel="x [µm]", ylabel="y [µm]", title=f"{stack.name or 'image'}, z slice {depth // 2} of {depth}")
    return png(figure)


def _draw_phases(axes: Any, labels: Labels, page: NDArray[Any], extent: tuple[float, ...]) -> None:
    known = sorted({*labels.phases, *np.unique(page).tolist()})
    colours = [labels.colours.get(k, COLOURS[i % len(COLOURS)]) for i, k in enumerate(known)]
    index = np.searchsorted(known, page.astype(np.int64))
    axes.imshow(index, cmap=ListedColormap(colours), vmin=-0.5, vmax=len(known) - 0.5, extent=extent,
                interpolation="nearest")  # fmt: skip
    names = [f"{labels.phases.get(k, f'phase {k}')}{' (void)' if k in labels.void else ''}" for k in known]
    patches = [Patch(color=c, label=n) for c, n in zip(colours, names, strict=True)]
    axes.legend(handles=patches[:12], fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)


def network_picture(network: Network) -> bytes:
    """Throats seen along y, far ones below, coloured by the best known conductance (else by diameter)."""
    key = colour_column(network)
    values = np.asarray(network.throats[key].values, float) if key else np.ones(network.n_throats)
    depth = network.coords[network.conns, 1].mean(axis=1)
    order = np.argsort(-depth)[-MOST_THROATS:]
    ends = network.coords[network.conns[order]][:, :, [2, 0]] * 1e6
    good = values[np.isfinite(values) & (values > 0)]
    logarithmic = good.size > 0 and good.max() > 30 * good.min()
    low, high = np.percentile(good, [2, 98]) if good.size else (0.0, 1.0)
    norm = LogNorm(low, max(high, low * 1.001)) if logarithmic else Normalize(low, high)
    figure = Figure(figsize=(6.0, 5.0), layout="constrained")
    axes = figure.subplots()
    lines = LineCollection(list(ends), cmap="viridis", norm=norm, linewidths=_widths(network)[order])
    lines.set_array(np.clip(values[order], low, high))
    axes.add_collection(lines)
    axes.autoscale()
    axes.set_aspect("equal")
    axes.set(xlabel="x [µm]", ylabel="z [µm]", title=f"{network.name or 'network'}: {network.n_throats:,} throats")
    if key:
        unit = network.throats[key].unit
        figure.colorbar(lines, ax=axes, shrink=0.8, label=f"{key} [{unit}]" if unit else key)
    return png(figure)


def colour_column(network: Network) -> str:
    """The throat column worth looking at: a hydraulic or diffusive conductance, else a diameter."""
    keys = [k for k, c in network.throats.items() if c.values.dtype.kind == "f"]
    for start in ("g_hydraulic", "g_diffusive", "inscribed_diameter", "equivalent_diameter"):
        if hit := next((k for k in keys if k.startswith(start)), ""):
            return hit
    return keys[0] if keys else ""


def _widths(network: Network) -> NDArray[np.float64]:
    if "inscribed_diameter" not in network.throats:
        return np.full(network.n_throats, 1.0)
    d = np.nan_to_num(np.asarray(network.throat("inscribed_diameter"), float))
    return 0.3 + 2.5 * d / max(float(np.percentile(d, 98)) if len(d) else 1.0, 1e-300)


def distributions(network: Network) -> bytes | None:
    """Histograms of pore and throat sizes and of every conductance."""
    sizes = [("pore", k, c) for k, c in network.pores.items() if k in ("equivalent_diameter", "inscribed_diameter")]
    sizes += [("throat", k, c) for k, c in network.throats.items() if k == "inscribed_diameter"]
    sizes += [("throat", k, c) for k, c in network.throats.items() if k.startswith(("g_hydraulic.", "g_diffusive."))]
    if not sizes:
        return None
    sizes = sizes[:9]
    rows = -(-len(sizes) // 3)
    figure = Figure(figsize=(8.5, 2.4 * rows), layout="constrained")
    for k, (kind, key, column) in enumerate(sizes):
        _histogram(figure.add_subplot(rows, 3, k + 1), f"{kind} {key}", column)
    return png(figure)


def _histogram(axes: Any, title: str, column: Column) -> None:
    values = np.asarray(column.values, float)
    values = values[np.isfinite(values) & (values > 0)]
    if column.unit == "m":
        values, unit = values * 1e6, "µm"
    else:
        unit = column.unit
    if values.size and values.max() > 50 * values.min():
        axes.hist(values, bins=np.geomspace(values.min(), values.max(), 40), color="#1f77b4")
        axes.set_xscale("log")
    else:
        axes.hist(values, bins=40, color="#1f77b4")
    axes.set_title(title, fontsize=8)
    axes.set_xlabel(f"[{unit}]" if unit else "", fontsize=8)
    axes.tick_params(labelsize=7)


def curves(table: Table) -> bytes | None:
    """Numeric columns of a long table against its first one; None where there is no curve."""
    numeric: Mapping[str, Column] = {k: c for k, c in table.columns.items() if c.values.dtype.kind in "iuf"}
    if len(table) <= LONG or len(numeric) < 2:
        return None
    (across, x), *others = numeric.items()
    others = others[:6]
    rows = -(-len(others) // 3)
    figure = Figure(figsize=(8.5, 2.5 * rows), layout="constrained")
    steady = bool(
        np.all(np.diff(np.asarray(x.values, float)) >= 0) or np.all(np.diff(np.asarray(x.values, float)) <= 0)
    )
    for k, (key, column) in enumerate(others):
        axes = figure.add_subplot(rows, min(3, len(others)), k + 1)
        axes.plot(x.values, column.values, "-" if steady else ".", ms=3)
        values = np.asarray(column.values, float)
        known = values[np.isfinite(values) & (values > 0)]
        if known.size == np.isfinite(values).sum() and known.size and known.max() > 1e3 * known.min():
            axes.set_yscale("log")
        axes.set_xlabel(f"{across} [{x.unit}]" if x.unit else across, fontsize=8)
        axes.set_ylabel(f"{key} [{column.unit}]" if column.unit else key, fontsize=8)
        axes.tick_params(labelsize=7)
    return png(figure)
