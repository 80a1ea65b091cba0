"""When pages run again: the execution cache is keyed on all that a cell can see.

Jupyter Book reuses a page's outputs while the text of its cells stays the same. Here cells call a
library, stored records and a data folder, so their text says little. This module moves the cache
to a folder named after a digest of all of these. Another digest is another folder: nothing stale
is found there, and since the folder's name is part of Sphinx's configuration, every page is read
again too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from jupyter_cache.executors import utils
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config


def execution_key(
    contents: Mapping[str, Path], listings: Mapping[str, Path], facts: Mapping[str, str]
) -> str:
    """A digest that changes with anything that could change a page's outputs.

    Args:
        contents: files, or folders with all that is in them, of which every byte counts.
        listings: folders too large to read, of which names, sizes and times count.
        facts: settings and versions.
    """
    digest = sha256()

    def note(*parts: object) -> None:
        digest.update(repr(parts).encode())

    for name, root in sorted(contents.items()):
        for path in files_under(root):
            note(name, _relative(path, root), sha256(path.read_bytes()).hexdigest())
    for name, root in sorted(listings.items()):
        for path in files_under(root):
            status = path.stat()
            note(name, _relative(path, root), status.st_size, status.st_mtime_ns)
    note(sorted(facts.items()))
    return digest.hexdigest()[:16]


def files_under(root: Path) -> list[Path]:
    """Every file of a folder in a fixed order (or the file itself), bytecode apart."""
    found = [root, *root.rglob("*")]
    return sorted(p for p in found if p.is_file() and "__pycache__" not in p.parts)


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def library_folder() -> Path:
    """The folder of the `cnnref` that a page's kernel will import."""
    spec = find_spec("cnnref")
    if spec is None or not spec.submodule_search_locations:
        raise ExtensionError("cnnref is not installed here; try: pip install -e .")
    return Path(next(iter(spec.submodule_search_locations)))


def key_of_build(source: Path, environ: Mapping[str, str]) -> str:
    """The key for this machine, these settings and the book's sources as they are now."""
    contents = {
        "library": library_folder(),
        "questions": source / "book" / "questions.yml",
    }
    if results := environ.get("CNNREF_RESULTS"):
        contents["results"] = Path(results)
    data = environ.get("CNNREF_DATA") or platformdirs.user_cache_path("cnnref")
    facts = {
        "experiments": environ.get("CNNREF_EXPERIMENTS", ""),
        "torch": version("torch"),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    }
    return execution_key(contents, {"data": Path(data)}, facts)


def train_all() -> None:
    """Train each experiment once, by the command that shares the machine out.

    If pages trained, three that show an experiment would do it three times.
    """
    command = [sys.executable, "-m", "cnnref", "run", "--all", "--force"]
    if subprocess.run(command, env=os.environ | {"CNNREF_EXPERIMENTS": "auto"}).returncode:
        raise ExtensionError("the training that was asked for has failed; its words are above")


def configure(app: Sphinx, config: Config) -> None:
    """Point the cache to the folder of the present key; where all is to be trained, train first."""
    if os.environ.get("CNNREF_EXPERIMENTS") == "force":
        train_all()
        os.environ["CNNREF_EXPERIMENTS"] = "stored"
    os.environ["TQDM_DISABLE"] = "1"  # kernels inherit it: a progress bar is no part of a page
    # One thread per page, since several run at a time; and rounding errors, which pages print, do
    # not depend on the number of processors then.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cache = Path(app.outdir).parent / ".jupyter_cache" / key_of_build(Path(app.srcdir), os.environ)
    config.nb_execution_cache_path = str(cache)


def prune(app: Sphinx, exception: Exception | None) -> None:
    """After a good build, delete the caches of all other keys: nothing will ask for them."""
    present = Path(app.config.nb_execution_cache_path)
    if exception is None and present.is_dir():
        for folder in present.parent.iterdir():
            if folder != present:
                shutil.rmtree(folder)


def prepare_kernels() -> None:
    """Have what a cell prints arrive in one piece.

    A kernel sends what is printed in pieces, cut elsewhere in each run, so two builds would differ.
    MyST-NB's own setting for this puts a line break at every cut; nbclient's does not, but no
    configuration reaches it through jupyter-cache.
    """
    utils.executenb = partial(utils.executenb, coalesce_streams=True)


def setup(app: Sphinx) -> None:
    """Set the key before any page is read."""
    prepare_kernels()
    app.connect("config-inited", configure)
    app.connect("build-finished", prune)
