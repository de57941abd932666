"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from porelab_gui.core.method import Method
from porelab_gui.core.network.clean import NETWORK_HEALTH, TRIM_NETWORK
from porelab_gui.core.network.extract import EXTRACT_NETWORK

METHODS: tuple[Method, ...] = (EXTRACT_NETWORK, NETWORK_HEALTH, TRIM_NETWORK)
