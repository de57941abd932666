"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from porelab_gui.core.method import Method

METHODS: tuple[Method, ...] = ()
