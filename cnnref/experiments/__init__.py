"""Experiments are values, results are evidence.

    result = run("cats-dogs-plain")      # from the stored records, or by training
    print(result)                        # mean test accuracy over the seeds, with its interval

`catalogue` says what is run, `runner` runs it, `store` keeps what came out, `probe` and
`verification` find out when a stored result no longer fits the code, `statistics` says what several
seeds show.
"""

from cnnref.experiments.catalogue import (
    CATALOGUE,
    Experiment,
    UnknownExperimentError,
    experiment,
)
from cnnref.experiments.runner import (
    MODES,
    ModeError,
    NoRecordError,
    Result,
    load_model,
    run,
    train_seed,
)
from cnnref.experiments.statistics import Interval, mean_interval
from cnnref.experiments.store import DamagedRecordError, NewerRecordError, Record
from cnnref.experiments.verification import verify

__all__ = [
    "CATALOGUE",
    "MODES",
    "DamagedRecordError",
    "Experiment",
    "Interval",
    "ModeError",
    "NewerRecordError",
    "NoRecordError",
    "Record",
    "Result",
    "UnknownExperimentError",
    "experiment",
    "load_model",
    "mean_interval",
    "run",
    "train_seed",
    "verify",
]
