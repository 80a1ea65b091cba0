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
from pathlib import Path

import platformdirs
from jupyter_cache.executors import utils
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

import cnnref


def files_under(root: Path) -> list[Path]:
    """Every file of a folder in a fixed order (or the file itself), bytecode apart."""
    found = [root, *root.rglob("*")]
    return sorted(p for p in found if p.is_file() and "__pycache__" not in p.parts)


def key_of_build(source: Path, environ: Mapping[str, str]) -> str:
    """A digest of all that a cell can see on this machine, with these settings.

    Of the library, the questions and stored records every byte counts; of data, which are too large
    to read, names, sizes and times.
    """
    data = environ.get("CNNREF_DATA") or platformdirs.user_cache_path("cnnref")
    read = [Path(cnnref.__file__).parent, source / "book" / "questions.yml"]
    if results := environ.get("CNNREF_RESULTS"):
        read.append(Path(results))
    seen: list[object] = [environ.get("CNNREF_EXPERIMENTS"), version("torch"), sys.version_info[:2]]
    for root in read:
        for path in files_under(root):
            seen.append((path.relative_to(root), sha256(path.read_bytes()).hexdigest()))
    for path in files_under(Path(data)):
        status = path.stat()
        seen.append((path.relative_to(data), status.st_size, status.st_mtime_ns))
    return sha256(repr(seen).encode()).hexdigest()[:16]


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
