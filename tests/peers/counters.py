"""Each counter as its own documentation says to call it. What it does not give is `None`.

    python -m tests.peers.counters PEER FOLDER    # each network, as JSON on one line

A process of its own for each peer, and a child of it for each count: several peers leave hooks,
buffers, patched functions or a moved random state behind. FOLDER holds those that cannot be
installed beside another.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple


class Counted(NamedTuple):
    """What a counter gives: of a forward pass its MACs, and the parameters; of a training step the
    MACs of its way back, and the bytes of what the forward pass holds for it."""

    macs: float | None
    parameters: int | None
    backward_macs: float | None = None
    kept_bytes: int | None = None


def _torchinfo(model: Any, x: Any) -> Counted:
    from torchinfo import summary

    found = summary(model, input_data=x, verbose=0, device="cpu")
    # Its table has these bytes as the "forward/backward pass size".
    return Counted(found.total_mult_adds, found.total_params, kept_bytes=found.total_output_bytes)


def _fvcore(model: Any, x: Any) -> Counted:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    # Its documentation: "we count one fused multiply-add as one flop".
    return Counted(FlopCountAnalysis(model, x).total(), parameter_count(model)[""])


def _ptflops(model: Any, x: Any) -> Counted:
    from ptflops import get_model_complexity_info

    found = get_model_complexity_info(
        model, tuple(x.shape[1:]), as_strings=False, print_per_layer_stat=False, verbose=False
    )
    return Counted(found[0], found[1])


def _thop(model: Any, x: Any) -> Counted:
    from thop import profile

    macs, parameters = profile(model, inputs=(x,), verbose=False)
    return Counted(macs, parameters)


def _flop_counter(model: Any, x: Any) -> Counted:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(x)
    out = model(x)
    with FlopCounterMode(display=False) as back:
        out.backward(torch.ones_like(out))
    return Counted(counter.get_total_flops() / 2, None, backward_macs=back.get_total_flops() / 2)


PEERS: dict[str, tuple[str, Callable[[Any, Any], Counted]]] = {
    "torchinfo": ("torchinfo", _torchinfo),
    "fvcore": ("fvcore", _fvcore),
    "ptflops": ("ptflops", _ptflops),
    "thop": ("thop", _thop),
    "ultralytics-thop": ("ultralytics-thop", _thop),
    "FlopCounterMode": ("torch", _flop_counter),
}
"""The distribution and the call of each."""


def missing(peer: str, folder: Path) -> str:
    """Why a peer cannot be asked; empty if it can."""
    distribution = PEERS[peer][0]
    try:
        version(distribution)
    except PackageNotFoundError:
        return f"{distribution} is not installed, neither here nor in {folder}"
    return ""


def answer(peer: str, network: str) -> dict[str, Any]:
    """What a peer says of a network, or what it raises."""
    import torch

    from tests.peers.networks import NETWORKS

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, size = NETWORKS[network].make().eval(), NETWORKS[network].size
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            told = PEERS[peer][1](model, torch.zeros(size))
    except Exception as error:  # whatever a peer raises is its answer
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    return {
        name: None if value is None else int(value) if value == int(value) else float(value)
        for name, value in told._asdict().items()
    }


def apart(peer: str, network: str) -> dict[str, Any]:
    """The same, in a child of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.write(writing, json.dumps(answer(peer, network)).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    os.waitpid(child, 0)
    told: dict[str, Any] = json.loads(text) if text else {"error": "the process died"}
    return told


def main() -> None:
    """Count all networks; print the numbers, or what the peer raised."""
    peer, folder = sys.argv[1:]
    place = Path(folder) / peer
    if place.is_dir():
        sys.path.insert(0, str(place))
    warnings.simplefilter("ignore")
    told: dict[str, Any] = {"missing": missing(peer, place)}
    if not told["missing"]:
        from tests.peers.networks import NETWORKS

        for module in ("torchinfo", "fvcore.nn", "ptflops", "thop"):
            if module.split(".")[0] in peer:
                import_module(module)  # once, before the children need it
        told["version"] = version(PEERS[peer][0])
        told["networks"] = {network: apart(peer, network) for network in NETWORKS}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
