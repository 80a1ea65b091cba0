"""The house has four floors, and imports only go down."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import cnnref
from cnnref import accounting

ROOT = Path(cnnref.__file__).parent
FLOORS = {
    "errors": 0, "disk": 0,
    "windows": 1, "convolution": 1,
    "models": 2, "data": 2, "accounting": 2,
    "training": 3,
    "experiments": 4, "figures": 4, "notebook": 4, "cli": 4, "__main__": 4,
}  # fmt: skip
SAME_FLOOR = {
    ("convolution", "windows"),
    ("figures", "experiments"),
    ("notebook", "experiments"),
    ("cli", "experiments"),
    ("__main__", "cli"),
    ("accounting", "models"),
    ("__init__", "accounting"),
    ("__init__", "windows"),  # for types; else on first use
}
# The rooms of the two largest packages, from the bottom.
ROOMS = {
    "accounting": {
        "operation": 0,
        "counting": 1, "receptive_fields": 1,
        "tracing": 2,
        "summary": 3,
        "effective_field": 4, "timing": 4,
    },
    "experiments": {
        "statistics": 0, "record": 0, "catalogue": 0, "verdicts": 0,
        "store": 1, "probe": 1, "workers": 1, "raw_images": 1, "outcome": 1,
        "trainer": 2, "verification": 2,
        "runner": 3, "schedule": 3,
        "comparison": 4,
        "claims": 5,
        "report": 6,
    },
}  # fmt: skip


def imported(path: Path) -> set[str]:
    """Full names of the modules of cnnref that a file imports, wherever in the file, and be it for
    types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by full name"
            whole = node.module or ""
            names = [f"{whole}.{alias.name}" for alias in node.names]
            # What is no module of its own is a name in the one that it comes from.
            names = [name if is_module(name) else whole for name in names]
        found |= {name for name in names if name.startswith("cnnref.")}
    return found


def is_module(name: str) -> bool:
    """Whether a full name is a module of the library."""
    path = ROOT.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_every_module_stands_on_a_floor():
    modules = {path.stem for path in ROOT.iterdir() if path.suffix == ".py"}
    packages = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert (modules | packages) - {"__init__"} == set(FLOORS)
    assert set(cnnref._MODULES) == set(FLOORS) - {"__main__"}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_only_go_down(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for other in {name.split(".")[1] for name in imported(path)} - {room}:
        down = FLOORS.get(room, 0) > FLOORS[other]
        allowed = down or (room, other) in SAME_FLOOR
        assert allowed, f"{room} must not import {other}"


@pytest.mark.parametrize("package", ROOMS)
def test_the_rooms_of_a_package_import_only_down(package):
    home, rooms = ROOT / package, ROOMS[package]
    sources = [p for p in home.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()]
    assert {path.stem for path in sources} - {"__init__"} == set(rooms)
    for path in home.rglob("*.py"):
        room = path.relative_to(home).parts[0].removesuffix(".py")
        names = (name.split(".") for name in imported(path))
        for other in {name[2] for name in names if name[1] == package and name[2:]} - {room}:
            down = rooms.get(room, 9) > rooms[other]
            assert down, f"{room} must not import {other}"


def test_no_modules_import_in_a_circle():
    """Not for types alone, either: what Python does not run, a reader still meets."""
    graph = {}
    for path in ROOT.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        graph[name.removesuffix(".__init__")] = imported(path)
    TopologicalSorter(graph).prepare()  # its CycleError names the modules


@pytest.mark.parametrize("module", ["cnnref", "cnnref.windows", "cnnref.accounting"])
def test_imports_that_do_without_torch(module):
    code = (
        f"import sys, {module}; print(*{{'torch', 'matplotlib', 'torchvision'}} & {{*sys.modules}})"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


@pytest.mark.parametrize(
    ("module", "absent"),
    {
        "cnnref.training": {"matplotlib"},
        "cnnref.experiments": {"matplotlib", "IPython"},
        "cnnref.figures": {"IPython"},
    }.items(),
)
def test_imports_that_do_without_drawing(module, absent, in_a_fork):
    done = in_a_fork(f"import sys, {module}; print(*{absent} & sys.modules.keys())")
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_modules_load_on_first_use_and_unknown_ones_are_named():
    assert cnnref.windows.Window(3).span == 3
    assert {"training", "summarize", "Window"} <= {*dir(cnnref)}
    assert cnnref.Window is cnnref.windows.Window
    assert cnnref.summarize is accounting.summarize
    with pytest.raises(AttributeError, match="no attribute 'layers'"):
        _ = cnnref.layers


def test_accounting_loads_its_parts_on_first_use():
    assert {name for name in accounting.__all__ if getattr(accounting, name)} == set(
        accounting._HOMES
    )
    assert set(accounting.__all__) <= set(dir(accounting))
    with pytest.raises(AttributeError, match="no attribute 'summarise'; it has .*, summarize"):
        _ = accounting.summarise
