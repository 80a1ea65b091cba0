"""One training loop, for two classes or many, on any device, in one process or several.

    model = PlainCNN()
    history = fit(model, load("cats-dogs", "train"), load("cats-dogs", "test"), Recipe())

`recipes` says how to train, `material` takes what is learnt from, `loop` does it, `evaluation`
measures, `history` keeps what came of it; `devices` chooses
where, `processes` shares the work out, `checkpoints` lets a killed run go on, `memory` spares the
system. `fast` is a second loop, for one recipe: CIFAR-10 in as few steps as it goes. Which network
learns from which data is the caller's affair, and what comes out is kept elsewhere: in
`experiments`.
"""

from cnnref.training.checkpoints import Checkpoint
from cnnref.training.devices import DeviceError, choose_device, seeded
from cnnref.training.evaluation import Evaluation, evaluate, predict, probabilities
from cnnref.training.fast import Sprint, sprint
from cnnref.training.history import History, NonFiniteLossError
from cnnref.training.loop import fit
from cnnref.training.memory import keep_freed_memory
from cnnref.training.processes import Team, TeamError, team
from cnnref.training.recipes import (
    LOSSES,
    OPTIMIZERS,
    PIXELS,
    PRECISIONS,
    REMAINDERS,
    SCHEDULES,
    VIEWS,
    Loss,
    Recipe,
)

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "PIXELS",
    "PRECISIONS",
    "REMAINDERS",
    "SCHEDULES",
    "VIEWS",
    "Checkpoint",
    "DeviceError",
    "Evaluation",
    "History",
    "Loss",
    "NonFiniteLossError",
    "Recipe",
    "Sprint",
    "Team",
    "TeamError",
    "choose_device",
    "evaluate",
    "fit",
    "keep_freed_memory",
    "predict",
    "probabilities",
    "seeded",
    "sprint",
    "team",
]
