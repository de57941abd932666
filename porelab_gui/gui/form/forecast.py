"""Will it fit: a Method's memory forecast beside what the machine has free."""

from __future__ import annotations

from collections.abc import Mapping

from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Noun
from porelab_gui.gui.quantities import bytes_text

WORTH_SAYING = 100_000_000


def forecast(method: Method, inputs: Mapping[str, Noun], params: Params) -> tuple[str, bool]:
    """(sentence, whether it will not fit); nothing for what needs no telling."""
    if method.estimate is None:
        return "", False
    try:
        need = method.estimate(inputs, params)
    except Exception:  # a stranger's forecast must not stop the form
        return "", False
    free = _free_ram()
    if need.ram > free:
        return f"Needs about {bytes_text(need.ram)} of memory; {bytes_text(free)} is free. Crop the image first.", True
    if need.gpu:
        return f"Needs about {bytes_text(need.ram)} of memory and {bytes_text(need.gpu)} on the device.", False
    if need.ram < WORTH_SAYING:
        return "", False
    return f"Needs about {bytes_text(need.ram)} of memory ({bytes_text(free)} free).", False


def _free_ram() -> int:
    import psutil

    return int(psutil.virtual_memory().available)
