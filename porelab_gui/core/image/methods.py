"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from porelab_gui.core.image.loading import LOAD
from porelab_gui.core.image.phantoms.method import MAKE_PHANTOM
from porelab_gui.core.image.threshold import SEGMENT_THRESHOLD
from porelab_gui.core.method import Method

METHODS: tuple[Method, ...] = (LOAD, SEGMENT_THRESHOLD, MAKE_PHANTOM)
