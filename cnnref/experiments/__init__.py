"""Experiments are values, results are evidence.

    result = run("cats-dogs-plain")      # from the stored records, or by training
    print(result)                        # mean test accuracy over the seeds, with its interval

`catalogue` says what is run; `runner` takes the stored `record` or has `trainer` make one, of which
`outcome` says what it holds; `store` keeps it; `probe` and `verification` find out when a stored
result no longer fits the code; `statistics` says what several seeds show, `comparison` which of two
is better, `verdicts` in which words, `claims` what the book says of all this; `report` writes it
into tables.

How a step of training is made is said in `cnnref.training`, never here, and nothing here draws.
"""

from cnnref.errors import require

require("experiments", "fastjsonschema", "safetensors", "scipy")

from cnnref.experiments.catalogue import (
    CATALOGUE,
    Experiment,
    UnknownExperimentError,
    experiment,
)
from cnnref.experiments.claims import CLAIMS, Claim
from cnnref.experiments.comparison import (
    Disagreement,
    NotComparableError,
    compare,
    disagreement,
)
from cnnref.experiments.record import DamagedRecordError, NewerRecordError, Record
from cnnref.experiments.runner import (
    MODES,
    ModeError,
    NoRecordError,
    Result,
    load_model,
    run,
)
from cnnref.experiments.statistics import (
    Interval,
    Reliability,
    mean_interval,
    prediction_interval,
    reliability,
)
from cnnref.experiments.trainer import train_seed
from cnnref.experiments.verdicts import Comparison
from cnnref.experiments.verification import verify

__all__ = [
    "CATALOGUE",
    "CLAIMS",
    "MODES",
    "Claim",
    "Comparison",
    "DamagedRecordError",
    "Disagreement",
    "Experiment",
    "Interval",
    "ModeError",
    "NewerRecordError",
    "NoRecordError",
    "NotComparableError",
    "Record",
    "Reliability",
    "Result",
    "UnknownExperimentError",
    "compare",
    "disagreement",
    "experiment",
    "load_model",
    "mean_interval",
    "prediction_interval",
    "reliability",
    "run",
    "train_seed",
    "verify",
]
