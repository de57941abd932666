"""A napari Surface whose triangles are tubes: values per tube, quick recolouring, picking, and slices in 2D."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from napari.layers import Surface
from napari.layers.surface.surface import _SurfaceSlicingState
from numpy.typing import ArrayLike, NDArray

from porelab_gui.gui.network.tubes import RIBBON, build_tubes, faces_per_tube, pick_tube, sides_for

ALIGNED = 0.97  # cosine of the angle that the view may turn before bands are turned after it


class _TubeSlicing(_SurfaceSlicingState):  # type: ignore[misc]
    """In 2D show whole tubes that the slice cuts (the base class shows triangles that lie within it)."""

    layer: TubeLayer

    def make_slice_request_internal(self, slice_input: Any, data_slice: Any) -> Any:
        request = super().make_slice_request_internal(slice_input, data_slice)
        hidden = list(slice_input.not_displayed)
        if len(hidden) != 1:
            return request
        # the tubes that are cut, with their depth put into the slice, so that all their triangles are in it
        vertices, faces, values = self.layer.data
        depth = float(data_slice.as_array()[0][hidden[0]])
        cut = np.repeat(self.layer.cut_by(hidden[0], depth), faces_per_tube(self.layer.sides))
        flat = vertices.copy()
        flat[:, hidden[0]] = depth
        return replace(request, data=(flat, faces[cut], values))


class TubeLayer(Surface):  # type: ignore[misc]
    """Tubes between points as one mesh. ``starts``, ``ends`` (n, 3) and ``radii`` (n,) in the layer's units.

    ``values`` (n,) are coloured by napari's own contrast limits and colormap; NaN takes the colormap's ``nan_color``.
    """

    def __init__(
        self, starts: ArrayLike, ends: ArrayLike, radii: ArrayLike, values: ArrayLike | None = None, **kwargs: Any
    ) -> None:
        self.starts = np.ascontiguousarray(starts, dtype=np.float32)
        self.ends = np.ascontiguousarray(ends, dtype=np.float32)
        self.radii = np.asarray(radii, dtype=np.float32)
        self.sides = sides_for(len(self.starts))
        self.facing = np.array([1.0, 0.0, 0.0])
        self.values = np.ones(len(self.starts), np.float32) if values is None else np.asarray(values, np.float32)
        vertices, faces = self._build()
        super().__init__((vertices, faces, self._spread(self.values)), **kwargs)

    def _build(self) -> tuple[NDArray[Any], NDArray[Any]]:
        return build_tubes(self.starts, self.ends, self.radii, self.sides, self.facing)

    def _get_layer_slicing_state(self, data: Any, cache: bool) -> _TubeSlicing:
        return _TubeSlicing(layer=self, data=data, cache=cache)

    @property
    def _type_string(self) -> str:
        return "surface"

    def _spread(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.repeat(values, 2 * self.sides)

    def set_values(self, values: ArrayLike) -> None:
        """New values, one per tube; the mesh stays."""
        self.values = np.asarray(values, dtype=np.float32)
        spread = self._spread(self.values)
        if self._slicing_state._slice_input.ndisplay == 3 and _recolour_in_place(self, spread):
            return
        self.vertex_values = spread

    def set_tubes(self, starts: ArrayLike, ends: ArrayLike, radii: ArrayLike, values: ArrayLike) -> None:
        """Other tubes in the same layer."""
        self.starts = np.ascontiguousarray(starts, dtype=np.float32)
        self.ends = np.ascontiguousarray(ends, dtype=np.float32)
        self.radii = np.asarray(radii, dtype=np.float32)
        self.values = np.asarray(values, dtype=np.float32)
        self.sides = sides_for(len(self.starts))
        vertices, faces = self._build()
        self.data = (vertices, faces, self._spread(self.values))

    def face(self, direction: ArrayLike) -> None:
        """Turn the bands of a large network towards the viewer; tubes with sides look alike from everywhere."""
        wanted = np.asarray(direction, dtype=np.float64)
        if self.sides != RIBBON or abs(float(wanted @ self.facing)) > ALIGNED:
            return
        self.facing = wanted
        vertices, faces = self._build()
        self.data = (vertices, faces, self._spread(self.values))

    def cut_by(self, axis: int, depth: float) -> NDArray[np.bool_]:
        """Which tubes a slice at ``depth`` across ``axis`` cuts."""
        low = np.minimum(self.starts[:, axis], self.ends[:, axis]) - self.radii
        high = np.maximum(self.starts[:, axis], self.ends[:, axis]) + self.radii
        return (low <= depth) & (depth <= high)

    def tube_at(self, origin: ArrayLike, direction: ArrayLike, slack: float = 0.0) -> tuple[int, float] | None:
        """The first tube along a ray, and how far it is."""
        return pick_tube(origin, direction, self.starts, self.ends, self.radii, slack)

    def _get_value_3d(self, start_point: Any, end_point: Any, dims_displayed: Any) -> Any:
        if start_point is None or end_point is None or len(dims_displayed) != 3:
            return None, None
        found = self.tube_at(start_point, np.asarray(end_point) - start_point)
        return (None, None) if found is None else (float(self.values[found[0]]), found[0])


def _recolour_in_place(layer: TubeLayer, spread: NDArray[np.float32]) -> bool:
    """Give new values to the mesh that is on the card already; False when it is not there (yet).

    napari's own setter builds the mesh and its normals again, which takes three times as long.
    """
    node = getattr(layer, "node", None)
    mesh = getattr(node, "mesh_data", None)
    if node is None or mesh is None or mesh.get_vertices() is None or len(mesh.get_vertices()) != len(spread):
        return False
    layer._vertex_values = spread
    layer._slicing_state._view_vertex_values = spread
    mesh.set_vertex_values(spread)
    node.mesh_data_changed()
    return True
