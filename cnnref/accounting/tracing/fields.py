"""What each tensor of a watched pass sees: a receptive field, written on the tensor.

A field is found on the tensor that it belongs to, so nothing has to look it up by name or address.
Only where an operator writes in place do other tensors, views of the same storage, see something
else from then on; such writes are kept apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cnnref.accounting.operation import tensors
from cnnref.accounting.receptive_fields.axis import AxisField
from cnnref.accounting.receptive_fields.taps import Taps
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["FieldNotes"]

_FIELD, _WITHOUT_GATES = "_cnnref_field", "_cnnref_field_without_gates"


@dataclass(frozen=True)
class _Write:
    """A storage that was written to, kept so that its address stays its own; what was written, and
    when. Tensors that were marked before and share it see something else now."""

    storage: Any
    field: TensorField | None
    when: int


class FieldNotes:
    """What the tensors of one pass see.

    Args:
        before: notes beside which these are taken, from some moment on, of what tensors see without
            gates. A tensor without a note here has the one that it has there.
    """

    def __init__(self, before: FieldNotes | None = None) -> None:
        self.name, self.before = (_FIELD if before is None else _WITHOUT_GATES), before
        self.passed: dict[tuple[int, int, int], tuple[AxisField, Taps, AxisField]] = (
            {} if before is None else before.passed
        )
        self.written: dict[int, _Write] = {} if before is None else dict(before.written)
        self.writes: list[int] = [0] if before is None else before.writes  # one clock for both

    def through(self, field: AxisField, taps: Taps, outputs: int) -> AxisField:
        """`AxisField.through`, once for axes that share their past."""
        key = (id(field), id(taps), outputs)
        known = self.passed.get(key)
        if known is None:
            # The field and the taps are kept, so that no other takes their numbers.
            known = self.passed[key] = (field, taps, field.through(taps, outputs))
        return known[2]

    def noted(self, tensor: Any) -> tuple[TensorField | None, int] | None:
        """What is noted of a tensor that was made, or handed out, in this pass, and when."""
        own: tuple[TensorField | None, int] | None = getattr(tensor, self.name, None)
        return own if own is not None or self.before is None else self.before.noted(tensor)

    def apart(self, values: Sequence[Any]) -> bool:
        """Whether one of these tensors has a note of its own here."""
        return any(hasattr(tensor, self.name) for tensor in tensors(values))

    def sees(self, tensor: Any) -> TensorField | None:
        """What a tensor sees; `None` if it depends on no input."""
        field, when = self.noted(tensor) or (None, -1)
        if self.written and isinstance(tensor, Tensor):
            write = self.written.get(tensor.untyped_storage()._cdata)
            if write is not None and when < write.when:
                field = field or write.field
                if field is not None:
                    return field.unknown("written in place through a view", tensor.shape)
        return field

    def mark(self, tensor: Tensor, field: TensorField | None) -> None:
        """Note what a tensor sees from now on."""
        setattr(tensor, self.name, (field, self.writes[0]))

    def assign(
        self,
        func: Any,
        args: Sequence[Any],
        out: Any,
        fields: TensorField | list[TensorField] | None,
    ) -> None:
        """Write the fields on the results, and mark what else shares a storage written to."""
        if func._schema.is_mutable and args and isinstance(args[0], Tensor):
            field = fields[0] if isinstance(fields, list) else fields
            target = out if isinstance(out, Tensor) else args[0]  # another one for `out=`
            noted = self.noted(target)
            # Some write no entry: `detach_`, `squeeze_`.
            writes = torch.Tag.inplace_view not in func.tags
            if writes and (noted is None or noted[0] is not field):
                self.writes[0] += 1
                storage = target.untyped_storage()
                self.written[storage._cdata] = _Write(storage, field, self.writes[0])
            self.mark(target, field)
        elif isinstance(fields, list):
            for tensor, field in zip(out, fields, strict=False):
                self.mark(tensor, field)
        elif fields is not None:
            for tensor in out if isinstance(out, list | tuple) else [out]:
                if isinstance(tensor, Tensor) and tensor.dim() == len(fields.dims):
                    self.mark(tensor, fields)

    def joined(self, args: Sequence[Any]) -> list[TensorField]:
        """The fields of the operands that depend on the input."""
        items = args[0] if args and isinstance(args[0], list | tuple) else args[:2]
        fields = (self.sees(item) for item in items if isinstance(item, Tensor))
        return [field for field in fields if field is not None]
