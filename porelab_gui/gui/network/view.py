"""One network as two napari layers: pores as balls, throats as tubes; their colours, sizes and picking."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from napari.layers import Points
from napari.utils.colormaps import Colormap, ensure_colormap
from numpy.typing import ArrayLike, NDArray

from porelab_gui.core.nouns import Network
from porelab_gui.gui.images import MICRO, UNITS
from porelab_gui.gui.network.colouring import GREY, Colouring, Colours, resolve
from porelab_gui.gui.network.tube_layer import TubeLayer
from porelab_gui.gui.network.tubes import RIBBON, pick_ball, pick_tube

BAR = (22, 190)
DIAMETERS = ("inscribed_diameter", "equivalent_diameter", "extended_diameter", "diameter")
PORE_COLOUR = "#cc9e57"
THROAT_COLOURS = Colormap([[0.36, 0.58, 0.80, 1.0]] * 2, name="throats", display_name="throats", nan_color=GREY)
THIN = 0.25  # radius of the throats outside the chosen share, relative to their own


class NetworkView:
    """Layers of one network, made but not yet added to a viewer: ``pores`` and ``throats``.

    Tubes are drawn at ``tube_scale`` and balls at ``ball_scale`` of their diameters, so that both are seen.
    """

    tube_scale = 0.7
    ball_scale = 0.8

    def __init__(self, network: Network, name: str) -> None:
        self.network, self.name = network, name
        self.throat_colouring: Colouring | None = None
        self.pore_colouring: Colouring | None = None
        self.throat_title = self.pore_title = ""
        self.pore_radii, self.throat_radii = self._radii(network)

    @cached_property
    def pores(self) -> Points:
        """The layer of the balls, made when it is first asked for."""
        return self._make_pores()

    @cached_property
    def throats(self) -> TubeLayer:
        """The layer of the tubes, made when it is first asked for."""
        return self._make_throats()

    @property
    def layers(self) -> tuple[Points, TubeLayer]:
        """Both layers, tubes last."""
        return self.pores, self.throats

    @property
    def centres(self) -> NDArray[np.float32]:
        """Pore centres in micrometres, (Np, 3)."""
        return np.asarray(self.network.coords * MICRO, dtype=np.float32)

    @property
    def extent(self) -> float:
        """Edge in micrometres of the cube that holds the network."""
        return float(np.ptp(self.centres, axis=0).max()) if self.network.n_pores else 1.0

    def _radii(self, network: Network) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Drawn radii in micrometres; what has no diameter gets one from the distances between pores."""
        ends = network.coords[network.conns]
        apart = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) if len(ends) else np.ones(1)
        usual = float(np.median(apart)) or 1e-6
        pore = _diameter(network.pores, network.n_pores, 0.4 * usual) * (0.5 * self.ball_scale * MICRO)
        throat = _diameter(network.throats, network.n_throats, 0.15 * usual) * (0.5 * self.tube_scale * MICRO)
        if "boundary" in network.pores and len(ends):
            # a virtual pore on a face has no size of its own: it is as wide as the throat that leads to it
            wide = np.zeros(network.n_pores)
            np.maximum.at(wide, network.conns.ravel(), np.repeat(throat, 2))
            pore = np.where(network.pores["boundary"].values.astype(bool), wide, pore)
        return pore.astype(np.float32), throat.astype(np.float32)

    def _make_pores(self) -> Points:
        layer = Points(
            self.centres,
            name=f"{self.name}: pores",
            size=2 * self.pore_radii if self.network.n_pores else 1,
            face_color=PORE_COLOUR,
            border_width=0,
            shading="spherical",
            projection_mode="rescale_spherical",
            antialiasing=0,
            **UNITS,
            blending="translucent",
        )
        layer.face_colorbar.position, layer.face_colorbar.size = "middle_right", BAR
        return layer

    def _make_throats(self) -> TubeLayer:
        ends = self.centres[self.network.conns]
        layer = TubeLayer(
            ends[:, 0],
            ends[:, 1],
            self.throat_radii,
            name=f"{self.name}: throats",
            colormap=THROAT_COLOURS,
            contrast_limits=(0, 2),
            shading="smooth",
            **UNITS,
            blending="translucent",
        )
        layer.shading = _shading(layer)
        layer.colorbar.size = BAR
        return layer

    def fits(self, network: Network) -> bool:
        """Whether another network has the same pores and throats, so that only columns differ."""
        mine = self.network
        return (
            mine.coords.shape == network.coords.shape
            and mine.conns.shape == network.conns.shape
            and np.array_equal(mine.conns, network.conns)
            and np.array_equal(mine.coords, network.coords)
        )

    def update(self, network: Network) -> None:
        """Take over new columns, or other pores and throats; chosen colours follow where their columns are there."""
        throats, pores = self.throat_colouring, self.pore_colouring
        same, self.network = self.fits(network), network
        if not same:
            self._replace(network)
        if throats is not None:
            self.colour_throats(throats if throats.found_in(network.throats) else None)
        if pores is not None:
            self.colour_pores(pores if pores.found_in(network.pores) else None)

    def _replace(self, network: Network) -> None:
        self.pore_radii, self.throat_radii = self._radii(network)
        self.pores.data = self.centres
        self.colour_pores(None)
        ends = self.centres[network.conns]
        self.throats.set_tubes(ends[:, 0], ends[:, 1], self.throat_radii, np.ones(network.n_throats))
        self.throats.shading = _shading(self.throats)

    def colour_throats(self, colouring: Colouring | None) -> Colours | None:
        """Colour the tubes (None: all alike); throats outside the chosen share become thin and grey."""
        before, self.throat_colouring = self.throat_colouring, colouring
        if colouring is None:
            self._plain_throats(before)
            return None
        colours = resolve(colouring, self.network.throats)
        partial_before = before is not None and before.partial
        if colouring.partial or partial_before:
            self._resize_throats(colours)
        else:
            self.throats.set_values(colours.values)
        _show_scale(self.throats, colours)
        self.throats.colorbar.visible = True
        self.throat_title = colours.title
        return colours

    def _plain_throats(self, before: Colouring | None) -> None:
        ones = np.ones(self.network.n_throats, np.float32)
        if before is not None and before.partial:
            self.throats.set_tubes(self.throats.starts, self.throats.ends, self.throat_radii, ones)
        else:
            self.throats.set_values(ones)
        self.throats.colormap = THROAT_COLOURS
        _set_limits(self.throats, (0, 2))
        self.throats.colorbar.visible = False
        self.throat_title = ""

    def _resize_throats(self, colours: Colours) -> None:
        radii = np.where(colours.coloured, self.throat_radii, THIN * self.throat_radii)
        self.throats.set_tubes(self.throats.starts, self.throats.ends, radii, colours.values)

    def colour_pores(self, colouring: Colouring | None) -> Colours | None:
        """Colour the balls (None: all alike); pores outside the chosen share become grey and small."""
        self.pore_colouring = colouring
        if colouring is None:
            self.pores.face_color = PORE_COLOUR
            self.pores.face_colorbar.visible = False
            self.pores.size = 2 * self.pore_radii if self.network.n_pores else 1
            self.pore_title = ""
            return None
        colours = resolve(colouring, self.network.pores)
        self.pores.features = {"value": colours.values}
        self.pores.face_color = "value"
        self.pores.face_colormap = _with_grey(colours.cmap)
        self.pores.face_contrast_limits = colours.limits
        before = np.asarray(self.pores.size)
        sizes = 2 * self.pore_radii * (np.where(colours.coloured, 1, THIN) if colouring.partial else 1)
        if not np.array_equal(before, sizes):
            self.pores.size = sizes
        self.pores.face_colorbar.visible = True
        self.pore_title = colours.title
        return colours

    def pick(self, position: ArrayLike, direction: ArrayLike | None, slack: float = 0.0) -> tuple[str, int] | None:
        """("pore" | "throat", index) under the pointer, or None.

        ``position`` in world micrometres; ``direction`` of the ray in 3D, None in a 2D slice (displayed axes y, x).
        """
        if direction is None:
            # the slice is looked at along its normal, and only what it cuts is there
            return self._pick_in_slice(np.asarray(position, float), slack)
        ball = pick_ball(position, direction, self.centres, self._drawn_radii(), slack) if self.pores.visible else None
        tube = self.throats.tube_at(position, direction, slack) if self.throats.visible else None
        return _nearer(ball, tube)

    def _drawn_radii(self) -> NDArray[np.float32]:
        radii: NDArray[np.float32] = 0.5 * np.asarray(self.pores.size, dtype=np.float32)
        return radii

    def _pick_in_slice(self, position: NDArray[np.float64], slack: float) -> tuple[str, int] | None:
        centres, radii = self.centres, self._drawn_radii()
        normal = np.array([1.0, 0.0, 0.0])
        depth = np.abs(centres[:, 0] - position[0])
        disc = np.sqrt(np.maximum(radii**2 - depth**2, 0)).astype(np.float32)
        cut = np.flatnonzero(disc > 0)
        ball = pick_ball(position, normal, centres[cut], disc[cut], slack) if self.pores.visible else None
        if ball is not None:
            return "pore", int(cut[ball[0]])
        tubes = np.flatnonzero(self.throats.cut_by(0, float(position[0])))
        found = None
        if len(tubes) and self.throats.visible:
            layer = self.throats
            found = pick_tube(position, normal, layer.starts[tubes], layer.ends[tubes], layer.radii[tubes], slack)
        return None if found is None else ("throat", int(tubes[found[0]]))


def _diameter(columns: Any, count: int, otherwise: float) -> NDArray[np.float64]:
    """The first diameter column that is there, in metres; where it is not positive, ``otherwise``."""
    key = next((k for k in DIAMETERS if k in columns), None)
    values = np.full(count, otherwise) if key is None else np.asarray(columns[key].values, dtype=np.float64)
    return np.where(np.isfinite(values) & (values > 0), values, otherwise)


def _nearer(ball: tuple[int, float] | None, tube: tuple[int, float] | None) -> tuple[str, int] | None:
    if ball is None and tube is None:
        return None
    if tube is None or (ball is not None and ball[1] <= tube[1]):
        assert ball is not None
        return "pore", ball[0]
    return "throat", tube[0]


def _shading(layer: TubeLayer) -> str:
    """Bands have no roundness to show."""
    return "none" if layer.sides == RIBBON else "smooth"


def _show_scale(layer: TubeLayer, colours: Colours) -> None:
    wanted = _with_grey(colours.cmap)
    if layer.colormap != wanted:  # another one compiles the shaders anew
        layer.colormap = wanted
    _set_limits(layer, colours.limits)


def _with_grey(name: str) -> Colormap:
    """A colormap that shows what has no value in grey."""
    base = ensure_colormap(name)
    return Colormap(base.colors, name=base.name, controls=base.controls, nan_color=GREY)


def _set_limits(layer: TubeLayer, limits: tuple[float, float]) -> None:
    """Limits of the scale, and of the slider that moves them."""
    layer.contrast_limits_range = limits
    layer.contrast_limits = limits
