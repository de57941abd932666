"""What one solve gives: potentials, drops, the total conductance and its derivative."""

from __future__ import annotations

from dataclasses import dataclass

from porelab_gui.core.transport.pnm.circuit import Floats


@dataclass(frozen=True)
class Solution:
    """Potentials between 0 (outlet) and 1 (inlet) and what follows from them.

    ``potential`` (n,), NaN where none is defined; ``drop`` (m,) potential differences along the edges; ``g`` (m,);
    ``total`` conductance between the held faces (flow per unit drop); ``flow_in``, ``flow_out`` at the faces;
    ``residual`` ||b - A x|| / ||b||; ``solver`` and a ``note`` when a better solver was missing.
    """

    potential: Floats
    drop: Floats
    g: Floats
    total: float
    flow_in: float
    flow_out: float
    residual: float
    solver: str
    note: str = ""
    scale: float = 1.0

    @property
    def value(self) -> float:
        """``scale`` times the total conductance: K or D_eff."""
        return self.scale * self.total

    @property
    def gradient(self) -> Floats:
        """d value / d g (m,) in closed form, scale * drop^2 (Dirichlet's principle: no second solve)."""
        squares: Floats = self.drop * self.drop
        squares *= self.scale
        return squares

    @property
    def flow(self) -> Floats:
        """Flow along every edge (m,) per unit drop."""
        return self.g * self.drop

    @property
    def shares(self) -> Floats:
        """d ln value / d ln g (m,): the share of the dissipation in every edge; they sum to 1."""
        energy: Floats = self.g * self.drop**2
        return energy / energy.sum()
