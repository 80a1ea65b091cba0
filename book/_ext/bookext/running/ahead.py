"""Pages run side by side before they are read.

Sphinx reads one page after another, and MyST-NB runs each while it is read, so all processors but
one would wait. Here the pages that the cache does not know yet run first, several at a time; what
they give goes into the cache, where MyST-NB finds it. A page that fails is left to MyST-NB, which
runs it again and reports it as ever. Where experiments are forced, everything runs in turn: two
trainings at once would fight over the GPU.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from sphinx.util import logging

from .execution import RESULTS
from .kernels import forked_kernels

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)

MOST = 4
"""Pages at a time: each is a process with torch in it, about a gigabyte."""

MANY = 5
"""Pages that repay the process that forks their kernels: it takes seconds to import everything."""


def run_ahead(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Run the pages that are about to be read and that the cache does not know."""
    config = app.config
    if config.nb_execution_mode != "cache":
        return
    cache = get_cache(config.nb_execution_cache_path)
    waiting = {}
    for docname in docnames:
        # The list of results is read last, once the chapters have run.
        if docname == RESULTS:
            continue
        path = env.doc2path(docname)
        notebook, read_format = read_notebook(env, path)
        if notebook is not None and not known(cache, notebook):
            waiting[path] = notebook, read_format
    workers = min(len(waiting), os.cpu_count() or 1, MOST)
    if workers < 2:
        return
    logger.info("running %d pages, %d at a time...", len(waiting), workers)

    def execute(path: str) -> Any:
        return single_nb_execution(
            waiting[path][0],
            cwd=str(Path(path).parent),
            timeout=config.nb_execution_timeout,
            allow_errors=config.nb_execution_allow_errors,
        )

    quickly = forked_kernels() if len(waiting) >= MANY else nullcontext()
    with quickly, ThreadPoolExecutor(workers) as pool:
        for path, result in zip(waiting, pool.map(execute, waiting), strict=True):
            if result.err is None:
                notebook, read_format = waiting[path]
                record = cache.add_nb_to_project(path, read_data=read_format)
                seconds = {"execution_seconds": result.time}
                bundle = CacheBundleIn(notebook, record.uri, data=seconds)
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def read_notebook(env: BuildEnvironment, path: str) -> tuple[Any, Any]:
    """A page as MyST-NB will read it, and its format; nothing, where it has no cells."""
    text = Path(path).read_text(encoding="utf-8")
    settings: Any = env
    reader = create_nb_reader(path, settings.myst_config, settings.mystnb_config, text)
    if reader is None:
        return None, None
    notebook = reader.read(text)
    has_cells = any(cell.cell_type == "code" for cell in notebook.cells)
    return (notebook if has_cells else None), reader.read_fmt


def known(cache: Any, notebook: Any) -> bool:
    """Whether the cache holds the outputs of these cells."""
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def setup(app: Sphinx) -> None:
    """Run once it is known which pages will be read, after their order is set."""
    app.setup_extension("bookext.running.execution")
    app.connect("env-before-read-docs", run_ahead, priority=600)
