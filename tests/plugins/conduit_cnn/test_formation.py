"""Formation factors of networks beside the voxels', as the score compares them."""

from __future__ import annotations

import numpy as np
from porelab_methods.conduit_cnn.formation import MODELS, TREATMENTS, formation_rows
from porelab_methods.conduit_cnn.media import Medium


def test_every_treatment_and_model_is_compared_with_the_voxels():
    media = [Medium("spheres", 5 + k, 44, 0.5 + 0.2 * k, 6.0, 1.8) for k in range(2)]
    figures, rows = formation_rows(media)
    assert {(r["group"], r["model"]) for r in rows} == {(f"F, {t}", m) for t in TREATMENTS for m in MODELS}
    assert np.isfinite([figures["r2_F"], figures["r2_F_dns"]]).all()
    ratio = {(r["group"], r["model"]): r["ratio"] for r in rows}
    assert 0.7 < ratio["F, half conduits", "dns"] < 1.4
    assert abs(ratio["F, half conduits", "cnn"] - ratio["F, half conduits", "dns"]) < 0.2
