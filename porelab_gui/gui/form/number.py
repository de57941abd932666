"""A spin box that takes any text, says what is wrong with it and never changes what was typed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QAbstractSpinBox, QWidget

from porelab_gui.gui.quantities import from_text, to_text


@dataclass(frozen=True)
class Range:
    """Limits of a number in its stored unit; None is open."""

    ge: float | None = None
    le: float | None = None
    gt: float | None = None
    lt: float | None = None

    @staticmethod
    def of(metadata: list[Any]) -> Range:
        """The limits among the constraints that pydantic keeps with a field."""
        found = {k: getattr(m, k) for m in metadata for k in ("ge", "le", "gt", "lt") if hasattr(m, k)}
        return Range(**found)

    def allows(self, value: float) -> bool:
        """Whether a stored value lies inside."""
        return not (
            (self.ge is not None and value < self.ge)
            or (self.le is not None and value > self.le)
            or (self.gt is not None and value <= self.gt)
            or (self.lt is not None and value >= self.lt)
        )

    def words(self, factor: Decimal, unit: str) -> str:
        """The range in the shown unit, for tooltips and refusals."""
        low = None if self.ge is None else f"at least {to_text(self.ge, factor)}"
        low = low or (None if self.gt is None else f"above {to_text(self.gt, factor)}")
        high = None if self.le is None or self.le > 1e37 else f"at most {to_text(self.le, factor)}"
        high = high or (None if self.lt is None else f"below {to_text(self.lt, factor)}")
        if self.ge is not None and self.ge < -1e37:
            low = None
        text = " and ".join(p for p in (low, high) if p)
        return f"{text} {unit}".strip() if text else ""


class NumberBox(QAbstractSpinBox):
    """A number with arrows. ``number()`` gives the stored value or raises ValueError with the reason."""

    edited = Signal()

    def __init__(
        self,
        limits: Range | None = None,
        *,
        integer: bool = False,
        factor: Decimal = Decimal(1),
        unit: str = "",
        step: float | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._limits, self._integer, self._factor, self._unit = limits or Range(), integer, factor, unit
        self._step = step
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(56)
        self.lineEdit().textChanged.connect(lambda _: self.edited.emit())

    def number(self) -> float | int:
        """The stored value; ValueError says what is wrong with the text."""
        text = self.text().strip()
        if not text:
            raise ValueError("a number is needed here")
        value: float | int = from_text(text, self._factor)
        if self._integer:
            if value != int(value):
                raise ValueError(f"{text} is not a whole number")
            value = int(value)
        if not self._limits.allows(value):
            raise ValueError(f"must be {self._limits.words(self._factor, self._unit)}")
        return value

    def number_text(self) -> str:
        """What is typed, with a decimal point."""
        return str(self.text()).strip().replace(",", ".")

    def set_number(self, value: float | int) -> None:
        """Show a stored value."""
        self.lineEdit().setText(to_text(value, self._factor))
        self.lineEdit().setCursorPosition(0)

    def mark(self, bad: bool) -> None:
        """Draw the border of a wrong value."""
        self.setProperty("bad", "true" if bad else "false")
        self.style().unpolish(self)
        self.style().polish(self)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Any text may be typed; ``number`` says what it is worth."""
        return QValidator.State.Acceptable, text, position

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Both arrows, always."""
        both = QAbstractSpinBox.StepEnabledFlag
        return both.StepUpEnabled | both.StepDownEnabled

    def stepBy(self, steps: int) -> None:
        """Up or down by the step of the field (a tenth of the value's power of ten without one), within the range."""
        try:
            value = Decimal(self.text().strip().replace(",", ".") or "0")
        except ArithmeticError:
            return
        new = value + steps * self._increment(value)
        stored = float(new * self._factor)
        if self._limits.allows(stored):
            self.set_number(int(stored) if self._integer else stored)
            self.selectAll()

    def _increment(self, value: Decimal) -> Decimal:
        if self._step is not None:
            return Decimal(repr(self._step)) / self._factor
        if self._integer:
            return Decimal(1)
        return Decimal(1).scaleb(value.adjusted() - 1) if value else Decimal("0.1")

    def wheelEvent(self, event: Any) -> None:
        """The wheel scrolls the page unless the field has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def sizeHint(self) -> QSize:
        """Wide enough for a number in scientific notation."""
        return QSize(92, super().sizeHint().height())
