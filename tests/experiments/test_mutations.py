"""Every kind of change to what an experiment does is seen, in every experiment of the catalogue.

Each test changes the code of `cnnref`, not the experiment, and compares the probe with that of the
code as it is. Three things make hundreds of probes cheap. Experiments that differ only in what the
probe does not read (their name, seeds and epochs, and of the data all but shape and classes) are
looked at once. For a change that shows before the first step, so are those that differ only in how
they step; for one that shows in the steps, of those that differ only in their rate the two with the
smallest and the largest. And the probe is shorter here: it runs the same code for three steps of
three images and one epoch. What those few values give away, the longer probe, which adds steps and
evaluations to the same code, does not hide; for one experiment, `verify` sees every change at full
length.
"""

import json
from dataclasses import asdict, replace
from functools import cache, partial
from itertools import product
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnref import models, training
from cnnref.data import AUGMENTATIONS, DATASETS, Batches, Normalization
from cnnref.experiments import CATALOGUE, Experiment, store, verify
from cnnref.experiments.probe import differences, probe
from cnnref.training import LOSSES, OPTIMIZERS, SCHEDULES, VIEWS, Sprint, fast, loop


def read_by_the_probe(entry: Experiment) -> dict[str, Any]:
    """All of an experiment that its probe depends on."""
    info = DATASETS[str(entry.dataset)]
    recipe = {k: v for k, v in asdict(entry.recipe).items() if k not in ("seed", "epochs")}
    return {
        "shape": info.shape,
        "classes": len(info.class_names),
        "model": entry.model,
        "arguments": dict(entry.arguments),
        "recipe": recipe,
        "ragged": entry.ragged,
    }


STEPS = {"optimizer", "learning_rate", "weight_decay", "schedule", "batch_size"}
"""Fields of a recipe that nothing depends on before the first step."""

BEHAVIOURS: dict[str, str] = {}
"""The experiments that probe differently: what their probe reads, and the name of the first."""

STARTS: dict[str, str] = {}
"""Those of them that differ before the first step already."""

RATES: dict[str, dict[float, str]] = {}
"""And in groups of those that differ in nothing but their learning rate."""

for _entry in CATALOGUE.values():
    _read = read_by_the_probe(_entry)
    BEHAVIOURS.setdefault(json.dumps(_read), _entry.name)
    _rate = _read["recipe"].pop("learning_rate", 0.0)
    RATES.setdefault(json.dumps(_read), {}).setdefault(_rate, _entry.name)
    _read["recipe"] = {k: v for k, v in _read["recipe"].items() if k not in STEPS}
    STARTS.setdefault(json.dumps(_read), _entry.name)

ENDS = sorted({group[end(group)] for group in RATES.values() for end in (min, max)})
"""The experiments of the smallest and the largest rate. What their steps give away, those between
do, whose steps are neither so small that a change drowns nor so large that all is lost in one."""


@pytest.fixture(autouse=True)
def short(request, monkeypatch):
    """A shorter probe, for the original and for the changed code alike."""
    if "at_full_length" not in request.fixturenames:
        for size, value in {"TRAIN": 8, "TEST": 4, "BATCH": 3, "EPOCHS": 1}.items():
            monkeypatch.setattr(f"cnnref.experiments.probe.{size}", value)


@cache
def original(name: str) -> dict[str, list[float]]:
    return probe(CATALOGUE[name])


def test_the_probe_reads_nothing_else_of_an_experiment():
    read = set()

    class Watched:
        build = Experiment.build

        def __getattr__(self, name):
            read.add(name)
            return getattr(CATALOGUE["digits-linear"], name)

    assert probe(Watched()) == original("digits-linear")
    # The metric follows from the data.
    assert read == {"dataset", "model", "arguments", "recipe", "ragged", "metric"}


@pytest.mark.parametrize("name", sorted(CATALOGUE.keys() - set(BEHAVIOURS.values())))
def test_experiments_that_differ_in_nothing_the_probe_reads_share_their_probe(name):
    twin = BEHAVIOURS[json.dumps(read_by_the_probe(CATALOGUE[name]))]
    assert probe(CATALOGUE[name]) == original(twin)


# -- kinds of change ------------------------------------------------------------------------------


def layer(monkeypatch, _):
    """Linear layers, of which every model has one, see one per cent less."""
    forward = nn.Linear.forward
    monkeypatch.setattr(nn.Linear, "forward", lambda self, x: forward(self, 0.99 * x))


def initialisation(monkeypatch, entry):
    """The weights of the last layer start one per cent larger."""
    make = models.MODELS[entry.model]

    def changed(**arguments):
        model = make(**arguments)
        with torch.no_grad():
            *_, last = (p for p in model.parameters() if p.dim() > 1)
            last.mul_(1.01)
        return model

    monkeypatch.setattr(models, "MODELS", {entry.model: changed})


def loss(monkeypatch, entry):
    """The logits are one per cent smaller where the loss takes them."""
    loss_of = LOSSES[entry.recipe.loss]
    monkeypatch.setitem(
        LOSSES, entry.recipe.loss, lambda logits, labels: loss_of(0.99 * logits, labels)
    )


SETTINGS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.1},
    "momentum": {"momentum": 0.8},
    "nesterov": {"nesterov": False},
    "adagrad": {"lr_decay": 0.1},
    "rmsprop": {"alpha": 0.9},
    "adam": {"betas": (0.8, 0.999)},
    "adamw": {"betas": (0.8, 0.999)},
}


def optimizer_setting(monkeypatch, entry):
    sgd = fast.SGD
    monkeypatch.setattr(fast, "SGD", lambda groups, **how: sgd(groups, **how | {"momentum": 0.8}))
    name = entry.recipe.optimizer
    monkeypatch.setitem(OPTIMIZERS, name, partial(OPTIMIZERS[name], **SETTINGS[name]))


EPSILONS = {"adagrad": 1e-6, "rmsprop": 1e-5, "adam": 1e-5, "adamw": 1e-5}


def schedule(monkeypatch, entry):
    """The learning rate also falls by a tenth."""
    rate, factor = fast._rate, SCHEDULES[entry.recipe.schedule]
    monkeypatch.setattr(fast, "_rate", lambda done: rate(done) * (1 - 0.1 * done))
    monkeypatch.setitem(
        SCHEDULES, entry.recipe.schedule, lambda done: factor(done) * (1 - 0.1 * done)
    )


def batch_order(monkeypatch, _):
    """Every epoch has the order of the next; a sprint's are turned round."""
    shuffled = torch.randperm
    monkeypatch.setattr(torch, "randperm", lambda *count, **how: shuffled(*count, **how).flip(0))
    epoch = Batches.epoch
    monkeypatch.setattr(Batches, "epoch", lambda self, number: epoch(self, number + 1))


def reversed_batches(monkeypatch, _):
    """The batches come in the other order; a sprint's are turned upside down."""
    epoch = Batches.epoch
    monkeypatch.setattr(Batches, "epoch", lambda self, number: iter([*epoch(self, number)][::-1]))
    moved = fast._moved
    monkeypatch.setattr(fast, "_moved", lambda *how: moved(*how).flip(2))


def normalisation(monkeypatch, _):
    """The images are one per cent brighter than normal."""
    call = Normalization.__call__
    monkeypatch.setattr(
        Normalization, "__call__", lambda self, x, dtype=torch.float32: call(self, x, dtype) * 1.01
    )


def evaluation(monkeypatch, _):
    """The first image of every batch is left out."""
    evaluate = training.evaluate

    def changed(model, batches, loss, **how):
        fewer = [(images[1:], labels[1:]) for images, labels in batches]
        return evaluate(model, fewer, loss, **how)

    for module in (loop, fast):
        monkeypatch.setattr(module, "evaluate", changed)


def evaluation_mode(monkeypatch, _):
    monkeypatch.setattr(nn.Module, "eval", lambda self: self)


def training_mode(monkeypatch, _):
    """Once in evaluation mode, a model stays there."""
    train = nn.Module.train
    monkeypatch.setattr(
        nn.Module, "train", lambda self, mode=True: train(self, mode and self.training)
    )


AT_ONCE = layer, initialisation, loss, normalisation, evaluation
"""Those that move the probe's first values, whatever the steps are."""

BY_STEPS = optimizer_setting, schedule, batch_order, reversed_batches
"""Those that move its values by other steps, which may be small."""

MODES = (evaluation_mode, training_mode)
"""Those that the probe refuses to run with, in networks that do not care about the mode, too."""


@pytest.mark.parametrize(
    ("change", "name"),
    [*product(AT_ONCE, STARTS.values()), *product(BY_STEPS, ENDS)],
)
def test_every_change_of_every_experiment_is_seen(name, change, monkeypatch):
    before = original(name)
    change(monkeypatch, CATALOGUE[name])
    assert differences(before, probe(CATALOGUE[name]))


@pytest.mark.parametrize("name", STARTS.values())
@pytest.mark.parametrize("change", MODES)
def test_the_wrong_mode_is_refused_in_every_experiment(name, change, monkeypatch):
    change(monkeypatch, CATALOGUE[name])
    with pytest.raises(RuntimeError, match=r"the loop (trains|evaluates) with the model in"):
        probe(CATALOGUE[name])


@pytest.mark.parametrize("name", [n for n in ENDS if CATALOGUE[n].recipe.optimizer in EPSILONS])
def test_the_smallest_setting_of_an_optimizer_is_seen(name, monkeypatch):
    before, optimizer = original(name), CATALOGUE[name].recipe.optimizer
    changed = partial(OPTIMIZERS[optimizer], eps=EPSILONS[optimizer])
    monkeypatch.setitem(OPTIMIZERS, optimizer, changed)
    assert differences(before, probe(CATALOGUE[name]))


# -- settings that only some recipes have ----------------------------------------------------------


def full_remainder(monkeypatch, entry):
    """A last, small batch takes a full step."""
    fit = training.fit

    def changed(model, train, test, recipe, **how):
        return fit(model, train, test, replace(recipe, remainder="full"), **how)

    monkeypatch.setattr("cnnref.experiments.probe.fit", changed)
    return entry.ragged and entry.recipe.remainder == "scaled"


def augmentation(monkeypatch, entry):
    """Images that are changed at random are turned upside down, too."""
    name = entry.recipe.augmentation
    augment = AUGMENTATIONS[name]
    if name != "none":
        monkeypatch.setitem(AUGMENTATIONS, name, lambda images: augment(images).flip(2))
    return name != "none"


def views(monkeypatch, entry):
    """Whatever else is evaluated of an image stands upside down."""
    name = entry.recipe.views
    look = VIEWS[name]
    if name != "one":
        monkeypatch.setitem(
            VIEWS, name, lambda images: [(share, view.flip(2)) for share, view in look(images)]
        )
    return name != "one"


def whitening(monkeypatch, entry):
    """The first layer is set from images that are one per cent brighter."""
    whiten = models.FastCNN.whiten
    monkeypatch.setattr(models.FastCNN, "whiten", lambda self, images: whiten(self, 1.01 * images))
    return isinstance(entry.recipe, Sprint)


def lookahead(monkeypatch, entry):
    """The slow weights keep a little less of themselves."""
    monkeypatch.setattr(fast, "LOOKAHEAD", 0.7)
    monkeypatch.setattr(fast, "MEET_EVERY", 1)
    return isinstance(entry.recipe, Sprint)


def pixels(monkeypatch, entry):
    """Pixels from 0 to 1 run from 0 to 255."""
    scale = Normalization((0.0,) * 3, (1 / 255,) * 3)
    monkeypatch.setattr(Normalization, "unit", lambda channels: Normalization(
        scale.mean[:channels], scale.std[:channels]
    ))  # fmt: skip
    return entry.recipe.pixels == "unit"


CHANGES = full_remainder, augmentation, views, whitening, lookahead, pixels


def uses(name, change) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        return change(patch, CATALOGUE[name])


@pytest.mark.parametrize(
    ("change", "name"), [pair for pair in product(CHANGES, STARTS.values()) if uses(*pair[::-1])]
)
def test_a_changed_setting_is_seen_where_it_is_used(name, change, monkeypatch):
    before = original(name)
    change(monkeypatch, CATALOGUE[name])
    assert differences(before, probe(CATALOGUE[name]))


@pytest.mark.parametrize("name", STARTS.values())
def test_changes_of_all_settings_that_it_does_not_use_are_not_seen(name, monkeypatch):
    before = original(name)
    for change in CHANGES:
        if not uses(name, change):
            change(monkeypatch, CATALOGUE[name])
    assert differences(before, probe(CATALOGUE[name])) == []


# -- layers that only some models have ------------------------------------------------------------


def everywhere(monkeypatch, function, changed):
    """Replace a function of `torch.nn.functional` in all modules of `cnnref.models`."""
    for module in vars(models).values():
        if isinstance(module, ModuleType) and hasattr(module, function):
            monkeypatch.setattr(module, function, changed)


def activation(monkeypatch, used):
    """Every ReLU is a softplus."""

    def softplus(x):
        used.append("relu")
        return F.softplus(x)

    everywhere(monkeypatch, "relu", softplus)
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: softplus(x))


def pooling(monkeypatch, used):
    """Every maximum is a mean."""

    def average(x, **geometry):
        used.append("max_pool2d")
        return F.avg_pool2d(x, **geometry)

    everywhere(monkeypatch, "max_pool2d", average)
    monkeypatch.setattr(
        nn.MaxPool2d,
        "forward",
        lambda self, x: average(
            x, kernel_size=self.kernel_size, stride=self.stride, padding=self.padding
        ),
    )


def batch_normalisation(monkeypatch, used):
    """The running statistics forget twice as fast."""
    forward = nn.modules.batchnorm._BatchNorm.forward

    def forgetful(self, x):
        used.append("batch norm")
        self.momentum = 0.2
        return forward(self, x)

    monkeypatch.setattr(nn.modules.batchnorm._BatchNorm, "forward", forgetful)


def dropping(monkeypatch, used):
    """Dropout drops a little more."""
    for kind in (nn.Dropout, nn.Dropout2d):

        def more(self, x, forward=kind.forward):
            if self.p:
                used.append("dropout")
            chosen, self.p = self.p, 1.1 * self.p
            try:
                return forward(self, x)
            finally:
                self.p = chosen

        monkeypatch.setattr(kind, "forward", more)


@pytest.mark.parametrize("name", STARTS.values())
@pytest.mark.parametrize("change", [activation, pooling, batch_normalisation, dropping])
def test_a_changed_layer_is_seen_exactly_where_it_is_used(name, change, monkeypatch):
    before, used = original(name), []
    change(monkeypatch, used)
    assert bool(differences(before, probe(CATALOGUE[name]))) == bool(used)


# -- no change, and the whole way -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [n for n in STARTS.values() if not isinstance(CATALOGUE[n].recipe, Sprint)]
)
def test_renaming_every_parameter_is_no_change(name, monkeypatch):
    before, make = original(name), models.MODELS[CATALOGUE[name].model]

    class Renamed(nn.Module):
        def __init__(self, **arguments):
            super().__init__()
            self.under_another_name = make(**arguments)

        def forward(self, x):
            return self.under_another_name(x)

    monkeypatch.setattr(models, "MODELS", {CATALOGUE[name].model: Renamed})
    assert differences(before, probe(CATALOGUE[name])) == []


def test_the_same_network_written_otherwise_is_no_change(monkeypatch):
    def digit_cnn(dropout):
        return nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, (3, 3)), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 10),
        )  # fmt: skip

    before = original("digits-cnn")
    monkeypatch.setattr(models, "MODELS", {"DigitCNN": digit_cnn})
    assert differences(before, probe(CATALOGUE["digits-cnn"])) == []


@pytest.fixture
def at_full_length(trained, results, monkeypatch):
    """Records of the tiny experiment alone, whose probe is of the usual sizes."""
    monkeypatch.setattr(store, "_package_folder", lambda: results / "none")


@pytest.mark.parametrize("change", [*AT_ONCE, *BY_STEPS, *MODES])
@pytest.mark.usefixtures("at_full_length")
def test_verify_names_the_experiment_and_what_differs(tiny, change, monkeypatch):
    change(monkeypatch, tiny)
    faults = verify([tiny])
    assert {fault.partition(": ")[0] for fault in faults} == {"tiny seed 0", "tiny seed 1"}
    what = "the probe fails: RuntimeError: the loop" if change in MODES else "of the probe differ"
    assert all("behaviour: " in fault and what in fault for fault in faults)
