"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from porelab_gui.core.image.correct import CORRECT_LABELS
from porelab_gui.core.image.editing.correct import BY_HAND
from porelab_gui.core.image.editing.filters import FILTERS
from porelab_gui.core.image.editing.geometry import GEOMETRY
from porelab_gui.core.image.editing.labels import CORRECTIONS
from porelab_gui.core.image.editing.local_otsu import SEGMENT_LOCAL_OTSU
from porelab_gui.core.image.fast_copy import FAST_COPY
from porelab_gui.core.image.loading import LOAD
from porelab_gui.core.image.morphology.method import MORPHOLOGY
from porelab_gui.core.image.phantoms.method import MAKE_PHANTOM
from porelab_gui.core.image.threshold import SEGMENT_THRESHOLD
from porelab_gui.core.method import Method

METHODS: tuple[Method, ...] = (
    LOAD,
    FAST_COPY,
    SEGMENT_THRESHOLD,
    SEGMENT_LOCAL_OTSU,
    *GEOMETRY,
    *FILTERS,
    *CORRECTIONS,
    *BY_HAND,
    CORRECT_LABELS,
    MORPHOLOGY,
    MAKE_PHANTOM,
)
