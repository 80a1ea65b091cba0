"""Asks all counters about the same networks, side by side; `make peers` does it.

    python -m tests.peers.compare            # print the tables
    python -m tests.peers.compare --write    # and write them to tests/peers/compared.json

The page *Counting compared* reads the file and proves, for each disagreement, who is right. Nothing
here belongs to the ordinary tests: the peers need not be installed. One that is not is left out,
with a message. The exit status is 1 if our own counts are not those of the formulas below, or what
we say is kept for the way back is not what a walk over autograd's graph finds.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import torchvision

from cnnref.accounting import summarize
from tests.accounting.tracing.test_steps import kept
from tests.peers.counters import PEERS
from tests.peers.networks import NETWORKS

ROOT = Path(__file__).parents[2]
RESULT = Path(__file__).with_name("compared.json")

EXPECTED: dict[str, tuple[int, int]] = {
    "conventions": (8 * 8 * 8 * 3 * 9, 8 * 3 * 9 + 8 + 2 * 8),
    "transposed": (8 * 8 * 8 * 4 * 9, 8 * 4 * 9),
    "same": (8 * 16 * 16 * 3 * 25, 8 * 3 * 25),
    "linear-3d": (20 * 16 * 8, 16 * 8),
    "functional": (8 * 10 * 10 * 3 * 9, 8 * 3 * 9),
    "product": (20 * 16 * 8, 16 * 8),
    "tied": (2 * 16 * 16, 16 * 16),
    "reused": (3 * 4 * 10 * 10 * 4 * 9, 4 * 4 * 9),
    # Three projections and one more, then for each of 4 heads of width 8 two products.
    "attention": (4 * 10 * 32 * 32 + 4 * 2 * 10 * 10 * 8, 4 * 32 * 32),
}
"""MACs and parameters of the probes, by hand."""

BACK: dict[str, int] = {
    # Nobody asks for the gradient of the input: one product for each of the forward pass.
    **{name: EXPECTED[name][0] for name in ("conventions", "transposed", "same", "linear-3d")},
    **{name: EXPECTED[name][0] for name in ("functional", "product")},
    "tied": (1 + 2) * 16 * 16,
    "reused": (1 + 2 + 2) * 4 * 10 * 10 * 4 * 9,
    "attention": (3 + 2) * 10 * 32 * 32 + 2 * (4 * 2 * 10 * 10 * 8),
}
"""MACs of their way back, by hand: for each product one for each operand that needs a gradient."""


def ours(name: str) -> dict[str, Any]:
    """What `cnnref.accounting` says."""
    network = NETWORKS[name]
    found = summarize(network.make(), network.size, batch_dim=False, strict=False)
    stepped = found.with_backward()
    fields = {layer.receptive_field: layer.jump for layer in found.layers if layer.receptive_field}
    largest = max(fields, default=None)
    return {
        "macs": found.total_macs,
        "status": found.macs_status,
        "parameters": found.total_parameters,
        "backward_macs": found.total_backward_macs,
        "kept_bytes": sum(layer.saved_bytes or 0 for layer in stepped),
        "extras": asdict(found.total_extras),
        "receptive_field": largest and list(largest),
        "jump": largest and [float(jump) for jump in fields[largest] or ()],
    }


def walked(name: str) -> int:
    """Bytes that autograd keeps in a real forward pass, by a walk over its graph."""
    network = NETWORKS[name]
    return kept(network.make().eval(), torch.zeros(network.size))


def ask(peer: str) -> dict[str, Any]:
    """What a peer says of all networks, in a process of its own."""
    command = [sys.executable, "-m", "tests.peers.counters", peer, str(ROOT / "_build" / "peers")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=False
    )
    if done.returncode:
        sys.exit(f"{peer} could not be asked:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    """Ask, print, write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"write {RESULT.name}")
    write = parser.parse_args().write
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    result: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "versions": versions,
        "networks": {},
    }
    for name, network in NETWORKS.items():
        mine = ours(name)
        result["networks"][name] = {
            "input": list(network.size), "ours": mine, "walked": {"kept_bytes": walked(name)},
            "peers": {},
        }  # fmt: skip
        print(f"{name}: {mine['macs']:,} MACs, {mine['parameters']:,} parameters", flush=True)
    for peer, (distribution, _) in PEERS.items():
        told = ask(peer)
        if told["missing"]:
            print(f"{peer} is left out: {told['missing']}")
            continue
        print(peer, told["version"])
        versions[distribution] = told["version"]
        for name, answer in told["networks"].items():
            entry = result["networks"][name]
            entry["peers"][peer] = answer
            print(f"  {name}: {_told(answer, entry['ours'])}", flush=True)
    if write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"written: {RESULT.name}")
    wrong = [name for name in NETWORKS if _is_wrong(name, result["networks"][name])]
    if wrong:
        sys.exit(f"our own counts are wrong: {', '.join(wrong)}")


def _is_wrong(name: str, entry: dict[str, Any]) -> bool:
    mine = entry["ours"]
    by_hand = (*EXPECTED[name], BACK[name]) if name in EXPECTED else None
    counted = (mine["macs"], mine["parameters"], mine["backward_macs"])
    return by_hand not in (None, counted) or mine["kept_bytes"] != entry["walked"]["kept_bytes"]


def _told(answer: dict[str, Any], mine: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    parts = []
    for what in ("macs", "parameters", "backward_macs", "kept_bytes"):
        if answer[what] is None:
            continue
        same = answer[what] == mine[what]
        parts.append(f"{what} {'the same' if same else format(answer[what], ',')}")
    return ", ".join(parts)


if __name__ == "__main__":
    main()
