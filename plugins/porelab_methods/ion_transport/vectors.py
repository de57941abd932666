"""Reference rejections of DSPM-DE: ideal solutions, membrane 0.5 nm, 1.33 um, -27 mol/m3, permittivity 41.3."""

from __future__ import annotations

VECTORS: tuple[tuple[str, float, dict[str, float]], ...] = (
    ("nacl", 2e-6, {"Na": 0.65049, "Cl": 0.65049}),
    ("nacl", 1e-5, {"Na": 0.91915, "Cl": 0.91915}),
    ("nacl", 3e-5, {"Na": 0.97132, "Cl": 0.97132}),
    ("mgcl2", 2e-6, {"Mg": 0.54606, "Cl": 0.54606}),
    ("mgcl2", 1e-5, {"Mg": 0.86509, "Cl": 0.86509}),
    ("mgcl2", 3e-5, {"Mg": 0.94265, "Cl": 0.94265}),
    ("li_mg_equal", 1e-5, {"Li": 0.59043, "Mg": 0.81278, "Cl": 0.73866}),
    ("li_mg_equal", 2e-6, {"Li": 0.20579, "Mg": 0.40780, "Cl": 0.34046}),
)
WATERTAP = {"Ca": 0.7318, "SO4": 0.8855, "Mg": 0.8584, "Na": -0.0178, "Cl": 0.1144}
