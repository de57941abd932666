"""PoreSpy's progress bars, kept off the screen."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bar of PoreSpy within the block."""
    import porespy as ps

    ps.settings.tqdm["disable"] = True
    with contextlib.redirect_stderr(io.StringIO()):
        yield
