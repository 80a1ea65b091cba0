"""One call of an operator, and what its arguments see: what a rule is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cnnref.accounting.operation import Operation
from cnnref.accounting.receptive_fields.axis import AxisField
from cnnref.accounting.receptive_fields.taps import Taps
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["Followed", "Rule"]


@dataclass(slots=True)
class Followed(Operation):
    """A call through which fields are followed.

    Args:
        sees: what a tensor sees of the input, `None` for one that depends on no input.
        through: `AxisField.through`, or a memory of it.
    """

    sees: Callable[[Tensor], TensorField | None]
    through: Callable[[AxisField, Taps, int], AxisField]

    @property
    def field(self) -> TensorField:
        """What the first argument sees."""
        field = self.sees(self.x)
        assert field is not None
        return field

    def fields(self) -> list[TensorField]:
        """What the arguments see that depend on an input."""
        found = []
        for value in self.args:
            for item in value if isinstance(value, list | tuple) else (value,):
                if isinstance(item, Tensor) and (field := self.sees(item)) is not None:
                    found.append(field)
        return found


Rule = Callable[[Followed], TensorField | list[TensorField] | None]
"""What a result sees: one field, one for each of several results, or `None` for no input."""
