"""What the book says of outcomes of chance.

    holds, shows, _ = find("digits-width").look()

A file for each chapter that says such things.
"""

from __future__ import annotations

from collections.abc import Mapping

from cnnref.errors import CnnrefError, unknown
from cnnref.experiments.claims.cats_and_dogs import cats_and_dogs
from cnnref.experiments.claims.claim import VERDICTS, Claim, Finding
from cnnref.experiments.claims.dilation import dilation
from cnnref.experiments.claims.from_60_to_94 import from_60_to_94
from cnnref.experiments.claims.harder_data import harder_data
from cnnref.experiments.claims.inception import inception
from cnnref.experiments.claims.invariance import invariance
from cnnref.experiments.claims.kats_cat import kats_cat
from cnnref.experiments.claims.learning_rates import learning_rates
from cnnref.experiments.claims.optimizers import optimizers
from cnnref.experiments.claims.reading_digits import reading_digits
from cnnref.experiments.claims.receptive_field import receptive_field
from cnnref.experiments.claims.regularisation import regularisation
from cnnref.experiments.claims.residual_networks import residual_networks
from cnnref.experiments.claims.skip_connections import skip_connections
from cnnref.experiments.claims.the_mit_recipe import the_mit_recipe

__all__ = ["CLAIMS", "VERDICTS", "Claim", "Finding", "UnknownClaimError", "find"]


class UnknownClaimError(CnnrefError, LookupError):
    """The book makes no claim of that name."""


_CHAPTERS = (
    receptive_field,
    dilation,
    inception,
    invariance,
    reading_digits,
    learning_rates,
    cats_and_dogs,
    regularisation,
    skip_connections,
    harder_data,
    optimizers,
    residual_networks,
    from_60_to_94,
    kats_cat,
    the_mit_recipe,
)

CLAIMS: Mapping[str, Claim] = {claim.name: claim for chapter in _CHAPTERS for claim in chapter()}
"""Every claim by name, in the order of the chapters."""


def find(name: str) -> Claim:
    """The claim of that name.

    Raises:
        UnknownClaimError: there is none; the message suggests the nearest.
    """
    if name not in CLAIMS:
        raise UnknownClaimError(unknown("claim", name, CLAIMS))
    return CLAIMS[name]
