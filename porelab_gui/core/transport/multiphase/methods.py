"""The Methods of two fluids, of growing samples, of effective properties and of corrections."""

from __future__ import annotations

from porelab_gui.core.method import Method
from porelab_gui.core.transport.correction import update_network
from porelab_gui.core.transport.effective import effective_properties
from porelab_gui.core.transport.multiphase.drainage import drainage
from porelab_gui.core.transport.multiphase.relative import relative_permeability
from porelab_gui.core.transport.representative import representative_volume

METHODS: tuple[Method, ...] = (
    drainage,
    relative_permeability,
    representative_volume,
    effective_properties,
    update_network,
)
