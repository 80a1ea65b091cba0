"""How long a network takes, layer by layer, on the device where it is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from cnnref.accounting.operation import tensors
from cnnref.accounting.summary.latencies import Latency, Timed
from cnnref.accounting.tracing.calls import Called, calls_seen, results
from cnnref.accounting.tracing.diagnosis import AccountingError, checked_call, checked_model
from cnnref.accounting.tracing.forward import is_leaf, restored
from cnnref.accounting.tracing.inputs import arguments
from cnnref.accounting.tracing.keeping import Kept
from cnnref.accounting.tracing.targets import find_network

__all__ = ["latency"]


def latency(
    model: nn.Module | str,
    input_size: Any = None,
    *,
    inputs: Any = None,
    dtypes: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    batch_dim: bool = True,
    device: str | torch.device | None = None,
    training: bool = False,
    repeats: int = 30,
    warmup: int = 5,
    progress: bool = True,
) -> Latency:
    """Time a network's forward pass, layer by layer.

    In every repeat it runs twice, without gradients: once as it is, for the time of the whole, and
    once with a clock at each module. On a GPU the clock is its own (CUDA events), so that layers
    are not made to wait for one another. The network is left as it was.

    Args:
        model: any module; it stays where it is. Or the name of one, as for `summarize`, which is
            made on the device.
        input_size: the size of one example, or several, as for `summarize`; they are filled with
            random numbers.
        inputs: the inputs themselves in place of their sizes.
        dtypes: of inputs by size, as for `summarize`.
        kwargs: further arguments by name, as they are.
        batch_dim: put a batch of one before each size.
        device: where the network has to be; `None`: wherever it is, and one by name on the CPU.
        training: time it in training mode.
        repeats: passes that are timed.
        warmup: passes before those.
        progress: show a bar where it takes longer than two seconds.

    Raises:
        AccountingError: the model, the inputs or the device do not fit one another, or the model
            has no values.

    Examples:
        >>> from cnnref.models import PlainCNN
        >>> timed = latency(PlainCNN(), (3, 32, 32), repeats=3)
        >>> 0 < timed.whole.quartiles[0] <= timed.whole.median
        True
    """
    _check_count("repeats", repeats, 1)
    _check_count("warmup", warmup, 0)
    if isinstance(model, str):
        model = find_network(model, str(device or "cpu"))
    network = checked_model(model)
    place = _place(network, device)
    args, named = arguments(network, input_size, inputs, batch_dim, place, dtypes, kwargs)
    checked_call(network, args, named)
    given = {id(tensor) for tensor in tensors((input_size, inputs, kwargs))}
    clock = _Clock(network, place)
    kept = Kept(network, args, named)
    whole: list[float] = []
    layers: list[list[float]] = []
    modules = dict(network.named_modules())
    with restored(kept, modules, training, values=True), torch.inference_mode():
        for tensor in tensors((args, named)):
            if id(tensor) in given:
                kept.about_to_write([tensor])  # a first layer may work in place
            elif tensor.is_floating_point():
                tensor.normal_()  # zeros may be quicker than numbers
        for i in tqdm(range(warmup + repeats), delay=2, disable=not progress, leave=False):
            alone, each = clock.alone(args, named), clock.inside(args, named)
            if i >= warmup:
                whole.append(alone)
                layers.append(each)
    if len({len(each) for each in layers}) > 1:
        raise AccountingError(
            f"{type(network).__name__} does not call the same layers each time, so that there is "
            "no median of each"
        )
    columns = zip(*layers, strict=True)
    calls = tuple(Timed(*told, seconds) for told, seconds in zip(clock.told, columns, strict=True))
    return Latency(
        type(network).__name__,
        tuple(tuple(tensor.shape) for tensor in tensors((args, named))),
        str(place),
        Timed("", type(network).__name__, False, tuple(whole)),
        calls,
    )


class _Clock:
    """Times a network's passes.

    Args:
        network: it.
        device: where it is.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self.network, self.device = network, device
        self.names = {id(module): name for name, module in network.named_modules()}
        self.told: list[tuple[str, str, bool]] = []

    def alone(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float:
        """Seconds of one pass."""
        self._wait()
        started = time.perf_counter()
        self._run(args, kwargs)
        self._wait()
        return time.perf_counter() - started

    def inside(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[float]:
        """Seconds of each call of a module in one pass; `told` says of which."""
        marks: list[tuple[Any, Any]] = []
        told: list[tuple[str, str, bool]] = []
        within_leaf = False

        def seen(
            called: Called, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
        ) -> Any:
            nonlocal within_leaf
            name = self.names.get(id(module))
            if not name or within_leaf:
                return called(module, args, kwargs)
            leaf, place = is_leaf(module), len(marks)
            told.append((name, type(module).__name__, leaf))
            marks.append((None, None))
            within_leaf = leaf
            started = self._mark()
            try:
                return called(module, args, kwargs)
            finally:
                marks[place] = (started, self._mark())
                within_leaf = False

        with calls_seen(seen):
            self._run(args, kwargs)
        self._wait()
        self.told = told
        if self.device.type == "cuda":
            return [1e-3 * start.elapsed_time(end) for start, end in marks]
        return [end - start for start, end in marks]

    def _run(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        try:
            results(self.network, args, kwargs)
        except Exception as error:
            raise AccountingError(
                f"the forward pass of {type(self.network).__name__} failed, and summarize tells "
                f"where: {error}"
            ) from error

    def _mark(self) -> Any:
        if self.device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            return event
        self._wait()
        return time.perf_counter()

    def _wait(self) -> None:
        """Until all that was asked of the device is done."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)


def _check_count(name: str, number: object, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise AccountingError(f"{name} must be a whole number of at least {least}, got {number!r}")


def _place(network: nn.Module, wanted: str | torch.device | None) -> torch.device:
    """Where a network is, if that is where it is wanted.

    Raises:
        AccountingError: it is elsewhere, in several places, or has no values.
    """
    own = [*dict.fromkeys(t.device for t in [*network.parameters(), *network.buffers()])]
    try:
        place = torch.device(wanted) if wanted is not None else None
    except (RuntimeError, TypeError) as error:
        raise AccountingError(f"{wanted!r} is not a device; try 'cpu' or 'cuda'") from error
    if len(own) > 1:
        raise AccountingError(f"the network is on {' and '.join(map(str, own))}: move it to one")
    home = own[0] if own else place or torch.device("cpu")
    if home.type == "meta":
        raise AccountingError("the network is on the meta device, where nothing is computed")
    if place is not None and (place.type != home.type or place.index not in (None, home.index)):
        raise AccountingError(
            f"the network is on {home}, and was to be timed on {place}: move it, with "
            f"network.to({str(place)!r})"
        )
    return home
