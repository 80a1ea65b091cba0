"""What a student hands in: each script runs by itself, and computes what the library does."""

import ast
import copy
import importlib.util
import inspect
import re
import runpy
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn
from torchvision import datasets

from cnnref import data
from cnnref.data import Batches, Normalization, synthetic
from cnnref.experiments import CATALOGUE
from cnnref.experiments.catalogue.digits import LEARNING_RATES
from cnnref.experiments.catalogue.fashion import TRIED_RATES
from cnnref.models import MLP, DigitCNN, PlainCNN, ResNet, SkipCNN
from cnnref.training import evaluate, fit, seeded
from tests.real_data import at_hand
from tests.scripts import stand_in

BOOK = Path(__file__).parents[2] / "book"
PATHS = {path.stem: path for path in sorted((BOOK / "scripts").glob("*.py"))}
ALLOWED = {"torch", "torchvision", "numpy", "matplotlib"} | sys.stdlib_module_names
CPU = torch.device("cpu")
CRITERIA = {"binary-cross-entropy": nn.BCEWithLogitsLoss(), "cross-entropy": nn.CrossEntropyLoss()}


@pytest.fixture(scope="session", autouse=True)
def no_window():
    """Figures are drawn into files, on any machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLBACKEND", "agg")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A data folder in which torchvision may unpack what it finds."""
    folder = tmp_path_factory.mktemp("data")
    for name, there in (("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST"), ("cifar10", "")):
        at_hand(name, "test")
        if there:
            (folder / there / "raw").mkdir(parents=True)
            for file in (data.data_folder() / there / "raw").glob("*.gz"):
                (folder / there / "raw" / file.name).symlink_to(file.resolve())
    return folder


def script(name: str):
    """The module of a script, imported without running it."""
    spec = importlib.util.spec_from_file_location(name, PATHS[name])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def docstring_of(name: str) -> str:
    """What a script says of itself."""
    return ast.get_docstring(ast.parse(PATHS[name].read_text("utf-8"))) or ""


def questions_of(name: str) -> set[str]:
    """The questions that a script's docstring names."""
    named = re.findall(r"\b[A-Z]+-[A-Z]?[\d.]*\d[a-z]?\b", docstring_of(name))
    return set(named) - {"CIFAR-10"}


def test_every_programming_question_has_one_script():
    listed = yaml.safe_load((BOOK / "questions.yml").read_text("utf-8"))["handouts"]
    asked = {
        question
        for handout in listed
        for question, about in handout["questions"].items()
        if about["kind"] == "experiment"
    }
    named = [question for name in PATHS for question in questions_of(name)]
    assert sorted(named) == sorted(asked)


@pytest.mark.parametrize("name", PATHS)
def test_it_is_plain_torch_and_one_file(name):
    tree = ast.parse(PATHS[name].read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= ALLOWED
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert (node.module or "").split(".")[0] in ALLOWED
    # Importing it defines things and does nothing.
    docstring, *rest, last = tree.body
    assert isinstance(docstring, ast.Expr)
    assert ast.unparse(last) == "if __name__ == '__main__':\n    main()"
    kinds = ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.Assign, ast.AnnAssign
    assert all(isinstance(node, kinds) for node in rest)


@pytest.mark.parametrize("name", PATHS)
def test_it_shows_good_habits(name):
    text = PATHS[name].read_text("utf-8")
    assert "torch.manual_seed(args.seed)" in text
    if name == "ut_p1_dataset":  # which trains nothing
        return
    habits = (
        "model.train()", "model.eval()", "torch.no_grad()", "optimizer.zero_grad()",
        "torch.cuda.is_available()", "torch.backends.mps.is_available()", ".to(device)",
        "torch.save(", "torch.load(", "weights_only=True", "drop_last=True", "savefig(",
    )  # fmt: skip
    for habit in habits:
        assert habit in text, habit


@pytest.mark.parametrize("name", PATHS)
def test_help_says_what_it_does(name, capsys):
    with pytest.raises(SystemExit) as stop:
        script(name).main(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert f"python {name}.py" in printed
    options = {"--data", "--out", "--seed"}
    options |= set() if name == "ut_p1_dataset" else {"--epochs", "--device", "--limit"}
    assert options <= set(re.findall(r"--[a-z-]+", printed))


@pytest.mark.parametrize("name", PATHS)
def test_a_chapter_prints_it_and_offers_it(name):
    (chapter,) = (
        text
        for path in BOOK.glob("*.md")
        if f"{{literalinclude}} scripts/{name}.py" in (text := path.read_text("utf-8"))
    )
    assert f"<scripts/{name}.py>" in "".join(re.findall(r"\{download\}`([^`]*)`", chapter))
    answered = re.findall(r"^:::+\{answer\} (.*)$", chapter, re.MULTILINE)
    assert questions_of(name) <= set(re.findall(r"[^\s,]+", " ".join(answered)))


# -- networks --------------------------------------------------------------------------------------

COLOUR, GREY = (3, 32, 32), (1, 28, 28)
NETWORKS = {
    "plain": ("ut_p2_plain_cnn", "myCNN", (), PlainCNN(), COLOUR),
    "regularised": ("ut_p2_regularised", "myCNN", (), PlainCNN(True, 0.4), COLOUR),
    "skip": ("ut_p3_skip_connection", "myResNet", (), SkipCNN(), COLOUR),
    "skip, both": ("ut_p3_skip_connection", "myResNet", (True, 0.4), SkipCNN(True, 0.4), COLOUR),
    "skip, norm": ("ut_p3_skip_connection", "myResNet", (True, 0), SkipCNN(True), COLOUR),
    "linear": ("mit_5_digits", "fully_connected", (), MLP(()), GREY),
    "128": ("mit_5_digits", "fully_connected", (128,), MLP((128,)), GREY),
    "512, 256": ("mit_5_digits", "fully_connected", (512, 256), MLP((512, 256)), GREY),
    "MIT's": ("mit_5_digits", "convolutional", (), DigitCNN(dropout=0.5), GREY),
    "Bonn's": ("bo_p_digits", "CNN", (), DigitCNN(), GREY),
    "Bonn's, dropout": ("bo_p_digits", "CNN", (0.5,), DigitCNN(dropout=0.5), GREY),
    "Bonn's, photographs": (
        "bo_p4_photographs", "CNN", (0.5,), DigitCNN(3, 32, dropout=0.5), COLOUR,
    ),
    "simple": ("iu_c1_optimizers", "SimpleCNN", (), DigitCNN(width=8), GREY),
    "first": ("iu_c2_first_cnn", "FirstCNN", (), DigitCNN(dropout=0.5), GREY),
    "ResNet-8": ("iu_c3_resnet", "ResNet", (8,), ResNet(8, channels=1, stem_stride=2), GREY),
    "ResNet-20": ("iu_c3_resnet", "ResNet", (), ResNet(20, channels=1, stem_stride=2), GREY),
    "plain-20": (
        "iu_c3_resnet", "ResNet", (20, False), ResNet(20, False, channels=1, stem_stride=2), GREY,
    ),
}  # fmt: skip


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Give one network the weights and running statistics of another, in order."""
    pairs = zip(target.state_dict(), source.state_dict().values(), strict=True)
    target.load_state_dict(dict(pairs))


@pytest.mark.parametrize("case", NETWORKS)
def test_its_network_is_the_librarys(case):
    name, attribute, arguments, library, shape = NETWORKS[case]
    theirs = getattr(script(name), attribute)(*arguments).double()
    ours = copy.deepcopy(library).double()
    for kind in ("parameters", "buffers"):
        shapes = [[tuple(t.shape) for t in getattr(m, kind)()] for m in (theirs, ours)]
        assert shapes[0] == shapes[1]
    copy_weights(ours, theirs)
    images = torch.randn(6, *shape, dtype=torch.float64)
    for training in (True, False, True):  # the second evaluates with the statistics of the first
        logits = []
        for model in (theirs, ours):
            torch.manual_seed(1)  # the same units drop
            logits.append(model.train(training)(images))
        torch.testing.assert_close(*logits, rtol=1e-10, atol=1e-10)
    for a, b in zip(theirs.buffers(), ours.buffers(), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("case", NETWORKS)
def test_a_seed_gives_both_the_same_weights(case):
    name, attribute, arguments, library, _ = NETWORKS[case]
    module = script(name)
    with seeded(3):
        theirs = getattr(module, attribute)(*arguments)
    with seeded(3):
        ours = type(library)(**_arguments_of(library))
    pairs = zip(theirs.parameters(), ours.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def _arguments_of(model: nn.Module) -> dict:
    """The arguments that make another network like one of `NETWORKS`."""
    if isinstance(model, MLP):
        return {"hidden": [layer.out_features for layer in model.layers[:-1]]}
    if isinstance(model, DigitCNN):
        conv = model.conv1
        side = 32 if conv.in_channels == 3 else 28
        return {"channels": conv.in_channels, "side": side, "width": conv.out_channels}
    if isinstance(model, ResNet):
        depth, skip = 2 + 2 * len(model.units), model.units[0].skip
        return {"depth": depth, "skip": skip, "channels": 1, "stem_stride": 2}
    return {"batch_norm": isinstance(model.norm1, nn.BatchNorm2d)}


# -- loops -----------------------------------------------------------------------------------------


class Replayed:
    """The batches of `fit`, epoch after epoch, with its seeds of dropout."""

    def __init__(self, batches: Batches, seed: int) -> None:
        self.batches, self.seed, self.epoch = batches, seed, 0

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self):
        torch.manual_seed(self.seed * 1_000_003 + self.epoch)
        self.epoch += 1
        return self.batches.epoch(self.epoch - 1)


def optimizer_of(recipe, module, model):
    """What the script makes its own way, where its `train` takes an optimiser."""
    make = torch.optim.SGD
    if module.__name__ == "iu_c1_optimizers":
        make = module.OPTIMIZERS[recipe.optimizer][0]
        return make(model.parameters(), lr=recipe.learning_rate)
    return make(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


TRAININGS = {
    "cats-dogs-plain": "plain",
    "cats-dogs-plain-bn-dropout": "regularised",
    "cats-dogs-skip": "skip",
    "cats-dogs-skip-bn-dropout": "skip, both",
    "digits-linear": "linear",
    "digits-cnn": "MIT's",
    "digits-cnn-sgd": "Bonn's",
    "digits-cnn-sgd-regularised": "Bonn's, dropout",
    "cifar10-cnn-regularised": "Bonn's, photographs",
    **{f"optimizer-{name}": "simple" for name in TRIED_RATES},
    "fashion-cnn": "first",
    "fashion-resnet-8": "ResNet-8",
}
"""An experiment of the book, and the network with which a script does the same."""


@pytest.mark.parametrize("experiment", TRAININGS)
def test_its_loop_gives_the_librarys_numbers(experiment):
    """The same weights, the same batches, the recipe of the book, double precision."""
    name, attribute, arguments, library, shape = NETWORKS[TRAININGS[experiment]]
    recipe = replace(
        CATALOGUE[experiment].recipe, epochs=2, batch_size=10, seed=1, precision="float64"
    )
    binary = recipe.loss == "binary-cross-entropy"
    classes = 2 if binary else 10
    train, test = synthetic(shape, classes, 20), synthetic(shape, classes, 13, seed=1)
    ours = copy.deepcopy(library).double()
    module = script(name)
    theirs = getattr(module, attribute)(*arguments).double()
    copy_weights(ours, theirs)
    history = fit(ours, train, test, recipe, device="cpu", record_steps=True)

    normalization = recipe.normalization(train)
    loader = Replayed(
        Batches(train, 10, normalization, shuffle_seed=1, dtype=torch.float64), seed=1
    )
    unseen = Batches(test, 5, normalization, dtype=torch.float64)  # the last has 3 images
    if "optimizer" not in inspect.signature(module.train).parameters:
        losses = module.train(theirs, CPU, 2, loader, unseen)
        found = dict(zip(("train_loss", "test_loss", "test_accuracy"), losses, strict=True))
    elif "epochs" not in inspect.signature(module.train).parameters:  # one epoch
        optimizer = optimizer_of(recipe, module, theirs)
        found = {"train_loss": [module.train(theirs, loader, optimizer, CPU) for _ in range(2)]}
    else:
        optimizer = optimizer_of(recipe, module, theirs)
        losses = module.train(theirs, loader, optimizer, CPU, 2)
        found = {"train_loss": losses}
        if isinstance(losses, tuple):
            found = dict(zip(("step_loss", "step_error"), losses, strict=True))
    for series, values in found.items():
        # Shares of right or wrong answers are averaged in single precision.
        tolerance = 1e-6 if series == "step_error" else 1e-9
        assert values == pytest.approx(getattr(history, series), rel=tolerance), series
    for a, b in zip(theirs.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)

    theirs.train()
    assert module.test(theirs, CPU, CRITERIA[recipe.loss], unseen) == pytest.approx(
        evaluate(theirs, unseen, recipe.loss), rel=1e-12
    )
    assert not theirs.training


def test_it_tries_the_books_learning_rates():
    assert script("bo_p_digits").RATES == LEARNING_RATES
    tried = {name: rates for name, (_, rates) in script("iu_c1_optimizers").OPTIMIZERS.items()}
    assert tried == TRIED_RATES


def test_its_constants_are_those_of_the_training_sets(folder):
    for dataset, name in (
        ("mnist", "bo_p_digits"),
        ("fashion-mnist", "iu_c2_first_cnn"),
        ("cifar10", "ut_p2_plain_cnn"),
    ):
        module, exact = script(name), data.load(dataset, "train").normalization()
        assert torch.tensor(module.MEAN).flatten().tolist() == pytest.approx(exact.mean, abs=1e-4)
        assert torch.tensor(module.STD).flatten().tolist() == pytest.approx(exact.std, abs=1e-4)


# -- from the first line to the last ---------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """How to run a script on a few images, and what comes out.

    Attributes:
        arguments: of the command line.
        dataset: the library's name for what it is tested on.
        limit: images of that.
        weights: each file that it saves, with the network of `NETWORKS` that fits.
        says: what it prints of the accuracy of what it saved.
    """

    arguments: str
    dataset: str
    limit: int
    weights: dict[str, str]
    says: str = "read back, its test accuracy is {:.1%}"


RUNS = {
    "ut_p2_plain_cnn": Run("--epochs 2", "cats-dogs", 130, {"ut_p2_plain_cnn": "plain"}),
    "ut_p2_regularised": Run("--epochs 1", "cats-dogs", 130, {"ut_p2_regularised": "regularised"}),
    "ut_p3_skip_connection": Run(
        "--epochs 1",
        "cats-dogs",
        101,  # one more than a batch: batch normalisation could do nothing with one image
        {
            "ut_p3_skip": "skip",
            "ut_p3_skip-bn-dropout": "skip, both",
            "ut_p3_skip-bn": "skip, norm",
        },
        "  {:13.1%}",
    ),
    "mit_5_digits": Run(
        "--epochs 2",
        "mnist",
        300,
        {"mit_5_digits": "MIT's"},
        "read back, its test accuracy is {:.3f}",
    ),
    "bo_p_digits": Run(
        "--epochs 1 --sweep-epochs 1",
        "mnist",
        100,
        {"bo_p3_digits": "Bonn's, dropout"},
        "read back, its test accuracy is {:.2%}",
    ),
    "bo_p4_photographs": Run(
        "--epochs 1", "cifar10", 200, {"bo_p4_photographs": "Bonn's, photographs"}
    ),
    "iu_c1_optimizers": Run(
        "--epochs 1", "fashion-mnist", 200,
        {f"iu_c1_{name}": "simple" for name in TRIED_RATES}, " {:14.1%}",
    ),
    "iu_c2_first_cnn": Run("--epochs 2", "fashion-mnist", 300, {"iu_c2_first_cnn": "first"}),
    "iu_c3_resnet": Run(
        "--depth 20 --epochs 1", "fashion-mnist", 200,
        {"iu_c3_resnet": "ResNet-20", "iu_c3_plain": "plain-20"},
    ),
}  # fmt: skip


def run_as_it_stands(name, arguments, folder, tmp_path, monkeypatch, capsys) -> str:
    """Run a copy of a script, alone in a folder, on real data; what it printed."""
    here = tmp_path / "downloads"
    here.mkdir()
    shutil.copy(PATHS[name], here)
    monkeypatch.chdir(here)
    monkeypatch.setattr(datasets, "CIFAR10", stand_in.CIFAR10)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--data", str(folder), *arguments.split()])
    before = torch.random.get_rng_state()
    runpy.run_path(f"{name}.py", run_name="__main__")
    torch.random.set_rng_state(before)
    assert {path.name for path in here.iterdir()} == {f"{name}.py", "out"}
    announced = re.findall(r"`out/([^`]+)`", docstring_of(name))
    assert announced
    for pattern in announced:  # what the docstring says it writes
        assert list((here / "out").glob(pattern)), pattern
    for picture in (here / "out").glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")
    return capsys.readouterr().out


def test_the_dataset_is_made_as_it_stands(folder, tmp_path, monkeypatch, capsys):
    printed = run_as_it_stands("ut_p1_dataset", "", folder, tmp_path, monkeypatch, capsys)
    assert "50000 training images, 10000 test images" in printed
    assert "its label is 6" in printed
    assert "'cat': 3" in printed
    assert "classes [3, 5]" in printed
    assert "first hundred: [3, 5]" in printed
    assert "10000 training images, 2000 test images of cats and dogs" in printed
    assert "after remapping: [0, 1]" in printed
    assert "100 training batches, 100 expected" in printed
    assert "20 test batches, 20 expected" in printed


def test_class_extract_is_the_librarys(folder):
    whole = stand_in.CIFAR10(folder, train=False, download=True)
    theirs = script("ut_p1_dataset").class_extract([3, 5], whole)
    assert theirs.indices == data.class_extract([3, 5], whole).indices


def test_cats_and_dogs_are_the_librarys(folder, monkeypatch):
    monkeypatch.setattr(datasets, "CIFAR10", stand_in.CIFAR10)
    module = script("ut_p2_plain_cnn")
    theirs = module.cats_and_dogs(folder, train=False, limit=50)
    ours = data.load("cats-dogs", "test").select(range(50))
    assert [label for _, label in theirs] == ours.labels.tolist()
    pixels = Normalization(module.MEAN, module.STD)(ours.images)
    torch.testing.assert_close(torch.stack([image for image, _ in theirs]), pixels)


@pytest.mark.parametrize("name", RUNS)
def test_it_runs_as_it_stands(name, folder, tmp_path, monkeypatch, capsys):
    """And the library, given the weights that it saved, has the accuracy that it printed."""
    run = RUNS[name]
    arguments = f"{run.arguments} --limit {run.limit} --device cpu"
    printed = run_as_it_stands(name, arguments, folder, tmp_path, monkeypatch, capsys)
    module = script(name)
    test = data.load(run.dataset, "test").select(range(run.limit))
    constants = [torch.tensor(getattr(module, c, d)).tolist() for c, d in (("MEAN", 0), ("STD", 1))]
    mean, std = (tuple(c) if isinstance(c, list) else (c,) for c in constants)
    batches = Batches(test, 1000, Normalization(mean, std))
    loss = "binary-cross-entropy" if run.dataset == "cats-dogs" else "cross-entropy"
    assert {path.stem for path in Path("out").glob("*.pt")} == set(run.weights)
    for file, case in run.weights.items():
        _, attribute, arguments, library, _ = NETWORKS[case]
        saved = torch.load(f"out/{file}.pt", weights_only=True)
        theirs = getattr(module, attribute)(*arguments)
        theirs.load_state_dict(saved)
        ours = copy.deepcopy(library)
        copy_weights(theirs, ours)
        accuracy = evaluate(ours, batches, loss).accuracy
        assert run.says.format(accuracy) in printed
        assert evaluate(theirs, batches, loss).accuracy == accuracy


def test_the_stand_in_is_called_like_torchvisions():
    theirs, ours = (
        inspect.signature(c.__init__).parameters for c in (datasets.CIFAR10, stand_in.CIFAR10)
    )
    assert list(theirs) == list(ours)
    assert [p.default for p in theirs.values()] == [p.default for p in ours.values()]
