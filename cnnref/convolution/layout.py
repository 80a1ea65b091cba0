"""What callers may pass, checked once: how a signal, a kernel and windows go together.

torch takes signals with or without a batch; so do we, and plain arrays too. A `Layout` is the
outcome of the checks: the windows to use, and how to bring the signals to `(N, channels, ...)` and
the result back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cnnref.convolution.unfolding import Windows, as_windows
from cnnref.errors import require_flags
from cnnref.windows import Window

__all__ = ["Layout", "layout_of", "refuse_other_kinds", "windows_for"]

SIZES = {1: "length", 2: "height, width"}
TAPS = {1: "K", 2: "Kh, Kw"}


@dataclass(frozen=True)
class Layout:
    """Windows that fit a kernel, and how many axes the caller's signal lacks in front."""

    windows: tuple[Window, ...]
    groups: int
    missing: int
    plain: bool

    def batched(self, signal: Tensor) -> Tensor:
        """The signal as `(N, channels, ...)`."""
        return signal[(None,) * self.missing]

    def as_given(self, signal: Tensor) -> Tensor:
        """A result in the form of the caller's signal."""
        return signal[(0,) * self.missing]

    def kernel(self, w: Tensor, flip: bool) -> Tensor:
        """The kernel as `(O, C / groups, taps...)`, reversed along its taps where asked."""
        require_flags(flip=flip)
        w = w[None, None] if self.plain else w
        return w.flip(tuple(range(2, w.dim()))) if flip else w


def layout_of(
    axes: int,
    role: str,
    signal: Tensor,
    w: Tensor,
    windows: Windows | None,
    groups: int,
    called: str | None = None,
) -> Layout:
    """Check a signal and a kernel against each other.

    Args:
        axes: 1 or 2.
        role: `"x"` for a signal with the channels that `w` reads, `"g"` for those that it writes.
        signal: plain, with channels, or batched.
        w: plain, or `(O, C / groups, taps...)`.
        windows: as the caller gave them.
        groups: as the caller gave it.
        called: what the caller calls the signal, where that is not its role.

    Raises:
        TypeError: a tensor that is none, is not floating-point or has another type than the other.
        ValueError: shapes, groups or devices that do not go together.
    """
    name = called or role
    refuse_other_kinds((name, signal), ("w", w))
    found = windows_for(axes, w, windows)
    sizes = SIZES[axes]
    if w.dim() == axes:
        check_groups(groups)
        if signal.dim() != axes:
            raise ValueError(
                f"a plain kernel w {shape(w)} needs a plain {name} ({sizes}), got {shape(signal)}; "
                f"with channels, w is (O, C / groups, {TAPS[axes]})"
            )
        layout = Layout(found, 1, 2, True)
    else:
        check_groups(groups, {name: signal, "w": w}, w=len(w))
        letter, channels = ("C", w.shape[1] * groups) if role == "x" else ("O", len(w))
        if signal.dim() not in (axes + 1, axes + 2) or signal.shape[-axes - 1] != channels:
            raise ValueError(
                f"{name} {shape(signal)} does not go with w {shape(w)} and groups = {groups}: "
                f"{name} must be ({letter}, {sizes}) or (N, {letter}, {sizes}) with "
                f"{letter} = {channels}"
            )
        layout = Layout(found, groups, axes + 2 - signal.dim(), False)
    if role == "x":
        _require_a_window_fits(signal, w, found)
    return layout


def windows_for(axes: int, w: Tensor, windows: Windows | None) -> tuple[Window, ...]:
    """The windows given, or plain ones of the kernel's size; their taps must be the kernel's."""
    if w.dim() not in (axes, axes + 2) or 0 in w.shape:
        raise ValueError(
            f"w must be ({TAPS[axes]}) or (O, C / groups, {TAPS[axes]}) and not empty, got "
            f"{shape(w)}"
        )
    taps = tuple(w.shape[-axes:])
    if windows is None:
        return tuple(map(Window, taps))
    found = as_windows(windows)
    if isinstance(windows, Window):
        found = found * axes
    if len(found) != axes:
        raise ValueError(f"w {shape(w)} needs {axes} windows, got {len(found)}")
    refuse_ceil_mode(found)
    if tuple(window.kernel_size for window in found) != taps:
        raise ValueError(
            f"the windows have {', '.join(str(window.kernel_size) for window in found)} taps, the "
            f"kernel w {shape(w)} has {', '.join(map(str, taps))}"
        )
    return found


def _require_a_window_fits(x: Tensor, w: Tensor, windows: tuple[Window, ...]) -> None:
    """Refuse an empty output, with the shapes that lead to it."""
    for window, n in zip(windows, x.shape[-len(windows) :], strict=True):
        try:
            window.output_size(n)
        except ValueError as error:
            raise ValueError(f"x {shape(x)} is too small for w {shape(w)}: {error}") from None


def _listed(shapes: Mapping[str, Tensor] | None) -> str:
    """The shapes of the tensors in question, to end a message with."""
    return "".join(f", {name} {shape(tensor)}" for name, tensor in (shapes or {}).items())


def check_groups(groups: int, shapes: Mapping[str, Tensor] | None = None, **channels: int) -> None:
    """Refuse a number of groups that does not divide the channels of each named tensor."""
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise ValueError(f"groups must be a positive integer, got {groups!r}")
    for name, count in channels.items():
        if count % groups:
            raise ValueError(
                f"groups = {groups} does not divide the {count} channels of {name}{_listed(shapes)}"
            )
    if groups > 1 and not channels:
        raise ValueError(f"plain signals have one group, got groups = {groups}")


def refuse_ceil_mode(windows: tuple[Window, ...]) -> None:
    """A convolution has no ceil mode, in torch as here."""
    if any(window.ceil_mode for window in windows):
        raise ValueError("ceil mode has windows that overhang the input; it is for pooling alone")


def refuse_other_kinds(*tensors: tuple[str, Tensor]) -> None:
    """Refuse what is not floating-point, and tensors of different types or devices."""
    for name, tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} must be a torch.Tensor, got {type(tensor).__name__}")
        if not tensor.is_floating_point():
            raise TypeError(f"{name} must be floating-point, got {tensor.dtype} {shape(tensor)}")
    (first, a) = tensors[0]
    for last, b in tensors[1:]:
        if a.dtype != b.dtype:
            raise TypeError(
                f"{first} {shape(a)} is {a.dtype} but {last} {shape(b)} is {b.dtype}; convert one"
            )
        if a.device != b.device:
            raise ValueError(
                f"{first} {shape(a)} is on {a.device} but {last} {shape(b)} is on {b.device}; "
                "move one"
            )


def shape(tensor: Tensor) -> tuple[int, ...]:
    """A tensor's shape, to be printed."""
    return tuple(tensor.shape)
