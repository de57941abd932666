"""What every panel is given: the viewer, the session, the layers, the selection and a way to tell the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from porelab_gui.session.session import Session

if TYPE_CHECKING:
    from porelab_gui.gui.layers import Layers
    from porelab_gui.session.recovery import Pending


class Selection:
    """The throat and pore under the user's finger; views and plots listen to the same two signals.

    ``throat_changed(index | None, network name)``, ``pore_changed(index | None, network name)``.
    """

    throat_changed = Signal(object, str)
    pore_changed = Signal(object, str)

    def __init__(self) -> None:
        self.throat: int | None = None
        self.pore: int | None = None
        self.network: str = ""

    def select_throat(self, index: int | None, network: str) -> None:
        """Choose a throat of a network (None: nothing)."""
        self.throat, self.network = index, network
        self.throat_changed.emit(index, network)

    def select_pore(self, index: int | None, network: str) -> None:
        """Choose a pore of a network (None: nothing)."""
        self.pore, self.network = index, network
        self.pore_changed.emit(index, network)


@dataclass
class Context:
    """Handed to each panel, so that each can be shown alone and tested alone.

    ``notify(text, kind, details)`` shows a toast, kind "info", "warning" or "error"; ``report(error, trace)`` one for
    an exception with its traceback behind a button. ``unkept``: pages say what is painted that no step has taken up.
    """

    viewer: Any
    session: Session
    layers: Layers
    notify: Callable[..., None]
    report: Callable[..., None]
    selection: Selection = field(default_factory=Selection)
    unkept: list[Callable[[], Pending | None]] = field(default_factory=list)
