"""What the dock shows for a feed, a membrane and a flux, by the same Methods that a recipe runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from porelab_gui.core.nouns import Table
from porelab_gui.core.progress import silent
from porelab_methods.ion_transport.feed import Feed, composition_of
from porelab_methods.ion_transport.methods import CurveParams, PredictParams, SolveParams
from porelab_methods.ion_transport.runs import run_curves, run_solve, the_conditions, the_flux, the_membrane


@dataclass(frozen=True)
class Live:
    """A feed, the parameters of ``solve_dspm_de``, the flux [m/s] that they give, and the solution; ``strengths`` of
    what is beyond DSPM-DE, for the neural result."""

    feed: Feed
    params: Mapping[str, Any]
    flux: float
    rejections: Table
    profiles: Table
    strengths: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def of(feed: Feed, values: Mapping[str, Any], strengths: Mapping[str, float] | None = None) -> Live:
        """Solve now; PorelabError where there is no solution."""
        params = SolveParams(**{**values, "composition": composition_of(feed)})
        flux = the_flux(feed, the_membrane(params), the_conditions(params), params)
        fixed = {**params.model_dump(), "drive": "flux", "flux": flux}
        solved = run_solve({}, SolveParams(**fixed), silent)
        return Live(
            feed, fixed, flux, cast(Table, solved["rejections"]), cast(Table, solved["profiles"]), strengths or {}
        )

    def curves(self) -> Mapping[str, Table]:
        """``by_flux`` and ``by_radius``."""
        return cast(Mapping[str, Table], run_curves({}, CurveParams(**self.params), silent))

    def for_prediction(self) -> PredictParams | None:
        """The parameters of ``predict_rejection``; None at no flux, where nothing is corrected."""
        known = {k: v for k, v in self.params.items() if k in PredictParams.model_fields}
        return PredictParams(**{**known, **self.strengths}) if self.flux > 0 else None

    @property
    def residuals(self) -> str:
        """The sentences about charge balance."""
        return "; ".join(n for n in self.rejections.notes if "residual" in n)

    @property
    def remarks(self) -> list[str]:
        """Sentences about ions that do not pass, traces, no flux."""
        return [
            n for n in self.rejections.notes if not any(word in n for word in ("residual", "permeability", "flux "))
        ]
