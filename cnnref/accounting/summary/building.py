"""`summarize`: a pass where it works, and what was seen there as a summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

from cnnref.accounting.counting.uncounted import why_uncounted
from cnnref.accounting.operation import tensors
from cnnref.accounting.summary.again import Again
from cnnref.accounting.summary.assembly import assembled
from cnnref.accounting.summary.blocks import check_depth
from cnnref.accounting.summary.columns import OF_A_STEP, checked_columns
from cnnref.accounting.summary.network import Summary
from cnnref.accounting.tracing.calls import ForwardError
from cnnref.accounting.tracing.diagnosis import (
    AccountingError,
    ValuesNeededError,
    checked_call,
    checked_model,
    explain,
    needs_gradients,
    needs_values,
)
from cnnref.accounting.tracing.forward import trace
from cnnref.accounting.tracing.inputs import arguments, named, numbered_axes
from cnnref.accounting.tracing.targets import check_device, find_network

__all__ = ["summarize"]


def summarize(
    model: nn.Module | str,
    input_size: Any = None,
    *,
    inputs: Any = None,
    dtypes: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    batch_dim: bool = True,
    device: str | torch.device = "auto",
    training: bool = False,
    receptive_fields: bool = True,
    strict: bool = False,
    depth: int | str | None = "auto",
    columns: Sequence[str] | None = None,
) -> Summary:
    """Count a network: shapes, parameters, MACs and receptive fields, layer by layer.

    The network is run once, where that is possible on the meta device: no value is computed and
    nothing is allocated. A network whose forward pass takes gradients is given them, and what they
    multiply is counted. It is left exactly as it was, with all that can be reached from it:
    attributes, buffers, containers, hooks, modes, caches, variables of its classes, closures and
    files, and random states. Where its forward pass puts tensors anywhere else, an
    `AccountingWarning` says so.

    Args:
        model: any module; or the name of one, as on the command line: `torchvision:NAME`,
            `timm:NAME`, `hf:NAME` of Hugging Face's transformers, `cnnref:NAME`,
            `package.module:callable`. It is made without values where that works, and not kept.
        input_size: the size of one example, `(C, H, W)` for images; a list of sizes for several
            inputs, or a mapping from argument names to sizes. A place in these may hold a list, a
            tuple or a mapping of sizes in turn, for a model that takes one.
        inputs: the inputs themselves in place of their sizes: a tensor, a tuple of arguments or a
            mapping of named ones, whatever containers and dataclasses they hold; a packed sequence
            is one argument. Their batch is counted as it is.
        dtypes: of inputs by size, as torch has them or by name: one for all (`torch.long` for
            tokens), or one for each, in containers as those of the sizes, where `None` and names
            left out stand for the network's own precision.
        kwargs: further arguments by name that the network is called with, as they are.
        batch_dim: put a batch of one before each size. With `False` the sizes are taken whole.
            Receptive fields are followed along the third dimension and those after it: of an image
            without a batch, along its columns alone.
        device: "meta": without values; "cpu", or wherever the model is: with values. "auto": on the
            meta device if the pass works there, else where the model is; a note says so, and why.
            Where a count depends on values, it is that of the given inputs, or of zeros.
        training: count in training mode.
        receptive_fields: follow them; without, the count is a little faster.
        strict: refuse instead of telling a lower bound or an unknown field.
        depth: how deep blocks are told apart where the summary is shown, see `Summary.text`.
        columns: which columns are shown, see `Summary.text`.

    Returns:
        The `Summary`.

    Raises:
        AccountingError: the model is not a module, there is none of that name, or it has no
            weights yet; the input does not fit it; or, if `strict`, something could not be counted.
            The message says which layer, the shapes that met there, and what to do. A
            `ValuesNeededError` if values are needed that are not there.

    Examples:
        >>> from cnnref.models import PlainCNN
        >>> counted = summarize(PlainCNN(), (3, 32, 32))
        >>> counted
        <Summary of PlainCNN: 15 layers, 270,625 parameters, 14,548,480 MACs>
        >>> counted.total_parameters, counted.total_macs
        (270625, 14548480)
    """
    if isinstance(model, str):
        made_of = partial(
            summarize, input_size=input_size, inputs=inputs, dtypes=dtypes, kwargs=kwargs,
            batch_dim=batch_dim, device=device, training=training,
            receptive_fields=receptive_fields, strict=strict, depth=depth, columns=columns,
        )  # fmt: skip
        try:
            return made_of(find_network(model, "meta" if device == "auto" else str(device)))
        except ValuesNeededError:
            if device != "auto":
                raise
        return made_of(find_network(model, "cpu"))
    network = checked_model(model)
    for name, flag in (
        ("batch_dim", batch_dim), ("training", training), ("strict", strict),
        ("receptive_fields", receptive_fields),
    ):  # fmt: skip
        _check_flag(name, flag)
    shown = checked_columns(columns)
    check_depth(depth)

    def made(place: torch.device) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return arguments(network, input_size, inputs, batch_dim, place, dtypes, kwargs)

    def count(place: torch.device) -> Summary:
        args, by_name = made(place)
        checked_call(network, args, by_name)
        numbers, axes = numbered_axes(args, by_name)
        follow = (lambda tensor: numbers[id(tensor)]) if receptive_fields else None
        meta = place.type == "meta"
        try:
            calls = trace(network, args, by_name, follow, meta=meta, training=training)
        except ForwardError as failure:
            if not needs_gradients(failure):
                raise
            calls = trace(
                network, args, by_name, follow, meta=meta, training=training, gradients=True
            )
        shapes = {name: tuple(value.shape) for name, value in named(args, by_name)}
        counted = assembled(network, calls, shapes, axes if receptive_fields else [])
        sized = batch_dim and not given and next(tensors(kwargs), None) is None
        again = Again(network, made, sized, training, place)
        return replace(counted, device=str(place), depth=depth, columns=shown, again=again)

    given = inputs is not None or next(tensors(input_size), None) is not None
    summary = _where_it_works(count, network, device, given=given)
    if strict:
        _refuse_partial(summary)
    return summary if OF_A_STEP.isdisjoint(shown) else summary.with_backward()


def _check_flag(name: str, flag: object) -> None:
    if not isinstance(flag, bool):
        more = (
            "; the batch is always the first dimension, and True puts a batch of one before each "
            "size"
            if name == "batch_dim"
            else ""
        )
        raise AccountingError(f"{name} must be True or False, got {flag!r}{more}")


def _where_it_works(
    count: Callable[[torch.device], Summary],
    network: nn.Module,
    device: str | torch.device,
    given: bool,
) -> Summary:
    """The count on the device that is wanted, or on the first where it works."""
    meta = torch.device("meta")
    try:
        place = meta if device == "auto" else torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise AccountingError(f"{device!r} is not a device; try 'auto', 'meta' or 'cpu'") from error
    if place.type != "meta":
        _check_home(network, place)
        check_device(place)
    try:
        return count(place)
    except ForwardError as failure:
        needed = needs_values(failure) if place.type == "meta" else ""
        if not needed:
            raise AccountingError(explain(failure)) from failure.error
        home = _home(network)
        if device != "auto" or home.type == "meta":
            remedy = (
                "pass device='auto', or device='cpu' (or where the network is)"
                if home.type != "meta"
                else "the network's own weights have none either: make it on the CPU"
            )
            told = f"{needed}, and on the meta device there are none: {remedy}"
            raise ValuesNeededError(told) from failure.error
    try:
        counted = count(home)
    except ForwardError as failure:
        raise AccountingError(explain(failure)) from failure.error
    values = "the values given" if given else "zeros for values"
    note = f"counted on {home}, with {values}: {needed}"
    return replace(counted, notes=(note, *counted.notes))


def _devices(network: nn.Module) -> list[torch.device]:
    return list(dict.fromkeys(t.device for t in [*network.parameters(), *network.buffers()]))


def _home(network: nn.Module) -> torch.device:
    """Where a network is; the meta device if some of it is there, the CPU if it has no weights."""
    places = _devices(network) or [torch.device("cpu")]
    return next((place for place in places if place.type == "meta"), places[0])


def _check_home(network: nn.Module, wanted: torch.device) -> None:
    own = {place.type for place in _devices(network)}
    if own - {wanted.type}:
        raise AccountingError(
            f"the network is on {' and '.join(sorted(own))}, the count is to run on {wanted}: "
            "leave device='auto', or move the network"
        )


def _refuse_partial(summary: Summary) -> None:
    for layer in summary.layers:
        if layer.macs_status != "complete":
            names = [
                f"{name} ({why})" if (why := why_uncounted(name)) else name
                for name in layer.uncounted
            ]
            raise AccountingError(
                f"{layer.name or summary.model}: no formula counts {', '.join(names)}; "
                "without strict=True the total is a lower bound"
            )
        if layer.field_status != "complete":
            raise AccountingError(
                f"{layer.name or summary.model}: the receptive field is not known: {layer.reason}; "
                "without strict=True it is left out"
            )
